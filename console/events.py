"""The live stream: one subscription to the store, passed on to every open browser as Server-Sent Events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from weakref import WeakSet

import msgspec
import structlog
from fastapi import APIRouter, Depends
from starlette.responses import StreamingResponse

from alerts.views import User
from console.ports import AlertReader
from console.sessions import Sessions

HEARTBEAT = 15.0  # seconds
LIFETIME = 600.0  # seconds; then the browser connects anew, and is asked again who it is
RETRY = 1.0  # seconds between attempts to follow the store
MAX_PENDING = 500

_log = structlog.get_logger(__name__)


class Subscription:
    """The changes that one browser has not been told of yet."""

    def __init__(self) -> None:
        self._pending: set[str] = set()
        self._all = True
        self._wake = asyncio.Event()
        self._wake.set()
        self._closed = asyncio.Event()

    def add(self, alert_id: str) -> None:
        """Note that an alert changed."""
        self._pending.add(alert_id)
        self._all = self._all or len(self._pending) > MAX_PENDING
        self._wake.set()

    def add_all(self) -> None:
        """Note that anything may have changed."""
        self._all = True
        self._wake.set()

    def close(self) -> None:
        """End the stream."""
        self._closed.set()
        self._wake.set()

    async def messages(self) -> AsyncIterator[bytes]:
        """Encoded messages until closed; changes while one is being sent go together into the next.

        `ready` says: ask for everything anew. `alerts` names what changed. A comment keeps an idle connection
        open.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + LIFETIME
        yield b"retry: 2000\n\n"
        while not self._closed.is_set() and loop.time() < end:
            try:
                await asyncio.wait_for(self._wake.wait(), HEARTBEAT)
            except TimeoutError:
                yield b": beat\n\n"
                continue
            self._wake.clear()
            if self._closed.is_set():
                return
            everything, ids = self._all, sorted(self._pending)
            self._all = False
            self._pending.clear()
            data = msgspec.json.encode({"ids": [] if everything else ids})
            yield b"event: " + (b"ready" if everything else b"alerts") + b"\ndata: " + data + b"\n\n"


class Changes:
    """Follows `AlertReader.changes` once for all browsers."""

    def __init__(self, alerts: AlertReader) -> None:
        self._alerts = alerts
        self._subscriptions: WeakSet[Subscription] = WeakSet()
        self._closed = False

    async def follow(self) -> None:
        """Pass changes on until cancelled; when the store fails, try again and have the browsers reload."""
        while not self._closed:
            try:
                async for alert_id in self._alerts.changes():
                    for subscription in self._subscriptions:
                        subscription.add(alert_id)
            except Exception:  # noqa: BLE001  (whatever it was, the boards must not stand still from now on)
                _log.exception("alert_stream_broke", again_in=RETRY)
            await asyncio.sleep(RETRY)
            for subscription in self._subscriptions:
                subscription.add_all()

    async def stream(self) -> AsyncIterator[bytes]:
        """The messages for one browser."""
        subscription = Subscription()
        if self._closed:
            return
        self._subscriptions.add(subscription)
        try:
            async for message in subscription.messages():
                yield message
        finally:
            self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End every stream, now and from now on, so that the server can stop at once."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()


def routes(changes: Changes, sessions: Sessions) -> APIRouter:
    """The route of the stream."""
    router = APIRouter(include_in_schema=False)

    @router.get("/events")
    async def events(_: Annotated[User, Depends(sessions.user)]) -> StreamingResponse:
        return StreamingResponse(
            changes.stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )

    return router
