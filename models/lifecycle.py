"""The life of a model: candidate, shadow, champion, retired, and who may do what.

    candidate ─► shadow ──► champion ─► retired
        └──────────────────►              │
        ▲ a retired one goes to the shadow or is proposed again

A promotion is proposed by one person and confirmed by a second, who did not register the model either. A
rollback takes the last change of the champion back; it needs one person, since an emergency does not wait.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from msgspec import Struct

from events.rights import (
    APPROVER,
    AUTHOR,
    OPERATOR,
    SYSTEM,
    LifecycleError,
    Person,
    Refusal,
    Right,
    allow,
    lead,
)

SETUP = f"{SYSTEM}:setup"
"""Makes the model of the settings the first champion."""

RETRAINING = f"{SYSTEM}:retraining"
"""Registers candidates on a schedule."""


class ModelRef(Struct, frozen=True, kw_only=True):
    """One immutable model of the registry.

    Args:
        id: of the model.
        sha256: hash of its manifest, which holds those of all other files.
    """

    id: str
    sha256: str


class Candidate(Struct, frozen=True, kw_only=True):
    """A model of the registry that was read and found sound.

    Args:
        manifest: what its manifest says.
    """

    ref: ModelRef
    manifest: dict[str, Any]


class ModelState(StrEnum):
    """Where a model stands."""

    CANDIDATE = "candidate"  # registered; nothing uses it
    SHADOW = "shadow"  # scores beside the champion, without consequence
    CHAMPION = "champion"  # gives `anomaly`
    RETIRED = "retired"  # put away


class ModelAction(StrEnum):
    """What can be done with a model."""

    REGISTER = "register"
    SHADOW = "shadow"
    PROPOSE = "propose"
    PROMOTE = "promote"
    REPLACE = "replace"  # what the promotion of another does to the champion
    ROLLBACK = "rollback"
    RETIRE = "retire"


RIGHTS = {
    ModelAction.REGISTER: Right({AUTHOR}),
    ModelAction.SHADOW: Right({AUTHOR, APPROVER}),
    ModelAction.PROPOSE: Right({AUTHOR, APPROVER}),
    ModelAction.PROMOTE: Right({APPROVER}, second=True),
    ModelAction.ROLLBACK: Right({APPROVER, OPERATOR}),
    ModelAction.RETIRE: Right({AUTHOR, APPROVER}),
}
"""Who may do what; retiring the champion asks for what promoting asks for."""

_OTHERS = frozenset({ModelState.CANDIDATE, ModelState.SHADOW, ModelState.RETIRED})

_STEPS = {
    ModelAction.SHADOW: (frozenset({ModelState.CANDIDATE, ModelState.RETIRED}), ModelState.SHADOW),
    ModelAction.PROMOTE: (_OTHERS, ModelState.CHAMPION),
    ModelAction.RETIRE: (
        frozenset({ModelState.CANDIDATE, ModelState.SHADOW, ModelState.CHAMPION}),
        ModelState.RETIRED,
    ),
}

MOVES = (ModelAction.SHADOW, ModelAction.PROPOSE, ModelAction.PROMOTE, ModelAction.RETIRE)
"""The actions on one model, in the order of its life."""


class Change(Struct, frozen=True, kw_only=True):
    """One entry of the history of models, as far as states follow from it.

    Args:
        edition: the edition that it made, None where nothing in use changed.
    """

    model: str
    action: str
    before: str | None
    to: str
    edition: int | None = None


def right_of(action: ModelAction, state: ModelState | None = None) -> Right:
    """What `action` asks of a person, on a model in `state`."""
    if action is ModelAction.RETIRE and state is ModelState.CHAMPION:
        return RIGHTS[ModelAction.PROMOTE]
    return RIGHTS[action]


def may(
    action: ModelAction,
    person: Person,
    *,
    model: str = "",
    author: str | None = None,
    state: ModelState | None = None,
    proposer: str | None = None,
) -> None:
    """Let a person act who has the right to; programs only register.

    Args:
        action: what is to be done.
        person: who wants to do it.
        model: its id.
        author: who registered it.
        state: where it stands.
        proposer: whose proposal to promote it is open; None where there is none.

    Raises:
        LifecycleError: the person has no right to; it asks for a second person; or nobody proposed it.
    """
    if action is not ModelAction.REGISTER and person.name.partition(":")[0] == SYSTEM:
        raise LifecycleError(
            Refusal.ROLE, f"`{person.name}` may not {action}: programs only register; a person has to"
        )
    right = right_of(action, state)
    allow(action, right, person, author)
    if action is not ModelAction.PROMOTE:
        return
    if proposer is None:
        raise LifecycleError(
            Refusal.STATE,
            f"model `{model}` is not proposed; one person proposes it (`fenghuo model propose {model}`), "
            "another promotes it",
        )
    if proposer == person.name:
        raise LifecycleError(
            Refusal.OWN_WORK,
            f"`{person.name}` proposed `{model}` and may not promote it too; a second person, who did not "
            "register it either, has to",
        )


def step(action: ModelAction, state: ModelState, model: str) -> ModelState:
    """The state after an action on a model, which stands in `state`; a proposal changes none.

    Raises:
        LifecycleError: it leads nowhere from there.
    """
    if action is ModelAction.PROPOSE:
        lead(_STEPS, ModelAction.PROMOTE, state, f"model `{model}`")
        return state
    return lead(_STEPS, action, state, f"model `{model}`")


def moves_from(state: ModelState, *, proposed: bool) -> tuple[ModelAction, ...]:
    """The actions that lead somewhere from `state`."""
    found = [action for action in MOVES if state in _STEPS.get(action, (_OTHERS, None))[0]]
    return tuple(action for action in found if action is not ModelAction.PROMOTE or proposed)


def reigns(changes: Iterable[Change]) -> list[str | None]:
    """The champions one after the other, without those whose promotion was taken back; the last is in force.

    Args:
        changes: of all models, the oldest first.

    Returns:
        ids; None where the champion was retired and none followed. Empty before the first promotion.
    """
    found: list[str | None] = []
    taken_back = None
    for change in changes:
        if change.action == ModelAction.ROLLBACK:
            if change.edition != taken_back:  # one rollback may change two models
                found.pop()
            taken_back = change.edition
        elif change.to == ModelState.CHAMPION:
            found.append(change.model)
        elif change.action == ModelAction.RETIRE and change.before == ModelState.CHAMPION:
            found.append(None)
    return found
