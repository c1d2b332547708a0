"""Code-mapping tables of the group: customer codes, region names and currency rates, read from CSV."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from events.clock import DAY, LATEST, moment
from events.event import MAX_AMOUNT
from wire.csv_rows import csv_rows
from wire.errors import TableError

_Key = TypeVar("_Key")
_CHINA = ZoneInfo("Asia/Shanghai")
_EXACT = Context(prec=60)  # 16 digits of an amount times any rate: rounded once, to the fen
_CURRENCY = re.compile(r"[A-Z]{3}")
_RATE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,18})?")
_LONGEST_GROUP = 129
_TWO_DECIMALS = 2
_MINOR_DIGITS = {
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "ISK": 0,
    "KWD": 3,
    "BHD": 3,
    "OMR": 3,
    "JOD": 3,
    "TND": 3,
}
"""Digits after the point of currencies that do not have two (ISO 4217)."""


@dataclass(frozen=True)
class Tables:
    """All mapping tables; empty ones map nothing.

    Args:
        groups: unified customer by (subsidiary, customer).
        regions: code by region name.
        skus: group-wide article by (subsidiary, article).
        rates: CNY per unit of a currency, by currency: dates in order and the rate from each date on.
    """

    groups: Mapping[tuple[str, str], str] = field(default_factory=dict)
    regions: Mapping[str, str] = field(default_factory=dict)
    skus: Mapping[tuple[str, str], str] = field(default_factory=dict)
    rates: Mapping[str, tuple[list[date], list[Decimal]]] = field(default_factory=dict)

    def group_of(self, subsidiary: str, customer: str) -> str:
        """The unified customer; `subsidiary:customer` where the table has none."""
        return self.groups.get((subsidiary, customer)) or f"{subsidiary}:{customer}"

    def to_cny(self, amount: int, currency: str, occurred_at: int) -> int:
        """An amount in the currency's minor unit as fen, rounded half to even.

        The rate is the newest of the table at or before the day of `occurred_at` in China.

        Raises:
            LookupError: no rate for that day; the message says which.
            OverflowError: the result is beyond what an event may carry.
        """
        day = moment(min(occurred_at, LATEST - DAY)).astimezone(_CHINA).date()
        days, rates = self.rates.get(currency, ([], []))
        place = bisect_right(days, day)
        if place == 0:
            raise LookupError(f"no rate for {currency} on {day.isoformat()}")
        shift = _TWO_DECIMALS - _MINOR_DIGITS.get(currency, _TWO_DECIMALS)
        exact = _EXACT.multiply(amount, rates[place - 1]).scaleb(shift, _EXACT)
        fen = int(exact.to_integral_value(ROUND_HALF_EVEN))
        if abs(fen) > MAX_AMOUNT:
            raise OverflowError(f"{amount} {currency} is more than {MAX_AMOUNT} fen")
        return fen


def read_tables(folder: Path | None, rates: Path | None) -> Tables:
    """The tables of a folder (`customers.csv`, `regions.csv`, `skus.csv`, each optional) and a rate table.

    Raises:
        TableError: a file is missing, has other columns, or a line is wrong.
    """
    if folder is not None and not folder.is_dir():
        raise TableError(f"{folder}: no such folder of mapping tables; correct FENGHUO_MAPPINGS")
    groups: dict[tuple[str, str], str] = {}
    regions: dict[str, str] = {}
    skus: dict[tuple[str, str], str] = {}
    if folder is not None:
        for place, row in _rows(folder / "customers.csv", ("subsidiary", "customer", "group")):
            if len(row["group"]) > _LONGEST_GROUP:
                raise TableError(f"{place}: group `{row['group'][:20]}…` is longer than {_LONGEST_GROUP}")
            _put(groups, (row["subsidiary"], row["customer"]), row["group"], place)
        for place, row in _rows(folder / "regions.csv", ("name", "code")):
            _put(regions, row["name"], row["code"], place)
        for place, row in _rows(folder / "skus.csv", ("subsidiary", "sku", "group_sku")):
            _put(skus, (row["subsidiary"], row["sku"]), row["group_sku"], place)
    return Tables(groups, regions, skus, _read_rates(rates) if rates is not None else {})


def _read_rates(path: Path) -> dict[str, tuple[list[date], list[Decimal]]]:
    if not path.is_file():
        raise TableError(f"{path}: no such rate table; correct FENGHUO_RATES")
    found: dict[str, dict[date, Decimal]] = {}
    for place, row in _rows(path, ("date", "currency", "rate")):
        currency, text = row["currency"], row["rate"]
        if not _CURRENCY.fullmatch(currency):
            raise TableError(f"{place}: currency `{currency}` is not an ISO 4217 code such as `USD`")
        try:
            day = datetime.strptime(row["date"], "%Y-%m-%d").date()  # noqa: DTZ007 -- a calendar day
        except ValueError as error:
            raise TableError(f"{place}: date `{row['date']}` is not YYYY-MM-DD") from error
        rate = Decimal(text) if _RATE.fullmatch(text) else Decimal(0)
        if not rate:
            raise TableError(f"{place}: rate `{text}` is not a positive number such as `7.1884`")
        if found.setdefault(currency, {}).setdefault(day, rate) != rate:
            raise TableError(f"{place}: {currency} has two rates on {day.isoformat()}; keep one")
    ordered = {currency: sorted(rates.items()) for currency, rates in found.items()}
    return {c: ([day for day, _ in pairs], [rate for _, rate in pairs]) for c, pairs in ordered.items()}


def _put(table: dict[_Key, str], key: _Key, value: str, place: str) -> None:
    if table.setdefault(key, value) != value:
        told = ", ".join(key) if isinstance(key, tuple) else key
        raise TableError(f"{place}: `{told}` is mapped twice, to `{table[key]}` and `{value}`; keep one")


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every row with its place (`file:line`); nothing where the file does not exist."""
    if not path.is_file():
        return
    with path.open("rb") as stream:
        for line, row in csv_rows(path, stream, columns):
            place = f"{path}:{line}"
            cells = {name: (row[name] or "").strip() for name in columns}
            empty = [name for name, cell in cells.items() if not cell]
            if empty:
                raise TableError(f"{place}: column `{empty[0]}` is empty")
            if None in row:
                raise TableError(f"{place}: more cells than columns; put cells that hold a comma in quotes")
            if any("\0" in cell for cell in cells.values()):
                raise TableError(f"{place}: contains a NUL character; the file is damaged or not text")
            yield place, cells
