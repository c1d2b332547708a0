"""Decisions of a replay as training rows."""

import pytest

from models.errors import ModelError
from models.history import TrainingRow, decided_rows

LINE = (
    b'{"decision_id":"d","event_id":"e1","outcome":"approve","features":{"orders_24h":3,"avg":null},'
    b'"model":null,"occurred_at":"1970-01-01T08:00:01.5+08:00"}\n'
)


def test_decisions_become_rows() -> None:
    (row,) = decided_rows([LINE], {"e1": "order.placed"})
    assert row == TrainingRow("e1", "order.placed", 1500, {"orders_24h": 3, "avg": None})


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
