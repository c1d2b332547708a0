"""The evaluator: what every rule of a pack says of every event of a batch, as columns."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from events.columns import Bools, Column, EventBatch, Int64s
from events.event import EventType
from rules.decision import Outcome, RuleStatus
from rules.errors import RuleError
from rules.language import Frame
from rules.pack import Pack
from rules.rule import Mode, Rule
from rules.sources import ProfileSource, RuleColumns, nulls
from rules.suppression import Suppressions

Codes = npt.NDArray[np.int8]

SILENT, NO_HIT, HIT, NOT_EVALUABLE, ERROR, SUPPRESSED = range(6)
"""Codes of a rule's result; SILENT where the rule does not judge events of that type.

A condition's truth plus NO_HIT is its code, and from HIT on there is something to tell.
"""

STATUS = {
    NO_HIT: RuleStatus.NO_HIT,
    HIT: RuleStatus.HIT,
    NOT_EVALUABLE: RuleStatus.NOT_EVALUABLE,
    ERROR: RuleStatus.ERROR,
    SUPPRESSED: RuleStatus.SUPPRESSED,
}

WARMING = "warming"
"""Why a rule is not evaluable that reads a window which begins before everything is known."""

DEGRADED = "degraded"
"""Why a rule that needs windows is not evaluable while their store is away."""

_LONGEST_MESSAGE = 200


@dataclass(frozen=True)
class Derived:
    """All features of a pack for a batch: those over windows and those that are computed from them.

    Args:
        features: columns by name, in the pack's order, shape (n,).
        failures: messages of expressions that failed, by feature; their columns are NULL.
        degraded: whether the windows could not be read; then all features are NULL.
        warming: by feature, where it is NULL because a window is not known in full, shape (n,); features
            without such events are left out.
    """

    features: dict[str, Column]
    failures: Mapping[str, str]
    degraded: bool
    warming: Mapping[str, Bools] = field(default_factory=dict)


class Verdict(Struct, frozen=True):
    """What one rule says of a batch.

    Args:
        rule: the rule.
        codes: its result for every event, shape (n,), int8.
        message: of the error where the rule failed, else None.
    """

    rule: Rule
    codes: Codes
    message: str | None


@dataclass(frozen=True)
class Judgement:
    """What all rules of a pack say of a batch.

    Args:
        derived: every feature of the pack.
        verdicts: of the rules in the pack's order, shadow rules included.
        codes: of all verdicts, shape (rules, n).
        judged: how many events each rule judges, by their types.
        anomaly: percentile of the model's score; None without a model.
        frame: where the rules read.
    """

    derived: Derived
    verdicts: tuple[Verdict, ...]
    codes: Codes
    judged: tuple[int, ...]
    anomaly: Column | None
    frame: Frame

    @property
    def least(self) -> Outcome:
        """What is decided of an event that no rule hits."""
        return Outcome.REVIEW if self.derived.degraded else Outcome.APPROVE

    @cached_property
    def hit_rows(self) -> Int64s:
        """The events that an active rule hits."""
        return self._rows_of(HIT)

    @cached_property
    def partial_rows(self) -> Int64s:
        """The events of which an active rule failed."""
        return self._rows_of(ERROR)

    @cached_property
    def doubtful_rows(self) -> Int64s:
        """Those of which an active rule failed that would not just approve: they are reviewed at least."""
        return self._rows_of(ERROR, severe=True)

    def _rows_of(self, code: int, *, severe: bool = False) -> Int64s:
        """The events for which an active rule gave a code; a severe one does more than approve."""
        rows = self._told_rows
        if not len(rows):
            return rows
        wanted = [
            verdict.rule.mode is Mode.ACTIVE
            and (not severe or verdict.rule.outcome.severity > Outcome.APPROVE.severity)
            for verdict in self.verdicts
        ]
        return rows[np.flatnonzero((self.codes[:, rows] == code)[wanted].any(axis=0))]

    def shown(self) -> Iterator[tuple[Verdict, Int64s]]:
        """The verdicts of active rules that say more than that nothing is hit, each with those events."""
        rows = self._told_rows
        if not len(rows):
            return
        says: Bools = self.codes[:, rows] >= HIT
        for place in np.flatnonzero(says.any(axis=1)).tolist():
            verdict = self.verdicts[place]
            if verdict.rule.mode is Mode.ACTIVE:
                yield verdict, rows[says[place]]

    def counts(self) -> list[list[int]]:
        """How often each rule gave each result: one row for each verdict, one column for each code."""
        counts = np.zeros((len(self.verdicts), len(STATUS) + 1), np.int64)
        if len(self._told_rows):
            codes = self.codes[:, self._told_rows]
            for code in (HIT, NOT_EVALUABLE, ERROR, SUPPRESSED):
                counts[:, code] = np.count_nonzero(codes == code, axis=1)
        counts[:, NO_HIT] = np.array(self.judged, np.int64) - counts.sum(axis=1)
        table: list[list[int]] = counts.tolist()
        return table

    @cached_property
    def _told_rows(self) -> Int64s:
        """The events of which any rule says more than that it does not hit: mostly few."""
        return np.flatnonzero(self.codes.max(axis=0, initial=SILENT) >= HIT)


def evaluate(
    pack: Pack,
    batch: EventBatch,
    derived: Derived,
    profile: ProfileSource | None,
    anomaly: Column | None,
    suppressions: Suppressions | None = None,
    quarantined: Mapping[str, str] | None = None,
    *,
    limit: float | None = None,
    only: Collection[str] | None = None,
) -> Judgement:
    """Judge a batch by every active and shadow rule of a pack.

    A rule that fails has the result `error` for the whole batch; the others are not touched by it. Where the
    windows could not be read, a rule that needs them is not evaluable.

    Args:
        pack: the rules.
        batch: n events.
        derived: features of these events.
        profile: the customers' profiles.
        anomaly: percentile of the model's score, shape (n,); None without a model.
        suppressions: of hits.
        quarantined: why rules are not run any more, by name; their result is `error`.
        limit: percentile that the model's alert budget allows; None without one.
        only: names of the rules that are run; None: all of them.
    """
    set_aside = quarantined or {}
    columns = RuleColumns(batch, pack.local_time, derived.features, derived.failures, profile, anomaly, limit)
    frame = Frame(columns)
    codes = np.zeros((len(pack.evaluated), len(batch)), np.int8)
    types: dict[frozenset[EventType], tuple[Bools, int]] = {}
    verdicts, judged = [], []
    with np.errstate(all="ignore"):  # as in Compiled.evaluate, but once for all rules
        for rule, row in zip(pack.evaluated, codes, strict=True):
            if rule.on not in types:
                applies = batch.is_of(rule.on)
                types[rule.on] = applies, int(np.count_nonzero(applies))
            applies, count = types[rule.on]
            message = set_aside.get(rule.name)
            if not count or (only is not None and rule.name not in only):
                message = None
            elif message is not None:
                row[applies] = ERROR
            else:
                message = _judge(rule, frame, applies, row, degraded=derived.degraded)
            verdicts.append(Verdict(rule, row, message))
            judged.append(count)
    if suppressions:
        _suppress(pack, batch, codes, suppressions)
    return Judgement(derived, tuple(verdicts), codes, tuple(judged), anomaly, frame)


def _suppress(pack: Pack, batch: EventBatch, codes: Codes, suppressions: Suppressions) -> None:
    """Turn hits into suppressed ones."""
    places = {rule.name: place for place, rule in enumerate(pack.evaluated)}
    hit = codes == HIT
    for row in np.flatnonzero(hit.any(axis=0)).tolist():
        hits = [pack.evaluated[place] for place in np.flatnonzero(hit[:, row]).tolist()]
        for rule in suppressions.suppressed(batch.groups[row], int(batch.occurred_at[row]), hits):
            codes[places[rule.name], row] = SUPPRESSED


def derive(
    pack: Pack,
    batch: EventBatch,
    features: Mapping[str, Column],
    warming: Mapping[str, Bools] | None = None,
    *,
    degraded: bool = False,
) -> Derived:
    """All features of the pack from those over windows.

    Args:
        pack: whose expressions are computed.
        batch: n events.
        features: columns of the features over windows, shape (n,); none are read when degraded.
        warming: by feature, where it is NULL because its window is not known in full, shape (n,).
        degraded: whether the windows could not be read.

    Raises:
        RuleError: a feature of the pack is missing.
    """
    held_back = dict(warming or {})
    known: dict[str, Column] = {}
    failures: dict[str, str] = {}
    for feature in pack.features:
        column = nulls(len(batch), feature.kind) if degraded else features.get(feature.name)
        if column is None:
            raise RuleError(f"pack `{pack.id}` needs feature `{feature.name}`; the windows did not give it")
        known[feature.name] = column
    frame = Frame(RuleColumns(batch, pack.local_time, known, failures, None, None))
    for expression in pack.expressions:
        name = expression.name
        known[name] = nulls(len(batch), expression.kind)
        if not degraded:
            try:
                known[name] = expression.value.evaluate(frame)
            except Exception as error:  # noqa: BLE001  # whatever fails is reported and the rest goes on
                failures[name] = _message(error)
        if inputs := [held_back[read] for read in expression.value.kinds if read in held_back]:
            held_back[name] = np.logical_or.reduce(inputs) & ~known[name].valid
    return Derived({name: known[name] for name in pack.feature_names}, failures, degraded, held_back)


def _judge(rule: Rule, frame: Frame, applies: Bools, codes: Codes, *, degraded: bool) -> str | None:
    """Write what a rule says into `codes`, which are SILENT; the message of the error where it fails."""
    if degraded and rule.needs_windows:
        codes[applies] = NOT_EVALUABLE
        return None
    try:
        cells = rule.when.run(frame)
        for part in (cells.values, cells.valid):
            if part is not None and (part.dtype != np.bool_ or part.shape not in ((), codes.shape)):
                raise RuleError(  # noqa: TRY301 -- quarantined like every other failure
                    f"the condition gave {part.dtype} of shape {part.shape}, not true or false"
                )
        np.add(cells.values, NO_HIT, out=codes, dtype=np.int8)
        if cells.valid is not None:
            np.copyto(codes, NOT_EVALUABLE, where=~cells.valid)
    except Exception as error:  # noqa: BLE001  # the rule is quarantined and reported, the others run
        codes[:] = ERROR
        return _message(error)
    finally:
        codes *= applies
    return None


def _message(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:_LONGEST_MESSAGE]
