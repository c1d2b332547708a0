"""The parts of conditions: what several conditions have in common is computed once for a batch."""

from collections.abc import Callable, Iterable
from weakref import WeakValueDictionary

from rules.language.frame import Frame, Run
from rules.language.kernels.cells import Cells


class Part:
    """A part of one or more conditions, a closure of kernels.

    Args:
        compute: the kernels.
        cost: steps of its own, see `rules.language.cost`.
        below: the parts that it is made of.
    """

    __slots__ = ("__weakref__", "_compute", "below", "common", "cost")

    def __init__(self, compute: Run, cost: int, below: "tuple[Part, ...]") -> None:
        self._compute = compute
        self.cost = cost
        self.below = below
        self.common = False

    def __call__(self, frame: Frame) -> Cells:
        """The cells of a batch; kept only where another condition asks for them too."""
        if not self.common:
            return self._compute(frame)
        cells = frame.common.get(self)
        if cells is None:
            cells = frame.common[self] = self._compute(frame)
        return cells


class Parts:
    """The parts of all conditions that were compiled in one scope and are still in use."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[str, Part] = WeakValueDictionary()

    def part(self, meaning: str, build: Callable[[], Part]) -> Part:
        """The part of this meaning; built where no condition has it yet.

        Args:
            meaning: the same for parts that give the same cells, and for no others.
            build: makes it.
        """
        part = self._known.get(meaning)
        if part is None:
            part = self._known[meaning] = build()
        else:
            part.common = True
        return part


def total_cost(parts: Iterable[Part]) -> int:
    """Steps of these parts and all below them, each counted once."""
    pending, seen, total = list(parts), set[Part](), 0
    while pending:
        part = pending.pop()
        if part not in seen:
            seen.add(part)
            total += part.cost
            pending += part.below
    return total
