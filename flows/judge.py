"""The step that judges: features, score, rules and decision of one batch, as bytes to send."""

from collections import Counter, deque
from collections.abc import Sequence
from functools import cache
from time import perf_counter
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
import structlog
from prometheus_client import Counter as Metric

from alerts.hits import hits_of
from events.clock import Clock
from events.columns import EventBatch
from flows.tally import RuleTally
from models.model import Model, Share
from rules.decide import Scored, decide
from rules.decision import Contribution
from rules.evaluate import STATUS, Judgement, derive, evaluate
from rules.pack import Pack
from rules.quarantine import Quarantine
from rules.rule import Mode, Rule
from rules.score import Score, score
from rules.suppression import Suppressions
from telemetry.metrics import FlowMetrics
from windows.windowed import WindowedBatch
from wire.output import Lines, Output

DEFAULT_AFTER = 3  # batches in which a rule may fail
TOP = 3  # features named with every score that has a hit


_log = structlog.get_logger(__name__)


class Observer(Protocol):
    """Sees what was judged, and changes nothing of it: drift watches, models in the shadow."""

    def __call__(self, windowed: WindowedBatch, judgement: Judgement, said: Score | None) -> None:
        """Look at a batch.

        Args:
            windowed: the batch with its windows; `repeated` marks events that were seen before.
            judgement: with all features as columns, the derived ones included.
            said: what the champion says; None without one.
        """
        ...


class _Decided(NamedTuple):
    """Decisions and hits of a batch, encoded, and the number of decisions by outcome."""

    lines: Lines
    hits: list[tuple[int, bytes]]
    outcomes: Counter[str]


