"""The session for programs: its token, and who is signed in."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.errors import NotSignedInError
from console.sessions import Sessions, token


def routes(sessions: Sessions) -> APIRouter:
    """The route that a program asks before it signs in, and again after."""
    router = APIRouter(prefix="/api", tags=["session"])

    @router.get("/session", summary="The token that changing requests carry as X-Token, and the user")
    async def session(request: Request) -> Response:
        try:
            user = (await sessions.user(request)).user_id
        except NotSignedInError:
            user = None
        return JSONResponse({"token": token(request), "user": user})

    return router
