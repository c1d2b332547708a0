"""Outputs: lines stand as they were encoded and can be had one by one."""

import msgspec
import pytest

from wire.output import Lines

NASTY = ["", "a\nb", "\r\n", "行\u2028尾", '"', "\\n"]


@pytest.mark.parametrize("run", [1, 2, 6])
def test_lines_are_the_documents_that_were_encoded_in_runs(run: int) -> None:
    encoder = msgspec.json.Encoder()
    runs = tuple(encoder.encode_lines(NASTY[start : start + run]) for start in range(0, len(NASTY), run))
    lines = Lines(runs)
    assert len(lines) == len(NASTY)
    assert [msgspec.json.decode(line) for line in lines] == NASTY
    assert list(Lines.of(lines)) == list(lines)
    assert b"".join(Lines.of(lines).runs) == b"".join(runs)


def test_no_documents_are_no_lines() -> None:
    assert (len(Lines()), list(Lines()), list(Lines.of([]))) == (0, [], [])
