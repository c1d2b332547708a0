"""From sqlglot's tree to our own: the allow-list. What is not named here is not part of the language."""

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from sqlglot import exp

from rules.errors import LanguageError, did_you_mean
from rules.language.parse import parse
from rules.language.scope import Scope
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
    Span,
    TextLiteral,
)

FUNCTIONS = ("ABS", "COALESCE", "GREATEST", "LEAST", "LISTED", "NULLIF", "ROUND")
"""Functions of the language."""

MAX_DEPTH = 60
"""Levels of the tree; chains of AND and OR count once."""

_MAX_DIGITS = 18  # decimal digits that always fit 64 bits

_COMPARISONS: dict[type[exp.Expr], Comparison] = {
    exp.EQ: Comparison.EQ,
    exp.NEQ: Comparison.NE,
    exp.LT: Comparison.LT,
    exp.LTE: Comparison.LE,
    exp.GT: Comparison.GT,
    exp.GTE: Comparison.GE,
}
_OPERATORS: dict[type[exp.Expr], Operator] = {
    exp.Add: Operator.ADD,
    exp.Sub: Operator.SUBTRACT,
    exp.Mul: Operator.MULTIPLY,
    exp.Div: Operator.DIVIDE,
}
_CHOICES: dict[type[exp.Expr], Choice] = {
    exp.Coalesce: Choice.COALESCE,
    exp.Least: Choice.LEAST,
    exp.Greatest: Choice.GREATEST,
}
_PREDICATES = (*_COMPARISONS, exp.Is, exp.In, exp.Between, exp.Like, exp.Not)


def translate(text: str, scope: Scope) -> Node:
    """The syntax tree of a condition.

    Raises:
        LanguageError: the text is no expression, or uses what the language does not have.
    """
    parsed = parse(text)
    tree = _Translator(text, scope).node(parsed.tree, 0)
    for name, span in parsed.calls:
        if name.upper() not in FUNCTIONS:  # the parser reads NVL and others as functions that we know
            raise LanguageError(_unknown_function(name), text, span)
    return tree


def span_of(tree: exp.Expr) -> Span | None:
    """Start and end offset of the words below `tree`; None where the parser kept no place."""
    places = [(n.meta["start"], n.meta["end"] + 1) for n in tree.walk() if "start" in n.meta]
    return (min(p[0] for p in places), max(p[1] for p in places)) if places else None


