"""The stage: tries stories through the windows and the evaluator that judge live events."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from events.columns import Column, EventBatch, Kind
from events.errors import FenghuoError
from events.event import EventType
from fenghuo.embedded import start_services
from fenghuo.settings import Settings
from fenghuo.wiring import REPLAY_LIFETIME, REPLAY_PATIENCE, Risk, build_risk, plans
from rules.deadline import Deadline
from rules.decision import RuleStatus
from rules.evaluate import NOT_EVALUABLE, SILENT, STATUS, Judgement, Verdict, derive, evaluate
from rules.pack import Pack
from rules.rule import EVALUATED, Rule
from rules.story import Case, Expected, Story
from rules.waiting import Answered, Duties, Waiting
from rules.watermark import Passing, passing
from store.redis.journal import RedisJournal, connect, forget
from store.redis.link import Client
from windows.owned import OwnedWindows
from windows.plan import WindowPlan
from windows.windowed import WindowedBatch
from wire.codec import Codec
from wire.messages import RawBatch

_LANE = "story"
_SAID = {
    RuleStatus.HIT: Expected.HIT,
    RuleStatus.NO_HIT: Expected.NO_HIT,
    RuleStatus.NOT_EVALUABLE: Expected.NOT_EVALUABLE,
}


_LEAST = ("event_id", "type", "occurred_at", "subsidiary", "customer", "amount")


class StoryError(FenghuoError):
    """Raised when the events of a story cannot be judged at all."""


@dataclass(frozen=True)
class Fault:
    """Where a case came out otherwise than expected.

    Args:
        line: of the story's file.
        case: title.
        expected: what the story says.
        got: what was said, with the values that led to it.
    """

    line: int
    case: str
    expected: str
    got: str


class Stage:
    """Plays cases, each in windows of its own.

    Args:
        pack: whose rules are tried.
        codec: decodes the events.
        risk: where the windows' metrics are.
        client: of a Redis.
    """

    def __init__(self, pack: Pack, risk: Risk, client: Client) -> None:
        self._pack = pack
        self._codec: Codec = risk.codec
        self._metrics = risk.metrics
        self._client = client
        self._plans = plans(pack)
        self._namespace = f"stories:{secrets.token_hex(8)}"
        self._played = 0

    def play(self, story: Story, case: Case) -> list[Fault]:
        """What of a case comes out otherwise than expected.

        Raises:
            StoryError: an event breaks the contract of events.
        """
        subject = story.subject
        batch = self._decoded(story, case)
        if subject.mode not in EVALUATED:
            raise StoryError(
                f"{story.file}: `{subject.name}` is {subject.mode}; only active or shadow is tried"
            )
        if isinstance(subject, Deadline):
            return self._watched(subject, case, batch)
        return self._judged(subject, case, batch)

    def unknown_of(self, story: Story, rule: Rule) -> list[EventType]:
        """The types of which a rule can't say anything where the last events of its cases are stripped.

        What is left of them is what an event must have; windows that the rule reads are away.
        """
        bare = [
            {key: value for key, value in case.steps[-1].message.items() if key in _LEAST}
            for case in story.cases
        ]
        raw = RawBatch(
            0, [msgspec.json.encode(one) for one in bare], [_LANE] * len(bare), np.arange(len(bare)), 0
        )
        batch = self._codec.decode(raw).batch
        windowed = self._windowed(batch)
        derived = derive(self._pack, batch, windowed.features, windowed.warming, degraded=rule.needs_windows)
        verdict = self._verdict(rule, evaluate(self._pack, batch, derived, windowed.profiles, None))
        rows = np.flatnonzero(verdict.codes == NOT_EVALUABLE).tolist()
        return sorted({batch.events[row].type for row in rows})

    def close(self) -> None:
        """Forget the windows of all cases."""
        forget(self._client, self._namespace)

    def _decoded(self, story: Story, case: Case) -> EventBatch:
        count = len(case.steps)
        values: list[bytes | None] = [msgspec.json.encode(step.message) for step in case.steps]
        raw = RawBatch(0, values, [_LANE] * count, np.arange(count), 0)
        decoded = self._codec.decode(raw)
        if decoded.dead:
            dead = decoded.dead[0]
            where = f"{story.file}:{case.steps[dead.row].line}: case `{case.title}`"
            raise StoryError(f"{where}: {f'`{dead.field}`: ' if dead.field else ''}{dead.reason}")
        return decoded.batch

    def _judged(self, rule: Rule, case: Case, batch: EventBatch) -> list[Fault]:
        windowed = self._windowed(batch)
        derived = derive(self._pack, batch, windowed.features, windowed.warming, degraded=case.degraded)
        anomaly = None
        if case.anomaly is not None:
            given = np.full(len(batch), case.anomaly)
            anomaly = Column(given, np.ones(len(batch), np.bool_), Kind.NUMBER)
        judgement = evaluate(self._pack, batch, derived, windowed.profiles, anomaly, limit=case.anomaly_limit)
        verdict = self._verdict(rule, judgement)
        wanted = [(row, step.expect, step.line) for row, step in enumerate(case.steps) if step.expect]
        wanted.append((len(case.steps) - 1, case.expect, case.line))
        faults = []
        for row, expected, line in wanted:
            code = int(verdict.codes[row])
            seen = {name: judgement.frame.column(name, kind) for name, kind in rule.when.kinds.items()}
            shown = {name: _shown(column, row) for name, column in seen.items()}
            values = ", ".join(f"{name} = {value}" for name, value in shown.items())
            place = f"event {row + 1} ({batch.events[row].type})"
            if code == SILENT:
                got = f"{place} is of a type that the rule does not judge"
                faults.append(Fault(line, case.title, expected.value, got))
            elif _SAID.get(STATUS[code]) is not expected:
                said = STATUS[code].value + (f": {verdict.message}" if verdict.message else "")
                faults.append(Fault(line, case.title, expected.value, f"{said} on {place}; {values}"))
            elif row == len(case.steps) - 1:
                faults += _observed(case, shown)
        return faults

    @staticmethod
    def _verdict(rule: Rule, judgement: Judgement) -> Verdict:
        (verdict,) = (one for one in judgement.verdicts if one.rule.name == rule.name)
        return verdict

    def _windowed(self, batch: EventBatch) -> WindowedBatch:
        """The batch with all features, from windows that hold nothing else."""
        self._played += 1
        names = (f"{self._namespace}:{self._played}", f"{self._namespace}:{self._played}:counterparties")
        within, apart = self._plans
        windowed = self._process(within, names[0], batch)
        if apart.features:
            windowed = windowed.completed(self._process(apart, names[1], batch))
        return windowed

    def _process(self, plan: WindowPlan, namespace: str, batch: EventBatch) -> WindowedBatch:
        journal = RedisJournal(self._client, namespace, REPLAY_PATIENCE, REPLAY_LIFETIME, self._metrics)
        journal.claim_shards(1)
        windows = OwnedWindows(plan, journal, self._pack.lateness)
        windows.open(0, None, 0)
        done = windows.process(batch, np.zeros(len(batch), np.int64))
        if done.failure is not None:
            raise done.failure
        return done.windowed

    def _watched(self, deadline: Deadline, case: Case, batch: EventBatch) -> list[Fault]:
        duties = Duties([deadline], self._pack.id)
        waiting = Waiting(duties)
        lanes = [_LANE] * len(batch)
        told = waiting.take(
            batch, np.arange(len(batch)), duties.concern(batch), passing(batch.occurred_at, lanes, None)
        )
        if case.until is not None:
            nothing = np.zeros(0, np.int64)
            heights = (case.until,) * 3
            end = Passing((_LANE,), nothing, np.zeros((3, 0), np.int64), {_LANE: heights}, {})
            none = batch.take(nothing)
            told += waiting.take(none, nothing, duties.concern(none), end)
        answers = [one for one in told if isinstance(one, Answered)]
        if any(not one.in_time for one in answers):
            said = Expected.ANSWERED
        else:
            said = Expected.IN_TIME if len(told) == 2 * len(answers) else Expected.MISSED
        if said is case.expect:
            return []
        left = f"; {len(waiting)} still waiting, move the clock on with `until`" if len(waiting) else ""
        return [Fault(case.line, case.title, case.expect.value, f"{said.value}{left}")]


def _observed(case: Case, shown: dict[str, str]) -> Iterator[Fault]:
    for name, expected in case.observed.items():
        got = shown.get(name)
        same = got is not None and (
            got == expected if isinstance(expected, str) or got == "NULL" else _number(got) == expected
        )
        if not same:
            known = (
                f"{got}"
                if got is not None
                else f"the condition does not read it; it reads {', '.join(shown)}"
            )
            yield Fault(case.line, case.title, f"{name} = {expected}", known)


def _number(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except ArithmeticError:
        return text


def _shown(column: Column, row: int) -> str:
    """A value in the units of conditions: money in yuan."""
    if not column.valid[row]:
        return "NULL"
    value = column.values[row]
    if column.kind is Kind.MONEY:
        return format(Decimal(repr(value.item())) / 100, "f")
    return str(value.item() if isinstance(value, np.generic) else value)


@contextmanager
def open_stage(settings: Settings, pack: Pack) -> Iterator[Stage]:
    """A stage for a pack, with the Redis of the settings or an embedded one."""
    risk = build_risk(settings, pack=pack)
    with (
        TemporaryDirectory(prefix="fenghuo-stories-") as folder,
        start_services(settings, Path(folder), need={"redis"}) as services,
    ):
        client = connect(services.redis_url, REPLAY_PATIENCE)
        stage = Stage(pack, risk, client)
        try:
            yield stage
        finally:
            stage.close()
            client.close()
