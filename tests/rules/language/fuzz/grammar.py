"""Random conditions from the grammar, each told twice: in our words, and in DuckDB's with money in fen.

DuckDB raises where a result does not fit 64 bits; `TRY` makes that NULL, as it is with us.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from events.columns import Kind
from tests.rules.language.fuzz.tables import ALPHABET, PLACES

_LARGEST = 2**62
_MOST_DECIMALS = 9
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_SPACES = (" ", " ", " ", "  ", "\n", "\t", " -- why\n")
_QUIRKS = 0.03


@dataclass(frozen=True)
class Said:
    """One expression.

    Args:
        ours: in our words.
        theirs: in DuckDB's.
        size: largest value that it can have, multiplied by its scale, while it is exact.
        decimals: of its scale.
        exact: whether no float takes part.
    """

    ours: str
    theirs: str
    size: int = 0
    decimals: int = 0
    exact: bool = True


_LEAVES: dict[Kind, tuple[Said, ...]] = {
    Kind.MONEY: (
        Said("total", "total", 2**40),
        Said("other", "other", 300),
        Said("mean", "mean", exact=False),
        Said("limit_", "limit_", 2**63),
    ),
    Kind.NUMBER: (
        Said("count", "count", 1_000),
        Said("days", "days", exact=False),
        Said("edge", "edge", 2**63),
        Said("attributes.weight", '"attributes.weight"', exact=False),
    ),
    Kind.TEXT: (Said("region", "region"), Said("channel", "channel"), Said('"order"', '"order"')),
    Kind.BOOL: (
        Said("attributes.urgent", '"attributes.urgent"'),
        Said("attributes.vip", '"attributes.vip"'),
        Said("TRUE", "TRUE"),
        Said("false", "false"),
        Said("NULL", "NULL"),
    ),
}
_HUGE = Said("huge", "huge", exact=False)


class Grammar:
    """Draws conditions.

    Args:
        random: what it draws with.
    """

    def __init__(self, random: Random) -> None:
        self.random = random

    def condition(self, depth: int) -> Said:
        """A condition of at most so many levels."""
        if depth <= 0:
            return self.random.choice(_LEAVES[Kind.BOOL])
        forms: list[Callable[[int], Said]] = [
            self.compared,
            self.compared,
            self.compared,
            self.between,
            self.among,
            self.emptiness,
            self.textual,
            self.junction,
            self.junction,
            self.negation,
            self.equal_truths,
            self.chosen_truth,
        ]
        return self.random.choice(forms)(depth - 1)

    def expression(self, depth: int) -> Said:
        """Money or a number with a column in it."""
        kind = self.random.choice((Kind.MONEY, Kind.NUMBER))
        return self.numeric(kind, depth)

    def numeric(self, kind: Kind, depth: int) -> Said:
        """An expression of a kind of numbers."""
        if depth <= 0 or self.random.random() < 0.4:
            return self.random.choice(_LEAVES[kind])
        forms = (self.sum, self.product, self.quotient, self.signed, self.rounded, self.choice, self.extreme)
        return self.random.choice(forms)(kind, depth - 1)

    def value(self, kind: Kind, depth: int) -> Said:
        """A value of any kind."""
        if kind is Kind.BOOL:
            return self.condition(depth)
        if kind is not Kind.TEXT:
            return self.numeric(kind, depth)
        if depth <= 0 or self.random.random() < 0.7:
            return self.random.choice((*_LEAVES[kind], self.quoted()))
        return self.choice(kind, depth - 1)

    def partner(self, kind: Kind, depth: int, *others: Said) -> Said:
        """A value that can stand beside others: where those reach the edges of 64 bits, an integer."""
        drawn = self.literal(kind) if self.random.random() < 0.5 else self.value(kind, depth)
        wide = any(other.size > _LARGEST for other in others)
        if kind in (Kind.MONEY, Kind.NUMBER) and wide and (drawn.decimals or not drawn.exact):
            return self.whole(kind)
        if drawn.size > _LARGEST and any(other.decimals or not other.exact for other in others):
            return self.whole(kind)
        return drawn

    def literal(self, kind: Kind) -> Said:
        """A literal."""
        match kind:
            case Kind.TEXT:
                return self.quoted()
            case Kind.BOOL:
                return self.random.choice(_LEAVES[kind][2:])
            case Kind.MONEY:
                fen_tenths = self.random.randint(-3_000, 3_000)
                return Said(_decimal(fen_tenths, 3), _decimal(fen_tenths, 1), 300_000, 1)
        if self.random.random() < 0.5:
            return self.whole(kind)
        digits = self.random.randint(1, 3)
        units = self.random.randint(-(10**digits) * 5, 10**digits * 5)
        text = _decimal(units, digits)
        return Said(text, text, 5 * 10**digits, digits)

    def whole(self, kind: Kind) -> Said:
        """A whole number; of fen where it is money."""
        units = self.random.choice((0, 1, -1, 2, 3, 7, 100, 299, -300))
        if kind is Kind.MONEY:
            return Said(_decimal(units, 2), str(units), 300)
        text = self.random.choice((str(units), f"{units}.0", f"{units}e0")) if units > 0 else str(units)
        return Said(text, str(units), 300)

    def quoted(self) -> Said:
        """A text."""
        text = "".join(self.random.choices(ALPHABET, k=self.random.randint(0, 3)))
        literal = "'" + text.replace("'", "''") + "'"
        return Said(literal, literal)

    def kind(self) -> Kind:
        """A kind that has an order in both languages."""
        return self.random.choice((Kind.MONEY, Kind.NUMBER, Kind.NUMBER, Kind.TEXT))

    def compared(self, depth: int) -> Said:
        """Two values compared."""
        kind = self.kind()
        left = _HUGE if kind is Kind.NUMBER and self.random.random() < 0.1 else self.value(kind, depth)
        right = self.partner(kind, depth, left)
        if self.random.random() < 0.2:
            left, right = right, left
        if left.ours[0].isdigit() and right.ours[0].isdigit():
            return self.emptiness(depth)
        operator = self.random.choice(_COMPARISONS)
        return self.told("({} " + operator + " {})", left, right)

    def between(self, depth: int) -> Said:
        """A range."""
        kind = self.kind()
        value = self.value(kind, depth)
        low = self.partner(kind, depth - 1, value)
        word = self.random.choice(("BETWEEN", "NOT BETWEEN", "between"))
        return self.told(
            f"({{}} {word} {{}} AND {{}})", value, low, self.partner(kind, depth - 1, value, low)
        )

    def among(self, depth: int) -> Said:
        """A value among others."""
        kind = self.random.choice((self.kind(), Kind.BOOL))
        value = self.value(kind, depth)
        items: list[Said] = []
        for _ in range(self.random.randint(1, 4)):
            items.append(self.partner(kind, depth - 1, value, *items))
        if self.random.random() < 0.15:
            items.append(Said("NULL", "NULL"))
        word = self.random.choice(("IN", "NOT IN"))
        return self.told(f"({{}} {word} ({', '.join(['{}'] * len(items))}))", value, *items)

    def emptiness(self, depth: int) -> Said:
        """Whether a value is NULL."""
        word = self.random.choice(("IS NULL", "IS NOT NULL"))
        return self.told(f"({{}} {word})", self.value(self.random.choice((self.kind(), Kind.BOOL)), depth))

    def textual(self, depth: int) -> Said:
        """A pattern or a named list."""
        value = self.value(Kind.TEXT, depth)
        if self.random.random() < 0.3:
            members = ", ".join("'" + one.replace("'", "''") + "'" for one in sorted(PLACES))
            return Said(f"LISTED({value.ours}, 'places')", f"({value.theirs} IN ({members}))")
        pattern = "".join(self.random.choices((*ALPHABET, "%", "%", "_"), k=self.random.randint(0, 5)))
        literal = "'" + pattern.replace("'", "''") + "'"
        word = self.random.choice(("LIKE", "NOT LIKE"))
        return self.told(f"({{}} {word} {{}})", value, Said(literal, literal))

    def junction(self, depth: int) -> Said:
        """AND or OR of several; sometimes without parentheses around it, as AND binds closer."""
        word = self.random.choice(("AND", "OR"))
        parts = [self.condition(depth) for _ in range(self.random.randint(2, 3))]
        return self.told("(" + f" {word} ".join(["{}"] * len(parts)) + ")", *parts)

    def negation(self, depth: int) -> Said:
        """NOT."""
        return self.told("(NOT {})", self.condition(depth))

    def equal_truths(self, depth: int) -> Said:
        """Two truths compared."""
        operator = self.random.choice(("=", "<>"))
        return self.told(f"({{}} {operator} {{}})", self.condition(depth), self.condition(depth))

    def chosen_truth(self, depth: int) -> Said:
        """A truth that is chosen."""
        return self.choice(Kind.BOOL, depth)

    def sum(self, kind: Kind, depth: int) -> Said:
        """A sum or a difference."""
        left = self.numeric(kind, depth)
        right = self.partner(kind, depth, left)
        operator = self.random.choice("+-")
        decimals = max(left.decimals, right.decimals)
        size = sum(one.size * 10 ** (decimals - one.decimals) for one in (left, right))
        if not self.fits(left, right, size, decimals):
            return left
        return self.tried(f"({{}} {operator} {{}})", left, right, size, decimals)

    def product(self, kind: Kind, depth: int) -> Said:
        """A product with a number."""
        left = self.numeric(kind, depth)
        right = self.partner(Kind.NUMBER, depth, left)
        size, decimals = left.size * right.size, left.decimals + right.decimals
        if not self.fits(left, right, size, decimals):
            return left
        return self.tried("({} * {})", left, right, size, decimals)

    def fits(self, left: Said, right: Said, size: int, decimals: int) -> bool:
        """Whether both are exact, or both compute with floats; beyond 64 bits whole numbers alone."""
        if not (left.exact and right.exact):
            return True
        return (size < _LARGEST and decimals <= _MOST_DECIMALS) or not (left.decimals or right.decimals)

    def tried(self, form: str, left: Said, right: Said, size: int, decimals: int) -> Said:
        """An operation that may not fit 64 bits."""
        told = self.told(form, left, right)
        exact = left.exact and right.exact
        size = min(size, 2**63) if exact else 0
        return Said(told.ours, f"TRY{told.theirs}", size, decimals if exact else 0, exact)

    def quotient(self, kind: Kind, depth: int) -> Said:
        """A quotient: by a number, or of two amounts."""
        if kind is Kind.NUMBER and self.random.random() < 0.4:
            left, right = self.numeric(Kind.MONEY, depth), self.numeric(Kind.MONEY, depth)
        else:
            left, right = self.numeric(kind, depth), self.partner(Kind.NUMBER, depth)
            if right.size and not right.theirs.strip("-0."):
                right = Said("4", "4", 4)
        told = self.told("({} / {})", left, right)
        return Said(told.ours, told.theirs, exact=False)

    def signed(self, kind: Kind, depth: int) -> Said:
        """Minus a value, or its amount."""
        value = self.numeric(kind, depth)
        form, theirs = self.random.choice((("(-{})", "TRY(-{})"), ("ABS({})", "TRY(ABS({}))")))
        return Said(
            form.format(value.ours), theirs.format(value.theirs), value.size, value.decimals, value.exact
        )

    def rounded(self, kind: Kind, depth: int) -> Said:
        """A rounded value."""
        value = self.numeric(kind, depth)
        if value.size > _LARGEST:
            return value
        digits = self.random.randint(-3, 4)
        places = digits - 2 if kind is Kind.MONEY else digits
        ours = f"ROUND({value.ours})" if digits == 0 else f"ROUND({value.ours}, {digits})"
        # DuckDB rounds a DECIMAL to a DECIMAL, which is wider than 64 bits even without decimals.
        decimals = max(min(1, value.decimals), min(value.decimals, places))
        return Said(ours, f"ROUND({value.theirs}, {places})", value.size + 10**6, decimals, value.exact)

    def extreme(self, kind: Kind, depth: int) -> Said:
        """The least or the greatest."""
        left = self.numeric(kind, depth)
        word = self.random.choice(("LEAST", "GREATEST"))
        return self.alike(f"{word}({{}}, {{}})", left, self.partner(kind, depth, left))

    def choice(self, kind: Kind, depth: int) -> Said:
        """COALESCE, NULLIF or CASE."""
        one = self.value(kind, depth)
        two = self.partner(kind, depth, one)
        match self.random.randrange(5):
            case 0:
                told = self.told("NULLIF({}, {})", one, two)
                return Said(told.ours, told.theirs, one.size, one.decimals, one.exact)
            case 1:
                return self.alike("COALESCE({}, {})", one, two)
            case 2:
                told = self.told("{}", self.condition(depth))
                form = f"(CASE WHEN {told.ours} THEN {{}} ELSE {{}} END)"
                theirs = f"(CASE WHEN {told.theirs} THEN {{}} ELSE {{}} END)"
                return self.alike(form, one, two, theirs=theirs)
            case 3:
                told = self.condition(depth)
                forms = (f"(CASE WHEN {said} THEN {{}} END)" for said in (told.ours, told.theirs))
                return self.alike(next(forms), one, theirs=next(forms))
        subject, case = self.value(self.kind(), 0), None
        kinds = [k for k, leaves in _LEAVES.items() if subject in leaves] or [Kind.TEXT]
        case = self.partner(kinds[0], 0, subject)
        form = f"(CASE {subject.ours} WHEN {case.ours} THEN {{}} ELSE {{}} END)"
        theirs = f"(CASE {subject.theirs} WHEN {case.theirs} THEN {{}} ELSE {{}} END)"
        return self.alike(form, one, two, theirs=theirs)

    def alike(self, form: str, *parts: Said, theirs: str | None = None) -> Said:
        """One of several values of a kind."""
        decimals = max(part.decimals for part in parts)
        return Said(
            form.format(*(part.ours for part in parts)),
            (theirs or form).format(*(part.theirs for part in parts)),
            max(part.size * 10 ** (decimals - part.decimals) for part in parts),
            decimals,
            all(part.exact for part in parts),
        )

    def told(self, form: str, *parts: Said) -> Said:
        """Parts in a form, with spaces and comments of any kind in our words."""
        ours = form
        if self.random.random() < _QUIRKS:
            ours = form.replace(" ", self.random.choice(_SPACES))
        return Said(ours.format(*(p.ours for p in parts)), form.format(*(p.theirs for p in parts)))


def _decimal(units: int, digits: int) -> str:
    """`units` of the last of so many decimals, as a text."""
    sign, size = "-" if units < 0 else "", abs(units)
    return f"{sign}{size // 10**digits}.{size % 10**digits:0{digits}d}"
