"""The step that judges: features, score, rules and decision of one batch, as bytes to send."""

from collections import Counter

import msgspec
import numpy as np

from alerts.hits import hits_of
from events.clock import Clock
from events.columns import Column, EventBatch, Kind
from events.event import EventType
from models.model import Model
from rules.decide import decide
from rules.decision import Contribution, ModelScore
from rules.evaluate import Judgement, derive, evaluate
from rules.pack import Pack
from rules.rule import Mode
from telemetry.metrics import FlowMetrics
from windows.shard import WindowedBatch
from wire.output import Output

TOP = 3  # features named with every score that has a hit


class Judge:
    """Judges batches by a pack and a model.

    Args:
        pack: rules in force.
        model: anomaly model in force, None for none.
        clock: gives `decided_at`.
        metrics: where results are counted.
    """

    def __init__(self, pack: Pack, model: Model | None, clock: Clock, metrics: FlowMetrics) -> None:
        self._pack = pack
        self._model = model
        self._clock = clock
        self._metrics = metrics
        self._encoder = msgspec.json.Encoder()
        if model is not None:
            model.check_features(pack.kinds)

    def __call__(self, windowed: WindowedBatch) -> Output:
        """The output of a batch; see the numbered steps.

        1. Derive the features that are expressions over others.
        2. Score the event types that the model knows.
        3. Evaluate the rules.
        4. Decide, and grow hits from decisions.
        5. Encode.
        """
        metrics, batch, pack = self._metrics, windowed.batch, self._pack
        with metrics.step_seconds.labels("score").time():
            features, _ = derive(pack, batch, windowed.features, degraded=windowed.degraded)
            percentile, scores = self._score(batch, features, degraded=windowed.degraded)
        with metrics.step_seconds.labels("rules").time():
            judgement = evaluate(
                pack, batch, windowed.features, windowed.profiles, percentile, degraded=windowed.degraded
            )
            models = self._models(judgement, features, scores)
        with metrics.step_seconds.labels("decide").time():
            now = self._clock()
            decisions = decide(pack, batch, judgement, models, windowed.late, now)
            hits = [
                (row, hit)
                for row in judgement.hit_rows.tolist()
                for hit in hits_of(pack, batch, row, decisions[row])
            ]
        with metrics.step_seconds.labels("encode").time():
            encoded = [self._encoder.encode(decision) for decision in decisions]
            encoded_hits = [(row, self._encoder.encode(hit)) for row, hit in hits]
        for _, hit in hits:
            metrics.hits.labels(hit.tier.value, hit.scenario).inc()
        outcomes = Counter(decision.outcome.value for decision in decisions)
        return self._count(windowed, judgement, outcomes, encoded, encoded_hits, now)

    def _score(
        self, batch: EventBatch, features: dict[str, Column], *, degraded: bool
    ) -> tuple[Column | None, Column | None]:
        """Percentile and raw score, shape (n,) each; None without a model."""
        if self._model is None:
            return None, None
        n = len(batch)
        wanted = batch.is_of({EventType(name) for name in self._model.event_types})
        if degraded:
            wanted[:] = False
        percentile, score = np.zeros(n), np.zeros(n)
        rows = np.flatnonzero(wanted)
        if len(rows):
            scores = self._model.score(
                {name: features[name].take(rows) for name in self._model.feature_names}
            )
            percentile[rows], score[rows] = scores.percentile, scores.score
        return Column(percentile, wanted, Kind.NUMBER), Column(score, wanted, Kind.NUMBER)

    def _models(
        self, judgement: Judgement, features: dict[str, Column], scores: Column | None
    ) -> list[ModelScore | None] | None:
        """The model's word on every event that it scored, with its drivers where a rule was hit."""
        if self._model is None or scores is None:
            return None
        hit = judgement.hit_rows
        explained = hit[scores.valid[hit]]
        shares = self._model.explain(features, explained, TOP) if len(explained) else []
        top = dict(zip(explained.tolist(), shares, strict=True))
        model_id = self._model.id
        return [
            ModelScore(model_id, score, [Contribution(*share) for share in top.get(row, ())])
            if scored
            else None
            for row, (score, scored) in enumerate(
                zip(scores.values.tolist(), scores.valid.tolist(), strict=True)
            )
        ]

    def _count(
        self,
        windowed: WindowedBatch,
        judgement: Judgement,
        outcomes: Counter[str],
        decisions: list[bytes],
        hits: list[tuple[int, bytes]],
        now: int,
    ) -> Output:
        metrics, batch = self._metrics, windowed.batch
        rules: Counter[str] = Counter()
        for rule, status, count in judgement.counts():
            metrics.rule_results.labels(rule.name, status.value).inc(count)
            if rule.mode is Mode.ACTIVE:
                rules[f"{rule.name} {status.value}"] += count
        for outcome, count in outcomes.items():
            metrics.decided.labels(outcome).inc(count)
        late = int(np.count_nonzero(windowed.late))
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
            decisions=decisions,
            hits=hits,
            duplicates=windowed.duplicates,
            late=late,
            degraded=len(batch) if windowed.degraded else 0,
            outcomes=dict(outcomes),
            rules=dict(rules),
        )
