"""The simulated group company: its subsidiaries, how their systems write messages, regions and goods."""

from bisect import bisect_right
from csv import DictReader
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

from simulation.dice import Dice

FEN = 100  # per yuan
_USUAL_UNITS = 4  # an order names goods of which it takes at least so many


class Language(Enum):
    """How a system writes the regions that it does not write as codes."""

    CHINESE = "zh"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Subsidiary:
    """A subsidiary and the habits of its ERP system.

    Args:
        code: the code in messages.
        share: its part of the group's customers.
        territory: region codes where its customers sit, the most frequent first.
        epoch: whether its times are epoch milliseconds; else RFC 3339 with +08:00, in whole seconds.
        named_regions: share of regions written as names; the others are GB/T 2260 codes.
        language: of those names.
        sends_group: whether its messages carry the unified customer.
        sku_prefix: what its own article codes begin with.
    """

    code: str
    share: float
    territory: tuple[str, ...]
    epoch: bool
    named_regions: float
    language: Language
    sends_group: bool
    sku_prefix: str


_EAST = ("310000", "320500", "330100", "320100", "320200", "330200", "320400", "320600", "330300", "330700")
_SOUTH = ("440300", "440100", "441900", "440600", "350200", "442000", "441300", "450100", "350100", "460100")
_SOUTHWEST = ("510100", "500000", "510700", "530100", "520100", "510600")
_NORTH = ("110000", "120000", "370200", "370100", "130100", "140100", "210100", "210200", "130200", "370600")
_CENTRE = ("420100", "430100", "410100", "340100", "360100", "420600", "420500", "410300")
_NORTHWEST = ("610100", "620100", "650100", "640100", "610300")

SUBSIDIARIES = (
    Subsidiary("SH01", 0.28, _EAST, False, 0.1, Language.CHINESE, True, "10-"),
    Subsidiary("GD02", 0.24, _SOUTH, True, 0.9, Language.CHINESE, False, "G"),
    Subsidiary("SC03", 0.14, _SOUTHWEST, False, 0.6, Language.CHINESE, True, "SC"),
    Subsidiary("BJ04", 0.16, _NORTH, True, 0.0, Language.CHINESE, True, "4"),
    Subsidiary("HB05", 0.11, _CENTRE, False, 0.8, Language.ENGLISH, False, "MAT-"),
    Subsidiary("SN06", 0.07, _NORTHWEST, True, 0.4, Language.CHINESE, False, "XA"),
)
"""The letters of a code name the home province: Shanghai, Guangdong, Sichuan, Beijing, Hubei, Shaanxi."""


@dataclass(frozen=True, slots=True)
class Region:
    """A province or city with its GB/T 2260 code and its names."""

    code: str
    full: str
    short: str
    english: str


@cache
def regions() -> dict[str, Region]:
    """Every region by code."""
    with files("simulation").joinpath("regions.csv").open(encoding="utf-8") as rows:
        return {row["code"]: Region(**row) for row in DictReader(rows)}


@cache
def cities() -> tuple[str, ...]:
    """Codes of what goods are shipped to: cities, and the municipalities that are provinces too."""
    codes = regions().keys() - {"100000"}
    return tuple(sorted(code for code in codes if not code.endswith("0000") or code in _MUNICIPALITIES))


_MUNICIPALITIES = frozenset({"110000", "120000", "310000", "500000"})


def region_text(code: str, subsidiary: Subsidiary, dice: Dice) -> str:
    """`code` as the system of `subsidiary` writes it: as it is, or as one of the region's names."""
    if not dice.chance(subsidiary.named_regions):
        return code
    region = regions()[code]
    if subsidiary.language is Language.ENGLISH:
        return region.english
    return region.full if dice.chance(0.5) else region.short


@dataclass(frozen=True, slots=True)
class Item:
    """An article of the group's catalogue, its price in fen."""

    code: str
    name: str
    unit: str
    price: int


@cache
def catalogue() -> tuple[Item, ...]:
    """Every article, the cheapest first."""
    with files("simulation").joinpath("catalogue.csv").open(encoding="utf-8") as rows:
        items = [
            Item(row["item"], row["name"], row["unit"], int(row["price_fen"])) for row in DictReader(rows)
        ]
    return tuple(sorted(items, key=lambda item: item.price))


@cache
def _prices() -> list[int]:
    return [item.price for item in catalogue()]


def goods_for(target: float, dice: Dice) -> tuple[Item, int]:
    """An article and a quantity that cost at most `target` fen and less than one unit below it."""
    affordable = bisect_right(_prices(), target / _USUAL_UNITS)
    item = catalogue()[dice.between(0, max(affordable, 1) - 1)]
    return item, max(1, int(target // item.price))
