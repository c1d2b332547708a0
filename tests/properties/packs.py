"""Random packs: features of every kind, as the oracles read them and as YAML."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import yaml
from hypothesis import strategies as st

from tests.properties.conditions import CONDITIONS, FAR
from tests.windows.oracle.contract import SECOND, Wanted

TYPES = (
    "order.placed",
    "shipment.dispatched",
    "payment.received",
    "order.cancelled",
    "complaint.opened",
    "label.reported",
    "customer.changed",
)
ENTITIES = ("customer", "group", "order", "consignee", "counterparty")
WINDOWS = (1, 2, 3, 5)  # times the unit of a stream
DELAYS = (0, 0, 0, 1, 2)
AGGREGATES = (
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "stddev",
    "distinct",
    "days_since_first",
    "days_since_last",
)
_NUMBERS = ("sum", "avg", "min", "max", "stddev")
_TEXTS = (
    "region",
    "channel",
    "counterparty",
    "customer",
    "subsidiary",
    "group",
    "order",
    "attributes.weight",
    "attributes.urgent",
)
SEEN = "seen"
PROFILE = ("rating", "score")
"""What every pack's rule `seen` reads of the profile: a text and a number."""


@dataclass(frozen=True)
class DrawnPack:
    """A pack with nothing but features and a rule that always hits and so shows the profile.

    Args:
        features: in the order of the pack.
        lateness: milliseconds, whole seconds.
    """

    features: tuple[Wanted, ...]
    lateness: int

    @property
    def longest(self) -> int:
        """How far the longest window looks back."""
        return max(wanted.reach for wanted in self.features)

    @property
    def yaml(self) -> str:
        """The pack as its file."""
        shown = " OR ".join(f"profile.{name} IS NULL" for name in PROFILE)
        read = "profile.rating <> '' OR profile.rating = '' OR profile.score > 0 OR profile.score <= 0"
        document = {
            "pack": "drawn",
            "version": 1,
            "timezone": "Asia/Shanghai",
            "lateness": f"{self.lateness // SECOND}s",
            "lists": {"far": list(FAR)},
            "features": {wanted.name: declaration(wanted) for wanted in self.features},
            "rules": {
                SEEN: {
                    "title": {"zh": "见", "en": "Seen"},
                    "scenario": SEEN,
                    "on": list(TYPES),
                    "when": f"{shown} OR {read}",
                    "tier": "low",
                    "outcome": "approve",
                    "queue": "desk",
                    "reason": {"zh": "见", "en": "Seen"},
                }
            },
        }
        return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def declaration(wanted: Wanted) -> dict[str, object]:
    """The feature as a pack declares it."""
    given: dict[str, object] = {
        "aggregate": wanted.aggregate,
        "events": list(wanted.events),
        "by": wanted.by,
    }
    if wanted.field is not None:
        given["field"] = wanted.field
    if wanted.window is not None:
        given["window"] = f"{wanted.window // SECOND}s"
    if wanted.delay:
        given["delay"] = f"{wanted.delay // SECOND}s"
    if wanted.where is not None:
        given["where"] = wanted.where.text
    return given


@st.composite
def features(draw: st.DrawFn, unit: int, types: Sequence[str], entities: Sequence[str]) -> Wanted:
    """One feature without a name."""
    aggregate = draw(st.sampled_from(AGGREGATES))
    since = aggregate.startswith("days_")
    field = None
    if aggregate in _NUMBERS:
        field = draw(st.sampled_from(("amount", "amount", "attributes.weight")))
    elif aggregate == "distinct":
        field = draw(st.sampled_from(_TEXTS))
    window = draw(st.sampled_from((None, *WINDOWS) if since else WINDOWS))
    few = st.lists(st.sampled_from(types), min_size=1, unique=True).map(tuple)
    return Wanted(
        name="",
        aggregate=aggregate,
        events=draw(st.just(tuple(types)) | few),
        by=draw(st.sampled_from(entities)),
        field=field,
        window=None if window is None else window * unit,
        delay=0 if since else draw(st.sampled_from(DELAYS)) * unit,
        where=draw(st.sampled_from((None, None, *CONDITIONS))),
    )


@st.composite
def packs(
    draw: st.DrawFn, unit: int, types: Sequence[str], entities: Sequence[str], span: int | None
) -> DrawnPack:
    """A pack of up to twelve features.

    Args:
        draw: by Hypothesis.
        unit: milliseconds; windows are multiples of it.
        types: of events that windows hold.
        entities: what windows are by.
        span: where given, the lateness is long enough that windows and lateness together cover so many
            milliseconds: then nothing of the stream may be forgotten.
    """
    number = draw(st.sampled_from((1, 6, 12)))
    named = tuple(replace(draw(features(unit, types, entities)), name=f"f{n}") for n in range(number))
    pack = DrawnPack(named, unit * draw(st.sampled_from((1, 3, 7))))
    missing = 0 if span is None else -((pack.longest - span) // SECOND) * SECOND
    return replace(pack, lateness=max(pack.lateness, missing))
