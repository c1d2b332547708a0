"""Tests of texts give the same in rows and by distinct texts."""

import numpy as np

from events.columns import text_column
from rules.language.kernels.words import Words

TEXTS = ["a", "b", None, "a", "", "中文", None, "b"]


def test_the_second_answer_is_the_first_one() -> None:
    words = Words(text_column(TEXTS).values, text_column(TEXTS).valid)
    valid = text_column(TEXTS).valid
    for _ in range(3):
        assert words.equal("a")[valid].tolist() == [one == "a" for one in TEXTS if one is not None]
        assert words.equal("nowhere")[valid].tolist() == [False] * 6
        assert words.test(str.isascii)[valid].tolist() == [one.isascii() for one in TEXTS if one is not None]


def test_a_test_runs_once_for_each_distinct_text_from_the_second_time_on() -> None:
    asked: list[str] = []

    def holds(text: str) -> bool:
        asked.append(text)
        return text == "a"

    column = text_column(["a", "b"] * 500)
    words = Words(column.values, None)
    words.test(holds)
    asked.clear()
    assert words.test(holds).tolist() == [True, False] * 500
    assert asked == ["a", "b"]
    assert np.count_nonzero(words.equal("b")) == 500
