"""Everything that a template says in one reader's language at one moment."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from console import formats
from console.text import Catalogue
from events.columns import Kind
from rules.decision import Text, Threshold

REGION_DIGITS = 6
"""Length of a GB/T 2260 code; its first two digits are the province."""


class Shown(NamedTuple):
    """A value as shown: text, unit, and the exact form for the hover."""

    text: str
    unit: str = ""
    exact: str = ""
    absent: bool = False


class When(NamedTuple):
    """A moment as shown: short for a column, full for the hover, how long ago where that says something."""

    ms: int
    short: str
    full: str
    age: str


@dataclass(frozen=True, slots=True)
class Wording:
    """Turns the values of alerts into text.

    Args:
        texts: the reader's catalogue.
        now: the present in epoch milliseconds.
    """

    texts: Catalogue
    now: int

    def money(self, fen: int) -> formats.Amount:
        """Money in the reader's scale, with the exact sum."""
        return formats.money(fen, self.texts.language)

    def value(self, name: str, value: Any, units: dict[str, str]) -> Shown:
        """A feature or field as shown: money in yuan, numbers grouped, NULL as a dash."""
        if value is None:
            return Shown(formats.NONE, exact=self.texts("features.null"), absent=True)
        if isinstance(value, bool):
            return Shown(self.texts("yes" if value else "no"))
        if not isinstance(value, int | float):
            return Shown(self.region(str(value)) if name.endswith("region") else str(value))
        if formats.is_money(name, units):
            amount = self.money(round(value))
            return Shown(amount.number, amount.unit, amount.exact)
        return Shown(formats.number(value), exact=str(value))

    def threshold(self, one: Threshold) -> str:
        """The other value of a threshold in the unit of conditions, with separators."""
        whole, point, part = one.turns_at.partition(".")
        money = one.unit == Kind.MONEY.value
        text = f"{int(whole):,}{point}{part}" if whole not in ("-0", "-") else one.turns_at
        return self.texts("rules.yuan", amount=text) if money else text

    def when(self, ms: int) -> When:
        """A moment in Asia/Shanghai."""
        age = formats.age(ms, self.now)
        return When(
            ms=ms,
            short=formats.short_time(ms, self.now),
            full=formats.full_time(ms),
            age="" if age is None else self.texts(age[0], n=age[1]),
        )

    def when_text(self, rfc3339: str) -> When:
        """The same for a moment that came as RFC 3339 text."""
        return self.when(formats.from_rfc3339(rfc3339))

    def name(self, kind: str, name: str) -> str:
        """The display name of a queue, tier, playbook, …; its own name where none is known."""
        return self.texts.name(kind, name)

    def pick(self, text: Text) -> str:
        """The reader's language of a text that came with an alert."""
        return self.texts.pick(text)

    def region(self, region: str) -> str:
        """A ship-to region; a GB/T 2260 code gets its province's name before it."""
        if not (len(region) == REGION_DIGITS and region.isascii() and region.isdigit()):
            return region
        province = self.texts.texts.get(f"region.{region[:2]}")
        return f"{province} {region}" if province else region
