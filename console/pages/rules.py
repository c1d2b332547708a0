"""The life of rules: what is in force, what waits for a second person, and what a breaker limited."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alerts.views import User
from console.api.rules import MAX_TEXT, PRINTED, Settlement, Step, person_of
from console.ports import Rules
from console.render import Renderer
from console.sessions import Sessions
from events.rights import LifecycleError, Person
from rules.lifecycle import Action, able, steps_from
from rules.shadow import ShadowReport
from rules.views import ChangeRow, LimitedRule, Moved, SuppressionRow, VersionRow

CHANGES = 30
VERSIONS = 8
"""How many of a pack's versions are shown; the others stand in the history."""

COMPARISONS = 2
"""For how many versions in force it is shown what a version said beside them, the newest first."""

_REFUSED = 409


@dataclass(frozen=True, slots=True)
class Line:
    """A version or suppression with what the reader may do with it, and what it said in the shadow."""

    row: VersionRow | SuppressionRow
    actions: tuple[Action, ...]
    compared: tuple[ShadowReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything on the page."""

    edition: int
    packs: list[tuple[str, list[Line]]]
    suppressions: list[Line]
    limited: list[LimitedRule]
    may_reset: bool
    changes: list[ChangeRow]


def shown(rules: Rules, person: Person) -> Shown:
    """What the page says to this person."""
    packs = []
    for name, rows in groupby(rules.packs.versions(), lambda row: row.pack):
        reports = rules.shadows.reports(name)
        packs.append((name, [_version(row, person, reports) for row in islice(rows, VERSIONS)]))
    return Shown(
        edition=rules.packs.edition(),
        packs=packs,
        suppressions=[_suppression(row, person) for row in rules.suppressions.suppressions()],
        limited=rules.breakers.limited(),
        may_reset=able(Action.RESET, person),
        changes=rules.packs.history()[:CHANGES],
    )


def _version(row: VersionRow, person: Person, reports: list[ShadowReport]) -> Line:
    possible = (action for action in steps_from(row.state) if able(action, person, row.author, row.state))
    said = (one for one in reports if one.shadow == f"{row.pack}@{row.version}")
    return Line(row, tuple(possible), tuple(islice(said, COMPARISONS)))


def _suppression(row: SuppressionRow, person: Person) -> Line:
    asked = row.standing == "requested"
    possible = (Action.APPROVE, Action.LIFT) if asked else (Action.LIFT,)
    return Line(row, tuple(action for action in possible if able(action, person, row.requested_by)))


def routes(rules: Rules, sessions: Sessions, renderer: Renderer) -> APIRouter:
    """The routes of the page and of its buttons."""
    router = APIRouter(include_in_schema=False)
    signed_in = Annotated[User, Depends(sessions.user)]
    reason_field = Annotated[str, Form(max_length=MAX_TEXT, pattern=PRINTED)]

    async def page(request: Request, user: User, problem: str | None = None, status: int = 200) -> Response:
        content = await run_in_threadpool(shown, rules, person_of(user))
        return renderer.page(request, "rules.html", status, shown=content, problem=problem)

    async def done(request: Request, user: User, act: Callable[[], Moved]) -> Response:
        try:
            await run_in_threadpool(act)
        except LifecycleError as error:
            problem = renderer.wording(request).name("refusal", error.refusal)
            return await page(request, user, problem, _REFUSED)
        return RedirectResponse("/rules", 303)

    @router.get("/rules")
    async def show(request: Request, user: signed_in) -> Response:
        return await page(request, user)

    @router.post("/rules/versions")
    async def move(
        request: Request,
        user: signed_in,
        pack: Annotated[str, Form(max_length=64, pattern=PRINTED)],
        version: Annotated[int, Form(ge=1, le=999_999_999)],
        action: Annotated[Step, Form()],
        reason: reason_field = "",
    ) -> Response:
        return await done(
            request, user, lambda: rules.packs.move(action, pack, version, person_of(user), reason)
        )

    @router.post("/rules/suppressions")
    async def settle(
        request: Request,
        user: signed_in,
        identity: Annotated[str, Form(max_length=36)],
        action: Annotated[Settlement, Form()],
        reason: reason_field = "",
    ) -> Response:
        return await done(
            request, user, lambda: rules.suppressions.move(action, identity, person_of(user), reason)
        )

    @router.post("/rules/breakers")
    async def reset(
        request: Request,
        user: signed_in,
        rule: Annotated[str, Form(max_length=64)],
        reason: reason_field = "",
    ) -> Response:
        return await done(request, user, lambda: rules.breakers.reset(rule, person_of(user), reason))

    return router
