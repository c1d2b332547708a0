"""A limit on the size of what is sent to the console."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 65_536  # bytes; the largest form is the sign-in
MAX_PACK = 1 << 20  # bytes; of a rule pack's text
PACKS = "/api/rules/packs"


class BodyLimit:
    """ASGI middleware: a body of more than `MAX_BODY` bytes, of a pack `MAX_PACK`, is answered with 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count its body as it is read."""
        read = 0
        most = MAX_PACK if scope.get("path") == PACKS else MAX_BODY

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413)
            return message

        await self._app(scope, counted if scope["type"] == "http" else receive, send)
