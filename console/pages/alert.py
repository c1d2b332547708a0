"""One alert: what happened, what it rests on, and the hits that it has grown from."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from alerts.hit import Hit
from alerts.views import AlertDetail, User
from console.errors import NotFoundError
from console.ports import AlertReader
from console.render import Renderer
from console.sessions import Sessions
from rules.decision import Contribution, ModelScore, Text

HITS = 20
MAX_HITS = 500
MAX_ID = 64
BAR = 100
"""Half the width of the chart of contributions, in its own units."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One contribution as a bar from the middle line; positive pushes towards anomalous, to the right.

    Args:
        contribution: what it shows.
        x: where it begins.
        width: how long it is.
        sentence: the contribution in words; None for a hit that was made without any.
    """

    contribution: Contribution
    x: int
    width: int
    sentence: Text | None


def bars(model: ModelScore, sentences: Sequence[Text] = ()) -> list[Bar]:
    """The contributions drawn to the scale of the largest."""
    largest = max((abs(top.contribution) for top in model.top), default=0) or 1
    widths = [max(round(BAR * abs(top.contribution) / largest), 1) for top in model.top]
    return [
        Bar(top, BAR if top.contribution >= 0 else BAR - width, width, sentence)
        for top, width, sentence in zip_longest(model.top, widths, sentences[: len(widths)])
    ]


def leading(detail: AlertDetail, wanted: str | None) -> Hit | None:
    """The hit to show in full: the one `wanted`, else the newest of the alert's tier, else the newest."""
    hits = detail.hits
    chosen = (hit for hit in hits if hit.hit_id == wanted)
    strongest = (hit for hit in hits if hit.tier is detail.row.tier)
    return next(chosen, None) or next(strongest, None) or next(iter(hits), None)


def routes(alerts: AlertReader, sessions: Sessions, renderer: Renderer) -> APIRouter:
    """The route of the alert's page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/alerts/{alert_id}")
    async def alert(request: Request, alert_id: str, _: Annotated[User, Depends(sessions.user)]) -> Response:
        shown = hits_wanted(request.query_params.get("hits"))
        detail = await find(alerts, alert_id, shown)
        hit = leading(detail, request.query_params.get("hit"))
        return renderer.page(
            request,
            "alert.html",
            alert=detail.row,
            detail=detail,
            hit=hit,
            bars=bars(hit.model, hit.explanation or ()) if hit and hit.model else [],
            bar=BAR,
            shown=shown,
            more=min(shown + 2 * HITS, MAX_HITS) if detail.row.hits > len(detail.hits) < MAX_HITS else None,
        )

    return router


def hits_wanted(text: str | None) -> int:
    """How many hits to show; the usual number where the address asks for none or for nonsense."""
    if text and text.isascii() and text.isdigit() and len(text) <= len(str(MAX_HITS)):
        return min(max(int(text), 1), MAX_HITS)
    return HITS


async def find(alerts: AlertReader, alert_id: str, hits: int) -> AlertDetail:
    """The alert with its newest hits.

    Raises:
        NotFoundError: there is no such alert.
    """
    usable = len(alert_id) <= MAX_ID and alert_id.isascii() and alert_id.replace("-", "").isalnum()
    detail = await alerts.alert(alert_id, hits) if usable else None
    if detail is None:
        raise NotFoundError(f"no alert `{alert_id[:MAX_ID]}`")
    return detail
