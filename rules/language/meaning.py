"""The meaning of a part of a condition as a text: the same for parts that give the same cells."""

from dataclasses import replace
from typing import assert_never

from rules.language.infer import Kinds
from rules.language.tree import (
    MIRRORED,
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
    Round,
    TextLiteral,
    children,
)


def oriented(node: Compare) -> Compare:
    """The comparison with its literal on the right: `5 < amount` is `amount > 5`."""
    if isinstance(node.left, NumberLiteral | TextLiteral) and not isinstance(node.right, type(node.left)):
        return replace(node, operator=MIRRORED[node.operator], left=node.right, right=node.left)
    return node


_UNARY: dict[type[Node], str] = {Not: "NOT", IsNull: "NULL?", Negate: "MINUS", Absolute: "ABS"}


class Meanings:
    """Meanings of the parts of one condition.

    Args:
        kinds: of its parts; what a name is read as belongs to its meaning.
    """

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._known: dict[int, str] = {}

    def of(self, node: Node) -> str:
        """The meaning of `node`: an expression in prefix notation."""
        meaning = self._known.get(id(node))
        if meaning is None:
            meaning = self._known[id(node)] = self._told(node)
        return meaning

    def _told(self, node: Node) -> str:
        match node:
            case Name() | NumberLiteral() | TextLiteral() | BoolLiteral() | NullLiteral():
                return self._leaf(node)
            case Compare() | Between() | In() | Like() | Listed():
                return self._predicate(node)
            case Junction(every=every):
                word = "AND" if every else "OR"
            case Not() | IsNull() | Negate() | Absolute():
                word = _UNARY[type(node)]
            case Round(digits=digits):
                word = f"ROUND {digits}"
            case Arithmetic(operator=operator):
                word = operator.value
            case NullIf() | Choose() | Case():
                word = self._choice(node)
            case _:
                assert_never(node)
        return self._all(word, *children(node))

    def _leaf(self, node: Leaf) -> str:
        match node:
            case Name(name=name):
                return f"{name!r}:{self._kinds.of(node).value}"
            case NumberLiteral(value=value):
                return f"{value}:{self._kinds.of(node).value}"
            case TextLiteral(value=value):
                return repr(value)
            case BoolLiteral(value=truth):
                return str(truth)
            case NullLiteral():
                return f"NULL:{self._kinds.of(node).value}"

    def _predicate(self, node: Compare | Between | In | Like | Listed) -> str:
        match node:
            case Compare():
                node = oriented(node)
                return self._all(node.operator.value, node.left, node.right)
            case Between(operand=operand, low=low, high=high):
                return self._all("BETWEEN", operand, low, high)
            case In(operand=operand, items=items):
                return self._all("IN", operand, *items)
            case Like(operand=operand, pattern=pattern):
                return self._all(f"LIKE {pattern!r}", operand)
            case Listed(operand=operand, name=name):
                return self._all(f"LISTED {name!r}", operand)

    def _choice(self, node: NullIf | Choose | Case) -> str:
        match node:
            case NullIf():
                return "NULLIF"
            case Choose(choice=choice):
                return choice.value
            case Case(subject=subject, default=default):
                return f"CASE {subject is not None} {default is not None}"

    def _all(self, word: str, *nodes: Node) -> str:
        return f"({word} {' '.join(map(self.of, nodes))})"
