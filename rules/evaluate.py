"""The evaluator: what every rule of a pack says of every event of a batch, as columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from events.columns import Bools, Column, EventBatch, Int64s
from events.event import EventType
from rules.decision import RuleStatus
from rules.errors import RuleError
from rules.language import Frame
from rules.pack import Pack
from rules.rule import Mode, Rule
from rules.sources import ProfileSource, RuleColumns, nulls

Codes = npt.NDArray[np.int8]

SILENT, NO_HIT, HIT, NOT_EVALUABLE, ERROR = range(5)
"""Codes of a rule's result; SILENT where the rule does not judge events of that type."""

STATUS = {
    NO_HIT: RuleStatus.NO_HIT,
    HIT: RuleStatus.HIT,
    NOT_EVALUABLE: RuleStatus.NOT_EVALUABLE,
    ERROR: RuleStatus.ERROR,
}

DEGRADED = "degraded"
"""Why a rule that needs windows is not evaluable while their store is away."""

_LONGEST_MESSAGE = 200


@dataclass(frozen=True)
class Verdict:
    """What one rule says of a batch.

    Args:
        rule: the rule.
        codes: its result for every event, shape (n,), int8.
        message: of the error where the rule failed, else None.
    """

    rule: Rule
    codes: Codes
    message: str | None = None


@dataclass(frozen=True)
class Judgement:
    """What all rules of a pack say of a batch.

    Args:
        features: every feature of the pack, in its order.
        verdicts: of the rules in the pack's order, shadow rules included.
        anomaly: percentile of the model's score; None without a model.
        frame: where the rules read.
        degraded: whether the windows could not be read.
        failures: messages of expressions that failed, by feature.
    """

    features: dict[str, Column]
    verdicts: tuple[Verdict, ...]
    anomaly: Column | None
    frame: Frame
    degraded: bool
    failures: Mapping[str, str]

    def rows(self, *codes: int) -> Int64s:
        """The events of which an active rule says one of `codes`."""
        found = np.zeros(len(self.frame), np.bool_)
        for verdict in self.verdicts:
            if verdict.rule.mode is Mode.ACTIVE:
                for code in codes:
                    found |= verdict.codes == code
        return np.flatnonzero(found)

    @property
    def hit_rows(self) -> Int64s:
        """The events that an active rule hits."""
        return self.rows(HIT)

    def counts(self) -> Iterator[tuple[Rule, RuleStatus, int]]:
        """How often each rule gave each result, for metrics."""
        for verdict in self.verdicts:
            for code, count in enumerate(np.bincount(verdict.codes, minlength=len(STATUS) + 1).tolist()):
                if code and count:
                    yield verdict.rule, STATUS[code], count


def evaluate(
    pack: Pack,
    batch: EventBatch,
    features: Mapping[str, Column],
    profile: ProfileSource | None,
    anomaly: Column | None,
    *,
    degraded: bool = False,
) -> Judgement:
    """Judge a batch by every active and shadow rule of a pack.

    A rule that fails has the result `error` for the whole batch; the others are not touched by it.

    Args:
        pack: the rules.
        batch: n events.
        features: columns of the features over windows, shape (n,); none are read when degraded.
        profile: the customers' profiles.
        anomaly: percentile of the model's score, shape (n,); None without a model.
        degraded: the windows could not be read: what needs them is not evaluable.

    Raises:
        RuleError: a feature of the pack is missing.
    """
    known, failures = derive(pack, batch, {} if degraded else features, degraded=degraded)
    frame = Frame(RuleColumns(batch, pack.local_time, known, failures, profile, anomaly))
    masks: dict[frozenset[EventType], Bools] = {}
    verdicts = []
    for rule in pack.evaluated:
        applies = masks.get(rule.on)
        if applies is None:
            applies = masks[rule.on] = batch.is_of(rule.on)
        verdicts.append(_verdict(rule, frame, applies, degraded=degraded))
    return Judgement(known, tuple(verdicts), anomaly, frame, degraded, failures)


def derive(
    pack: Pack, batch: EventBatch, features: Mapping[str, Column], *, degraded: bool = False
) -> tuple[dict[str, Column], dict[str, str]]:
    """All features of the pack, in its order, from those over windows.

    Args:
        pack: whose expressions are computed.
        batch: n events.
        features: columns of the features over windows, shape (n,).
        degraded: whether all features are NULL.

    Returns:
        the columns by name, and the messages of expressions that failed, which are NULL.

    Raises:
        RuleError: a feature of the pack is missing.
    """
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
    return {name: known[name] for name in pack.feature_names}, failures


def _verdict(rule: Rule, frame: Frame, applies: Bools, *, degraded: bool) -> Verdict:
    if degraded and rule.needs_windows:
        return Verdict(rule, np.where(applies, np.int8(NOT_EVALUABLE), np.int8(SILENT)))
    if not applies.any():
        return Verdict(rule, np.zeros(len(applies), np.int8))
    try:
        result = rule.when.evaluate(frame)
    except Exception as error:  # noqa: BLE001  # the rule is quarantined and reported, the others run
        return Verdict(rule, np.where(applies, np.int8(ERROR), np.int8(SILENT)), _message(error))
    codes = np.where(result.values, np.int8(HIT), np.int8(NO_HIT))
    codes[~result.valid] = NOT_EVALUABLE
    codes[~applies] = SILENT
    return Verdict(rule, codes)


def _message(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:_LONGEST_MESSAGE]
