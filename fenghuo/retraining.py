"""Retraining: from what Kafka holds of a period and what people said of it to a candidate, never further.

1. Read the events of the period: which there were, and what labels say of them.
2. Read their decisions: the features that they were judged with.
3. Train as the champion was trained, without the events known to be bad.
4. Put the model into the registry, and register it as a candidate.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Engine

from events.clock import Clock, milliseconds, rfc3339, wall_clock
from events.columns import Kind
from events.rights import AUTHOR, Person
from fenghuo.commands.features import Known
from fenghuo.commands.model_train import Training, grown
from fenghuo.ending import RunError
from fenghuo.setting_values import milliseconds_of
from fenghuo.settings import Settings
from models.history import RecordedDecision, TrainingRow, collect_rows
from models.labels import Knowledge
from models.lifecycle import RETRAINING, ModelState
from models.material import MOST_ROWS, Collector, Material
from models.model import Model
from models.registry import save
from models.retraining import Recipe, due_at, recipe_of
from models.sampling import Draw
from rules.decision import RuleStatus
from rules.pack import Pack
from rules.rule import Mode
from store.artefacts import Artefacts
from store.postgres import turn
from store.postgres.dispositions import DispositionStore
from store.postgres.rules.models import ModelStore
from wire.kafka_period import messages_since
from wire.kafka_topics import DECISIONS, INPUTS

HITS = frozenset({RuleStatus.HIT, RuleStatus.SUPPRESSED})
"""A suppressed hit is one: suppressions keep people from work, models weigh what the rule saw."""

_log = structlog.get_logger(__name__)


class RetrainingError(RunError):
    """Raised when there is nothing to retrain by, or it is under way elsewhere."""


class Result(StrEnum):
    """What came of a retraining."""

    REGISTERED = "registered"  # there is a new candidate
    UNCHANGED = "unchanged"  # the same model was there already
    NOT_DUE = "not due"  # another process was first
    FAILED = "failed"


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of a retraining, and from what.

    Args:
        model: id of the model.
        state: where the model stands.
        since: begin of the period, RFC 3339.
        until: its end.
        rows: events that the model learnt from.
        left_out: events that it did not learn from, since they are known to be bad.
        other_packs: decisions of the period by other packs than the one in force, which were left out.
        degraded: decisions without windows, which were left out.
        error: why it failed.
    """

    result: Result
    model: str = ""
    state: str = ""
    since: str = ""
    until: str = ""
    rows: int = 0
    left_out: int = 0
    other_packs: int = 0
    degraded: int = 0
    error: str = ""


@dataclass
class Tallies:
    """Decisions that were left out, by why.

    Args:
        other_packs: another pack judged.
        degraded: the windows could not be read.
        repeated: the same decision was sent again, as after a crash.
    """

    other_packs: int = 0
    degraded: int = 0
    repeated: int = 0


