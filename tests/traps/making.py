"""Makes messages and packs for tests of traps: a test names only what it is about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from tests.windows.oracle.contract import DAY

NOON = 1_741_060_800_000  # 2025-03-04 12:00 in Shanghai
SEEN = {
    "title": {"zh": "见", "en": "Seen"},
    "scenario": "seen",
    "on": ["order.placed"],
    "tier": "low",
    "outcome": "approve",
    "queue": "desk",
    "reason": {"zh": "见", "en": "Seen"},
}


FeaturesOf = Callable[[Sequence["Message"], str], list[dict[str, Any]]]
"""Replays messages under a pack and gives the features of each decision."""


@dataclass(frozen=True)
class Message:
    """One message of a stream."""

    fields: Mapping[str, Any]

    @property
    def line(self) -> bytes:
        """The message as bytes."""
        return msgspec.json.encode(self.fields)


def order(number: int | str, at: int = NOON, **fields: object) -> Message:
    """An order of one yuan, by customer `a` of subsidiary `SH`."""
    base: dict[str, object] = {
        "event_id": f"e{number}",
        "type": "order.placed",
        "occurred_at": at,
        "subsidiary": "SH",
        "customer": "a",
        "amount": 100,
    }
    return Message(base | fields)


def feature(
    aggregate: str, by: str = "customer", window: int | None = DAY, **more: object
) -> dict[str, object]:
    """A feature over orders, as a pack declares it."""
    declared: dict[str, object] = {"aggregate": aggregate, "events": ["order.placed"], "by": by}
    if window is not None:
        declared["window"] = f"{window // 1000}s"
    if aggregate in {"sum", "avg", "min", "max", "stddev"}:
        declared["field"] = "amount"
    if aggregate == "distinct":
        declared["field"] = "region"
    return declared | more


def pack(features: Mapping[str, Mapping[str, object]], when: str = "amount < 0", **more: object) -> str:
    """A pack of these features and one rule."""
    document = {
        "pack": "traps",
        "version": 1,
        "timezone": "Asia/Shanghai",
        "features": dict(features),
        "rules": {"seen": SEEN | {"when": when}},
    }
    return yaml.safe_dump(document | more, allow_unicode=True, sort_keys=False)
