"""Kinds that are not yet known: slots that become one another as the operands of a condition meet."""

from dataclasses import dataclass

from events.columns import Kind

NUMERIC = frozenset({Kind.MONEY, Kind.NUMBER})


@dataclass(eq=False)
class Slot:
    """The kind of one part of a condition, as far as it is known.

    Args:
        kind: the kind, None while nothing has told it.
        bare: whether a bare number stands here, which is money where it meets money, else a number.
        free: whether any kind will do in the end, as with NULL.
        same: the slot that speaks for this one since they met.
    """

    kind: Kind | None = None
    bare: bool = False
    free: bool = False
    same: "Slot | None" = None

    @property
    def root(self) -> "Slot":
        """The slot that speaks for all that this one has met."""
        slot = self
        while slot.same is not None:
            slot = slot.same
        return slot

    def merge(self, other: "Slot") -> bool:
        """Make both slots one; False, with nothing changed, where their kinds exclude each other."""
        a, b = self.root, other.root
        if a is b:
            return True
        kind, bare = a.kind or b.kind, a.bare or b.bare
        if a.kind and b.kind and a.kind is not b.kind:
            return False
        if bare and kind and kind not in NUMERIC:
            return False
        a.kind, a.bare, a.free = kind, bare, a.free and b.free
        b.same = a
        return True


def described(slot: Slot) -> str:
    """What stands in a slot, for a message."""
    slot = slot.root
    if slot.kind is None:
        return "a number" if slot.bare else "of unknown kind"
    return {Kind.MONEY: "money", Kind.NUMBER: "a number", Kind.TEXT: "a text", Kind.BOOL: "true or false"}[
        slot.kind
    ]
