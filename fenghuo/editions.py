"""The editions of the rules as one process judges by them: loaded as they appear, in the background."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Protocol, Self

import structlog

from events.clock import SECOND, Clock
from events.columns import Int64s
from events.errors import FenghuoError
from flows.rulings import Built, Rulings
from flows.tally import Rises, RuleTally
from models.comparison import Agreement, DayOf, ModelTally, Pair
from models.errors import ModelError
from models.lifecycle import ModelRef
from rules.breaker import Count, Trip
from rules.edition import Boundary, Edition, EditionStore, PackVersion
from rules.shadow import Key, Seen, ShadowTally
from telemetry.metrics import FlowMetrics

INTERVAL = 0.25
"""Seconds between looks at the store; a new edition is in force everywhere a moment later."""

LONGEST_WAIT = 30.0
"""Seconds at most until an edition that can't be used is tried again; the waits double."""

MODELS_EVERY = 3 * SECOND
"""Between two times that it is told what models saw, which is much."""

_log = structlog.get_logger(__name__)

Build = Callable[[Edition], Built]
"""Makes what judges by an edition; raises a FenghuoError where the edition can't be used."""


class Accounts(Protocol):
    """Where breakers are told what rules hold."""

    def add(self, counts: Mapping[str, Count]) -> None:
        """Add what rules did since the last call."""
        ...


class Witnesses(Protocol):
    """Where it is told what versions in the shadow say."""

    def add(self, seen: Mapping[Key, Seen]) -> None:
        """Add what was seen since the last call."""
        ...


class Watchers(Protocol):
    """Where it is told what models saw and said."""

    def add(self, days: Mapping[DayOf, Int64s], pairs: Mapping[Pair, Agreement]) -> None:
        """Add what they did since the last call."""
        ...


class Endings(Protocol):
    """Where suppressions end by themselves."""

    def end(self, identity: str, reason: str) -> None:
        """End a suppression; nothing where it has ended."""
        ...


class Fuses(Protocol):
    """What limits rules that hold too much."""

    def check(self, now: int) -> list[Trip]:
        """Limit every rule that exceeds its breaker."""
        ...


@dataclass(frozen=True)
class Noted:
    """What the rules of one process did, until it is told.

    Args:
        tally: what rules held.
        shadows: what versions in the shadow said.
        rises: suppressions that a hit of a higher tier ended.
        models: what models saw and said.
    """

    tally: RuleTally = field(default_factory=RuleTally)
    shadows: ShadowTally = field(default_factory=ShadowTally)
    rises: Rises = field(default_factory=Rises)
    models: ModelTally = field(default_factory=ModelTally)


@dataclass(frozen=True)
class Told:
    """Where that is told, for all processes.

    Args:
        accounts: what rules held.
        seen: what versions in the shadow said.
        suppressions: where they end.
        fuses: are checked.
        models: what models saw and said.
    """

    accounts: Accounts
    seen: Witnesses
    suppressions: Endings
    fuses: Fuses
    models: Watchers


class RuleWatch:
    """Tells what the rules of this process did, and has the breakers checked.

    Args:
        noted: in this process.
        told: where it is told.
        clock: the present.
        metrics: where trips are counted.
    """

    def __init__(self, noted: Noted, told: Told, clock: Clock, metrics: FlowMetrics) -> None:
        self._noted = noted
        self._told = told
        self._clock = clock
        self._metrics = metrics
        self._told_models = 0

    def look(self) -> None:
        """Hand on what was counted, and check.

        Raises:
            FenghuoError: the store does not answer; what was counted is handed on the next time.
        """
        counts = self._noted.tally.take()
        try:
            self._told.accounts.add(counts)
        except FenghuoError:
            self._noted.tally.put_back(counts)
            raise
        shadows = self._noted.shadows.take()
        try:
            self._told.seen.add(shadows)
        except FenghuoError:
            self._noted.shadows.put_back(shadows)
            raise
        self._tell_models()
        for identity, reason in self._noted.rises.take():
            self._told.suppressions.end(identity, reason)
        for trip in self._told.fuses.check(self._clock()):
            self._metrics.breaker_trips.labels(trip.rule).inc()
            _log.warning("rule_limited", rule=trip.rule, judged=trip.count.judged, holds=trip.count.holds)

    def _tell_models(self) -> None:
        if self._clock() - self._told_models < MODELS_EVERY:
            return
        days, pairs = self._noted.models.take()
        try:
            self._told.models.add(days, pairs)
        except FenghuoError:
            self._noted.models.put_back(days, pairs)
            raise
        self._told_models = self._clock()


