"""Rows on a knife's edge: a float is compared with what it nearly equals, and one rounding more decides.

The two sides round the same numbers in another order, such as decimals that are exact here and floats
there. Who differs on such a row is not wrong. The conditions are walked with fractions.
"""

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import floor, isfinite
from typing import Any, NamedTuple

from events.columns import Kind
from rules.language import Scope
from rules.language.infer import Kinds
from rules.language.kernels.texts import matcher
from rules.language.translate import translate
from rules.language.tree import (
    Absolute,
    Arithmetic,
    Between,
    BoolLiteral,
    Case,
    Choice,
    Choose,
    Compare,
    Comparison,
    In,
    IsNull,
    Junction,
    Leaf,
    Like,
    Listed,
    Name,
    Negate,
    Node,
    Not,
    NullIf,
    NullLiteral,
    NumberLiteral,
    Operator,
    Round,
    TextLiteral,
)
from tests.rules.making import Cell

_NEAR = Fraction(1, 10**9)
_LARGE = 2**45
_BEYOND = 2**63


class Value(NamedTuple):
    """What a part of a condition comes to.

    Args:
        cell: a fraction, a text or a truth; None for NULL.
        rounded: whether a float was computed on the way.
    """

    cell: Fraction | str | bool | None
    rounded: bool = False


def on_edge(text: str, scope: Scope, expect: Kind | None, row: Mapping[str, Cell], *, wide: bool) -> bool:
    """Whether a row is on a knife's edge of a condition.

    Args:
        text: the condition.
        scope: what it reads.
        expect: its kind; None for money or a number.
        row: the cells of the row.
        wide: whether large integers count, which DuckDB's DECIMAL still holds where 64 bits do not.
    """
    tree = translate(text, scope)
    walk = _Walk(Kinds(text, scope, tree, expect), row)
    walk.value(tree)
    return walk.near or (wide and walk.large)


