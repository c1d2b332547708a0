"""Signing in and out, and the choice of language."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.passwords import Passwords
from console.ports import UserReader
from console.render import LANGUAGE_COOKIE, Renderer
from console.sessions import Sessions
from console.text import LANGUAGES
from console.throttle import Throttle

YEAR = 365 * 86_400  # seconds
MAX_NAME = 64


class DemoUser(Struct, frozen=True):
    """A user of the demonstration, whose password stands on the sign-in page."""

    user_id: str
    password: str
    name: str
    role: str
    also: tuple[str, ...] = ()  # further roles


def local(path: str | None) -> str:
    """`path` where it leads to a page of this console, else the board; nobody is sent to another site.

    >>> local("/alerts/1?hits=9"), local("//evil.example"), local("https://evil.example"), local(None)
    ('/alerts/1?hits=9', '/', '/', '/')
    """
    if not path or not path.startswith("/") or path.startswith("//"):
        return "/"
    return path if path.isprintable() and "\\" not in path else "/"


def routes(
    users: UserReader,
    sessions: Sessions,
    renderer: Renderer,
    passwords: Passwords,
    throttle: Throttle,
    demo_users: Sequence[DemoUser],
    *,
    secure_cookies: bool,
) -> APIRouter:
    """The routes of sign-in, sign-out and language."""
    router = APIRouter(include_in_schema=False)

    def form(
        request: Request, wanted: str, name: str = "", problem: str | None = None, status: int = 200
    ) -> Response:
        return renderer.page(
            request, "sign_in.html", status, wanted=wanted, name=name, problem=problem, demo_users=demo_users
        )

    @router.get("/sign-in")
    async def show(request: Request) -> Response:
        return form(request, local(request.query_params.get("next")))

    @router.post("/sign-in")
    async def sign_in(
        request: Request,
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        wanted: Annotated[str, Form(alias="next")] = "/",
    ) -> Response:
        name = name.strip()[:MAX_NAME]
        texts = renderer.wording(request).texts
        address = request.client.host if request.client else ""
        wait = throttle.wait(name, address)
        if wait:
            problem = texts("sign_in.wait", minutes=-(-wait // 60))
            response = form(request, local(wanted), name, problem, 429)
            response.headers["Retry-After"] = str(wait)
            return response
        throttle.count(name, address)
        found = await users.credentials(name)
        if not await passwords.verify(found[1] if found else None, password) or found is None:
            return form(request, local(wanted), name, texts("sign_in.wrong"), 401)
        throttle.forgive(name, address)
        sessions.begin(request, *found)
        return RedirectResponse(local(wanted), 303)

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        sessions.end(request)
        return RedirectResponse("/sign-in", 303)

    @router.post("/language")
    async def language(
        language: Annotated[str, Form()] = "", wanted: Annotated[str, Form(alias="next")] = "/"
    ) -> Response:
        response = RedirectResponse(local(wanted), 303)
        if language in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE, language, max_age=YEAR, httponly=True, samesite="lax", secure=secure_cookies
            )
        return response

    return router
