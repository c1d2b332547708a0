"""How money, numbers and times read on a page; integers in, text out."""

from datetime import datetime, timedelta, timezone
from math import isfinite
from typing import NamedTuple

from events.clock import DAY, HOUR, MINUTE, milliseconds, moment

# China keeps UTC+8 all year, so no time zone database is needed to show Asia/Shanghai.
SHANGHAI = timezone(timedelta(hours=8), "UTC+8")

MONEY_FIELDS = frozenset({"amount", "profile.credit_limit", "profile.exposure"})
"""Names of money values that are not features of a pack, so that no unit comes with them."""

NONE = "—"


class Unit(NamedTuple):
    """A step of the money scale: sums below `limit` hundredths of it are shown in it."""

    name: str
    fen: int
    limit: int


class Amount(NamedTuple):
    """Money as shown: two decimals of a unit, and the exact sum for the hover."""

    number: str
    unit: str
    exact: str


_SCALES = {
    "zh": (Unit("元", 100, 1_000_000), Unit("万", 10**6, 1_000_000), Unit("亿", 10**10, 0)),
    "en": (
        Unit("", 100, 1_000_000),
        Unit("K", 10**5, 100_000),
        Unit("M", 10**8, 100_000),
        Unit("B", 10**11, 0),
    ),
}


def money(fen: int, language: str) -> Amount:
    """Money in the unit that keeps it short: 元, 万, 亿 in Chinese, thousands, millions, billions in English.

    >>> money(521_000_000, "zh")
    Amount(number='521.00', unit='万', exact='¥5,210,000.00')
    >>> money(9_999_999_999, "zh").number, money(9_999_999_999, "zh").unit
    ('1.00', '亿')
    """
    size = abs(fen)
    sign = "-" if fen < 0 else ""
    for unit in _SCALES[language]:
        hundredths = (size * 100 + unit.fen // 2) // unit.fen
        if hundredths < unit.limit or not unit.limit:
            break
    return Amount(f"{sign}{_decimal(hundredths)}", unit.name, exact_money(fen))


def exact_money(fen: int) -> str:
    """The exact sum in yuan.

    >>> exact_money(-5)
    '-¥0.05'
    """
    return f"{'-' if fen < 0 else ''}¥{_decimal(abs(fen))}"


def _decimal(hundredths: int) -> str:
    return f"{hundredths // 100:,}.{hundredths % 100:02d}"


def number(value: float) -> str:
    """A plain number: integers in full, fractions with the digits that matter.

    >>> number(1234567), number(3.0), number(0.98765), number(12.345), number(1234.56)
    ('1,234,567', '3', '0.988', '12.35', '1,234.6')
    """
    size = abs(value)
    if not isfinite(value):
        return str(value)
    if value == int(value):
        return f"{int(value):,}"
    if size >= 100:  # noqa: PLR2004  (three digits before the point leave one behind it)
        return f"{value:,.1f}"
    return f"{value:.2f}" if size >= 1 else f"{value:.3g}"


def is_money(name: str, units: dict[str, str]) -> bool:
    """True when the value called `name` is in fen."""
    return units.get(name) == "money" or name in MONEY_FIELDS


def shanghai(ms: int) -> datetime:
    """Epoch milliseconds as a moment in Asia/Shanghai."""
    return moment(ms).astimezone(SHANGHAI)


def full_time(ms: int) -> str:
    """The moment in full, for a hover or a detail.

    >>> full_time(0)
    '1970-01-01 08:00:00 UTC+8'
    """
    return shanghai(ms).strftime("%Y-%m-%d %H:%M:%S UTC+8")


def short_time(ms: int, now: int) -> str:
    """The moment for a column: without the year in the year of `now`, else without the time of day.

    >>> short_time(0, 0), short_time(0, 400 * DAY)
    ('01-01 08:00', '1970-01-01')
    """
    local = shanghai(ms)
    same_year = local.year == shanghai(now).year
    return local.strftime("%m-%d %H:%M" if same_year else "%Y-%m-%d")


def from_rfc3339(text: str) -> int:
    """Epoch milliseconds of RFC 3339 text with an offset."""
    return milliseconds(datetime.fromisoformat(text))


def age(ms: int, now: int) -> tuple[str, int] | None:
    """How long ago, as a catalogue key and a count; None for the future and after 100 days.

    >>> age(0, 30_000), age(0, 5 * MINUTE), age(0, -1)
    (('age.now', 0), ('age.minutes', 5), None)
    """
    passed = now - ms
    if not 0 <= passed < 100 * DAY:
        return None
    for key, length in (("age.days", DAY), ("age.hours", HOUR), ("age.minutes", MINUTE)):
        if passed >= length:
            return key, passed // length
    return "age.now", 0