class _Walk:
    def __init__(self, kinds: Kinds, row: Mapping[str, Cell]) -> None:
        self.kinds = kinds
        self.row = row
        self.near = self.large = False

    def value(self, node: Node) -> Value:
        match node:
            case Name() | NumberLiteral() | TextLiteral() | BoolLiteral() | NullLiteral():
                return self.leaf(node)
            case Arithmetic() | Negate() | Absolute() | Round():
                return self.arithmetic(node)
            case NullIf() | Choose() | Case():
                return self.choice(node)
            case Compare() | Between() | In():
                return self.compared(node)
            case Junction() | Not() | IsNull() | Like() | Listed():
                return Value(self.truth(node))

    def truth(self, node: Junction | Not | IsNull | Like | Listed) -> bool | None:
        match node:
            case Junction(every=every, parts=parts):
                truths = [self.value(part).cell for part in parts]
                decisive = not every
                if decisive in truths:
                    return decisive
                return None if None in truths else every
            case Not(operand=operand):
                truth = self.value(operand).cell
                return None if truth is None else not truth
            case IsNull(operand=operand):
                return self.value(operand).cell is None
            case Like(operand=operand, pattern=pattern):
                text = self.value(operand).cell
                return matcher(pattern)(text) if isinstance(text, str) else None
            case Listed(operand=operand, members=members):
                text = self.value(operand).cell
                return text in members if isinstance(text, str) else None

    def leaf(self, node: Leaf) -> Value:
        match node:
            case Name(name=name):
                return self.cell(name)
            case NumberLiteral(value=value):
                return Value(value * 100 if self.kinds.of(node) is Kind.MONEY else value)
            case TextLiteral(value=value) | BoolLiteral(value=value):
                return Value(value)
            case NullLiteral():
                return Value(None)

    def cell(self, name: str) -> Value:
        cell = self.row[name]
        if isinstance(cell, float):
            return Value(Fraction(cell)) if isfinite(cell) else Value(None)
        if isinstance(cell, bool) or not isinstance(cell, int):
            return Value(cell)
        self.large |= abs(cell) > _LARGE
        return Value(Fraction(cell))

    def compared(self, node: Compare | Between | In) -> Value:
        match node:
            case Compare(operator=operator, left=left, right=right):
                return Value(self.meet(operator, self.value(left), self.value(right)))
            case Between(operand=operand, low=low, high=high):
                value = self.value(operand)
                truths = [
                    self.meet(Comparison.GE, value, self.value(low)),
                    self.meet(Comparison.LE, value, self.value(high)),
                ]
                return Value(False if False in truths else None if None in truths else True)
            case In(operand=operand, items=items):
                value = self.value(operand)
                truths = [self.meet(Comparison.EQ, value, self.value(item)) for item in items]
                return Value(True if True in truths else None if None in truths else False)

    def meet(self, operator: Comparison, a: Value, b: Value) -> bool | None:
        """Compare, and take note of two values that nearly are the same."""
        if a.cell is None or b.cell is None:
            return None
        if isinstance(a.cell, Fraction) and isinstance(b.cell, Fraction) and (a.rounded or b.rounded):
            size = max(abs(a.cell), abs(b.cell))
            self.near |= abs(a.cell - b.cell) <= size * _NEAR
        return bool(_COMPARE[operator](a.cell, b.cell))

    def arithmetic(self, node: Arithmetic | Negate | Absolute | Round) -> Value:
        match node:
            case Arithmetic(operator=operator, left=left, right=right):
                return self.computed(operator, self.value(left), self.value(right))
            case Negate(operand=operand):
                value = self.value(operand)
                return Value(-value.cell if isinstance(value.cell, Fraction) else None, value.rounded)
            case Absolute(operand=operand):
                value = self.value(operand)
                return Value(abs(value.cell) if isinstance(value.cell, Fraction) else None, value.rounded)
            case Round(operand=operand, digits=digits):
                return self.rounded(self.value(operand), digits - 2 * (self.kinds.of(operand) is Kind.MONEY))

    def computed(self, operator: Operator, a: Value, b: Value) -> Value:
        if not isinstance(a.cell, Fraction) or not isinstance(b.cell, Fraction):
            return Value(None, rounded=True)
        # All of it counts as rounded: whether a float takes part is known of columns alone.
        match operator:
            case Operator.ADD:
                return Value(a.cell + b.cell, rounded=True)
            case Operator.SUBTRACT:
                return Value(a.cell - b.cell, rounded=True)
            case Operator.MULTIPLY:
                product = a.cell * b.cell
                self.large |= abs(product) >= _BEYOND
                return Value(product, rounded=True)
        self.near |= b.rounded and abs(b.cell) <= _NEAR
        return Value(a.cell / b.cell if b.cell else None, rounded=True)

    def rounded(self, value: Value, digits: int) -> Value:
        if not isinstance(value.cell, Fraction):
            return value
        shifted = abs(value.cell) * Fraction(10) ** digits
        self.near |= abs(shifted - floor(shifted) - Fraction(1, 2)) <= _NEAR * max(Fraction(1), shifted)
        sign = -1 if value.cell < 0 else 1
        whole = sign * floor(shifted + Fraction(1, 2))
        return Value(Fraction(whole) / Fraction(10) ** digits, rounded=True)

    def choice(self, node: NullIf | Choose | Case) -> Value:
        match node:
            case NullIf(left=left, right=right):
                value = self.value(left)
                same = self.meet(Comparison.EQ, value, self.value(right))
                return Value(None, value.rounded) if same else value
            case Choose(choice=choice, arguments=arguments):
                values = [self.value(argument) for argument in arguments]
                self.mixed(values)
                return _chosen(choice, values)
            case Case(subject=subject, branches=branches, default=default):
                return self.case(subject, branches, default)

    def case(
        self, subject: Node | None, branches: tuple[tuple[Node, Node], ...], default: Node | None
    ) -> Value:
        against = self.value(subject) if subject else None
        result = self.value(default) if default else Value(None)
        self.mixed([result, *(self.value(then) for _, then in branches)])
        for when, then in reversed(branches):
            condition = self.value(when)
            holds = self.meet(Comparison.EQ, against, condition) if against else condition.cell
            value = self.value(then)
            result = value if holds is True else result
        return result

    def mixed(self, values: list[Value]) -> None:
        """Take note of a choice between a computed value and a fraction: a DECIMAL of 38 digits rounds it."""
        finer = any(isinstance(value.cell, Fraction) and value.cell.denominator != 1 for value in values)
        self.near |= finer and any(value.rounded for value in values)


def _chosen(choice: Choice, values: list[Value]) -> Value:
    known = [value for value in values if value.cell is not None]
    rounded = any(value.rounded for value in values)
    numbers = [value.cell for value in known if isinstance(value.cell, Fraction)]
    if choice is Choice.COALESCE or not numbers:
        return Value(known[0].cell if known else None, rounded)
    return Value(max(numbers) if choice is Choice.GREATEST else min(numbers), rounded)


_COMPARE: dict[Comparison, Callable[[Any, Any], Any]] = {
    Comparison.EQ: operator.eq,
    Comparison.NE: operator.ne,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}
