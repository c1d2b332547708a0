"""Password checks cost the same for known and unknown names."""

import asyncio
import time
from statistics import median

from argon2 import PasswordHasher

from console.passwords import Passwords


def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    passwords = Passwords()
    known = PasswordHasher().hash("right")

    def seconds(password_hash: str | None) -> float:
        start = time.perf_counter()
        assert not asyncio.run(passwords.verify(password_hash, "wrong"))
        return time.perf_counter() - start

    pairs = [(seconds(known), seconds(None)) for _ in range(5)]
    assert 0.5 < median(unknown for _, unknown in pairs) / median(wrong for wrong, _ in pairs) < 2


def test_right_wrong_and_broken_hashes() -> None:
    passwords = Passwords()
    known = PasswordHasher().hash("right")
    assert asyncio.run(passwords.verify(known, "right"))
    assert not asyncio.run(passwords.verify(known, "wrong"))
    assert not asyncio.run(passwords.verify("not a hash", "right"))
    assert not asyncio.run(passwords.verify(None, ""))
