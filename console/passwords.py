"""Password checks whose duration does not tell whether the name exists."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MAX_PASSWORD = 256
AT_ONCE = 2  # each check takes a core and 64 MiB for some 50 ms


class Passwords:
    """Verifies argon2 hashes in a worker thread, a few at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._decoy = self._hasher.hash(secrets.token_urlsafe())
        self._places = asyncio.Semaphore(AT_ONCE)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """True when `password` fits; None for an unknown name costs the same work and is never right."""
        async with self._places:
            fits = await asyncio.to_thread(self._fits, password_hash or self._decoy, password[:MAX_PASSWORD])
        return fits and password_hash is not None and len(password) <= MAX_PASSWORD

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
