"""Who may do what to things that live: the roles, the second person, and why something is refused.

Versions of rule packs and models go from state to state by the same few rules, which stand here once.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import NamedTuple, TypeVar

from msgspec import Struct

from events.errors import FenghuoError

AUTHOR = "rule-author"
"""The role of those who write rules and train models: they hand in and try in the shadow."""

APPROVER = "rule-approver"
"""The role of those who put things into force; a person may have both, though never for one thing."""

OPERATOR = "sre"
"""The role of those who keep it running: in an emergency they may step back."""

SYSTEM = "system"
"""Stands for the configuration and the breakers where no person acted; `system:…` for other programs."""


class Refusal(StrEnum):
    """Why something was refused."""

    ROLE = "role"  # nobody gave the person that right
    OWN_WORK = "own-work"  # another person has to do it
    UNKNOWN = "unknown"  # there is no such thing
    STATE = "state"  # it cannot be done from where it stands
    CONTENT = "content"  # the same name with another content
    LAST = "last"  # nothing would judge any more
    CLASH = "clash"  # it contradicts what else is in force
    TIME = "time"  # a suppression that ends before it begins, or too late
    DAMAGED = "damaged"  # it can't be read, or is not what it says


class LifecycleError(FenghuoError):
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


Action = TypeVar("Action", bound=StrEnum)
State = TypeVar("State", bound=StrEnum)


def allow(action: StrEnum, right: Right, person: Person, author: str | None = None) -> None:
    """Let a person act who has the right to.

    Args:
        action: what is to be done.
        right: what it asks for.
        person: who wants to do it.
        author: whose work it is.

    Raises:
        LifecycleError: the person has no role for it, or it asks for a second person.
    """
    if not right.roles & person.roles:
        raise LifecycleError(
            Refusal.ROLE,
            f"`{person.name}` may not {action}: it needs the role {either(right.roles)}; ask who has it",
        )
    if right.second and author == person.name:
        raise LifecycleError(
            Refusal.OWN_WORK,
            f"`{person.name}` may not {action} their own work; a second person with the role "
            f"{either(right.roles)} has to",
        )


def lead(
    steps: Mapping[Action, tuple[AbstractSet[State], State]], action: Action, state: State, what: str
) -> State:
    """The state after an action.

    Args:
        steps: by action, the states that it starts from, and the one that it leads to.
        action: what is to be done.
        state: where the thing stands.
        what: the thing, as messages call it.

    Raises:
        LifecycleError: it leads nowhere from there.
    """
    states, to = steps[action]
    if state not in states:
        raise LifecycleError(
            Refusal.STATE, f"{what} is {state}, and only {either(states)} can {action}; nothing was changed"
        )
    return to


def either(names: AbstractSet[str]) -> str:
    """Names as a choice: `a` or `b`."""
    return " or ".join(f"`{name}`" for name in sorted(names))
