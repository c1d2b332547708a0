"""The JSON API of the life of rules: packs, editions, suppressions and breakers."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from alerts.views import User
from console.errors import NotFoundError
from console.ports import Rules
from console.sessions import Sessions
from events.clock import milliseconds, rfc3339, wall_clock
from events.rights import Person
from rules.decision import Tier
from rules.errors import PackError
from rules.lifecycle import Action
from rules.suppression import Suppression

MAX_TEXT = 500
_TIMES = (
    "submitted_at",
    "registered_at",
    "proposed_at",
    "changed_at",
    "limited_at",
    "starts_at",
    "expires_at",
    "since",
    "until",
)

PRINTED = r"^[^\x00]*$"  # PostgreSQL's text holds no NUL

Text = Annotated[str, Field(max_length=MAX_TEXT, pattern=PRINTED)]
Name = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9-]+$")]
Step = Literal[Action.SHADOW, Action.PUBLISH, Action.PAUSE, Action.RESUME, Action.RETIRE]
Settlement = Literal[Action.APPROVE, Action.LIFT]
Number = Annotated[int, Path(ge=1, le=999_999_999)]


class Reason(BaseModel):
    """Why somebody does something; kept in the history."""

    reason: Text = ""


class SuppressionRequest(BaseModel):
    """A suppression that is asked for; exactly one of rule and scenario."""

    group: Annotated[str, Field(min_length=1, max_length=129, pattern=PRINTED)]
    rule: Text | None = None
    scenario: Text | None = None
    tier: Tier = Tier.HIGH
    starts_at: AwareDatetime | None = None
    expires_at: AwareDatetime
    reason: Annotated[Text, Field(min_length=1)]


def person_of(user: User) -> Person:
    """A signed-in user as somebody who works on rules."""
    return Person(user.user_id, user.roles)


def routes(rules: Rules, sessions: Sessions) -> APIRouter:
    """The routes under /api/rules; times are RFC 3339 in UTC."""
    router = APIRouter(prefix="/api/rules", tags=["rules"])
    _pack_routes(router, rules, sessions)
    _other_routes(router, rules, sessions)
    return router


def _pack_routes(router: APIRouter, rules: Rules, sessions: Sessions) -> None:
    signed_in = Annotated[User, Depends(sessions.user)]

    @router.get("/packs", summary="Every version of every pack")
    def packs(_: signed_in) -> Response:
        return answer({"edition": rules.packs.edition(), "versions": rules.packs.versions()})

    @router.post("/packs", summary="Hand in a version: the YAML is the body")
    async def submit(
        request: Request,
        user: signed_in,
        name: Annotated[str, Query(max_length=200)] = "pack.yaml",
        reason: Annotated[str, Query(max_length=MAX_TEXT, pattern=PRINTED)] = "",
    ) -> Response:
        try:
            text = (await request.body()).decode()
        except UnicodeDecodeError:
            raise PackError(name, None, "this is not UTF-8; save the file as UTF-8") from None
        submitted = await run_in_threadpool(rules.packs.submit, text, name, person_of(user), reason)
        return answer(submitted, 201 if submitted.fresh else 200)

    @router.get("/packs/{pack}/versions/{version}", summary="The YAML of a version as it was handed in")
    def text(_: signed_in, pack: Name, version: Number) -> Response:
        return Response(rules.packs.text(pack, version), media_type="application/yaml")

    @router.post("/packs/{pack}/versions/{version}/{action}", summary="Take a version to another state")
    def move(
        user: signed_in,
        pack: Name,
        version: Number,
        action: Step,
        why: Annotated[Reason, Body()] = Reason(),  # noqa: B008 -- an immutable default
    ) -> Response:
        return answer(rules.packs.move(action, pack, version, person_of(user), why.reason))

    @router.get("/packs/{pack}/comparisons", summary="What versions in the shadow said")
    def comparisons(_: signed_in, pack: Name) -> Response:
        return answer({"comparisons": rules.shadows.reports(pack)})

    @router.get("/history", summary="Changes, the newest first; of one pack, rule or suppression by name")
    def history(
        _: signed_in, name: Annotated[str | None, Query(max_length=64, pattern=PRINTED)] = None
    ) -> Response:
        return answer({"changes": rules.packs.history(name)})

    @router.get("/editions/{number}", summary="What was in force under a number")
    def edition(_: signed_in, number: Number) -> Response:
        if number > rules.packs.edition():
            raise NotFoundError(f"no edition `{number}`")
        return answer(rules.editions.edition(number))


def _other_routes(router: APIRouter, rules: Rules, sessions: Sessions) -> None:
    signed_in = Annotated[User, Depends(sessions.user)]

    @router.get("/suppressions", summary="Suppressions that were asked for or are in force")
    def suppressions(_: signed_in) -> Response:
        return answer({"suppressions": rules.suppressions.suppressions()})

    @router.post("/suppressions", summary="Ask for a suppression")
    def request(user: signed_in, asked: SuppressionRequest) -> Response:
        return answer(rules.suppressions.request(suppression(asked), person_of(user), asked.reason), 201)

    @router.post("/suppressions/{identity}/{action}", summary="Approve or lift a suppression")
    def settle(
        user: signed_in,
        identity: Annotated[str, Path(max_length=36)],
        action: Settlement,
        why: Annotated[Reason, Body()] = Reason(),  # noqa: B008 -- as above
    ) -> Response:
        return answer(rules.suppressions.move(action, identity, person_of(user), why.reason))

    @router.get("/breakers", summary="Rules that are limited")
    def breakers(_: signed_in) -> Response:
        return answer({"limited": rules.breakers.limited()})

    @router.post("/breakers/{rule}/reset", summary="Free a rule that is limited")
    def reset(
        user: signed_in,
        rule: Name,
        why: Annotated[Reason, Body()] = Reason(),  # noqa: B008 -- as above
    ) -> Response:
        return answer(rules.breakers.reset(rule, person_of(user), why.reason))


def suppression(asked: SuppressionRequest) -> Suppression:
    """What is asked for, from now on where no time is given."""
    return Suppression(
        suppression_id="",
        group=asked.group,
        rule=asked.rule or None,
        scenario=asked.scenario or None,
        tier=asked.tier,
        starts_at=wall_clock() if asked.starts_at is None else milliseconds(asked.starts_at),
        expires_at=milliseconds(asked.expires_at),
    )


def answer(body: object, status: int = 200) -> Response:
    """A body as JSON, with times as RFC 3339."""
    plain = _timed(msgspec.to_builtins(body))
    return Response(msgspec.json.encode(plain), status, media_type="application/json")


def _timed(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: rfc3339(one) if name in _TIMES and isinstance(one, int) else _timed(one)
            for name, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [_timed(one) for one in value]
    return value
