"""The board: how many alerts wait in which queue, and the list of open ones."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from alerts.views import AlertFilter, AlertRow, QueueCount, User
from console.filters import first_page, link, read_filter
from console.ports import AlertReader
from console.render import Renderer
from console.sessions import Sessions
from rules.decision import Tier

TIERS = tuple(reversed(Tier))
"""Tiers as they are shown: the most urgent first."""

FORM = "form#filters"
"""How htmx names the filter form in its requests."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A count that is also a link to the list behind it."""

    key: str
    open: int
    link: str
    selected: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One queue of the matrix, or the line of totals where `queue` is None."""

    queue: str | None
    cells: list[Cell]
    total: Cell


def matrix(counts: Sequence[QueueCount], wanted: AlertFilter) -> list[Line]:
    """The lines of queues × tiers: the totals, then the queues by name: no line moves as counts change."""
    queues = {count.queue for count in counts} | _chosen(wanted.queue)
    return [_line(queue, counts, wanted) for queue in (None, *sorted(queues))]


def _line(queue: str | None, counts: Sequence[QueueCount], wanted: AlertFilter) -> Line:
    def cell(tier: Tier | None) -> Cell:
        return Cell(
            key=f"{queue or '*'}.{tier or '*'}",
            open=sum(
                count.open for count in counts if queue in {None, count.queue} and tier in {None, count.tier}
            ),
            link=link(wanted, queue=queue, tier=tier),
            selected=(wanted.queue, wanted.tier) == (queue, tier),
        )

    return Line(queue, [cell(tier) for tier in TIERS], cell(None))


def scenarios(rows: Sequence[AlertRow], wanted: AlertFilter) -> list[str]:
    """The scenarios to choose from: those in the list, and the one chosen."""
    return sorted({row.scenario for row in rows} | _chosen(wanted.scenario))


def _chosen(name: str | None) -> set[str]:
    return {name} if name is not None else set()


def routes(alerts: AlertReader, sessions: Sessions, renderer: Renderer) -> APIRouter:
    """The route of the board."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def board(request: Request, _: Annotated[User, Depends(sessions.user)]) -> Response:
        wanted = read_filter(request.query_params)
        counts, found = await asyncio.gather(
            alerts.counts(), alerts.alerts(replace(wanted, limit=wanted.limit + 1))
        )
        rows = found[: wanted.limit]
        more = link(wanted, before=rows[-1].cursor) if len(found) > wanted.limit else None
        page = renderer.page(
            request,
            "board.html",
            lines=matrix(counts, wanted),
            tiers=TIERS,
            wanted=wanted,
            filtered=first_page(wanted) != AlertFilter(limit=wanted.limit),
            scenarios=scenarios(rows, wanted),
            rows=rows,
            more=more,
            top=link(wanted),
        )
        if request.headers.get("hx-source") == FORM:
            page.headers["HX-Push-Url"] = link(wanted)  # without the fields that were left empty
        return page

    return router
