"""Recorded decisions as training material."""

import pytest

from events.columns import Kind
from models.errors import ModelError
from models.history import TrainingRow, collect_rows, decided_rows
from models.material import Collector

LINE = (
    b'{"decision_id":"d","event_id":"e1","group":"g1","outcome":"approve","features":{"orders_24h":3,"avg":null},'
    b'"model":null,"occurred_at":"1970-01-01T08:00:01.5+08:00"}\n'
)


def test_decisions_become_rows() -> None:
    (row,) = decided_rows([LINE], {"e1": "order.placed"})
    assert row == TrainingRow("e1", "order.placed", "g1", 1500, {"orders_24h": 3, "avg": None})


def test_events_of_unknown_type_are_left_out() -> None:
    assert list(decided_rows([LINE], {"e2": "order.placed"})) == []


def test_lines_are_read_one_by_one() -> None:
    rows = decided_rows(iter([LINE, b"broken"]), {"e1": "order.placed"})
    assert next(rows).event_id == "e1"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"", "truncated"),
        (LINE[:-20], "truncated"),
        (b"\xff\xfe", "malformed"),
        (LINE.replace(b'"e1"', b"7"), "event_id"),
        (LINE.replace(b"+08:00", b""), "occurred_at"),
        (LINE.replace(b":3", b":[]"), "features"),
        (LINE.replace(b'"e1"', b'"\xff"'), "utf-8"),
    ],
    ids=["empty", "cut", "not JSON", "number as id", "naive time", "list as value", "not UTF-8"],
)
def test_a_line_that_is_no_decision_is_named(line: bytes, what: str) -> None:
    with pytest.raises(ModelError, match=rf"^`out/decisions.jsonl:3`: not a decision: .*{what}"):
        list(decided_rows([LINE, LINE, line], {"e1": "order.placed"}, "out/decisions.jsonl"))


KINDS = {"amount_24h": Kind.MONEY, "orders_24h": Kind.NUMBER, "channel": Kind.TEXT}


def test_rows_become_material() -> None:
    rows = [
        TrainingRow(
            "e2", "order.placed", "g", 2000, {"amount_24h": 500, "orders_24h": None, "channel": "web"}
        ),
        TrainingRow("e1", "order.placed", "g", 1000, {"amount_24h": None, "orders_24h": 3, "channel": None}),
    ]
    collector = Collector(KINDS)
    collect_rows(rows, collector)
    material = collector.material()
    assert material.events.tolist() == ["e1", "e2"]  # in the order of time
    assert list(material.columns) == ["amount_24h", "orders_24h"]
    assert [material.columns["amount_24h"].at(row) for row in range(2)] == [None, 500.0]


def test_row_of_another_pack_is_named() -> None:
    row = TrainingRow("e-7", "order.placed", "g", 0, {"amount_24h": 5})
    with pytest.raises(ModelError, match="event `e-7` has no feature `orders_24h`"):
        collect_rows([row], Collector(KINDS))
    row = TrainingRow("e-7", "order.placed", "g", 0, {"amount_24h": "5", "orders_24h": 1})
    with pytest.raises(ModelError, match="event `e-7`: feature `amount_24h`: expected a number, got text"):
        collect_rows([row], Collector(KINDS))
