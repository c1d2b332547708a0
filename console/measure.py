"""How many requests the console answers, and how long they take."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetry.metrics import ConsoleMetrics

_METHODS = frozenset({"GET", "HEAD", "POST"})
_STREAMS = frozenset({"/events"})  # open for as long as somebody looks: no answer time


class Measured:
    """ASGI middleware: counts requests by route template, never by address, so labels stay bounded."""

    def __init__(self, app: ASGIApp, metrics: ConsoleMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note its status."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            seconds = None if route in _STREAMS else time.perf_counter() - started
            self._metrics.answered(route, method, status, seconds)