@dataclass(frozen=True)
class Retraining:
    """What a retraining needs.

    Args:
        kafka: librdkafka configuration.
        engine: of the database.
        artefacts: the registry.
        period: length of the time to learn from, milliseconds.
        every: age of the newest model at which it is due, milliseconds; None: now.
        most_rows: of more events than this a uniform sample is drawn.
        clock: the present.
    """

    kafka: dict[str, Any]
    engine: Engine
    artefacts: Artefacts
    period: int
    every: int | None = None
    most_rows: int = MOST_ROWS
    clock: Clock = field(default=wall_clock)

    def run(self) -> Outcome:
        """Train, and register what came of it as a candidate.

        Raises:
            FenghuoError: it can't be done, or another process is at it.
        """
        with turn.turn(self.engine, turn.RETRAINING) as mine:
            if not mine:
                raise RetrainingError("another retraining is under way; wait for it to end, then try again")
            return self._alone()

    def _alone(self) -> Outcome:
        models, until = ModelStore(self.engine, self.artefacts), self.clock()
        rows = models.models()
        if self.every is not None and until < due_at(rows, self.every):
            return Outcome(result=Result.NOT_DUE)
        pack = models.pack()
        if pack is None:
            raise RetrainingError(
                "no pack is in force yet, so nothing was decided; start `fenghuo run` first"
            )
        champion = next((row for row in rows if row.state is ModelState.CHAMPION), None)
        recipe = recipe_of(None if champion is None else champion.manifest, pack.kinds, recorded_rules(pack))
        if recipe.lacking:
            _log.warning("retraining_without", model=champion and champion.id, lacking=recipe.lacking)
        tallies, knowledge = Tallies(), Knowledge()
        material = self._material(pack, recipe, until, knowledge, tallies)
        for label in DispositionStore(self.engine).labels(until):
            knowledge.report(label.target, label.label, label.known_at)
        bad = knowledge.bad(until)
        model = _trained(material, pack, recipe, until, bad)
        since = rfc3339(until - self.period)
        reason = f"retraining on {since} – {rfc3339(until)}"
        with TemporaryDirectory(prefix="fenghuo-retraining-") as home:
            directory = Path(home) / "model"
            save(model, directory)
            ref = self.artefacts.put(directory)
        registered = models.register(ref.id, Person(RETRAINING, frozenset({AUTHOR})), reason)
        return Outcome(
            result=Result.REGISTERED if registered.fresh else Result.UNCHANGED,
            model=ref.id,
            state=registered.state,
            since=since,
            until=rfc3339(until),
            rows=model.manifest.rows,
            left_out=model.manifest.left_out,
            other_packs=tallies.other_packs,
            degraded=tallies.degraded,
        )

    def _material(
        self, pack: Pack, recipe: Recipe, until: int, knowledge: Knowledge, tallies: Tallies
    ) -> Material:
        since = until - self.period
        drawn = self._events(recipe, since, until, knowledge)
        kinds = {name: pack.kinds[name] for name in recipe.features}
        if (segment := recipe.growth.segment) is not None:
            kinds[segment] = pack.kinds[segment]
        kinds |= dict.fromkeys(recipe.rules, Kind.BOOL)
        collector = Collector(kinds, self.most_rows)
        collect_rows(self._rows(pack, recipe, drawn.kept, since, tallies), collector)
        material = collector.material()
        share = len(material) / max(1, len(drawn.kept))
        return replace(material, seen=max(len(material), round(drawn.seen * share)))

    def _events(self, recipe: Recipe, since: int, until: int, knowledge: Knowledge) -> Draw[str]:
        """Types of the wanted events of the period by id, or of a sample of them; labels are taken in."""
        decoder, wanted = msgspec.json.Decoder(Known), {kind.value for kind in recipe.event_types}
        drawn: Draw[str] = Draw(self.most_rows)
        for message in messages_since(self.kafka, INPUTS, since):
            if message.timestamp()[1] >= until:
                continue
            try:
                event = decoder.decode(message.value() or b"")
                event.tell(knowledge)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue  # it is among the dead letters
            if event.type in wanted:
                drawn.offer(event.event_id, event.type)
        return drawn

    def _rows(
        self, pack: Pack, recipe: Recipe, types: dict[str, str], since: int, tallies: Tallies
    ) -> Iterator[TrainingRow]:
        """What was decided of events by the pack in force, each decision once."""
        decoder, taken = msgspec.json.Decoder(RecordedDecision), set[str]()
        for message in messages_since(self.kafka, (DECISIONS,), since):
            try:
                decision = decoder.decode(message.value() or b"")
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                place = f"{DECISIONS}:{message.partition()}"
                raise RetrainingError(
                    f"`{place}` offset {message.offset()}: not a decision: {error}; see who else writes there"
                ) from None
            event_type = types.get(decision.event_id)
            if event_type is None:
                continue
            if decision.pack != pack.id:
                tallies.other_packs += 1
            elif decision.decision_id in taken:
                tallies.repeated += 1
            elif decision.degraded:
                tallies.degraded += 1
            else:
                taken.add(decision.decision_id)
                hits = {one.rule for one in decision.rules if one.result in HITS}
                yield TrainingRow(
                    decision.event_id,
                    event_type,
                    decision.group,
                    milliseconds(decision.occurred_at),
                    {**decision.features, **{rule: rule in hits for rule in recipe.rules}},
                )


def recorded_rules(pack: Pack) -> frozenset[str]:
    """The rules whose hits decisions tell and that read no model."""
    return frozenset(
        rule.name for rule in pack.rules if rule.mode is Mode.ACTIVE and rule.name in pack.readable
    )


def retraining_of(settings: Settings, engine: Engine, artefacts: Artefacts, *, scheduled: bool) -> Retraining:
    """The retraining that the settings describe.

    Args:
        settings: Kafka and the length of the period.
        engine: of the database.
        artefacts: the registry.
        scheduled: do it only where it is due.
    """
    every = settings.retrain_every if scheduled else None
    return Retraining(
        kafka={"bootstrap.servers": settings.kafka},
        engine=engine,
        artefacts=artefacts,
        period=milliseconds_of(settings.retrain_period),
        every=None if every is None else milliseconds_of(every),
    )


def _trained(material: Material, pack: Pack, recipe: Recipe, until: int, bad: frozenset[str]) -> Model:
    training = Training(
        event_types=recipe.event_types,
        until=until,
        algorithm=recipe.algorithm,
        growth=recipe.growth,
        course=recipe.course,
    )
    return grown(material, pack, training, recipe.features, recipe.rules, bad)
