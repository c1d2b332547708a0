"""Rows to events: constants, templates, conditions, types, times and blanks."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.clock import milliseconds
from tests.wire.making import decode
from wire.column_mapping import Cell, ColumnMapping, EventMapping, When
from wire.row_mapper import RowMapper

Kind = Literal["text", "integer", "decimal", "number", "bool"]
KINDS: tuple[Kind, ...] = ("text", "integer", "decimal", "number", "bool")


def mapper(*events: EventMapping, zone: str = "Asia/Shanghai") -> RowMapper:
    return RowMapper(ColumnMapping(events=list(events), timezone=zone))


def mapped(cell: Cell, raw: Any, name: str = "amount", zone: str = "Asia/Shanghai") -> Any:
    """What a cell becomes as a field; None where the field is left out."""
    (event,) = mapper(EventMapping(fields={name: cell}), zone=zone).events({"x": raw, "y": "Y"})
    return event.get(name)


@pytest.mark.parametrize("blank", [None, "", "   ", "\u00a0", math.nan])
@pytest.mark.parametrize("kind", KINDS)
def test_a_blank_cell_is_no_field(blank: Any, kind: Kind) -> None:
    assert mapped(Cell(column="x", type=kind), blank) is None
    assert mapped(Cell(template="{y}-{x}"), blank) is None


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("text", " C1 ", "C1"),
        ("text", 0, "0"),
        ("text", "0", "0"),
        ("integer", "120", 120),
        ("integer", "-120", -120),
        ("integer", "+1", 1),
        ("integer", 0, 0),
        ("integer", 120.0, 120),
        ("integer", "120.00", 120),
        ("integer", Decimal("120.00"), 120),
        ("decimal", "1234.5", 123_450),
        ("decimal", "1234.50", 123_450),
        ("decimal", "1234.5000", 123_450),
        ("decimal", "-.5", -50),
        ("decimal", "5.", 500),
        ("decimal", "0", 0),
        ("decimal", 12.34, 1_234),
        ("decimal", Decimal("90071992547409.91"), 9_007_199_254_740_991),
        ("number", "1.25", 1.25),
        ("number", "1e3", 1000.0),
        ("bool", "Yes", True),
        ("bool", "是", True),
        ("bool", "0", False),
        ("bool", True, True),
        ("bool", False, False),
    ],
)
def test_cells_are_read_as_their_type_says(kind: Kind, raw: Any, value: Any) -> None:
    found = mapped(Cell(column="x", type=kind), raw)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("integer", "12.5"),
        ("integer", 12.5),
        ("integer", Decimal("12.5")),
        ("integer", "1_000"),
        ("integer", "１００"),
        ("integer", "1e3"),
        ("integer", "9" * 5_000),
        ("integer", True),
        ("decimal", "1,234.50"),
        ("decimal", "1.234"),
        ("decimal", 0.1 + 0.2),
        ("decimal", "1.2345E+05"),
        ("decimal", "1e999999999"),
        ("decimal", "NaN"),
        ("decimal", "¥12.30"),
        ("decimal", "1.00000000000000000000000000001"),
        ("number", "nan"),
        ("number", "inf"),
        ("number", "1_0"),
        ("number", "zwölf"),
        ("bool", "maybe"),
        ("bool", 2),
    ],
)
def test_a_cell_that_does_not_fit_is_passed_on_as_text(kind: Kind, raw: Any) -> None:
    assert mapped(Cell(column="x", type=kind), raw) == str(raw)


def test_digits_are_those_of_the_currency() -> None:
    assert mapped(Cell(column="x", type="decimal", digits=0), "1500") == 1_500
    assert mapped(Cell(column="x", type="decimal", digits=3), "1.5") == 1_500
    assert mapped(Cell(column="x", type="decimal", digits=0), "1.5") == "1.5"


def test_templates_join_cells_and_constants_are_the_same_for_every_row() -> None:
    assert mapped(Cell(template="{y}-{x}/{x}"), 0) == "Y-0/0"
    assert mapped(Cell(template="{x}"), "{y}") == "{y}"
    assert mapped(Cell(const=False), "anything") is False
    assert mapped(Cell(const=""), "anything") == ""


@pytest.mark.parametrize(
    ("raw", "form", "zone", "moment"),
    [
        ("2025-01-01 12:00:00", None, "Asia/Shanghai", "2025-01-01T04:00:00+00:00"),
        ("2025-01-01", None, "Asia/Shanghai", "2024-12-31T16:00:00+00:00"),
        ("20250101", None, "UTC", "2025-01-01T00:00:00+00:00"),
        ("2025-01-01T12:00:00.5Z", None, "Asia/Shanghai", "2025-01-01T12:00:00.500+00:00"),
        ("2025-01-01 12:00:00-05:00", None, "Asia/Shanghai", "2025-01-01T17:00:00+00:00"),
        ("31.12.2025 23:59", "%d.%m.%Y %H:%M", "Europe/Berlin", "2025-12-31T22:59:00+00:00"),
        ("2025/1/2", "%Y/%m/%d", "UTC", "2025-01-02T00:00:00+00:00"),
        ("2025-01-01 12:00 +0800", "%Y-%m-%d %H:%M %z", "UTC", "2025-01-01T04:00:00+00:00"),
        ("2025-10-26 02:30", None, "Europe/Berlin", "2025-10-26T00:30:00+00:00"),  # twice: the first
        ("2025-03-30 02:30", None, "Europe/Berlin", "2025-03-30T01:30:00+00:00"),  # never: as if before
        (datetime(2025, 1, 1, 12), None, "Asia/Shanghai", "2025-01-01T04:00:00+00:00"),  # noqa: DTZ001
        (
            datetime(2025, 1, 1, 12, tzinfo=timezone(timedelta(hours=1))),
            None,
            "UTC",
            "2025-01-01T11:00:00+00:00",
        ),
        (date(2025, 1, 1), None, "UTC", "2025-01-01T00:00:00+00:00"),
    ],
)
def test_times_without_an_offset_are_in_the_mapping_s_zone(
    raw: Any, form: str | None, zone: str, moment: str
) -> None:
    found = mapped(Cell(column="x", format=form), raw, "occurred_at", zone)
    assert datetime.fromtimestamp(found / 1000, UTC) == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "raw",
    ["soon", "01/02/2025", "1735704000", "20250101120000", "0001-01-01", "9999-12-31 23:59:59 x", "12:00"],
)
def test_a_time_that_cannot_be_read_is_passed_on_and_refused_by_name(raw: str) -> None:
    found = mapped(Cell(column="x"), raw, "occurred_at")
    assert found == raw
    event = {"event_id": "1", "type": "order.confirmed", "subsidiary": "S", "customer": "C"}
    (letter,) = decode(msgspec.json.encode({**event, "occurred_at": found})).dead
    assert letter.field == "occurred_at"


def test_milliseconds_are_taken_as_they_are() -> None:
    assert mapped(Cell(column="x", type="integer"), "1735704000000", "occurred_at") == 1_735_704_000_000


def test_a_row_gives_the_events_whose_condition_holds() -> None:
    placed = EventMapping(fields={"type": Cell(const="placed")})
    sent = EventMapping(fields={"type": Cell(const="sent")}, when=When("state", ["sent", "2", "True"]))
    rows = mapper(placed, sent)
    for state, events in {"sent": 2, " sent ": 2, "open": 1, "": 1, None: 1, 2: 2, True: 2}.items():
        assert len(rows.events({"state": state})) == events, state
    assert len(rows.events({})) == 1


def test_attributes_keep_their_types_and_blank_ones_are_left_out() -> None:
    event = EventMapping(
        fields={"type": Cell(const="placed")},
        attributes={
            "lines": Cell(column="n", type="integer"),
            "weight": Cell(column="kg", type="number"),
            "note": Cell(column="note"),
            "rush": Cell(column="rush", type="bool"),
        },
    )
    row = {"n": "3", "kg": "1.5", "note": " ", "rush": "n"}
    assert mapper(event).events(row) == [
        {"type": "placed", "attributes": {"lines": 3, "weight": 1.5, "rush": False}}
    ]
    assert mapper(event).events({}) == [{"type": "placed"}]


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.datetimes(),
    st.dates(),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.from_regex(r"[-+0-9.eE,_]{1,12}", fullmatch=True),
)


@given(CELLS, st.sampled_from(KINDS), st.sampled_from(["amount", "occurred_at", "customer", "attributes"]))
@settings(max_examples=200, deadline=None)
def test_no_cell_stops_a_file(raw: Any, kind: Kind, name: str) -> None:
    cell = Cell(column="x", type=kind)
    fields = {"event_id": Cell(const="1"), "type": Cell(const="order.placed")}
    event = (
        EventMapping(fields, attributes={"a": cell})
        if name == "attributes"
        else EventMapping({**fields, name: cell})
    )
    (found,) = mapper(event).events({"x": raw})
    decoded = decode(msgspec.json.encode(found))
    assert len(decoded.batch) + len(decoded.dead) == 1


@given(st.decimals(-(10**9), 10**9, places=2))
@settings(max_examples=100, deadline=None)
def test_two_decimals_are_exact_fen(yuan: Decimal) -> None:
    assert mapped(Cell(column="x", type="decimal"), f"{yuan:f}") == int(yuan * 100)


def test_the_zone_of_a_mapping_is_that_of_its_rows() -> None:
    moments = [mapped(Cell(column="x"), "2025-07-01", "occurred_at", zone) for zone in ("UTC", "Asia/Tokyo")]
    assert moments[0] == milliseconds(datetime(2025, 7, 1, tzinfo=UTC))
    assert moments[0] - moments[1] == 9 * 3_600_000
