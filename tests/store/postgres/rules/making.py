"""Texts of packs and people, of which a test names what it is about."""

from events.rights import APPROVER, AUTHOR, Person
from tests.rules.making import SMALL

LIN = Person("lin", frozenset({AUTHOR, APPROVER}))
ZHOU = Person("zhou", frozenset({AUTHOR, APPROVER}))
WANG = Person("wang", frozenset({"finance"}))


def pack(version: int, *, name: str = "small", amount: int = 2000, breaker: str = "") -> str:
    """The small pack under a version and a name of its own; its rules are named after it."""
    text = SMALL.replace("pack: small\nversion: 3", f"pack: {name}\nversion: {version}\n{breaker}")
    text = text.replace("amount >= 2000", f"amount >= {amount}")
    return (
        text
        if name == "small"
        else text.replace("  large:", f"  {name}-large:").replace("  much:", f"  {name}-much:")
    )
