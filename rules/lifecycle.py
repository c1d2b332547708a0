"""The life of a version of a pack and of a suppression: the states, and who may do what."""

from enum import StrEnum

from events.rights import APPROVER, AUTHOR, OPERATOR, LifecycleError, Person, Right, allow, lead
from rules.rule import Mode

IN_FORCE = frozenset({Mode.ACTIVE, Mode.PAUSED})
"""The states of which a pack has one version at most."""


class Action(StrEnum):
    """What a person can do."""

    SUBMIT = "submit"
    SHADOW = "shadow"
    PUBLISH = "publish"
    PAUSE = "pause"
    RESUME = "resume"
    RETIRE = "retire"
    REQUEST = "request"
    APPROVE = "approve"
    LIFT = "lift"
    RESET = "reset"


class Standing(StrEnum):
    """Where a suppression stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    LIFTED = "lifted"


RIGHTS = {
    Action.SUBMIT: Right({AUTHOR}),
    Action.SHADOW: Right({AUTHOR, APPROVER}),
    Action.PUBLISH: Right({APPROVER}, second=True),
    Action.PAUSE: Right({APPROVER, OPERATOR}),
    Action.RESUME: Right({APPROVER}, second=True),
    Action.RETIRE: Right({AUTHOR, APPROVER}),
    Action.REQUEST: Right({AUTHOR, "analyst"}),
    Action.APPROVE: Right({APPROVER}, second=True),
    Action.LIFT: Right({AUTHOR, APPROVER, "analyst"}),
    Action.RESET: Right({APPROVER, OPERATOR}),
}
"""Who may do what; retiring what is in force asks for what publishing asks for."""

_STEPS = {
    Action.SHADOW: (frozenset({Mode.DRAFT, Mode.RETIRED}), Mode.SHADOW),
    Action.PUBLISH: (frozenset({Mode.DRAFT, Mode.SHADOW, Mode.RETIRED}), Mode.ACTIVE),
    Action.PAUSE: (frozenset({Mode.ACTIVE}), Mode.PAUSED),
    Action.RESUME: (frozenset({Mode.PAUSED}), Mode.ACTIVE),
    Action.RETIRE: (frozenset({Mode.DRAFT, Mode.SHADOW, Mode.ACTIVE, Mode.PAUSED}), Mode.RETIRED),
}

_STANDINGS = {
    Action.APPROVE: (frozenset({Standing.REQUESTED}), Standing.APPROVED),
    Action.LIFT: (frozenset({Standing.REQUESTED, Standing.APPROVED}), Standing.LIFTED),
}

STEPS = tuple(_STEPS)
"""The actions that take a version from one state to another."""


def right_of(action: Action, state: Mode | None = None) -> Right:
    """What `action` asks of a person, on a version in `state`."""
    if action is Action.RETIRE and state in IN_FORCE:
        return RIGHTS[Action.PUBLISH]
    return RIGHTS[action]


def may(action: Action, person: Person, author: str | None = None, state: Mode | None = None) -> None:
    """Let a person act who has the right to.

    Args:
        action: what is to be done.
        person: who wants to do it.
        author: who wrote the version or asked for the suppression.
        state: of the version.

    Raises:
        LifecycleError: the person has no role for it, or it asks for a second person.
    """
    allow(action, right_of(action, state), person, author)


def able(action: Action, person: Person, author: str | None = None, state: Mode | None = None) -> bool:
    """Whether a person may act; what `may` refuses is False."""
    try:
        may(action, person, author, state)
    except LifecycleError:
        return False
    return True


def step(action: Action, state: Mode, version: str) -> Mode:
    """The state after an action on `version`, which stands in `state`.

    Raises:
        LifecycleError: it leads nowhere from there.
    """
    return lead(_STEPS, action, state, f"`{version}`")


def steps_from(state: Mode) -> tuple[Action, ...]:
    """The actions that lead somewhere from `state`."""
    return tuple(action for action, (states, _) in _STEPS.items() if state in states)


def stand(action: Action, standing: Standing, suppression: str) -> Standing:
    """Where a suppression stands after an action.

    Raises:
        LifecycleError: it leads nowhere from there.
    """
    return lead(_STANDINGS, action, standing, f"suppression `{suppression}`")
