"""One alert: what happened, what it rests on, and the hits that it has grown from."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alerts.cases import CaseStatus
from alerts.dispositions import LONGEST_REASON, RIGHT, Answer, Disposition, DispositionError, Harm
from alerts.hit import Hit
from alerts.views import AlertDetail, User
from console.api.rules import PRINTED, person_of
from console.errors import NotFoundError
from console.ports import AlertReader, Dispositions
from console.render import Renderer
from console.sessions import Sessions
from events.rights import LifecycleError, Refusal
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


def routes(
    alerts: AlertReader, dispositions: Dispositions, sessions: Sessions, renderer: Renderer
) -> APIRouter:
    """The routes of the alert's page and of what is said of it."""
    router = APIRouter(include_in_schema=False)

    signed_in = Annotated[User, Depends(sessions.user)]

    async def page(
        request: Request, alert_id: str, user: User, problem: str | None = None, status: int = 200
    ) -> Response:
        shown = hits_wanted(request.query_params.get("hits"))
        detail = await find(alerts, alert_id, shown)
        hit = leading(detail, request.query_params.get("hit"))
        return renderer.page(
            request,
            "alert.html",
            status,
            alert=detail.row,
            detail=detail,
            hit=hit,
            bars=bars(hit.model, hit.explanation or ()) if hit and hit.model else [],
            bar=BAR,
            problem=problem,
            may_dispose=detail.row.status is not CaseStatus.CLOSED and bool(RIGHT.roles & user.roles),
            dispositions=list(Disposition),
            harms=list(Harm),
            longest=LONGEST_REASON,
            shown=shown,
            more=min(shown + 2 * HITS, MAX_HITS) if detail.row.hits > len(detail.hits) < MAX_HITS else None,
        )

    @router.get("/alerts/{alert_id}")
    async def alert(request: Request, alert_id: str, user: signed_in) -> Response:
        return await page(request, alert_id, user)

    @router.post("/alerts/{alert_id}/disposition")
    async def dispose(
        request: Request,
        alert_id: str,
        user: signed_in,
        disposition: Annotated[Disposition, Form()],
        hits: Annotated[int, Form(ge=1)],
        reason: Annotated[str, Form(max_length=LONGEST_REASON, pattern=PRINTED)] = "",
        harm: Annotated[Harm | Literal[""], Form()] = "",
    ) -> Response:
        confirmed = disposition is Disposition.CONFIRMED_RISK
        said = Answer(
            disposition=disposition, harm=(harm or None) if confirmed else None, reason=reason, hits=hits
        )
        try:
            await run_in_threadpool(dispositions.give, alert_id, said, person_of(user))
        except LifecycleError as error:
            told = renderer.wording(request).name("refusal", error.refusal)
            return await page(request, alert_id, user, told, 403 if error.refusal is Refusal.ROLE else 409)
        except DispositionError:
            told = renderer.wording(request).texts("dispose.refused")
            return await page(request, alert_id, user, told, 409)
        return RedirectResponse(f"/alerts/{alert_id}", 303)

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
