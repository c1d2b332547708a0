"""Compares what a replay decided with what the oracles say."""

from collections.abc import Callable, Sequence

from tests.properties.packs import PROFILE, SEEN, DrawnPack
from tests.properties.replays import Replayed
from tests.properties.streams import Stream
from tests.windows.oracle import plain
from tests.windows.oracle.agreement import agrees
from tests.windows.oracle.contract import Accepted, Cell, Wanted
from tests.windows.oracle.duckdb_sql import Database
from tests.windows.oracle.plain import Value

MayBeNull = Callable[[Wanted, Accepted], bool]


def never(wanted: Wanted, event: Accepted) -> bool:
    """Nothing is forgotten."""
    return False


def check_counts(stream: Stream, replayed: Replayed) -> None:
    """Every accepted event is decided once, in its order; the others are duplicates and dead letters."""
    accepted = stream.accepted
    assert [decision["event_id"] for decision in replayed.decisions] == [event.event_id for event in accepted]
    assert replayed.counts["duplicate"] == len(stream.messages) - len(accepted)
    assert replayed.counts["dead_lettered"] == len(stream.lines) - len(stream.messages)
    assert replayed.counts["input"] == len(stream.lines)


def check_plain(
    pack: DrawnPack, accepted: Sequence[Accepted], replayed: Replayed, may_be_null: MayBeNull = never
) -> None:
    """Every feature of every decision is what plain Python counts."""
    for event, decision in zip(accepted, replayed.decisions, strict=True):
        assert decision["features"].keys() == {wanted.name for wanted in pack.features}
        for wanted in pack.features:
            got, expected = decision["features"][wanted.name], plain.expected(wanted, accepted, event.seq)
            if got is None and may_be_null(wanted, event):
                continue
            assert agrees(wanted, got, expected), told("Python", wanted, event, got, expected)


def check_duckdb(
    database: Database,
    pack: DrawnPack,
    accepted: Sequence[Accepted],
    replayed: Replayed,
    may_be_null: MayBeNull = never,
) -> None:
    """Every feature of every decision is what DuckDB's aggregates say."""
    answers = database.answers(pack.features, accepted)
    # DuckDB deviates in floating point: its rounding grows with the values, ours does not.
    largest = max((abs(event.amount) for event in accepted if event.amount is not None), default=0)
    for wanted in pack.features:
        slack = max(1e-6, largest * 1e-7) if wanted.aggregate == "stddev" else 1e-6
        for event, decision, expected in zip(accepted, replayed.decisions, answers[wanted.name], strict=True):
            got = decision["features"][wanted.name]
            if got is None and may_be_null(wanted, event):
                continue
            assert agrees(wanted, got, expected, slack=slack), told("DuckDB", wanted, event, got, expected)


def check_late(accepted: Sequence[Accepted], replayed: Replayed, lateness: int) -> None:
    """An event is late that came later than the lateness in its own group's stream, and no other is
    that came in time in the stream of all."""
    newest: dict[str, int] = {}
    newest_of_all: int | None = None
    for event, decision in zip(accepted, replayed.decisions, strict=True):
        if event.t < newest.get(event.group, event.t) - lateness:
            assert decision["late"], event
        elif newest_of_all is None or event.t >= newest_of_all - lateness:
            assert not decision["late"], event
        newest[event.group] = max(newest.get(event.group, event.t), event.t)
        newest_of_all = max(event.t if newest_of_all is None else newest_of_all, event.t)


def check_profiles(accepted: Sequence[Accepted], replayed: Replayed) -> None:
    """A profile's value is the newest that the customer's changes gave before the event."""
    changes: dict[tuple[str, str], list[Accepted]] = {}
    for event, decision in zip(accepted, replayed.decisions, strict=True):
        (seen,) = (result for result in decision["rules"] if result["rule"] == SEEN)
        mine = changes.setdefault((event.subsidiary, event.customer), [])
        profile: dict[str, Cell] = {}
        for change in sorted(mine, key=lambda other: other.t):  # stable: ties by acceptance
            profile.update(change.attributes)
        for name in PROFILE:
            got = seen["observed"].get(f"profile.{name}")
            assert got == profile.get(name), (name, event, got)
        if event.type == "customer.changed":
            mine.append(event)


def told(oracle: str, wanted: Wanted, event: Accepted, got: object, expected: Value) -> str:
    """What a person needs to see of a disagreement."""
    return f"{oracle} says {expected!r}, decided was {got!r}\n  for {wanted}\n  at {event}"
