"""The console's application, made from the objects that it is given."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles

from console import events
from console.api import alerts as alerts_api
from console.api import dispositions as dispositions_api
from console.api import models as models_api
from console.api import operations
from console.api import rules as rules_api
from console.api import session as session_api
from console.errors import SettingError
from console.events import Changes
from console.failures import Failures, Incidents
from console.headers import SecurityHeaders
from console.limits import BodyLimit
from console.measure import Measured
from console.pages import alert, board, sign_in
from console.pages import models as models_page
from console.pages import rules as rules_page
from console.pages.sign_in import DemoUser
from console.passwords import Passwords
from console.ports import AlertReader, Dispositions, Models, Rules, UserReader
from console.render import Renderer
from console.sessions import COOKIE, HOURS, Sessions, refuse_forged
from console.throttle import Throttle
from events.clock import Clock, wall_clock
from rules.decision import Text
from telemetry.metrics import ConsoleMetrics

MIN_SECRET = 32


def create_app(
    *,
    alerts: AlertReader,
    users: UserReader,
    rules: Rules,
    models: Models,
    dispositions: Dispositions,
    session_secret: str,
    metrics: CollectorRegistry,
    banner: Text | None = None,
    demo_users: Sequence[DemoUser] = (),
    secure_cookies: bool = False,
    clock: Clock = wall_clock,
) -> FastAPI:
    """The console over one store; run it by `ConsoleServer`.

    Args:
        alerts: reads alerts and cases.
        users: finds people by name.
        rules: the life of rules.
        models: the life of models.
        dispositions: what people say of alerts.
        session_secret: key that signs the session cookies, at least 32 characters.
        metrics: what /metrics shows.
        banner: a sentence above every page, by language.
        demo_users: users whose passwords the sign-in page shows.
        secure_cookies: True when browsers come by HTTPS.
        clock: the present, for ages.

    Raises:
        SettingError: the secret is too short.
    """
    if len(session_secret) < MIN_SECRET:
        raise SettingError(
            f"`session_secret` has {len(session_secret)} characters; give {MIN_SECRET} random ones or more"
        )
    changes = Changes(alerts)
    sessions = Sessions(users)
    renderer = Renderer(clock, banner)
    failures = Failures(renderer)
    app = FastAPI(
        title="Fenghuo",
        lifespan=_following(changes),
        dependencies=[Depends(refuse_forged)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.changes = changes
    failures.install(app)
    app.include_router(board.routes(alerts, sessions, renderer))
    app.include_router(alert.routes(alerts, dispositions, sessions, renderer))
    app.include_router(rules_page.routes(rules, sessions, renderer))
    app.include_router(models_page.routes(models, sessions, renderer))
    app.include_router(
        sign_in.routes(
            users, sessions, renderer, Passwords(), Throttle(), demo_users, secure_cookies=secure_cookies
        )
    )
    app.include_router(alerts_api.routes(alerts, sessions))
    app.include_router(dispositions_api.routes(dispositions, sessions))
    app.include_router(session_api.routes(sessions))
    app.include_router(rules_api.routes(rules, sessions))
    app.include_router(models_api.routes(models, sessions))
    app.include_router(operations.routes(alerts, metrics))
    app.include_router(events.routes(changes, sessions))
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    app.add_middleware(BodyLimit)
    app.add_middleware(Incidents, failures=failures)
    app.add_middleware(
        SessionMiddleware,
        secret_key=session_secret,
        session_cookie=COOKIE,
        max_age=HOURS * 3600,
        https_only=secure_cookies,
    )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Measured, metrics=ConsoleMetrics(metrics))
    return app


def _following(changes: Changes) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(changes.follow())
        yield
        changes.close()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following

    return lifespan
