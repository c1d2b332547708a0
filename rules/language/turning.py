"""Turning: the nearest values of a condition's thresholds with which it would not have been true.

A threshold is a number as written that a comparison compares with, alone or beside one other operand, as in
`amount > 500000` or `shipped > ordered * 1.02`; what `=` asks for is none. Of AND the nearest part turns, of
OR all parts that are true, NOT asks for the contrary. Names, texts and lists have no threshold.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, isfinite
from operator import add, ge, gt, le, lt, mul, sub
from typing import Any

import numpy as np

from events.columns import Kind
from rules.language.frame import Frame, Run
from rules.language.kernels.cells import Cells
from rules.language.tree import (
    MIRRORED,
    Arithmetic,
    Between,
    Compare,
    Comparison,
    Junction,
    Node,
    Not,
    NumberLiteral,
    Operator,
)

Build = Callable[[Node], Run]
KindOf = Callable[[Node], Kind]
Value = int | float | Fraction | None

_FEN = 100
_MOST_DIGITS = 9  # decimals that the language keeps exactly
_LARGEST = 10**15  # fen; beyond it a number with decimals has more digits than a condition may hold
_OVERSHOT = Fraction(11, 10)  # a shorter number may lie so much further away than it must
_HOLDS: Mapping[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.LT: lt,
    Comparison.LE: le,
    Comparison.GT: gt,
    Comparison.GE: ge,
}

_NEXT = {
    (Comparison.LT, False): 0,
    (Comparison.LT, True): -1,
    (Comparison.LE, False): 1,
    (Comparison.LE, True): 0,
    (Comparison.GT, False): 0,
    (Comparison.GT, True): 1,
    (Comparison.GE, False): -1,
    (Comparison.GE, True): 0,
}
"""How far the nearest integer, compared with another from the left, lies from that one for a truth."""


@dataclass(frozen=True)
class Turn:
    """A threshold with another value.

    Args:
        literal: the number in the condition.
        comparison: the comparison that it stands in.
        value: what it would have to be, in the unit that it is written in: money in yuan.
        distance: how far that is from what is written, as a share of it.
    """

    literal: NumberLiteral
    comparison: Node
    value: Fraction
    distance: float


class Turning:
    """Finds turns of one condition.

    Args:
        tree: the condition.
        kind_of: kind of its parts.
        build: the kernels of a part.
    """

    def __init__(self, tree: Node, kind_of: KindOf, build: Build) -> None:
        self._root = _part(tree, kind_of, build)

    def nearest(self, frame: Frame, rows: Iterable[int]) -> list[tuple[Turn, ...]]:
        """For each of the rows, where the condition is true, the turns that together make it not true.

        Args:
            frame: the batch that it was run over.
            rows: places of events.

        Returns:
            for each row the turns in the order of the text; empty where no threshold can turn it.
        """
        with np.errstate(all="ignore"):
            read = self._root.read(frame)
        return [tuple(read(row, None) or ()) for row in rows]


Wanted = bool | None
"""The truth that a part shall have; None: anything but true, so NULL will do."""

Read = Callable[[int, Wanted], list[Turn] | None]
"""The turns that give a part a truth on a row: none where it has it, None where nothing gives it."""


@dataclass(frozen=True)
class _Fixed:
    """A part that no threshold changes."""

    run: Run

    def read(self, frame: Frame) -> Read:
        truth = _truths(self.run(frame))
        return lambda row, wanted: [] if _has(truth(row), wanted) else None


@dataclass(frozen=True)
class _Junction:
    every: bool
    parts: "Sequence[_Part]"

    def read(self, frame: Frame) -> Read:
        parts = [part.read(frame) for part in self.parts]

        def turns(row: int, wanted: Wanted) -> list[Turn] | None:
            found = [part(row, wanted) for part in parts]
            if self.every is (wanted is True):
                possible = [one for one in found if one is not None]
                return [turn for one in possible for turn in one] if len(possible) == len(found) else None
            possible = [one for one in found if one is not None]
            return min(possible, key=_farthest, default=None)

        return turns


@dataclass(frozen=True)
class _Not:
    part: "_Part"
    operand: Run

    def read(self, frame: Frame) -> Read:
        inner, truth = self.part.read(frame), _truths(self.operand(frame))

        def turns(row: int, wanted: Wanted) -> list[Turn] | None:
            if wanted is None and truth(row) is None:
                return []
            return inner(row, wanted is not True)

        return turns


@dataclass(frozen=True)
class _Threshold:
    """A comparison with a literal on its left: `literal`, or `literal operator beside`, against `other`.

    Args:
        node: as it stands in the condition.
        truth: of the comparison.
        operator: with the literal's side on the left.
        side: says where the literal stands beside its other operand; None where it stands alone.
    """

    node: Node
    truth: Run
    operator: Comparison
    literal: NumberLiteral
    money: bool
    other: Run
    side: "_Side | None"

    def read(self, frame: Frame) -> Read:
        truth, other = _truths(self.truth(frame)), _values(self.other(frame))
        beside = _values(self.side.run(frame)) if self.side else None

        def turns(row: int, wanted: Wanted) -> list[Turn] | None:
            if _has(truth(row), wanted):
                return []
            compared = other(row)
            operand = beside(row) if beside else None
            if compared is None or (beside and operand is None):
                return None
            turn = self._turn(compared, operand, wanted)
            return [turn] if turn else None

        return turns

    def _turn(self, compared: Value, operand: Value, wanted: Wanted) -> Turn | None:
        if (
            self.side is None
            and isinstance(compared, int)
            and (self.money or self.literal.value.denominator == 1)
        ):
            return self._made(Fraction(compared + _NEXT[self.operator, wanted is True]))
        literal = self._literal
        exact, exact_operand = _fraction(compared), _fraction(operand)
        border = exact if self.side is None else self.side.solve(exact, exact_operand)
        if border is None:
            return None
        holds = _HOLDS[self.operator]

        def turned(value: Fraction) -> bool:
            left: Value = value if self.side is None else self.side.apply(value, operand)
            if left is None:
                return False
            if isinstance(left, float) or isinstance(compared, float):
                left, right = float(left), float(compared or 0)
                return isfinite(left) and holds(left, right) is (wanted is True)
            return holds(left, compared) is (wanted is True)

        if self.side is not None and self.side.has_pole and (border > 0) is not (literal > 0):
            return None  # between them lies the division by zero
        if abs(border) >= _LARGEST:
            return None
        found = self._on_grid(border, literal, turned, integers=_whole(compared) and _whole(operand))
        return None if found is None else self._made(found)

    @property
    def _literal(self) -> Fraction:
        return self.literal.value * _FEN if self.money else self.literal.value

    def _made(self, value: Fraction) -> Turn:
        """The turn to a value, which is in fen where it is money."""
        literal = self._literal
        distance = abs(float(value) - float(literal)) / max(abs(float(literal)), 1.0)
        return Turn(self.literal, self.node, value / _FEN if self.money else value, distance)

    def _on_grid(
        self, border: Fraction, literal: Fraction, turned: Callable[[Fraction], bool], *, integers: bool
    ) -> Fraction | None:
        """The value nearest to the literal that turns the comparison, among numbers of few digits."""
        if self.money:
            return _nearest(border, literal, Fraction(1), turned)
        if integers and literal.denominator == 1 and (self.side is None or self.side.keeps_integers):
            return _nearest(border, literal, Fraction(1), turned)
        found = None
        for digits in range(_digits(literal), _MOST_DIGITS + 1):
            found = _nearest(border, literal, Fraction(1, 10**digits), turned)
            if found is not None and abs(found - literal) <= _OVERSHOT * abs(border - literal):
                break
        return found


@dataclass(frozen=True)
class _Side:
    """The other operand of a literal: `literal operator beside`, or turned around."""

    operator: Operator
    first: bool
    run: Run

    @property
    def has_pole(self) -> bool:
        return self.operator is Operator.DIVIDE and not self.first

    @property
    def keeps_integers(self) -> bool:
        return self.operator in (Operator.ADD, Operator.SUBTRACT)

    def apply(self, literal: Fraction, beside: Value) -> Value:
        """What the side is worth, as the kernels compute it; None where that is NULL."""
        assert beside is not None
        left, right = (literal, beside) if self.first else (beside, literal)
        if self.operator is Operator.DIVIDE:
            return float(left) / float(right) if right else None
        work = {Operator.ADD: add, Operator.SUBTRACT: sub, Operator.MULTIPLY: mul}[self.operator]
        if isinstance(beside, float):
            left, right = float(left), float(right)
        value: Value = work(left, right)
        return value

    def solve(self, side: Fraction, beside: Fraction) -> Fraction | None:
        """The literal with which the side is worth `side`."""
        match self.operator:
            case Operator.ADD:
                return side - beside
            case Operator.SUBTRACT:
                return side + beside if self.first else beside - side
            case Operator.MULTIPLY:
                return side / beside if beside else None
            case Operator.DIVIDE:
                if self.first:
                    return side * beside
                return beside / side if side else None


_Part = _Fixed | _Junction | _Not | _Threshold


def _part(node: Node, kind_of: KindOf, build: Build) -> _Part:
    match node:
        case Junction(every=every, parts=parts):
            return _Junction(every, [_part(part, kind_of, build) for part in parts])
        case Not(operand=operand):
            return _Not(_part(operand, kind_of, build), build(operand))
        case Between(operand=operand, low=low, high=high):
            ends = (
                Compare(node.span, Comparison.GE, operand, low),
                Compare(node.span, Comparison.LE, operand, high),
            )
            if isinstance(operand, NumberLiteral):
                return _Fixed(build(node))
            return _Junction(True, [_part(end, kind_of, build) for end in ends])
        case Compare():
            return _threshold(node, kind_of, build) or _Fixed(build(node))
    return _Fixed(build(node))


def _threshold(node: Compare, kind_of: KindOf, build: Build) -> _Threshold | None:
    if node.operator in (Comparison.EQ, Comparison.NE):
        return None  # a value that is asked for is no threshold
    mirrored = replace(node, operator=MIRRORED[node.operator], left=node.right, right=node.left)
    for one in (mirrored, node):
        split = _split(one.left)
        if split is None:
            continue
        literal, beside = split
        side = None
        if isinstance(one.left, Arithmetic) and beside is not None:
            side = _Side(one.left.operator, one.left.left is literal, build(beside))
        money = kind_of(literal) is Kind.MONEY
        return _Threshold(node, build(node), one.operator, literal, money, build(one.right), side)
    return None


def _split(side: Node) -> tuple[NumberLiteral, Node | None] | None:
    """The literal of a side and the operand beside it."""
    match side:
        case NumberLiteral():
            return side, None
        case Arithmetic(left=NumberLiteral() as literal, right=beside):
            return literal, beside
        case Arithmetic(left=beside, right=NumberLiteral() as literal):
            return literal, beside
    return None


def _truths(cells: Cells) -> Callable[[int], bool | None]:
    read = _values(cells)

    def truth(row: int) -> bool | None:
        value = read(row)
        return None if value is None else bool(value)

    return truth


def _values(cells: Cells) -> Callable[[int], Value]:
    """Reads a cell: exact, or a float; None for NULL."""
    values, valid, scale = cells.values, cells.valid, cells.scale

    def read(row: int) -> Value:
        # A constant may be NULL in some rows only, and a column in none or all of them.
        if valid is not None and not (valid if valid.ndim == 0 else valid[row]):
            return None
        value: Any = values[()] if values.ndim == 0 else values[row]
        value = value.item() if isinstance(value, np.generic) else value
        return value if scale == 1 else Fraction(value, scale)

    return read


def _has(truth: Wanted, wanted: Wanted) -> bool:
    """Whether a part has a truth already."""
    return truth is not True if wanted is None else truth is wanted


def _farthest(turns: list[Turn]) -> float:
    return max((turn.distance for turn in turns), default=0.0)


def _fraction(value: Value) -> Fraction:
    return Fraction(value or 0)


def _whole(value: Value) -> bool:
    return value is None or (not isinstance(value, float) and Fraction(value).denominator == 1)


def _digits(value: Fraction) -> int:
    """Decimals that a number is written with."""
    digits = 0
    while digits < _MOST_DIGITS and (value * 10**digits).denominator != 1:
        digits += 1
    return digits


def _nearest(
    border: Fraction, literal: Fraction, step: Fraction, turned: Callable[[Fraction], bool]
) -> Fraction | None:
    """The number of a grid around the border that turns the comparison and lies nearest to the literal."""
    place = floor(border / step)
    around = sorted((step * (place + k) for k in (-1, 0, 1, 2)), key=lambda value: abs(value - literal))
    return next((value for value in around if turned(value)), None)


def decimal(value: Fraction) -> str:
    """A number as a condition writes it; it has few decimals."""
    digits = _digits(value)
    scaled = round(value * 10**digits)
    sign, scaled = ("-", -scaled) if scaled < 0 else ("", scaled)
    whole, part = divmod(scaled, 10**digits)
    return f"{sign}{whole}.{part:0{digits}}" if digits else f"{sign}{whole}"
