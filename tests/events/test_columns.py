"""Columns of a batch: values, NULLs and kinds, alike whatever the neighbours are."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from events.columns import EVENT_FIELDS, Column, EventBatch, Kind, attribute_column, text_column
from events.event import Event, EventType
from tests.wire.making import ABSENT, NOON, decode, message


def cells(column: Column) -> list[Any]:
    return [column.at(row) for row in range(len(column))]


@pytest.fixture
def batch() -> EventBatch:
    """Three events: a full one, a bare one, and one with attributes of other kinds."""
    return decode(
        message(
            event_id="e1",
            group="G1",
            order="O1",
            shipment="S1",
            region="310000",
            counterparty="仓",
            channel="web",
            attributes={"weight": 2, "note": "x", "rush": True},
        ),
        message(event_id="e2", type="order.confirmed", amount=ABSENT, occurred_at=NOON + 1),
        message(event_id="e3", attributes={"weight": "heavy", "note": 7, "rush": 1}),
    ).batch


def test_every_field_that_conditions_may_name_is_a_column(batch: EventBatch) -> None:
    for name, kind in EVENT_FIELDS.items():
        column = batch.column(name)
        assert (column.kind, len(column)) == (kind, 3)
        assert column.valid.dtype == np.dtype(np.bool_)
        assert batch.column(name) is column
    # All fields of the event but the attributes, which have columns of their own, and the version.
    assert set(EVENT_FIELDS) == set(Event.__struct_fields__) - {"attributes", "schema_version"}


def test_a_field_that_is_not_there_is_null(batch: EventBatch) -> None:
    assert cells(batch.column("amount")) == [10_000, None, 10_000]
    assert cells(batch.column("order")) == ["O1", None, None]
    assert cells(batch.column("region")) == ["310000", None, None]
    assert cells(batch.column("group")) == ["G1", "SH01:C1", "SH01:C1"]
    assert cells(batch.column("type")) == ["order.placed", "order.confirmed", "order.placed"]
    assert cells(batch.column("occurred_at")) == [NOON, NOON + 1, NOON]
    assert cells(batch.column("currency")) == ["CNY"] * 3


@pytest.mark.parametrize("name", ["attributes", "schema_version", "none", "_build", ""])
def test_an_unknown_field_is_no_column(batch: EventBatch, name: str) -> None:
    with pytest.raises(KeyError):
        batch.column(name)


def test_attributes_are_read_as_the_kind_that_the_reader_wants(batch: EventBatch) -> None:
    assert cells(batch.attribute("weight", Kind.NUMBER)) == [2.0, None, None]
    assert cells(batch.attribute("weight", Kind.TEXT)) == [None, None, "heavy"]
    assert cells(batch.attribute("note", Kind.NUMBER)) == [None, None, 7.0]
    assert cells(batch.attribute("rush", Kind.BOOL)) == [True, None, None]
    assert cells(batch.attribute("rush", Kind.NUMBER)) == [None, None, 1.0]
    assert cells(batch.attribute("nowhere", Kind.TEXT)) == [None] * 3


def test_an_attribute_does_not_depend_on_its_neighbours() -> None:
    given: list[Any] = [1, "1", True, 1.5, None, 2**63 - 1, -(2**63), 1e308, 10**400, 2**64 + 1]
    for kind in (Kind.NUMBER, Kind.TEXT, Kind.BOOL, Kind.MONEY):
        together = attribute_column(given, kind)
        alone = [attribute_column([cell], kind) for cell in given]
        assert cells(together) == [column.at(0) for column in alone]
        assert {column.values.dtype for column in alone} == {together.values.dtype}


def test_cells_are_plain_values_of_python(batch: EventBatch) -> None:
    assert type(batch.column("amount").at(0)) is int
    assert type(batch.attribute("weight", Kind.NUMBER).at(0)) is float
    assert type(batch.attribute("rush", Kind.BOOL).at(0)) is bool
    assert type(batch.column("order").at(0)) is str


def test_rows_are_taken_in_any_order_with_everything_of_theirs(batch: EventBatch) -> None:
    batch.column("amount")
    taken = batch.take(np.array([2, 0]))
    assert [event.event_id for event in taken.events] == ["e3", "e1"]
    assert taken.rows.tolist() == [2, 0]
    assert taken.offsets.tolist() == [2, 0]
    assert cells(taken.column("group")) == ["SH01:C1", "G1"]
    assert cells(taken.column("region")) == [None, "310000"]
    assert cells(taken.column("amount")) == [10_000, 10_000]
    assert cells(taken.attribute("weight", Kind.NUMBER)) == [None, 2.0]
    assert (taken.batch, taken.size, taken.received_at) == (batch.batch, batch.size, batch.received_at)
    nothing = batch.take(np.array([], np.int64))
    assert (len(nothing), len(nothing.column("order")), nothing.size) == (0, 0, 3)


def test_all_rows_in_their_order_are_the_batch_itself(batch: EventBatch) -> None:
    assert batch.take(np.arange(3)) is batch
    assert batch.take(np.array([0, 2, 1])) is not batch


def test_types_are_known_of_a_part_before_and_after_the_whole(batch: EventBatch) -> None:
    before = batch.take(np.array([1, 0]))
    codes = batch.type_codes
    after = batch.take(np.array([1, 0]))
    assert before.type_codes.tolist() == after.type_codes.tolist() == codes[[1, 0]].tolist()


def test_parts_are_joined_in_the_order_in_which_they_are_given(batch: EventBatch) -> None:
    late, early = batch.take(np.array([2, 1])), replace(batch.take(np.array([0])), received_at=5)
    joined = EventBatch.joined([late, early])
    assert [event.event_id for event in joined.events] == ["e3", "e2", "e1"]
    assert joined.rows.tolist() == joined.offsets.tolist() == [2, 1, 0]
    for name in EVENT_FIELDS:
        assert cells(joined.column(name)) == cells(batch.take(np.array([2, 1, 0])).column(name))
    assert joined.sources == ["orders:0"] * 3
    assert (joined.batch, joined.size, joined.received_at) == (batch.batch, batch.size, 5)
    assert EventBatch.joined([batch]) is batch


def test_the_cell_of_one_event_is_that_of_the_column(batch: EventBatch) -> None:
    for name in EVENT_FIELDS:
        assert [batch.at(name, row) for row in range(3)] == cells(batch.column(name))
    with pytest.raises(KeyError):
        batch.at("attributes", 0)


def test_columns_take_rows_too() -> None:
    column = text_column(["a", None, "c"])
    assert cells(column.take(np.array([1, 2, 2]))) == [None, "c", "c"]
    assert len(text_column([])) == 0


def test_events_of_some_types_are_found(batch: EventBatch) -> None:
    assert batch.is_of([EventType.ORDER_CONFIRMED]).tolist() == [False, True, False]
    assert batch.is_of(list(EventType)).tolist() == [True] * 3
    assert batch.is_of([]).tolist() == [False] * 3
