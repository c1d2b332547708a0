"""The edition: everything that judges and can change while events are judged, under one number.

Each change (a version published, a model promoted, a suppression, a breaker that tripped) makes a new
edition; none is ever altered. A partition of the input goes over to the next edition at one place, which is
written down before it is used, so that messages delivered again are judged by the edition that judged them
before.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from models.lifecycle import ModelRef
from rules.suppression import Suppression


class PackVersion(Struct, frozen=True, kw_only=True):
    """One immutable version of a pack.

    Args:
        pack: its name.
        version: its number.
        sha256: hash of its content.
    """

    pack: str
    version: int
    sha256: str


class Edition(Struct, frozen=True, kw_only=True):
    """What is in force.

    Args:
        number: from 1 on, without gaps.
        active: versions that decide, in the order of their names.
        shadow: versions that are evaluated beside them, without consequence.
        paused: names of rules that are not evaluated.
        limited: names of rules whose breaker tripped: their outcome is `review` at most.
        suppressions: those that had not ended when the edition was made.
        governed: whether a champion was ever named; before, the model of the settings scores.
        champion: the model that gives `anomaly`; None for none.
        shadow_models: models that score beside it, without consequence.
    """

    number: int
    active: tuple[PackVersion, ...]
    shadow: tuple[PackVersion, ...] = ()
    paused: tuple[str, ...] = ()
    limited: tuple[str, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    governed: bool = False
    champion: ModelRef | None = None
    shadow_models: tuple[ModelRef, ...] = ()


class Boundary(Struct, frozen=True, kw_only=True):
    """The place at which a partition goes over to an edition.

    Args:
        edition: its number.
        offsets: by topic, the first message that it judges.
    """

    edition: int
    offsets: Mapping[str, int]


class EditionStore(Protocol):
    """Where editions are kept, as the processes that judge see it."""

    def newest(self) -> int:
        """Number of the newest edition; 0 where there is none."""
        ...

    def reached(self) -> int:
        """Number of the newest edition that a lane went over to; 0 where none did."""
        ...

    def edition(self, number: int) -> Edition:
        """One edition."""
        ...

    def source(self, sha256: str) -> str:
        """The YAML text of a version that an edition names."""
        ...

    def boundaries(self, lane: str) -> Sequence[Boundary]:
        """The places at which a lane of the input went over to editions, oldest first."""
        ...

    def settle(self, lane: str, boundary: Boundary) -> Boundary:
        """Write a boundary down, unless the lane has one for that edition; gives the one that holds."""
        ...