class Judge:
    """Judges batches by a pack and a model.

    Args:
        pack: rules in force.
        model: anomaly model in force, None for none.
        clock: gives `decided_at`.
        metrics: where results are counted.
        quarantine: of rules that fail; shared by whatever judges by the same pack.
        suppressions: of hits.
        tally: counts what rules hold, for their breakers; None where there are none.
        observers: see every batch that was judged; one that fails is counted and changes nothing.
    """

    def __init__(
        self,
        pack: Pack,
        model: Model | None,
        clock: Clock,
        metrics: FlowMetrics,
        quarantine: Quarantine | None = None,
        suppressions: Suppressions | None = None,
        tally: RuleTally | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._observers = observers
        self._told = False
        self._tally = tally
        self._pack = pack
        self._quarantine = quarantine or Quarantine(DEFAULT_AFTER)
        self._suppressions = suppressions
        self._model = model
        self._clock = clock
        self._metrics = metrics
        self._encoder = msgspec.json.Encoder()
        # Finding a counter by its labels costs more than counting with it.
        self._seconds = cache(metrics.step_seconds.labels)
        self._hits = cache(metrics.hits.labels)
        self._outcomes = cache(metrics.decided.labels)
        self._results = [_results(rule, metrics) for rule in pack.evaluated]
        if model is not None:
            model.check_features(pack.readable)

    def __call__(self, windowed: WindowedBatch) -> Output:
        """The output of a batch; see the numbered steps.

        1. Derive the features that are expressions over others.
        2. Score the event types that the model knows.
        3. Evaluate the rules, and explain the scores of what they hit.
        4. Decide and encode in runs, and grow hits from decisions.
        """
        batch, pack, seconds = windowed.batch, self._pack, self._seconds
        with seconds("score").time():
            derived = derive(pack, batch, windowed.features, windowed.warming, degraded=windowed.degraded)
            said = None
            if self._model is not None:
                said = score(self._model, batch, derived, pack, windowed.profiles)
        with seconds("rules").time():
            anomaly = said.percentile if said is not None else None
            judgement = evaluate(
                pack,
                batch,
                derived,
                windowed.profiles,
                anomaly,
                self._suppressions,
                self._quarantine.held,
                limit=said.limit if said is not None else None,
            )
            self._note_failures(judgement)
            if self._tally is not None:
                self._tally.add(judgement)
            scored = self._scored(batch, judgement, said)
        now = self._clock()
        decided = self._decide(windowed, judgement, scored, now)
        self._show(windowed, judgement, said)
        return self._output(windowed, judgement, decided, now)

    def _show(self, windowed: WindowedBatch, judgement: Judgement, said: Score | None) -> None:
        for observer in self._observers:
            try:
                observer(windowed, judgement, said)
            except Exception:  # noqa: BLE001  # whatever an observer does, the decisions stand
                self._metrics.observer_failures.inc()
                if not self._told:
                    self._told = True
                    _log.exception("observer_failed", observer=type(observer).__name__)

    def _note_failures(self, judgement: Judgement) -> None:
        for name, message in self._quarantine.note(judgement.verdicts):
            self._metrics.rule_quarantined.labels(name).set(1)
            _log.error(
                "rule_quarantined",
                rule=name,
                pack=self._pack.id,
                error=message,
                cure="mend the rule and publish it; events that it judges are reviewed until then",
            )

    def _decide(
        self, windowed: WindowedBatch, judgement: Judgement, scored: Scored | None, now: int
    ) -> _Decided:
        """Decisions and hits as they are sent, encoded run by run while they are at hand."""
        batch, pack, encoder = windowed.batch, self._pack, self._encoder
        runs: list[bytes] = []
        hits: list[tuple[int, bytes]] = []
        outcomes: Counter[str] = Counter()
        marked = np.union1d(judgement.hit_rows, judgement.doubtful_rows)
        left = deque(marked.tolist())
        done, encoding, began = 0, 0.0, perf_counter()
        for run in decide(pack, batch, judgement, scored, windowed.late, now):
            while left and left[0] < done + len(run):
                row = left.popleft()
                decision = run[row - done]
                outcomes[decision.outcome.value] += 1
                for hit in hits_of(pack, batch, row, decision):
                    self._hits(hit.tier.value, hit.scenario).inc()
                    hits.append((row, encoder.encode(hit)))
            done += len(run)
            lap = perf_counter()
            runs.append(encoder.encode_lines(run))
            encoding += perf_counter() - lap
        self._seconds("decide").observe(perf_counter() - began - encoding)
        self._seconds("encode").observe(encoding)
        outcomes[judgement.least.value] += len(batch) - len(marked)
        return _Decided(Lines(tuple(runs)), hits, +outcomes)

    def _scored(self, batch: EventBatch, judgement: Judgement, said: Score | None) -> Scored | None:
        """The model's word on the batch, with what drove the scores where a rule was hit."""
        if self._model is None or said is None:
            return None
        rows = judgement.hit_rows
        rows = rows[said.raw.valid[rows]]
        groups = [batch.groups[row] for row in rows.tolist()]
        shares = self._model.explain(said.read, rows, TOP, groups) if len(rows) else []
        usual = self._model.baseline is not None
        top = [[_contribution(share, usual=usual) for share in shared] for shared in shares]
        return Scored(self._model.id, said.raw, dict(zip(rows.tolist(), top, strict=True)))

    def _output(self, windowed: WindowedBatch, judgement: Judgement, decided: _Decided, now: int) -> Output:
        """Count what came of a batch, and hand it on."""
        metrics, batch = self._metrics, windowed.batch
        rules: dict[str, int] = {}
        for results, counts in zip(self._results, judgement.counts(), strict=True):
            for result, count in zip(results, counts, strict=True):
                if count and result is not None:
                    counter, name = result
                    counter.inc(count)
                    if name is not None:
                        rules[name] = count
        for outcome, count in decided.outcomes.items():
            self._outcomes(outcome).inc(count)
        late, partial = int(np.count_nonzero(windowed.late)), len(judgement.partial_rows)
        metrics.partial.inc(partial)
        metrics.late.inc(late)
        metrics.duplicate.inc(len(windowed.duplicates))
        metrics.repeated.inc(int(np.count_nonzero(windowed.repeated)))
        if windowed.degraded:
            metrics.degraded.inc(len(batch))
        metrics.event_to_decision.observe(max(0, now - batch.received_at) / 1000)
        return Output(
            batch=batch.batch,
            size=batch.size,
            rows=batch.rows,
            keys=batch.groups,
            decisions=decided.lines,
            hits=decided.hits,
            duplicates=windowed.duplicates,
            late=late,
            partial=partial,
            degraded=len(batch) if windowed.degraded else 0,
            outcomes=dict(decided.outcomes),
            rules=rules,
        )


def _contribution(share: Share, *, usual: bool) -> Contribution:
    """A share as decisions tell it; `usual` says whether the model knows any medians."""
    medians = (share.customer_median, share.peers_median) if usual else ()
    return Contribution(share.feature, share.value, share.contribution, *medians)


def _results(rule: Rule, metrics: FlowMetrics) -> list[tuple[Metric, str | None] | None]:
    """By code of a result: its counter and, of an active rule, its name among the counts of an output."""
    results: list[tuple[Metric, str | None] | None] = [None] * (len(STATUS) + 1)
    for code, status in STATUS.items():
        counter = metrics.rule_results.labels(rule.name, status.value)
        results[code] = counter, f"{rule.name} {status.value}" if rule.mode is Mode.ACTIVE else None
    return results
