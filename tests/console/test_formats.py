"""How money, numbers and times read."""

from datetime import UTC, datetime

import pytest

from console import formats
from console.text import catalogues
from console.wording import Wording
from events.clock import DAY, HOUR, MINUTE, milliseconds

NOW = milliseconds(datetime(2026, 3, 1, 18, 30, tzinfo=UTC))  # 2 March 02:30 in Shanghai
ZH = Wording(catalogues()["zh"], NOW)


@pytest.mark.parametrize(
    ("fen", "shown", "exact"),
    [
        (0, "0.00元", "¥0.00"),
        (1, "0.01元", "¥0.01"),
        (-5, "-0.05元", "-¥0.05"),
        (999_999, "9,999.99元", "¥9,999.99"),
        (1_000_000, "1.00万", "¥10,000.00"),
        (521_000_000, "521.00万", "¥5,210,000.00"),
        (500_000_001, "500.00万", "¥5,000,000.01"),
        (9_999_499_999, "9,999.50万", "¥99,994,999.99"),
        (9_999_999_999, "1.00亿", "¥99,999,999.99"),
        (10_000_000_000, "1.00亿", "¥100,000,000.00"),
        (-123_456_789_012, "-12.35亿", "-¥1,234,567,890.12"),
        (2**53 * 1000, "900,719,925.47亿", "¥90,071,992,547,409,920.00"),
    ],
)
def test_chinese_money(fen: int, shown: str, exact: str) -> None:
    amount = formats.money(fen, "zh")
    assert amount.number + amount.unit == shown
    assert amount.exact == exact


@pytest.mark.parametrize(
    ("fen", "shown"),
    [
        (999_999, "9,999.99"),
        (1_000_000, "10.00K"),
        (99_999_499, "999.99K"),
        (99_999_500, "1.00M"),
        (521_000_000, "5.21M"),
        (99_999_999_999, "1.00B"),
        (123_456_789_012_345, "1,234.57B"),
    ],
)
def test_english_money(fen: int, shown: str) -> None:
    amount = formats.money(fen, "en")
    assert amount.number + amount.unit == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234567, "1,234,567"), (3.0, "3"), (0.98765, "0.988"), (-12.345, "-12.35"), (1234.56, "1,234.6")],
)
def test_plain_numbers(value: float, shown: str) -> None:
    assert formats.number(value) == shown


def test_numbers_that_are_none_are_shown_as_they_are() -> None:
    assert formats.number(float("nan")) == "nan"
    assert formats.number(float("-inf")) == "-inf"


@pytest.mark.parametrize(
    ("passed", "shown"),
    [
        (0, "刚刚"),
        (MINUTE - 1, "刚刚"),
        (MINUTE, "1分钟前"),
        (HOUR - 1, "59分钟前"),
        (DAY - 1, "23小时前"),
        (99 * DAY, "99天前"),
        (100 * DAY, ""),
        (-1, ""),
    ],
)
def test_ages(passed: int, shown: str) -> None:
    assert ZH.when(NOW - passed).age == shown


def test_times_are_those_of_shanghai() -> None:
    when = ZH.when_text("2026-03-01T16:05:09.123Z")
    assert (when.short, when.full) == ("03-02 00:05", "2026-03-02 00:05:09 UTC+8")
    assert ZH.when_text("2025-12-31T23:30:00+08:00").short == "2025-12-31"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("shipped_72h", 521_000_000, "521.00万"),
        ("shipped_72h", 521_000_000.4, "521.00万"),
        ("amount", 1_00, "1.00元"),
        ("orders", 3, "3"),
        ("orders", None, "—"),
        ("flag", True, "是"),
        ("region", "310000", "上海 310000"),
        ("order", "310000", "310000"),
    ],
)
def test_values_by_their_unit(name: str, value: object, shown: str) -> None:
    value_shown = ZH.value(name, value, {"shipped_72h": "money", "orders": "number"})
    assert value_shown.text + value_shown.unit == shown


def test_regions_get_the_name_of_their_province() -> None:
    assert ZH.region("440300") == "广东 440300"
    assert ZH.region("990000") == "990000"
    assert ZH.region("浙江杭州") == "浙江杭州"
