"""When a value that was decided on agrees with an oracle's."""

import math

from tests.windows.oracle.contract import Wanted
from tests.windows.oracle.plain import Value

_FRACTIONS = {"avg", "stddev", "days_since_first", "days_since_last"}


def agrees(wanted: Wanted, got: object, expected: Value, *, slack: float = 1e-9) -> bool:
    """Integers are equal, fractions equal within rounding, NULL stands for NULL alone.

    Args:
        wanted: the feature.
        got: what the decision holds.
        expected: what the oracle says.
        slack: absolute difference that rounding may make, beside one part in 10**11.
    """
    if got is None or expected is None:
        return got is expected
    if not isinstance(got, int | float) or isinstance(got, bool):
        return False
    if wanted.aggregate in _FRACTIONS or (wanted.field or "").startswith("attributes."):
        return math.isclose(got, expected, rel_tol=1e-11, abs_tol=slack)
    return isinstance(got, int) and got == expected
