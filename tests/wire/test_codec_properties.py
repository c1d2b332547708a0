"""Whatever comes in: the codec never raises, and every message is an event or a dead letter."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from events.clock import EARLIEST, LATEST
from events.event import MAX_AMOUNT, Event
from tests.wire.bad_messages import BAD, ODD_BUT_GOOD
from tests.wire.making import LIMIT, decode, good_events, original, raw
from wire.codec import Codec, Decoded
from wire.messages import dead_letter_line
from wire.tables import Tables

FIELDS = {None, *Event.__struct_fields__}
SHORT = 2_000
KNOWN = [v for messages in BAD.values() for v in messages.values() if v is not None and len(v) < SHORT]
KNOWN += [v for v in ODD_BUT_GOOD.values() if len(v) < SHORT]
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(codec="utf-8"), max_size=9)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
PIECES = [b"\0", b"\\u0000", b"\\ud800", b"\xff", b'"', b"}", b"{", b",", b"9" * 30]


def check_accounted(values: list[bytes | None], decoded: Decoded) -> None:
    """Every message came out once, in order, and what came out keeps its promises."""
    batch, dead = decoded.batch, decoded.dead
    rows = batch.rows.tolist()
    dead_rows = [letter.row for letter in dead]
    assert rows == sorted(rows)
    assert dead_rows == sorted(dead_rows)
    assert sorted(rows + dead_rows) == list(range(len(values)))
    for letter in dead:
        assert letter.raw == (values[letter.row] or b"")
        assert letter.field in FIELDS
        assert 0 < len(letter.reason) <= 200
        dead_letter_line(letter)
    for place, event in enumerate(batch.events):
        assert EARLIEST <= batch.occurred_at[place] <= LATEST
        assert abs(int(batch.amount[place])) <= MAX_AMOUNT
        msgspec.json.encode(event)
        batch.groups[place].encode()


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A known message with some bytes changed, taken out, put in or doubled."""
    value = bytearray(draw(st.sampled_from(KNOWN)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(value)))
        match draw(st.integers(0, 3)):
            case 0:
                value[place : place + 1] = draw(st.binary(min_size=1, max_size=2))
            case 1:
                del value[place : place + draw(st.integers(1, 9))]
            case 2:
                value[place:place] = draw(st.sampled_from(PIECES))
            case _:
                value += value[place:]
    return bytes(value)


@given(st.lists(st.one_of(st.none(), st.binary(max_size=60), broken()), max_size=8))
@settings(max_examples=150, deadline=None)
def test_no_bytes_break_the_codec(values: list[bytes | None]) -> None:
    check_accounted(values, decode(*values))


@given(good_events(), st.sampled_from(sorted(Event.__struct_fields__)), JSON)
@settings(max_examples=100, deadline=None)
def test_no_value_of_a_field_breaks_the_codec(event: dict[str, Any], field: str, value: object) -> None:
    written = json.dumps({**event, field: value}).encode()
    check_accounted([written], decode(written))


@given(st.lists(good_events(), max_size=5))
@settings(max_examples=30, deadline=None)
def test_good_events_come_through_as_they_were(events: list[dict[str, Any]]) -> None:
    decoded = decode(*(json.dumps(event, ensure_ascii=False).encode() for event in events))
    assert not decoded.dead
    for event, got in zip(events, decoded.batch.events, strict=True):
        for name in event.keys() & set(Event.__struct_fields__):
            assert getattr(got, name) == event[name]
    assert decoded.batch.amount.tolist() == [event["amount"] for event in events]


@given(st.binary(max_size=40) | broken())
@settings(max_examples=100, deadline=None)
def test_a_dead_letters_line_gives_the_original_bytes_back(value: bytes) -> None:
    letters = Codec(Tables(), LIMIT).decode(raw(value)).dead
    for letter in letters:
        line = dead_letter_line(letter)
        assert b"\n" not in line
        assert original(line) == value
