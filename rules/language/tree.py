"""The syntax tree of a condition: what remains once a text has passed the allow-list."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

Span = tuple[int, int]
"""Start and end offset of a part of the text; the end is exclusive."""


class Comparison(Enum):
    """Operators that compare two values of one kind."""

    EQ = "="
    NE = "<>"
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


MIRRORED = {
    Comparison.EQ: Comparison.EQ,
    Comparison.NE: Comparison.NE,
    Comparison.LT: Comparison.GT,
    Comparison.LE: Comparison.GE,
    Comparison.GT: Comparison.LT,
    Comparison.GE: Comparison.LE,
}
"""The operator that says the same with its operands in the other order."""


class Operator(Enum):
    """Operators of arithmetic."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"


class Choice(Enum):
    """Functions that return one of their arguments."""

    COALESCE = "COALESCE"
    LEAST = "LEAST"
    GREATEST = "GREATEST"


@dataclass(frozen=True, eq=False)
class Name:
    """A feature, an event field, `attributes.x`, `profile.x`, `hour`, `weekday` or `anomaly`."""

    span: Span
    name: str


@dataclass(frozen=True, eq=False)
class NumberLiteral:
    """A number as written; yuan where it meets money."""

    span: Span
    value: Fraction


@dataclass(frozen=True, eq=False)
class TextLiteral:
    """A text in single quotes."""

    span: Span
    value: str


@dataclass(frozen=True, eq=False)
class BoolLiteral:
    """TRUE or FALSE."""

    span: Span
    value: bool


@dataclass(frozen=True, eq=False)
class NullLiteral:
    """NULL, of whatever kind its place asks for."""

    span: Span


@dataclass(frozen=True, eq=False)
class Compare:
    """`left` compared with `right`."""

    span: Span
    operator: Comparison
    left: "Node"
    right: "Node"


@dataclass(frozen=True, eq=False)
class Junction:
    """All (AND) or any (OR) of `parts`."""

    span: Span
    every: bool
    parts: tuple["Node", ...]


@dataclass(frozen=True, eq=False)
class Not:
    """The contrary of `operand`."""

    span: Span
    operand: "Node"


@dataclass(frozen=True, eq=False)
class IsNull:
    """Whether `operand` is NULL."""

    span: Span
    operand: "Node"


@dataclass(frozen=True, eq=False)
class Between:
    """`low <= operand AND operand <= high`, the operand computed once."""

    span: Span
    operand: "Node"
    low: "Node"
    high: "Node"


@dataclass(frozen=True, eq=False)
class In:
    """Whether `operand` equals one of `items`."""

    span: Span
    operand: "Node"
    items: tuple["Node", ...]


@dataclass(frozen=True, eq=False)
class Like:
    """Whether the text `operand` matches `pattern`: `%` any text, `_` one character."""

    span: Span
    operand: "Node"
    pattern: str


@dataclass(frozen=True, eq=False)
class Listed:
    """Whether the text `operand` stands in the named list."""

    span: Span
    operand: "Node"
    name: str
    members: frozenset[str]


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """`left` and `right` added, subtracted, multiplied or divided."""

    span: Span
    operator: Operator
    left: "Node"
    right: "Node"


@dataclass(frozen=True, eq=False)
class Negate:
    """Minus `operand`."""

    span: Span
    operand: "Node"


@dataclass(frozen=True, eq=False)
class Absolute:
    """The amount of `operand` without its sign."""

    span: Span
    operand: "Node"


@dataclass(frozen=True, eq=False)
class Round:
    """`operand` rounded half away from zero to `digits` decimals; of yuan where it is money."""

    span: Span
    operand: "Node"
    digits: int


@dataclass(frozen=True, eq=False)
class NullIf:
    """`left`, or NULL where it equals `right`."""

    span: Span
    left: "Node"
    right: "Node"


@dataclass(frozen=True, eq=False)
class Choose:
    """The first, least or greatest of `arguments` that is not NULL."""

    span: Span
    choice: Choice
    arguments: tuple["Node", ...]


@dataclass(frozen=True, eq=False)
class Case:
    """The value of the first branch whose condition is true; `subject` makes the conditions values."""

    span: Span
    subject: "Node | None"
    branches: tuple[tuple["Node", "Node"], ...]
    default: "Node | None"


Leaf = Name | NumberLiteral | TextLiteral | BoolLiteral | NullLiteral
"""What has nothing below it."""

Inner = (
    Compare
    | Junction
    | Not
    | IsNull
    | Between
    | In
    | Like
    | Listed
    | Arithmetic
    | Negate
    | Absolute
    | Round
    | NullIf
    | Choose
    | Case
)
"""What is made of other parts."""

Node = Leaf | Inner


def children(node: Node) -> "tuple[Node, ...]":
    """The parts that a part is made of, from left to right."""
    match node:
        case Name() | NumberLiteral() | TextLiteral() | BoolLiteral() | NullLiteral():
            return ()
        case Compare() | Arithmetic() | NullIf():
            return (node.left, node.right)
        case Junction(parts=parts) | Choose(arguments=parts):
            return parts
        case Between() | In():
            others = node.items if isinstance(node, In) else (node.low, node.high)
            return (node.operand, *others)
        case Case(subject=subject, branches=branches, default=default):
            inner = (part for branch in branches for part in branch)
            return tuple(part for part in (subject, *inner, default) if part is not None)
    return (node.operand,)


def walk(tree: Node) -> Iterator[Node]:
    """A part and everything below it."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending += children(node)
