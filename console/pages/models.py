"""The life of models: the champion, what is tried beside it, and what waits for a second person."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alerts.views import User
from console.api.models import ID, Move
from console.api.rules import MAX_TEXT, PRINTED, person_of
from console.pages.model_watch import Watched, watched
from console.ports import Models
from console.render import Renderer
from console.sessions import Sessions
from events.rights import LifecycleError, Person, Refusal
from models.lifecycle import ModelAction, ModelState, may, moves_from
from models.views import ModelRow, Summary, summary
from rules.views import ChangeRow, Moved

CHANGES = 30
PER_STATE = 8
"""How many models of a state are shown, the newest first; the others stand in the history."""

ORDER = (ModelState.CHAMPION, ModelState.SHADOW, ModelState.CANDIDATE, ModelState.RETIRED)
_REFUSED = 409


@dataclass(frozen=True, slots=True)
class Line:
    """A model with what the reader may do with it.

    Args:
        actions: what the reader may do.
        waits: whether it is proposed and the reader is no second person to promote it.
        lacking: features that it reads and the packs in force lack.
        watched: what is seen of one that scores; None for others.
    """

    row: ModelRow
    said: Summary
    actions: tuple[ModelAction, ...]
    waits: bool
    lacking: list[str]
    watched: Watched | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything on the page.

    Args:
        states: models by where they stand.
        governed: whether a champion was ever named.
        may_roll_back: whether the reader may take the last change of the champion back.
        back: the champion of before; None for none.
    """

    states: list[tuple[ModelState, list[Line]]]
    governed: bool
    may_roll_back: bool
    back: str | None
    changes: list[ChangeRow]


def shown(models: Models, person: Person) -> Shown:
    """What the page says to this person."""
    rows, champions, lacking = models.models(), models.champions(), models.lacking()
    states = [
        (
            state,
            [_line(models, row, person, lacking.get(row.id, [])) for row in rows if row.state is state][
                :PER_STATE
            ],
        )
        for state in ORDER
    ]
    return Shown(
        states=states,
        governed=bool(champions),
        may_roll_back=bool(champions) and _refusal(ModelAction.ROLLBACK, person) is None,
        back=champions[-2] if len(champions) > 1 else None,
        changes=models.history()[:CHANGES],
    )


def _line(models: Models, row: ModelRow, person: Person, lacking: list[str]) -> Line:
    possible = moves_from(row.state, proposed=row.proposed_by is not None)
    refusals = {action: _refusal(action, person, row) for action in possible}
    if row.proposed_by == person.name:
        del refusals[ModelAction.PROPOSE]  # that was said
    return Line(
        row=row,
        said=summary(row.manifest),
        actions=tuple(action for action, refusal in refusals.items() if refusal is None),
        waits=refusals.get(ModelAction.PROMOTE) is Refusal.OWN_WORK,
        lacking=lacking,
        watched=_watched(models, row),
    )


def _watched(models: Models, row: ModelRow) -> Watched | None:
    if row.state not in {ModelState.CHAMPION, ModelState.SHADOW}:
        return None
    report = models.watched(row.id)
    return None if report is None else watched(report, models.comparisons(row.id))


def _refusal(action: ModelAction, person: Person, row: ModelRow | None = None) -> Refusal | None:
    """Why the person may not act; None where they may."""
    try:
        if row is None:
            may(action, person)
        else:
            may(action, person, author=row.registered_by, state=row.state, proposer=row.proposed_by)
    except LifecycleError as error:
        return error.refusal
    return None


def routes(models: Models, sessions: Sessions, renderer: Renderer) -> APIRouter:
    """The routes of the page and of its buttons."""
    router = APIRouter(include_in_schema=False)
    signed_in = Annotated[User, Depends(sessions.user)]
    reason_field = Annotated[str, Form(max_length=MAX_TEXT, pattern=PRINTED)]

    async def page(request: Request, user: User, problem: str | None = None, status: int = 200) -> Response:
        content = await run_in_threadpool(shown, models, person_of(user))
        return renderer.page(request, "models.html", status, shown=content, problem=problem)

    async def done(request: Request, user: User, act: Callable[[], Moved]) -> Response:
        try:
            await run_in_threadpool(act)
        except LifecycleError as error:
            told = renderer.wording(request).name("refusal", error.refusal)
            detailed = error.refusal in {Refusal.CLASH, Refusal.DAMAGED}
            return await page(request, user, f"{told} {error}" if detailed else told, _REFUSED)
        return RedirectResponse("/models", 303)

    @router.get("/models")
    async def show(request: Request, user: signed_in) -> Response:
        return await page(request, user)

    @router.post("/models/moves")
    async def move(
        request: Request,
        user: signed_in,
        model: Annotated[str, Form(pattern=ID)],
        action: Annotated[Move, Form()],
        reason: reason_field = "",
    ) -> Response:
        return await done(request, user, lambda: models.move(action, model, person_of(user), reason))

    @router.post("/models/rollback")
    async def rollback(request: Request, user: signed_in, reason: reason_field = "") -> Response:
        return await done(request, user, lambda: models.rollback(person_of(user), reason))

    return router
