"""The API of dispositions: what alerts turned out to be, and the labels that follow from it."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response, StreamingResponse

from alerts.dispositions import LONGEST_REASON, Answer, Disposition, Harm
from alerts.views import LabelRow, User
from console.api.rules import PRINTED, answer, person_of
from console.ports import Dispositions
from console.sessions import Sessions
from events.clock import milliseconds, rfc3339

Words = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON, pattern=PRINTED)]
COLUMNS = ("event_id", "label", "known_at", "scenario", "group", "source")


class Said(BaseModel):
    """An analyst's word on an alert."""

    disposition: Disposition
    harm: Harm | None = None
    reason: Words
    hits: Annotated[int, Field(ge=1)]


def routes(dispositions: Dispositions, sessions: Sessions) -> APIRouter:
    """The routes under /api; times are RFC 3339 in UTC."""
    router = APIRouter(prefix="/api", tags=["alerts"])
    signed_in = Annotated[User, Depends(sessions.user)]

    @router.post("/alerts/{alert_id}/disposition", summary="Say what an alert turned out to be")
    def give(user: signed_in, alert_id: Annotated[str, Path(max_length=64)], said: Said) -> Response:
        given = Answer(disposition=said.disposition, harm=said.harm, reason=said.reason, hits=said.hits)
        return answer(dispositions.give(alert_id, given, person_of(user)), 201)

    @router.get("/labels", summary="Labels that people gave, as CSV, the oldest first")
    def labels(
        _: signed_in,
        by: Annotated[AwareDatetime | None, Query(description="What became known later is left out.")] = None,
    ) -> Response:
        rows = dispositions.labels(None if by is None else milliseconds(by))
        return StreamingResponse(_lines(rows), media_type="text/csv; charset=utf-8")

    return router


def _lines(rows: Iterable[LabelRow]) -> Iterator[str]:
    yield _line(COLUMNS)
    for row in rows:
        yield _line((row.target, row.label, rfc3339(row.known_at), row.scenario, row.group, row.source))


def _line(cells: Iterable[str]) -> str:
    target = io.StringIO()
    csv.writer(target).writerow(cells)
    return target.getvalue()
