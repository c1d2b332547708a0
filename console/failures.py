"""What a reader or a program is told when a request can't be answered."""

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alerts.dispositions import DispositionError
from alerts.views import CursorError
from console.errors import FilterError, ForbiddenError, NotFoundError, NotSignedInError
from console.render import Renderer
from events.rights import LifecycleError, Refusal
from rules.errors import PackError

_MACHINES = ("/api/", "/events", "/metrics", "/healthz")
_STATUS = {FilterError: 400, CursorError: 400, ForbiddenError: 403, NotFoundError: 404}
_REFUSED = {Refusal.ROLE: 403, Refusal.OWN_WORK: 403, Refusal.UNKNOWN: 404, Refusal.TIME: 400}
_TEXTS = frozenset({400, 403, 404, 405, 413})

_log = structlog.get_logger(__name__)

Handler = Callable[[Request, Exception], Awaitable[Response]]


class Failures:
    """Answers failed requests: a page for people, one JSON body for programs."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def install(self, app: FastAPI) -> None:
        """Answer the console's errors and the framework's in this way."""
        for error, status in _STATUS.items():
            app.add_exception_handler(error, _answering(self, status))
        app.add_exception_handler(NotSignedInError, self._not_signed_in)
        app.add_exception_handler(HTTPException, self._framework)
        app.add_exception_handler(RequestValidationError, self._not_usable)
        app.add_exception_handler(PackError, _answering(self, 400))
        app.add_exception_handler(LifecycleError, self._refused)
        app.add_exception_handler(DispositionError, _answering(self, 409))

    def answer(self, request: Request, status: int, message: str, incident: str | None = None) -> Response:
        """The response for `status`; `message` is for programs, people get the catalogue's text."""
        if request.url.path.startswith(_MACHINES):
            body = {"status": status, "message": message}
            return JSONResponse({"error": body | ({"incident": incident} if incident else {})}, status)
        text = str(status) if status in _TEXTS or incident else "400"
        return self._renderer.page(request, "failure.html", status, text=text, incident=incident)

    async def _not_signed_in(self, request: Request, error: Exception) -> Response:
        if request.url.path.startswith(_MACHINES):
            return self.answer(request, 401, str(error))
        if "hx-request" in request.headers:
            # A fetch would follow a redirect and put the sign-in page into the middle of this one.
            return Response(status_code=401, headers={"HX-Redirect": _sign_in(_shown_address(request))})
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(_sign_in(wanted if request.method == "GET" else "/"), 303)

    async def _not_usable(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        told = [f"`{'.'.join(map(str, one['loc']))}`: {one['msg']}" for one in error.errors()]
        return self.answer(request, 400, "; ".join(told))

    async def _refused(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, LifecycleError):
            raise error
        return self.answer(request, _REFUSED.get(error.refusal, 409), str(error))

    async def _framework(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        return self.answer(request, error.status_code, HTTPStatus(error.status_code).phrase)


class Incidents:
    """ASGI middleware: an unexpected exception is logged under an id; the reader sees the id only."""

    def __init__(self, app: ASGIApp, failures: Failures) -> None:
        self._app = app
        self._failures = failures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 500 when it fails before its response has begun."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            incident = secrets.token_hex(4)
            _log.exception("incident", incident=incident, method=scope["method"], path=scope["path"])
            if begun:
                raise
            response = self._failures.answer(Request(scope, receive), 500, "unexpected error", incident)
            await response(scope, receive, send)


def _answering(failures: Failures, status: int) -> Handler:
    async def handler(request: Request, error: Exception) -> Response:
        return failures.answer(request, status, str(error))

    return handler


def _shown_address(request: Request) -> str:
    address = urlsplit(request.headers.get("hx-current-url", ""))
    return address.path + (f"?{address.query}" if address.query else "")


def _sign_in(wanted: str) -> str:
    return f"/sign-in?next={quote(wanted)}" if wanted not in {"", "/"} else "/sign-in"