class Editions:
    """Follows the store of editions; what lanes see of it is in `wire.turnover.Editions`.

    An edition whose champion can't be loaded is not used, and the one before stays in force. So it is at a
    start, as long as no lane went over to it: what was in force somewhere is used, or the run does not begin.

    Args:
        store: of editions.
        build: makes what judges by an edition.
        metrics: where the edition in force is told.
        lineage: name of the run that the places of lanes belong to.
        breakers: told and checked on the way; None where nobody asks.

    Raises:
        FenghuoError: no edition can be had that may be in force, or there is none.
    """

    def __init__(
        self,
        store: EditionStore,
        build: Build,
        metrics: FlowMetrics,
        lineage: str,
        breakers: RuleWatch | None = None,
    ) -> None:
        self._lineage = lineage
        self._breakers = breakers
        self._store = store
        self._build = build
        self._metrics = metrics
        self._stop = Event()
        self._thread: Thread | None = None
        self._failed = 0
        self._wait = 0.0
        self._retry_at = 0.0
        self.rulings = Rulings(lambda number: build(store.edition(number)))
        self._newest = 0
        self._model: str | None = None
        self._start(store.newest())

    @property
    def newest(self) -> int:
        """Number of the newest edition that this process can judge by."""
        return self._newest

    @property
    def pack(self) -> str:
        """Id of the packs in force."""
        return self.rulings.of(self._newest).pack.id

    @property
    def model(self) -> str | None:
        """Id of the model that scores; None for none."""
        return self._model

    def boundaries(self, lane: str) -> Sequence[Boundary]:
        """The places at which a lane went over to editions, oldest first."""
        return self._store.boundaries(self._own(lane))

    def settle(self, lane: str, boundary: Boundary) -> Boundary:
        """Write a place down, unless the lane has one for that edition; gives the one that holds."""
        return self._store.settle(self._own(lane), boundary)

    def _own(self, lane: str) -> str:
        return f"{self._lineage}/{lane}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._follow, name="editions", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(INTERVAL):
            self.look()

    def look(self) -> None:
        """Load the newest edition, if there is a new one; one that can't be used changes nothing."""
        number = self._newest
        try:
            if self._breakers is not None:
                self._breakers.look()
            number = self._store.newest()
            if number > self._newest and (number != self._failed or time.monotonic() >= self._retry_at):
                self._load(self._store.edition(number))
        except FenghuoError as error:
            self._put_off(number, error)

    def _start(self, newest: int) -> None:
        lost: set[ModelRef | None] = set()
        for number in range(newest, (self._store.reached() or newest) - 1, -1):
            edition = self._store.edition(number)
            if edition.champion in lost:
                continue
            try:
                self._load(edition)
            except ModelError as error:
                lost.add(edition.champion)
                failure = error
                if number == newest:
                    self._put_off(number, error)
            else:
                return
        raise failure

    def _put_off(self, number: int, error: FenghuoError) -> None:
        """Tell of an edition that can't be used, once, and let some time pass until it is tried again."""
        self._metrics.edition_failures.inc()
        again = number == self._failed
        self._wait = min(LONGEST_WAIT, 2 * self._wait) if again else INTERVAL
        self._retry_at = time.monotonic() + self._wait
        self._failed = number
        if not again:
            _log.error("edition_not_loaded", edition=number, in_force=self._newest, error=str(error))

    def _load(self, edition: Edition) -> None:
        built, number = self._build(edition), edition.number
        pack, model = built.pack, built.model
        self.rulings.enter_edition(number, built)
        self._newest, self._model = number, None if model is None else model.id
        metrics = self._metrics
        metrics.edition.set(number)
        metrics.pack.clear()
        metrics.pack.labels(pack.id, pack.content_hash[:12]).set(1)
        metrics.model.clear()
        metrics.model.labels(self._model or "none").set(1)
        metrics.model_set_aside.set(built.set_aside)
        _log.info(
            "edition_loaded",
            edition=number,
            packs=_told(edition.active),
            shadow=_told(edition.shadow),
            model=self._model,
            shadow_models=[one.id for one in built.models],
        )


def _told(versions: Sequence[PackVersion]) -> list[str]:
    return [f"{version.pack}@{version.version}" for version in versions]
