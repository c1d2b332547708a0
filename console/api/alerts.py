"""The JSON API: the same alerts and counts as on the pages."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from alerts.views import AlertDetail, AlertRow, QueueCount, User
from console.filters import read_filter
from console.pages.alert import find, hits_wanted
from console.ports import AlertReader
from console.sessions import Sessions
from events.clock import rfc3339

_TIMES = ("first_hit_at", "last_hit_at", "raised_at")


def routes(alerts: AlertReader, sessions: Sessions) -> APIRouter:
    """The routes under /api; times are RFC 3339 in UTC, money is integer fen."""
    router = APIRouter(prefix="/api", tags=["alerts"])

    @router.get("/queues", summary="Open cases by queue and tier")
    async def queues(_: Annotated[User, Depends(sessions.user)]) -> Response:
        counts: list[QueueCount] = await alerts.counts()
        return _json({"queues": counts})

    @router.get("/alerts", summary="Open alerts, highest tier first, newest first within a tier")
    async def listed(request: Request, _: Annotated[User, Depends(sessions.user)]) -> Response:
        wanted = read_filter(request.query_params)
        found = await alerts.alerts(replace(wanted, limit=wanted.limit + 1))
        rows = found[: wanted.limit]
        following = rows[-1].cursor if len(found) > wanted.limit else None
        return _json({"alerts": [_row(row) for row in rows], "next": following})

    @router.get("/alerts/{alert_id}", summary="One alert with the newest of its hits")
    async def one(request: Request, alert_id: str, _: Annotated[User, Depends(sessions.user)]) -> Response:
        detail = await find(alerts, alert_id, hits_wanted(request.query_params.get("hits")))
        return _json(_detail(detail))

    return router


def _row(row: AlertRow) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.structs.asdict(row)
    return fields | {name: rfc3339(fields[name]) for name in _TIMES}


def _detail(detail: AlertDetail) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.structs.asdict(detail)
    del fields["row"]
    return _row(detail.row) | fields


def _json(body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")
