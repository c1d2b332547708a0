"""Dead letters as JSON lines."""

import json

import pytest

from tests.wire.making import original
from wire.messages import DeadLetter, dead_letter_line


def letter(raw: bytes, field: str | None = "amount") -> DeadLetter:
    return DeadLetter(row=3, field=field, reason="missing", source="orders:1", offset=2**40, raw=raw)


def test_a_line_holds_reason_field_place_and_text() -> None:
    assert json.loads(dead_letter_line(letter('{"客户": "上海\n"}'.encode()))) == {
        "reason": "missing",
        "field": "amount",
        "source": "orders:1",
        "offset": 2**40,
        "raw": '{"客户": "上海\n"}',
    }


def test_bytes_that_are_no_text_are_in_base64() -> None:
    assert json.loads(dead_letter_line(letter(b"\xff\0", field=None))) == {
        "reason": "missing",
        "field": None,
        "source": "orders:1",
        "offset": 2**40,
        "raw_base64": "/wA=",
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(64),
        bytes(range(256)),
        "上海\u2028\U0001f600\x7f\\u0000\r\n".encode(),
        "上海".encode("gbk"),
        "{}".encode("utf-16"),
        b"\xed\xa0\x80",
        b"x" * 5_000_000,
    ],
    ids=["nothing", "NULs", "all bytes", "Unicode", "GBK", "UTF-16", "surrogate", "5 MB"],
)
def test_the_original_bytes_can_be_had_back(raw: bytes) -> None:
    line = dead_letter_line(letter(raw))
    assert b"\n" not in line
    assert original(line) == raw
