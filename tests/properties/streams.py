"""Random streams: messages with ties, late ones, repeated ids, negative amounts and missing fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.properties.packs import TYPES
from tests.windows.oracle.contract import DAY, HOUR, MINUTE, SECOND, Accepted, accept, milliseconds

Message = Mapping[str, Any]
MONEY_TYPES = frozenset({"order.placed", "shipment.dispatched", "payment.received"})
START = 1_740_931_200_000  # 2025-03-02 16:00 UTC: midnight in Shanghai
SMALL = st.integers(-2_000, 2_000)
ANY_AMOUNT = SMALL | st.sampled_from((2**53 - 1, 1 - 2**53, 999, 1_000)) | st.integers(-(10**13), 10**13)
UNITS = (SECOND, MINUTE, HOUR, DAY, 6 * DAY)
STEPS = st.sampled_from((0, 0, 0, 0, 1, 1, 2))
BACK = st.sampled_from((0, 0, 0, 0, 1, 2, 3, 7, 60))
NUDGES = st.sampled_from((0, 0, 0, 0, 1, -1))
_WEIGHTS = (1.25, -3, 1, 1.0, 0.000001, 999_999.999999, "heavy", "", "1", True)
_BROKEN = (b"{", b"[]", b'{"event_id": "x"}')


@dataclass(frozen=True)
class Stream:
    """Messages in their order of arrival.

    Args:
        lines: every message as bytes, with some that break the contract of events among them.
        messages: the good ones.
    """

    lines: tuple[bytes, ...]
    messages: tuple[Message, ...]

    @property
    def accepted(self) -> list[Accepted]:
        """The events that count."""
        return accept(self.messages)

    @property
    def span(self) -> int:
        """Milliseconds between the oldest and the newest event."""
        times = [milliseconds(message["occurred_at"]) for message in self.messages]
        return max(times) - min(times)

    def without_old_repeats(self, horizon: int) -> "Stream":
        """The stream without messages that repeat an id which was last seen longer than `horizon` ago."""
        kept: list[Message] = []
        seen: dict[str, int] = {}
        clock = 0
        for message in self.messages:
            clock = max(clock, milliseconds(message["occurred_at"]))
            name = message["event_id"]
            if clock - seen.get(name, clock) <= horizon:
                kept.append(message)
                seen[name] = clock
        return Stream(tuple(map(msgspec.json.encode, kept)), tuple(kept))


@dataclass(frozen=True)
class Shape:
    """What a stream is made of.

    Args:
        unit: milliseconds; windows, steps and lateness are multiples of it, so that edges are met.
        types: of events.
        customers: pairs (subsidiary, customer) with the group that their messages name, if any.
        orders: number of orders of each customer.
        counterparties: that messages may name.
        late: whether messages may come late.
    """

    unit: int
    types: Sequence[str]
    customers: Sequence[tuple[str, str, str | None]]
    orders: int
    counterparties: Sequence[str | None]
    late: bool


SOME_TYPES = st.sampled_from((TYPES[:1], TYPES[:2], ("order.placed", "customer.changed"), TYPES))


@st.composite
def shapes(draw: st.DrawFn, types: st.SearchStrategy[Sequence[str]] = SOME_TYPES) -> Shape:
    """Few or many entities, in seconds or in months."""
    codes = draw(st.sampled_from((("a",), ("a", "b"), ("a", "b", "ab"))))
    names = [(s, c) for s in draw(st.sampled_from((("SH",), ("SH", "GD")))) for c in codes]
    return Shape(
        unit=draw(st.sampled_from(UNITS)),
        types=draw(types),
        customers=[(s, c, draw(st.sampled_from((None, None, "g1", "g2")))) for s, c in names],
        orders=draw(st.integers(0, 2)),
        counterparties=draw(st.sampled_from(((None,), ("w1",), (None, "w1", "w2", "a")))),
        late=draw(st.booleans()),
    )


def written(t: int, zone: int) -> int | str:
    """A moment as events may carry it: milliseconds, or RFC 3339 with an offset of so many hours."""
    if zone == 0:
        return t
    local = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=t, hours=zone)
    return local.replace(tzinfo=None).isoformat(timespec="milliseconds") + f"+{zone:02d}:00"


@st.composite
def messages(draw: st.DrawFn, number: int, t: int, shape: Shape) -> dict[str, Any]:
    """One message at the moment `t`."""
    subsidiary, customer, group = draw(st.sampled_from(shape.customers))
    kind = draw(st.sampled_from(shape.types))
    message: dict[str, Any] = {
        "event_id": f"e{number}",
        "type": kind,
        "occurred_at": written(t, draw(st.sampled_from((0, 0, 8)))),
        "subsidiary": subsidiary,
        "customer": customer,
    }
    order = draw(st.integers(0, shape.orders))
    optional = {
        "group": group,
        "order": f"{customer}-{order}" if order else None,  # an order has one customer
        "counterparty": draw(st.sampled_from(shape.counterparties)),
        "amount": draw(ANY_AMOUNT if kind in MONEY_TYPES else st.none() | SMALL),
        "region": draw(st.sampled_from((None, "310000", "440000", "中文"))),
        "channel": draw(st.sampled_from((None, "web", "shop"))),
        "attributes": draw(_attributes(kind)) or None,
    }
    return message | {name: cell for name, cell in optional.items() if cell is not None}


def _attributes(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    weight = {
        "weight": st.sampled_from(_WEIGHTS),
        "urgent": st.sampled_from((True, False, False, "yes", 1)),
    }
    if kind != "customer.changed":
        return st.just({}) | st.fixed_dictionaries({}, optional=weight)
    ratings = st.fixed_dictionaries({"rating": st.sampled_from(("red", "yellow", "green", ""))})
    scores = st.fixed_dictionaries({"score": st.sampled_from((1, -2.5, 0))}, optional=weight)
    return ratings | scores | st.builds(lambda a, b: a | b, ratings, scores)


@st.composite
def streams(draw: st.DrawFn, shape: Shape, sizes: Sequence[int] = (1, 8, 25, 40)) -> Stream:
    """A stream of at most as many messages as one of `sizes` says."""
    clock = START
    lines: list[bytes] = []
    good: list[dict[str, Any]] = []
    for number in range(draw(st.sampled_from(sizes))):
        clock += max(0, draw(STEPS) * shape.unit + draw(NUDGES))
        back = draw(BACK) * shape.unit + draw(NUDGES) if shape.late else 0
        chance = draw(st.integers(0, 19))
        if chance == 1:
            lines.append(draw(st.sampled_from(_BROKEN)))
        message = draw(messages(number, clock - back, shape))
        if chance in {2, 3} and good:
            message = draw(_again(good, message))
        good.append(message)
        lines.append(msgspec.json.encode(message))
    return Stream(tuple(lines), tuple(good))


@st.composite
def _again(draw: st.DrawFn, before: list[dict[str, Any]], fresh: dict[str, Any]) -> dict[str, Any]:
    """An earlier message once more: as it was, or with other content under its id."""
    first = before[draw(st.integers(0, len(before) - 1))]
    if draw(st.booleans()):
        return first
    same = ("event_id", "subsidiary", "customer", "group")
    changed = {name: cell for name, cell in fresh.items() if name not in {*same, "order"}}
    return {name: first[name] for name in same if name in first} | changed
