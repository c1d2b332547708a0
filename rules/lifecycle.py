"""The life of a version of a pack and of a suppression: the states, and who may do what."""

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from rules.errors import RuleError
from rules.rule import Mode

AUTHOR = "rule-author"
"""The role of those who write rules: they submit, try in the shadow and ask for suppressions."""

APPROVER = "rule-approver"
"""The role of those who put rules into force; a person may have both, though never for one version."""

OPERATOR = "sre"
"""The role of those who keep it running: in an emergency they may pause."""

SYSTEM = "system"
"""Stands for the configuration and the breakers where no person acted."""

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


class Refusal(StrEnum):
    """Why something was refused."""

    ROLE = "role"  # nobody gave the person that right
    OWN_WORK = "own-work"  # another person has to do it
    UNKNOWN = "unknown"  # there is no such thing
    STATE = "state"  # it cannot be done from where it stands
    CONTENT = "content"  # the same number with another content
    LAST = "last"  # nothing would judge any more
    CLASH = "clash"  # it contradicts what else is in force
    TIME = "time"  # a suppression that ends before it begins, or too late


class LifecycleError(RuleError):
    """Raised when an action is refused.

    Args:
        refusal: why, for programs and for texts in other languages.
        what: which thing, what was got, what to do.
    """

    def __init__(self, refusal: Refusal, what: str) -> None:
        self.refusal = refusal
        super().__init__(what)


class Person(Struct, frozen=True):
    """Who acts.

    Args:
        name: sign-in name.
        roles: names of roles.
    """

    name: str
    roles: frozenset[str]


class Right(NamedTuple):
    """What an action asks of a person.

    Args:
        roles: any of these.
        second: whether it must be another than the author or requester.
    """

    roles: AbstractSet[str]
    second: bool = False


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
    right = right_of(action, state)
    if not right.roles & person.roles:
        raise LifecycleError(
            Refusal.ROLE,
            f"`{person.name}` may not {action}: it needs the role {_either(right.roles)}; ask who has it",
        )
    if right.second and author == person.name:
        raise LifecycleError(
            Refusal.OWN_WORK,
            f"`{person.name}` may not {action} their own work; a second person with the role "
            f"{_either(right.roles)} has to",
        )


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
    states, to = _STEPS[action]
    if state not in states:
        raise LifecycleError(
            Refusal.STATE,
            f"`{version}` is {state}, and only {_either(states)} can {action}; nothing was changed",
        )
    return to


def steps_from(state: Mode) -> tuple[Action, ...]:
    """The actions that lead somewhere from `state`."""
    return tuple(action for action, (states, _) in _STEPS.items() if state in states)


def stand(action: Action, standing: Standing, suppression: str) -> Standing:
    """Where a suppression stands after an action.

    Raises:
        LifecycleError: it leads nowhere from there.
    """
    standings, to = _STANDINGS[action]
    if standing not in standings:
        raise LifecycleError(
            Refusal.STATE,
            f"suppression `{suppression}` is {standing}, and only {_either(standings)} can {action}; "
            "nothing was changed",
        )
    return to


def _either(names: AbstractSet[str]) -> str:
    return " or ".join(f"`{name}`" for name in sorted(names))
