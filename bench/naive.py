"""The naive version: every event by itself, as a first draft without columns and batches would do it.

For each event and window it adds to a sorted set, drops what has left the window and fetches the rest; it
computes the features in Python, asks scikit-learn about one row and calls one function per rule. It gives the
same features, hits and outcomes as the product, so the two can stand side by side.
"""

import json
import math
import time
import uuid
from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np
import redis
import skops.io

from bench.naive_rules import RULES
from events.clock import DAY, HOUR
from models.features import Transform
from models.model import Model
from models.registry import TRUSTED

WINDOWS = {"1h": HOUR, "24h": DAY, "72h": 3 * DAY, "7d": 7 * DAY}
OUTCOMES = ("approve", "review", "hold", "reject")
TIERS = ("low", "medium", "high", "critical")


class Naive:
    """Judges one event at a time.

    Args:
        client: of the server that holds the sorted sets.
        namespace: what its keys begin with.
        model: gives the forest, the transforms of its features and the percentiles.
        pack: name and version that decisions carry.
    """

    def __init__(self, client: redis.Redis, namespace: str, model: Model, pack: str) -> None:
        self._client: Any = client
        self._namespace = namespace
        self._model = model
        self._forest = skops.io.loads(model.artefact, trusted=list(TRUSTED))
        self._pack = pack

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

    def judge(self, line: bytes) -> bytes:
        """The decision on one event, as a line of JSON."""
        event = json.loads(line)
        features = self._features(event)
        anomaly, score = self._score(features)
        facts = {**event, **features, "anomaly": anomaly}
        hits = [rule for rule in RULES if event["type"] in rule.on and rule.when(facts)]
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
            "model": {"id": self._model.id, "score": score, "top": []},
            "pack": self._pack,
            "occurred_at": event["occurred_at"],
            "decided_at": int(time.time() * 1000),
        }
        return json.dumps(decision, ensure_ascii=False).encode() + b"\n"

    def _features(self, event: dict[str, Any]) -> dict[str, float | int | None]:
        time, entity = event["occurred_at"], f"{event['subsidiary']}:{event['customer']}"
        member = f"{event['event_id']} {event['type']} {event['amount']}"
        features: dict[str, float | int | None] = {}
        for name, length in WINDOWS.items():
            key = f"{self._namespace}:{name}:{entity}"
            self._client.zadd(key, {member: time})
            self._client.zremrangebyscore(key, "-inf", time - length)
            held = [entry.decode().split(" ") for entry in self._client.zrangebyscore(key, "-inf", time)]
            amounts = [int(amount) for _, _, amount in held]
            features[f"orders_{name}"] = sum(kind == "order.placed" for _, kind, _ in held)
            features[f"shipped_{name}"] = sum(
                amount
                for (_, kind, _), amount in zip(held, amounts, strict=True)
                if kind == "shipment.dispatched"
            )
            features[f"average_{name}"] = sum(amounts) / len(amounts) if amounts else None
        return features

    def _score(self, features: dict[str, float | int | None]) -> tuple[float, float]:
        """Percentile and raw score."""
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
