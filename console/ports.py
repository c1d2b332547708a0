"""Ports: what the console needs from a store."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol

from alerts.dispositions import Answer
from alerts.views import AlertDetail, AlertFilter, AlertRow, Answered, LabelRow, QueueCount, User
from events.rights import Person
from models.comparison import PairReport, WatchReport
from models.lifecycle import ModelAction
from models.views import ModelRow, Registered
from rules.edition import Edition
from rules.lifecycle import Action
from rules.shadow import ShadowReport
from rules.suppression import Suppression
from rules.views import ChangeRow, LimitedRule, Moved, Submitted, SuppressionRow, VersionRow


class AlertReader(Protocol):
    """Reads alerts and cases for the pages."""

    async def counts(self) -> list[QueueCount]:
        """Open cases by queue and tier."""
        ...

    async def alerts(self, wanted: AlertFilter) -> list[AlertRow]:
        """Open alerts, highest tier first, newest first within a tier."""
        ...

    async def alert(self, alert_id: str, hits: int) -> AlertDetail | None:
        """One alert with at most `hits` of its hits, or None where there is no such alert."""
        ...

    def changes(self) -> AsyncIterator[str]:
        """Ids of alerts as they are raised or grow, without end."""
        ...

    async def alive(self) -> bool:
        """True when the store answers."""
        ...


class Dispositions(Protocol):
    """What people say of alerts; every call blocks, so it is made in a thread."""

    def give(self, alert_id: str, answer: Answer, person: Person) -> Answered:
        """Say what an alert turned out to be."""
        ...

    def labels(self, by: int | None = None) -> Iterator[LabelRow]:
        """Every label that people gave, the oldest first."""
        ...


class UserReader(Protocol):
    """Finds people by their sign-in name."""

    async def credentials(self, user_id: str) -> tuple[User, str] | None:
        """The person and the argon2 hash of the password, or None for an unknown name."""
        ...


class Packs(Protocol):
    """Versions of packs; every call blocks, so it is made in a thread."""

    def submit(self, text: str, name: str, person: Person, reason: str = "") -> Submitted:
        """Take in a new version as a draft."""
        ...

    def move(self, action: Action, pack: str, version: int, person: Person, reason: str = "") -> Moved:
        """Take a version to another state."""
        ...

    def versions(self) -> list[VersionRow]:
        """Every version of every pack: by name, the newest number first."""
        ...

    def text(self, pack: str, version: int) -> str:
        """The YAML of a version as it was handed in."""
        ...

    def history(self, name: str | None = None) -> list[ChangeRow]:
        """The newest changes first: of everything, or of one pack, rule or suppression by its name."""
        ...

    def edition(self) -> int:
        """Number of the newest edition; 0 where there is none."""
        ...


class Suppressions(Protocol):
    """Suppressions; every call blocks, so it is made in a thread."""

    def request(self, wanted: Suppression, person: Person, reason: str) -> Moved:
        """Ask for a suppression."""
        ...

    def move(self, action: Action, identity: str, person: Person, reason: str = "") -> Moved:
        """Approve or lift a suppression."""
        ...

    def suppressions(self) -> list[SuppressionRow]:
        """Those that were asked for or are in force and have not ended, the newest first."""
        ...


class Breakers(Protocol):
    """Rules that were limited; every call blocks, so it is made in a thread."""

    def reset(self, rule: str, person: Person, reason: str = "") -> Moved:
        """Free a rule."""
        ...

    def limited(self) -> list[LimitedRule]:
        """The rules that are limited, by name."""
        ...


class Editions(Protocol):
    """Editions; every call blocks, so it is made in a thread."""

    def edition(self, number: int) -> Edition:
        """One edition."""
        ...


class Models(Protocol):
    """Models of the registry and where they stand; every call blocks, so it is made in a thread."""

    def register(self, model: str, person: Person, reason: str = "") -> Registered:
        """Take a model of the registry in as a candidate."""
        ...

    def move(self, action: ModelAction, model: str, person: Person, reason: str = "") -> Moved:
        """Take a model to another state, or propose it."""
        ...

    def rollback(self, person: Person, reason: str = "") -> Moved:
        """Take the last change of the champion back."""
        ...

    def models(self) -> list[ModelRow]:
        """Every model, the one that was registered last first."""
        ...

    def champions(self) -> list[str | None]:
        """The champions one after the other; the last is in force, None for none."""
        ...

    def lacking(self) -> dict[str, list[str]]:
        """Features that a champion or shadow reads and the packs in force lack, by id of the model."""
        ...

    def history(self, model: str | None = None) -> list[ChangeRow]:
        """The newest changes first, of one model or of all."""
        ...

    def watched(self, model: str) -> WatchReport | None:
        """Drift of a model on its newest days; None where it can't be read."""
        ...

    def comparisons(self, model: str) -> list[PairReport]:
        """What a model in the shadow said beside each champion, the newest first."""
        ...


class Shadows(Protocol):
    """What versions in the shadow say beside those in force."""

    def reports(self, pack: str) -> list[ShadowReport]:
        """What was seen of all versions of a pack, the newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """All that the console needs for the life of rules."""

    packs: Packs
    suppressions: Suppressions
    breakers: Breakers
    editions: Editions
    shadows: Shadows
