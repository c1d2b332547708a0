"""From a typed tree to closures over columns: built once, run for every batch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import assert_never

import numpy as np

from events.columns import Column, Kind
from rules.errors import LanguageError
from rules.language.cost import FEW, check_cost, own_cost
from rules.language.frame import ColumnSource, Frame, Run
from rules.language.infer import Kinds
from rules.language.kernels import arithmetic, choice, logic, sets, texts
from rules.language.kernels.cells import Cells, null, number, text, to_column, truth
from rules.language.kernels.comparison import Comparing, comparing, comparing_texts
from rules.language.meaning import Meanings, oriented
from rules.language.parts import Part, Parts
from rules.language.scope import Scope
from rules.language.translate import excerpt, translate
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
    Inner,
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
from rules.language.turning import Turning

FEN_PER_YUAN = 100
_FEN_DIGITS = 2


@dataclass(frozen=True)
class Compiled:
    """A condition or an expression, ready to be run over batches.

    Args:
        text: as it was written.
        kind: kind of the result.
        kinds: the names that it reads with their kinds, in the order of their first use.
        lists: the named lists that it asks.
        run: the closure of kernels.
        part: the same with what it costs; None for a single name or literal.
        tree: what the text says.
        inferred: the kinds of its parts.
    """

    text: str
    kind: Kind
    kinds: Mapping[str, Kind]
    lists: Mapping[str, frozenset[str]]
    run: Run
    part: Part | None
    tree: Node
    inferred: Kinds

    @cached_property
    def turning(self) -> Turning:
        """Finds the thresholds with which the condition would not be true."""
        compiler = _Compiler(self.text, self.inferred, Parts())
        return Turning(self.tree, self.inferred.of, compiler.build)

    @property
    def names(self) -> frozenset[str]:
        """The names that it reads."""
        return frozenset(self.kinds)

    def evaluate(self, source: ColumnSource | Frame) -> Column:
        """The result for every row of the source; conditions that share a `Frame` share its cells."""
        frame = source if isinstance(source, Frame) else Frame(source)
        with np.errstate(all="ignore"):  # what overflows or divides by zero becomes NULL
            return to_column(self.run(frame), len(frame), self.kind)


def compile_condition(text: str, scope: Scope, expect: Kind | None = Kind.BOOL) -> Compiled:
    """Compile the text of a condition, or of an expression where `expect` is another kind.

    Args:
        text: one expression of the condition language.
        scope: the names and lists that it may read.
        expect: kind of the result; None for money or a number, whichever it is.

    Raises:
        LanguageError: the text is no expression of the language, or its kinds do not go together.
    """
    tree = translate(text, scope)
    kinds = Kinds(text, scope, tree, expect)
    check_cost(text, tree, kinds)
    run = _Compiler(text, kinds, scope.parts).build(tree)
    lists = {node.name: node.members for node in walk(tree) if isinstance(node, Listed)}
    part = run if isinstance(run, Part) else None
    return Compiled(text, kinds.of(tree), kinds.names, lists, run, part, tree, kinds)


class _Compiler:
    def __init__(self, text: str, kinds: Kinds, parts: Parts) -> None:
        self.text = text
        self.kinds = kinds
        self.parts = parts
        self.meanings = Meanings(kinds)
        self.below: list[Part] = []

    def build(self, node: Node) -> Run:
        match node:
            case Name(name=name):
                kind = self.kinds.of(node)
                return lambda frame: frame.cells(name, kind)
            case NumberLiteral() | TextLiteral() | BoolLiteral() | NullLiteral():
                constant = self.constant(node)
                return lambda _: constant
        part = self.parts.part(self.meanings.of(node), lambda: self.part(node))
        self.below.append(part)
        return part

    def part(self, node: Inner) -> Part:
        """A part, with those that are built on the way to it below it."""
        outer, self.below = self.below, []
        part = Part(self.closure(node), own_cost(node, self.kinds), tuple(self.below))
        self.below = outer
        return part

    def closure(self, node: Inner) -> Run:
        match node:
            case Junction() | Not() | IsNull():
                return self.logic(node)
            case Compare() | Between() | In() | Like() | Listed():
                return self.predicate(node)
            case Arithmetic() | Negate() | Absolute() | Round():
                return self.arithmetic(node)
            case NullIf() | Choose() | Case():
                return self.choice(node)
        assert_never(node)

    def constant(self, node: NumberLiteral | TextLiteral | BoolLiteral | NullLiteral) -> Cells:
        match node:
            case NumberLiteral(value=value):
                money = self.kinds.of(node) is Kind.MONEY
                try:
                    return number(value * FEN_PER_YUAN if money else value)
                except ValueError as error:
                    what = f"`{excerpt(self.text, node.span)}` {error}; write another number"
                    raise LanguageError(what, self.text, node.span) from None
            case TextLiteral(value=value):
                return text(value)
            case BoolLiteral(value=value):
                return truth(value)
            case NullLiteral():
                return null(self.kinds.of(node))

    def logic(self, node: Junction | Not | IsNull) -> Run:
        match node:
            case Junction(every=every, parts=parts):
                runs, combine = (
                    [self.build(part) for part in parts],
                    logic.conjunction if every else logic.disjunction,
                )
                return lambda frame: reduce(combine, [run(frame) for run in runs])
            case Not(operand=operand):
                run = self.build(operand)
                return lambda frame: logic.negation(run(frame))
            case IsNull(operand=operand):
                run = self.build(operand)
                return lambda frame: logic.is_null(run(frame))

    def predicate(self, node: Compare | Between | In | Like | Listed) -> Run:
        match node:
            case Compare():
                return self.compare(oriented(node))
            case Between(operand=operand, low=low, high=high):
                return self.between(operand, self.build(low), self.build(high))
            case In(operand=operand, items=items):
                return self.membership(operand, items)
            case Like(operand=operand, pattern=pattern):
                run, matches = self.build(operand), texts.matcher(pattern)
                return lambda frame: texts.satisfying(run(frame), matches)
            case Listed(operand=operand, members=members):
                run = self.build(operand)
                return lambda frame: texts.among(run(frame), members)

    def compare(self, node: Compare) -> Run:
        test, a = self.test(node.left, node.operator), self.build(node.left)
        if isinstance(node.right, NumberLiteral | TextLiteral):
            constant = self.constant(node.right)
            return lambda frame: test(a(frame), constant)
        b = self.build(node.right)
        return lambda frame: test(a(frame), b(frame))

    def test(self, operand: Node, operator: Comparison) -> Comparing:
        return comparing_texts(operator) if self.kinds.of(operand) is Kind.TEXT else comparing(operator)

    def between(self, operand: Node, low: Run, high: Run) -> Run:
        run = self.build(operand)
        at_least, at_most = self.test(operand, Comparison.GE), self.test(operand, Comparison.LE)

        def between(frame: Frame) -> Cells:
            value = run(frame)
            return logic.conjunction(at_least(value, low(frame)), at_most(value, high(frame)))

        return between

    def membership(self, operand: Node, items: tuple[Node, ...]) -> Run:
        run, same = self.build(operand), self.test(operand, Comparison.EQ)
        words = frozenset(item.value for item in items if isinstance(item, TextLiteral))
        numbers = [item for item in items if isinstance(item, NumberLiteral)]
        lookup = sets.Lookup([self.constant(item) for item in numbers]) if len(numbers) > FEW else None
        taken = (TextLiteral, NumberLiteral) if lookup else TextLiteral
        others = [self.build(item) for item in items if not isinstance(item, taken)]

        def membership(frame: Frame) -> Cells:
            value = run(frame)
            found = [texts.among(value, words)] if words else []
            found += [lookup.among(value)] if lookup else []
            found += [same(value, other(frame)) for other in others]
            return reduce(logic.disjunction, found)

        return membership

    def arithmetic(self, node: Arithmetic | Negate | Absolute | Round) -> Run:
        match node:
            case Arithmetic(operator=operator, left=left, right=right):
                compute, a, b = _COMPUTE[operator], self.build(left), self.build(right)
                return lambda frame: compute(a(frame), b(frame))
            case Negate(operand=operand):
                run = self.build(operand)
                return lambda frame: arithmetic.negate(run(frame))
            case Absolute(operand=operand):
                run = self.build(operand)
                return lambda frame: arithmetic.absolute(run(frame))
            case Round(operand=operand, digits=digits):
                run, places = self.build(operand), digits
                if self.kinds.of(operand) is Kind.MONEY:
                    places -= _FEN_DIGITS
                return lambda frame: arithmetic.rounded(run(frame), places)

    def choice(self, node: NullIf | Choose | Case) -> Run:
        match node:
            case NullIf(left=left, right=right):
                same = self.test(left, Comparison.EQ)
                return self.null_if(same, self.build(left), self.build(right))
            case Choose(choice=function, arguments=arguments):
                runs, pick = [self.build(argument) for argument in arguments], _PICK[function]
                return lambda frame: reduce(pick, [run(frame) for run in runs])
            case Case():
                return self.case(node)

    def null_if(self, same: Comparing, left: Run, right: Run) -> Run:
        def null_if(frame: Frame) -> Cells:
            value = left(frame)
            return logic.null_where(value, same(value, right(frame)))

        return null_if

    def case(self, node: Case) -> Run:
        subject = self.build(node.subject) if node.subject else None
        same = self.test(node.subject, Comparison.EQ) if node.subject else None
        branches = [(self.build(when), self.build(then)) for when, then in reversed(node.branches)]
        nothing = null(self.kinds.of(node))
        default = self.build(node.default) if node.default else lambda _: nothing

        def case(frame: Frame) -> Cells:
            value = subject(frame) if subject else None
            result = default(frame)
            for when, then in branches:
                condition = when(frame)
                if value is not None and same is not None:
                    condition = same(value, condition)
                result = choice.where(condition, then(frame), result)
            return result

        return case


_COMPUTE: dict[Operator, Callable[[Cells, Cells], Cells]] = {
    Operator.ADD: arithmetic.add,
    Operator.SUBTRACT: arithmetic.subtract,
    Operator.MULTIPLY: arithmetic.multiply,
    Operator.DIVIDE: arithmetic.divide,
}
_PICK: dict[Choice, Callable[[Cells, Cells], Cells]] = {
    Choice.COALESCE: choice.coalesce,
    Choice.LEAST: lambda a, b: arithmetic.extreme(a, b, greatest=False),
    Choice.GREATEST: lambda a, b: arithmetic.extreme(a, b, greatest=True),
}
