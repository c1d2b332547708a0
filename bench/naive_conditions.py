"""Conditions as a plain engine runs them: the tree is walked for every event, over a dict of its values."""

import operator
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

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
    walk,
)

Facts = Mapping[str, Any]
"""Values of one event by name; None for NULL."""

_FEN_PER_YUAN = 100
_COMPARE: dict[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQ: operator.eq,
    Comparison.NE: operator.ne,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}
_COMPUTE: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.ADD: operator.add,
    Operator.SUBTRACT: operator.sub,
    Operator.MULTIPLY: operator.mul,
    Operator.DIVIDE: operator.truediv,
}


class NaiveCondition:
    """One condition, parsed once and walked for every event.

    Args:
        text: the condition.
        scope: what it may read.

    Raises:
        LanguageError: it is none.
    """

    def __init__(self, text: str, scope: Scope) -> None:
        self._tree = translate(text, scope)
        self._kinds = Kinds(text, scope, self._tree, Kind.BOOL)
        self._constants = {
            id(node): self._constant(node)
            for node in walk(self._tree)
            if isinstance(node, NumberLiteral | TextLiteral | BoolLiteral | NullLiteral)
        }

    def holds(self, facts: Facts) -> bool | None:
        """Whether it holds for one event; None where it is NULL."""
        truth: bool | None = self._value(self._tree, facts)
        return truth

    def _constant(self, node: NumberLiteral | TextLiteral | BoolLiteral | NullLiteral) -> Any:
        match node:
            case NullLiteral():
                return None
            case TextLiteral() | BoolLiteral():
                return node.value
        scaled = node.value * _FEN_PER_YUAN if self._kinds.of(node) is Kind.MONEY else node.value
        return int(scaled) if scaled.denominator == 1 else float(scaled)

    def _value(self, node: Node, facts: Facts) -> Any:
        match node:
            case Name(name=name):
                return facts.get(name)
            case NumberLiteral() | TextLiteral() | BoolLiteral() | NullLiteral():
                return self._constants[id(node)]
            case Junction() | Not() | IsNull():
                return self._logic(node, facts)
            case Compare() | Between() | In() | Like() | Listed():
                return self._predicate(node, facts)
            case Arithmetic() | Negate() | Absolute() | Round():
                return self._arithmetic(node, facts)
            case NullIf() | Choose() | Case():
                return self._choice(node, facts)

    def _logic(self, node: Junction | Not | IsNull, facts: Facts) -> bool | None:
        match node:
            case Junction(every=every, parts=parts):
                unknown = False
                for part in parts:
                    truth = self._value(part, facts)
                    if truth is None:
                        unknown = True
                    elif truth is not every:
                        return not every
                return None if unknown else every
            case Not(operand=operand):
                truth = self._value(operand, facts)
                return None if truth is None else not truth
            case IsNull(operand=operand):
                return self._value(operand, facts) is None

    def _predicate(self, node: Compare | Between | In | Like | Listed, facts: Facts) -> bool | None:
        match node:
            case Compare(operator=compared, left=left, right=right):
                return _compared(compared, self._value(left, facts), self._value(right, facts))
            case Between(operand=operand, low=low, high=high):
                value = self._value(operand, facts)
                above = _compared(Comparison.GE, value, self._value(low, facts))
                below = _compared(Comparison.LE, value, self._value(high, facts))
                return False if above is False or below is False else None if None in (above, below) else True
            case In(operand=operand, items=items):
                value = self._value(operand, facts)
                found = [_compared(Comparison.EQ, value, self._value(item, facts)) for item in items]
                return True if True in found else None if None in found else False
            case Like(operand=operand, pattern=pattern):
                text = self._value(operand, facts)
                return None if text is None else matcher(pattern)(text)
            case Listed(operand=operand, members=members):
                text = self._value(operand, facts)
                return None if text is None else text in members

    def _arithmetic(self, node: Arithmetic | Negate | Absolute | Round, facts: Facts) -> Any:
        if isinstance(node, Arithmetic):
            left, right = self._value(node.left, facts), self._value(node.right, facts)
            if left is None or right is None or (node.operator is Operator.DIVIDE and right == 0):
                return None
            return _COMPUTE[node.operator](left, right)
        value = self._value(node.operand, facts)
        match node:
            case _ if value is None:
                return None
            case Negate():
                return -value
            case Absolute():
                return abs(value)
            case Round(digits=digits):
                places = digits - 2 if self._kinds.of(node.operand) is Kind.MONEY else digits
                return type(value)(Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))

    def _choice(self, node: NullIf | Choose | Case, facts: Facts) -> Any:
        match node:
            case NullIf(left=left, right=right):
                value = self._value(left, facts)
                return None if _compared(Comparison.EQ, value, self._value(right, facts)) else value
            case Choose(choice=choice, arguments=arguments):
                known = [value for one in arguments if (value := self._value(one, facts)) is not None]
                if not known or choice is Choice.COALESCE:
                    return known[0] if known else None
                return max(known) if choice is Choice.GREATEST else min(known)
            case Case(subject=subject, branches=branches, default=default):
                against = self._value(subject, facts) if subject else None
                for when, then in branches:
                    truth = self._value(when, facts)
                    if subject:
                        truth = _compared(Comparison.EQ, against, truth)
                    if truth:
                        return self._value(then, facts)
                return self._value(default, facts) if default else None


def _compared(compared: Comparison, left: Any, right: Any) -> bool | None:
    return None if left is None or right is None else _COMPARE[compared](left, right)
