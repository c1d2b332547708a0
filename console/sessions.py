"""Who is signed in: the session in the signed cookie, its user and its token against forged POSTs."""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import HTTPConnection, Request

from alerts.views import User
from console.errors import ForbiddenError, NotSignedInError
from console.ports import UserReader

COOKIE = "fenghuo_session"
HOURS = 12  # one shift; the cookie ends then, however busy it was
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Sessions:
    """Reads and writes the session of a request.

    The cookie names the user only; who that is, and whether the password is still the one that was given, is
    asked at each request, so that a changed password or a removed person ends every session at once.
    """

    users: UserReader

    async def user(self, request: Request) -> User:
        """The signed-in user; also kept in `request.state.user` for the page's head.

        Raises:
            NotSignedInError: nobody is signed in.
        """
        user_id = request.session.get("user")
        found = await self.users.credentials(user_id) if isinstance(user_id, str) else None
        if found is None or not _same(request.session.get("stamp"), _stamp(found[1])):
            raise NotSignedInError("nobody is signed in; sign in at /sign-in")
        request.state.user = found[0]
        return found[0]

    def begin(self, request: Request, user: User, password_hash: str) -> None:
        """Start a fresh session, with nothing kept of the one before it."""
        request.session.clear()
        request.session.update({"user": user.user_id, "stamp": _stamp(password_hash)})

    def end(self, request: Request) -> None:
        """End the session."""
        request.session.clear()


def token(request: HTTPConnection) -> str:
    """The session's token, which every form carries."""
    known = request.session.get("token")
    if isinstance(known, str):
        return known
    fresh = secrets.token_urlsafe(24)
    request.session["token"] = fresh
    return fresh


async def refuse_forged(request: Request) -> None:
    """Let a changing request pass only with the session's token, as header `X-Token` or form field `token`.

    Raises:
        ForbiddenError: the token is missing or another session's.
    """
    if request.method in _SAFE:
        return
    given = request.headers.get("x-token")
    if given is None:
        field = (await request.form()).get("token")
        given = field if isinstance(field, str) else None
    if not _same(given, request.session.get("token")):
        raise ForbiddenError("the form's token is missing or expired; load the page again")


def _stamp(password_hash: str) -> str:
    return sha256(password_hash.encode()).hexdigest()[:16]


def _same(given: object, expected: object) -> bool:
    return (
        isinstance(given, str)
        and isinstance(expected, str)
        and hmac.compare_digest(given.encode(), expected.encode())
    )
