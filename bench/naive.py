"""The naive version: every event by itself, as a first draft without columns and batches would do it.

For each event and window it adds to a sorted set, drops what has left the window and fetches the rest; it
computes the features in Python, asks scikit-learn about one row and calls one function per rule. It gives the
same features, hits and outcomes as the product, so the two can stand side by side.
"""

import json
import math
import time
import uuid
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, BinaryIO

import numpy as np
import redis
import skops.io

from bench.naive_features import BENCH, Held, NaiveFeature
from bench.naive_rules import RULES, NaiveRule
from models.features import Transform
from models.manifest import ARTEFACT
from models.model import Model
from models.registry import TRUSTED

_CHUNK = 1_000
OUTCOMES = ("approve", "review", "hold", "reject")
TIERS = ("low", "medium", "high", "critical")


class Naive:
    """Judges one event at a time.

    Args:
        client: of the server that holds the sorted sets.
        namespace: what its keys begin with.
        pack: name and version that decisions carry.
        model: gives the forest, the transforms of its features and the percentiles; None for no score.
        features: of the pack.
        rules: of the pack.
    """

    def __init__(
        self,
        client: redis.Redis,
        namespace: str,
        pack: str,
        model: Model | None,
        features: Sequence[NaiveFeature] = BENCH,
        rules: Sequence[NaiveRule] = RULES,
    ) -> None:
        self._client: Any = client
        self._namespace = namespace
        self._model = model
        forest = model.parts[ARTEFACT] if model is not None else None
        self._forest = skops.io.loads(forest, trusted=list(TRUSTED)) if forest is not None else None
        self._pack = pack
        self._declared = features
        self._windows = tuple(dict.fromkeys(feature.window for feature in features))
        self._rules = rules

    def run(self, lines: Iterable[bytes], out: BinaryIO, seconds: float) -> int:
        """Judge lines until they or the seconds run out; how many were judged and written."""
        end = time.perf_counter() + seconds
        count = 0
        for line in lines:
            out.write(self.judge(line))
            count += 1
            if time.perf_counter() >= end:
                break
        out.flush()
        return count

    def remember(self, lines: Iterable[bytes]) -> int:
        """Put events into the sorted sets without judging them, many at a time; how many they were."""
        count = 0
        unread = iter(lines)
        while chunk := list(islice(unread, _CHUNK)):
            pipeline = self._client.pipeline(transaction=False)
            for line in chunk:
                event = json.loads(line)
                for window in self._windows:
                    pipeline.zadd(self._key(window, event), {_member(event): event["occurred_at"]})
            pipeline.execute()
            count += len(chunk)
        return count

    def judge(self, line: bytes) -> bytes:
        """The decision on one event, as a line of JSON."""
        event = json.loads(line)
        features = self.features(event)
        anomaly, score = self._score(features) if self._model is not None else (None, None)
        facts = {**event, **features, "anomaly": anomaly}
        hits = [rule for rule in self._rules if event["type"] in rule.on and rule.when(facts)]
        decision = {
            "decision_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{event['event_id']}\n{self._pack}")),
            "event_id": event["event_id"],
            "customer": event["customer"],
            "group": f"{event['subsidiary']}:{event['customer']}",
            "outcome": max((rule.outcome for rule in hits), key=OUTCOMES.index, default="approve"),
            "tier": max((rule.tier for rule in hits), key=TIERS.index, default=None),
            "anomaly": anomaly,
            "rules": [{"rule": rule.name, "version": 1, "result": "hit"} for rule in hits],
            "features": features,
            "model": {"id": self._model.id, "score": score, "top": []} if self._model is not None else None,
            "pack": self._pack,
            "occurred_at": event["occurred_at"],
            "decided_at": int(time.time() * 1000),
        }
        return json.dumps(decision, ensure_ascii=False).encode() + b"\n"

    def features(self, event: dict[str, Any]) -> dict[str, float | int | None]:
        """Every feature of the pack as of one event, which is in its windows from now on."""
        time = event["occurred_at"]
        windows: dict[int, list[Held]] = {}
        for window in self._windows:
            key = self._key(window, event)
            self._client.zadd(key, {_member(event): time})
            self._client.zremrangebyscore(key, "-inf", time - window)
            members = self._client.zrangebyscore(key, "-inf", time)
            windows[window] = [_held(member) for member in members]
        return {feature.name: feature.value(windows[feature.window]) for feature in self._declared}

    def _key(self, window: int, event: dict[str, Any]) -> str:
        return f"{self._namespace}:{window}:{event['subsidiary']}:{event['customer']}"

    def _score(self, features: dict[str, float | int | None]) -> tuple[float, float]:
        """Percentile and raw score."""
        assert self._model is not None
        assert self._forest is not None
        row = []
        for feature in self._model.encoder.features:
            value = features[feature.name]
            if value is None:
                cell = feature.median
            elif feature.transform is Transform.SIGNED_LOG:
                cell = math.copysign(math.log1p(abs(value) / feature.unit), value)
            else:
                cell = float(value)
            row.append(min(max(cell, feature.low), feature.high))
        score = -float(self._forest.score_samples(np.array([row], np.float32))[0])
        return float(self._model.calibration.percentile(np.array([score]))[0]), score


def _member(event: dict[str, Any]) -> str:
    return f"{event['event_id']} {event['type']} {event['amount']} {event['counterparty']}"


def _held(member: bytes) -> Held:
    _, kind, amount, counterparty = member.decode().split(" ")
    return Held(kind, int(amount), counterparty)
