"""Kinds of every part of a condition; a bare number is money where it meets money."""

from collections.abc import Callable
from typing import assert_never

from events.columns import Kind
from rules.errors import LanguageError
from rules.language.scope import Scope, UnknownNameError
from rules.language.translate import excerpt
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
)
from rules.language.types import NUMERIC, Slot, described

Check = Callable[[], None]

_ORDERED = {Comparison.LT, Comparison.LE, Comparison.GT, Comparison.GE}


class Kinds:
    """The kind of every node of one tree.

    Args:
        text: the condition, for messages.
        scope: kinds of the names.
        tree: the condition's tree.
        expect: kind of the whole; None for money or a number, whichever it is.

    Raises:
        LanguageError: an unknown name, or kinds that do not go together.
    """

    def __init__(self, text: str, scope: Scope, tree: Node, expect: Kind | None) -> None:
        self._text = text
        self._scope = scope
        self._slots: dict[int, Slot] = {}
        self._names: dict[str, tuple[Name, Slot]] = {}
        self._checks: list[Check] = []
        self._waiting: list[Arithmetic] = []
        self._visit(tree)
        if expect is None:
            self._need_numeric(tree, "a feature is money or a number")
        else:
            self._need(tree, expect)
        self._settle(tree)

    def of(self, node: Node) -> Kind:
        """The kind of `node`."""
        kind = self._slots[id(node)].root.kind
        assert kind is not None
        return kind

    @property
    def names(self) -> dict[str, Kind]:
        """The names that the condition reads, in the order of their first use."""
        return {name: self.of(node) for name, (node, _) in self._names.items()}

    def _visit(self, node: Node) -> Slot:
        match node:
            case Name() | NumberLiteral() | TextLiteral() | BoolLiteral() | NullLiteral():
                slot = self._leaf(node)
            case Junction() | Not() | IsNull():
                slot = self._logic(node)
            case Compare() | Between() | In() | Like() | Listed():
                slot = self._predicate(node)
            case Arithmetic():
                slot = self._arithmetic(node)
            case Negate(operand=operand) | Absolute(operand=operand) | Round(operand=operand):
                slot = self._visit(operand)
                self._need_numeric(operand, "a sign, ABS and ROUND need money or a number")
            case NullIf() | Choose() | Case():
                slot = self._choice(node)
            case _:
                assert_never(node)
        self._slots[id(node)] = slot
        return slot

    def _leaf(self, node: Name | NumberLiteral | TextLiteral | BoolLiteral | NullLiteral) -> Slot:
        match node:
            case Name():
                return self._name(node)
            case NumberLiteral():
                return Slot(bare=True)
            case TextLiteral():
                return Slot(Kind.TEXT)
            case BoolLiteral():
                return Slot(Kind.BOOL)
            case NullLiteral():
                return Slot(free=True)

    def _logic(self, node: Junction | Not | IsNull) -> Slot:
        for operand in node.parts if isinstance(node, Junction) else (node.operand,):
            self._visit(operand)
            if not isinstance(node, IsNull):
                self._need(operand, Kind.BOOL)
        return Slot(Kind.BOOL)

    def _name(self, node: Name) -> Slot:
        known = self._names.get(node.name)
        if known is None:
            try:
                slot = Slot(self._scope.kind_of(node.name))
            except UnknownNameError as error:
                raise self._error(node, str(error)) from None
            known = self._names[node.name] = (node, slot)
        return known[1]

    def _predicate(self, node: Compare | Between | In | Like | Listed) -> Slot:
        operands: tuple[Node, ...]
        match node:
            case Compare(left=left, right=right):
                operands = (left, right)
            case Between(operand=operand, low=low, high=high):
                operands = (operand, low, high)
            case In(operand=operand, items=items):
                operands = (operand, *items)
            case Like(operand=operand) | Listed(operand=operand):
                self._visit(operand)
                self._need(operand, Kind.TEXT)
                return Slot(Kind.BOOL)
        self._together(operands)
        if isinstance(node, Between) or (isinstance(node, Compare) and node.operator in _ORDERED):
            self._checks.append(lambda: self._need_order(node, operands[0]))
        return Slot(Kind.BOOL)

    def _choice(self, node: NullIf | Choose | Case) -> Slot:
        match node:
            case NullIf(left=left, right=right):
                return self._together((left, right))
            case Choose(choice=choice, arguments=arguments):
                slot = self._together(arguments)
                if choice is not Choice.COALESCE:
                    self._need_numeric(arguments[0], f"{choice.value} needs money or numbers")
                return slot
            case Case():
                return self._case(node)

    def _case(self, node: Case) -> Slot:
        conditions = tuple(condition for condition, _ in node.branches)
        if node.subject:
            self._together((node.subject, *conditions))
        else:
            for condition in conditions:
                self._visit(condition)
                self._need(condition, Kind.BOOL)
        values = [value for _, value in node.branches]
        return self._together((*values, node.default) if node.default else tuple(values))

    def _together(self, nodes: tuple[Node, ...]) -> Slot:
        """Visit parts that are of one kind."""
        slot = self._visit(nodes[0])
        for node in nodes[1:]:
            self._visit(node)
            self._alike(nodes[0], node)
        return slot

    def _arithmetic(self, node: Arithmetic) -> Slot:
        left, right = self._visit(node.left), self._visit(node.right)
        for operand in (node.left, node.right):
            self._need_numeric(operand, f"`{node.operator.value}` needs money or numbers")
        if node.operator in {Operator.ADD, Operator.SUBTRACT}:
            self._alike(node.left, node.right)
            return left
        if isinstance(node.right, NumberLiteral):
            right.kind = Kind.NUMBER
            return left
        if isinstance(node.left, NumberLiteral):
            left.kind = Kind.NUMBER
            if node.operator is Operator.MULTIPLY:
                return right
        self._waiting.append(node)
        return Slot()

    def _settle(self, tree: Node) -> None:
        """Work out what waits, let bare numbers be numbers, then see that everything is known and fits."""
        self._work()
        for node in self._waiting:
            left, right = self._slots[id(node.left)].root, self._slots[id(node.right)].root
            if (
                node.operator is Operator.DIVIDE
                and left.kind is Kind.MONEY
                and not (right.kind or right.bare)
            ):
                raise self._untold(node.right)
        for slot in list(self._slots.values()):
            if slot.root.kind is None and (slot.root.bare or slot.root.free):
                slot.root.kind = Kind.NUMBER
                self._work()
        for name, slot in self._names.values():
            if slot.root.kind is None:
                raise self._untold(name)
        for check in self._checks:
            check()
        if any(slot.root.kind is None for slot in self._slots.values()):
            raise self._untold(self._waiting[0] if self._waiting else tree)

    def _work(self) -> None:
        """Products and quotients whose operands have become known."""
        progress = True
        while progress:
            before = len(self._waiting)
            self._waiting = [node for node in self._waiting if not self._resolved(node)]
            progress = len(self._waiting) < before

    def _resolved(self, node: Arithmetic) -> bool:
        return self._product(node) if node.operator is Operator.MULTIPLY else self._quotient(node)

    def _product(self, node: Arithmetic) -> bool:
        """Money times a number is money, a number times a number a number."""
        left, right, out = (self._slots[id(one)].root for one in (node.left, node.right, node))
        if left.kind is right.kind is Kind.MONEY:
            raise self._error(
                node, f"{self._shown(node)} multiplies money by money; one of them must be a number"
            )
        for one, other in ((left, right), (right, left)):
            if one.kind is Kind.NUMBER:
                return self._become(node, out, other)
            if one.kind is Kind.MONEY:
                return self._become(node, other, Kind.NUMBER) and self._become(node, out, Kind.MONEY)
        if out.kind is Kind.NUMBER:
            return self._become(node, left, Kind.NUMBER) and self._become(node, right, Kind.NUMBER)
        return False

    def _quotient(self, node: Arithmetic) -> bool:
        """Money by money is a number, money by a number money, a number by a number a number."""
        left, right, out = (self._slots[id(one)].root for one in (node.left, node.right, node))
        if right.kind is Kind.NUMBER:
            return self._become(node, out, left)
        if right.kind is Kind.MONEY:
            if left.kind is Kind.NUMBER or (left.kind is None and left.bare):
                what = f"{self._shown(node)} divides a number by money; divide money by money or by a number"
                raise self._error(node, what)
            return self._become(node, left, Kind.MONEY) and self._become(node, out, Kind.NUMBER)
        if left.kind is Kind.NUMBER:
            return self._become(node, right, Kind.NUMBER) and self._become(node, out, Kind.NUMBER)
        if out.kind is Kind.MONEY:
            return self._become(node, left, Kind.MONEY) and self._become(node, right, Kind.NUMBER)
        return False

    def _become(self, node: Node, slot: Slot, what: Slot | Kind) -> bool:
        other = what if isinstance(what, Slot) else Slot(what)
        if not other.merge(slot):
            is_, needed = described(slot), described(other)
            raise self._error(
                node, f"{self._shown(node)} is {needed} where {is_} is needed{_hint(slot, other)}"
            )
        return True

    def _alike(self, left: Node, right: Node) -> None:
        a, b = self._slots[id(left)], self._slots[id(right)]
        if not a.merge(b):
            what = (
                f"{self._shown(left)} is {described(a)}, {self._shown(right)} is {described(b)}{_hint(a, b)}"
            )
            raise self._error(right, what)

    def _need(self, node: Node, kind: Kind) -> None:
        slot, needed = self._slots[id(node)], Slot(kind)
        if not slot.merge(needed):
            lacking = f"{described(needed)} is needed{_hint(slot, needed)}"
            raise self._error(node, f"{self._shown(node)} is {described(slot)}, {lacking}")

    def _need_numeric(self, node: Node, rule: str) -> None:
        def check() -> None:
            slot = self._slots[id(node)].root
            if slot.kind not in NUMERIC:
                raise self._error(node, f"{rule}; {self._shown(node)} is {described(slot)}")

        self._checks.append(check)

    def _need_order(self, node: Node, operand: Node) -> None:
        if self.of(operand) is Kind.BOOL:
            raise self._error(node, f"{self._shown(operand)} is true or false and has no order; use = or <>")

    def _untold(self, node: Node) -> LanguageError:
        what = f"the kind of {self._shown(node)} is not told; compare it with money, a number, a text or TRUE"
        return self._error(node, what)

    def _shown(self, node: Node) -> str:
        return f"`{excerpt(self._text, node.span)}`"

    def _error(self, node: Node, what: str) -> LanguageError:
        return LanguageError(what, self._text, node.span)


def _hint(left: Slot, right: Slot) -> str:
    kinds = {left.root.kind, right.root.kind}
    if kinds == {Kind.MONEY, Kind.NUMBER}:
        return "; compare money with money, with an amount in yuan, or divide one amount by another"
    if Kind.TEXT in kinds and (left.root.bare or right.root.bare):
        return "; write the text in single quotes"
    if Kind.BOOL in kinds:
        return "; write a comparison such as `amount >= 2000000`"
    return ""