class _Translator:
    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope

    def node(self, tree: exp.Expr | None, depth: int) -> Node:
        if tree is None:
            raise LanguageError("a value is missing", self.text, (0, len(self.text)))
        if depth > MAX_DEPTH:
            raise self.error(tree, f"the condition is nested deeper than {MAX_DEPTH} levels; use features")
        span, below = self.span(tree), self.below(depth)
        match tree:
            case exp.Paren():
                return self.node(tree.this, depth)
            case exp.Column() | exp.Literal() | exp.Boolean() | exp.Null():
                return self.leaf(tree, span)
            case exp.And() | exp.Or() | exp.Not() | exp.Neg():
                return self.connected(tree, span, below)
            case exp.Is() | exp.In() | exp.Between() | exp.Like():
                predicate = self.predicate(tree, span, below)
                return Not(span, predicate) if tree.args.get("negate") else predicate
            case exp.Func():
                return self.function(tree, span, below)
        return self.binary(tree, span, below)

    def leaf(self, tree: exp.Expr, span: Span) -> Node:
        match tree:
            case exp.Column():
                return Name(span, self.name(tree))
            case exp.Literal() if tree.is_string:
                return TextLiteral(span, tree.name)
            case exp.Literal():
                return self.number(tree, span)
            case exp.Boolean():
                return BoolLiteral(span, bool(tree.this))
        return NullLiteral(span)

    def connected(self, tree: exp.Expr, span: Span, below: Callable[[exp.Expr], Node]) -> Node:
        match tree:
            case exp.And() | exp.Or():
                parts = tuple(below(part) for part in _chain(tree, type(tree)))
                return Junction(span, isinstance(tree, exp.And), parts)
            case exp.Not():
                return Not(span, below(tree.this))
        operand = below(tree.this)
        return (
            NumberLiteral(span, -operand.value)
            if isinstance(operand, NumberLiteral)
            else Negate(span, operand)
        )

    def binary(self, tree: exp.Expr, span: Span, below: Callable[[exp.Expr], Node]) -> Node:
        if comparison := _COMPARISONS.get(type(tree)):
            left, right = self.operand(tree.args["this"], below), self.operand(tree.args["expression"], below)
            return Compare(span, comparison, left, right)
        if operator := _OPERATORS.get(type(tree)):
            return self.arithmetic(span, operator, below(tree.args["this"]), below(tree.args["expression"]))
        if isinstance(tree, exp.Subquery | exp.Query):
            raise self.error(tree, "a condition cannot have subqueries; use a feature")
        raise self.error(tree, f"{self.shown(tree)} is not part of the condition language")

    def below(self, depth: int) -> Callable[[exp.Expr], Node]:
        return lambda tree: self.node(tree, depth + 1)

    def operand(self, tree: exp.Expr, below: Callable[[exp.Expr], Node]) -> Node:
        """An operand of a predicate; another predicate needs parentheses, as databases disagree without."""
        if isinstance(tree, _PREDICATES):
            raise self.error(tree, f"put {self.shown(tree)} in parentheses, or join the comparisons with AND")
        return below(tree)

    def name(self, tree: exp.Column) -> str:
        owner = tree.args.get("table")
        quoted_as_one = owner is None and "." in tree.name  # "attributes.x" is a column of that name
        if tree.args.get("db") or isinstance(tree.this, exp.Star) or quoted_as_one:
            raise self.error(
                tree, f"{self.shown(tree)} is not a name; names are `x`, `attributes.x` and `profile.x`"
            )
        if owner is None:
            return tree.name
        if owner.name not in {"attributes", "profile"}:
            near = did_you_mean(owner.name, ["attributes", "profile"]).replace("`?", f".{tree.name}`?")
            raise self.error(tree, f"unknown name {self.shown(tree)}{near}")
        return f"{owner.name}.{tree.name}"

    def number(self, tree: exp.Expr, span: Span) -> NumberLiteral:
        try:
            value = Decimal(tree.name)
        except InvalidOperation:
            raise self.error(tree, f"{self.shown(tree)} is not a number") from None
        if len(value.as_tuple().digits) > _MAX_DIGITS or abs(value.adjusted()) > _MAX_DIGITS:
            raise self.error(tree, f"the number {self.shown(tree)} has more than {_MAX_DIGITS} digits")
        return NumberLiteral(span, Fraction(value))

    def arithmetic(self, span: Span, operator: Operator, left: Node, right: Node) -> Node:
        """Arithmetic of literals is done here, exactly: `2 * 500000` is as bare a number as `1000000`."""
        if isinstance(left, NumberLiteral) and isinstance(right, NumberLiteral):
            match operator:
                case Operator.ADD:
                    return NumberLiteral(span, left.value + right.value)
                case Operator.SUBTRACT:
                    return NumberLiteral(span, left.value - right.value)
                case Operator.MULTIPLY:
                    return NumberLiteral(span, left.value * right.value)
            if right.value == 0:
                raise LanguageError("division by zero", self.text, span)
            return NumberLiteral(span, left.value / right.value)
        return Arithmetic(span, operator, left, right)

    def predicate(self, tree: exp.Expr, span: Span, below: Callable[[exp.Expr], Node]) -> Node:
        operand = self.operand(tree.this, below)
        match tree:
            case exp.Is() if isinstance(tree.expression, exp.Null):
                return IsNull(span, operand)
            case exp.Between() if not tree.args.get("symmetric"):
                low, high = (self.operand(tree.args[key], below) for key in ("low", "high"))
                return Between(span, operand, low, high)
            case exp.In() if tree.expressions:
                return In(span, operand, tuple(self.operand(item, below) for item in tree.expressions))
            case exp.In() if tree.args.get("query"):
                raise self.error(
                    tree, "a condition cannot have subqueries; use LISTED(field, 'list') or a feature"
                )
            case exp.In():
                raise self.error(
                    tree, "IN needs values in parentheses, such as `region IN ('310000', '110000')`"
                )
            case exp.Like():
                pattern = tree.expression
                if isinstance(pattern, exp.Literal) and pattern.is_string:
                    return Like(span, operand, pattern.name)
                raise self.error(tree, "LIKE needs a pattern in single quotes, such as `region LIKE '31%'`")
        raise self.error(tree, f"{self.shown(tree)} is not part of the condition language")

    def case(self, tree: exp.Case, span: Span, below: Callable[[exp.Expr], Node]) -> Node:
        subject, default = tree.args.get("this"), tree.args.get("default")
        branches = tuple((below(branch.this), below(branch.args["true"])) for branch in tree.args["ifs"])
        return Case(span, below(subject) if subject else None, branches, below(default) if default else None)

    def function(self, tree: exp.Func, span: Span, below: Callable[[exp.Expr], Node]) -> Node:
        match tree:
            case exp.Case():
                return self.case(tree, span, below)
            case exp.Anonymous() if tree.name.upper() == "LISTED":
                return self.listed(tree, span, below)
            case exp.Nullif():
                return NullIf(span, below(tree.this), below(tree.expression))
            case exp.Abs():
                return Absolute(span, below(tree.this))
            case exp.Round() if not tree.args.get("truncate"):
                return Round(span, below(tree.this), self.digits(tree.args.get("decimals")))
            case exp.Coalesce() | exp.Least() | exp.Greatest():
                arguments = (tree.this, *tree.expressions)
                return Choose(span, _CHOICES[type(tree)], tuple(below(argument) for argument in arguments))
            case exp.Exists():
                raise self.error(tree, "a condition cannot have subqueries; use a feature")
        raise self.error(tree, self.unknown_function(tree))

    def unknown_function(self, tree: exp.Func) -> str:
        match tree:
            case exp.Anonymous():
                return _unknown_function(tree.name)
            case exp.AggFunc():
                return f"`{tree.sql_name()}` aggregates; declare a feature and read it by its name"
            case exp.Cast():
                return (
                    "casts are not part of the condition language; its values have the kinds that they need"
                )
            case exp.Round():
                return f"{self.shown(tree)} is not part of the condition language"
        return f"unknown function `{tree.sql_name()}`{_KNOWN_FUNCTIONS}"

    def digits(self, tree: exp.Expr | None) -> int:
        if tree is None:
            return 0
        digits = self.node(tree, 0)
        if isinstance(digits, NumberLiteral) and digits.value.denominator == 1 and -9 <= digits.value <= 9:  # noqa: PLR2004
            return int(digits.value)
        raise self.error(tree, "ROUND needs a whole number of digits from -9 to 9")

    def listed(self, tree: exp.Anonymous, span: Span, below: Callable[[exp.Expr], Node]) -> Node:
        arguments = tree.expressions
        if len(arguments) != 2 or not (isinstance(arguments[1], exp.Literal) and arguments[1].is_string):  # noqa: PLR2004
            raise self.error(
                tree, "LISTED needs a field and the name of a list: `LISTED(region, 'high_risk_regions')`"
            )
        name = arguments[1].name
        members = self.scope.lists.get(name)
        if members is None:
            cure = did_you_mean(name, self.scope.lists) or "; declare it under `lists`"
            raise self.error(arguments[1], f"unknown list `{name}`{cure}")
        return Listed(span, below(arguments[0]), name, members)

    def span(self, tree: exp.Expr) -> Span:
        return span_of(tree) or (0, len(self.text))

    def shown(self, tree: exp.Expr) -> str:
        return f"`{excerpt(self.text, self.span(tree))}`"

    def error(self, tree: exp.Expr, what: str) -> LanguageError:
        return LanguageError(what, self.text, self.span(tree))


_KNOWN_FUNCTIONS = f"; there are {', '.join(FUNCTIONS)} and CASE"


def _unknown_function(name: str) -> str:
    name = name[:40]
    return f"unknown function `{name}`{did_you_mean(name.upper(), FUNCTIONS) or _KNOWN_FUNCTIONS}"


def _chain(tree: exp.Expr, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
    """The parts of a chain of AND or of OR from left to right, however the parser nested them."""
    pending = [tree]
    while pending:
        part = pending.pop()
        if type(part) is kind:
            pending += [part.args["expression"], part.args["this"]]
        else:
            yield part


def excerpt(text: str, span: Span) -> str:
    """The part of `text` at `span`, on one line, with its parentheses closed, at most 60 characters."""
    start, end = span
    while text.count("(", start, end) < text.count(")", start, end) and "(" in text[:start]:
        start = text.rindex("(", 0, start)
    while text.count("(", start, end) > text.count(")", start, end) and ")" in text[end:]:
        end = text.index(")", end) + 1
    part = " ".join(text[start:end].split())
    return part if len(part) <= 60 else part[:59] + "…"  # noqa: PLR2004
