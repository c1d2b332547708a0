"""What a condition costs: an estimate from its tree alone, so that it can be refused before it runs.

One step is about what one kernel costs over one column: a nanosecond for each event in batches of a thousand.
"""

from events.columns import Kind
from rules.errors import LanguageError
from rules.language.infer import Kinds
from rules.language.tree import (
    Absolute,
    Arithmetic,
    Between,
    BoolLiteral,
    Case,
    Choose,
    Compare,
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
    Round,
    TextLiteral,
    children,
    walk,
)

MAX_COST = 1_000
"""Steps of one condition."""

MAX_PACK_COST = 50_000
"""Steps of all conditions of a pack; what several have in common counts once."""

_LOGIC = 2
_COMPARISON = 2
_ARITHMETIC = 4
_CHOICE = 6
_TEXT = 20  # a text is looked at in Python, once for each distinct one
_SET = 20  # a number is looked up among sorted ones
FEW = 3
"""Literals of IN that are compared one by one; more are looked up."""


def check_cost(text: str, tree: Node, kinds: Kinds) -> None:
    """See that a condition is not too expensive.

    Raises:
        LanguageError: it is; the place is its dearest part.
    """
    costs = [(own_cost(node, kinds), node) for node in walk(tree)]
    total = sum(cost for cost, _ in costs)
    if total > MAX_COST:
        _, dearest = max(costs, key=lambda one: 0 if isinstance(one[1], Junction) else one[0])
        what = f"the condition costs about {total:,} steps for each event, the limit is {MAX_COST:,}"
        raise LanguageError(f"{what}; use LISTED, features or several rules", text, dearest.span)


def own_cost(node: Node, kinds: Kinds) -> int:
    """Steps of a part without those of the parts below it."""
    match node:
        case Name() | NumberLiteral() | TextLiteral() | BoolLiteral() | NullLiteral():
            return 0
        case Junction() | Not() | IsNull():
            return _LOGIC * max(1, len(children(node)) - 1)
        case Arithmetic() | Negate() | Absolute() | Round():
            return _ARITHMETIC
        case NullIf() | Choose() | Case():
            return _choice(node, kinds)
    return _predicate(node, kinds)


def _predicate(node: Compare | Between | In | Like | Listed, kinds: Kinds) -> int:
    match node:
        case Compare(left=left):
            return _compared(left, kinds)
        case Between(operand=operand):
            return 2 * _compared(operand, kinds) + _LOGIC
        case In(items=items):
            return _among(node, items, kinds)
        case Like(pattern=pattern):
            return _TEXT + len(pattern)
        case Listed():
            return _TEXT


def _choice(node: NullIf | Choose | Case, kinds: Kinds) -> int:
    match node:
        case NullIf(left=left):
            return _compared(left, kinds) + _LOGIC
        case Choose(arguments=arguments):
            return _CHOICE * len(arguments)
        case Case(subject=subject, branches=branches):
            return (_CHOICE + (_compared(subject, kinds) if subject else 0)) * len(branches)


def _compared(operand: Node, kinds: Kinds) -> int:
    return _TEXT if kinds.of(operand) is Kind.TEXT else _COMPARISON


def _among(node: In, items: tuple[Node, ...], kinds: Kinds) -> int:
    literals = sum(isinstance(item, NumberLiteral | TextLiteral) for item in items)
    each = _compared(node.operand, kinds) + _LOGIC
    at_once = _SET if literals > FEW or kinds.of(node.operand) is Kind.TEXT else each * literals
    return at_once + each * (len(items) - literals)
