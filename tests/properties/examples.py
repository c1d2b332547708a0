"""How many examples the property tests try: few and fixed in `make test`, many and random on demand."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

PROFILE = "FENGHUO_TEST_PROFILE"
"""Variable that asks for the large profile: `chaos`."""
CHAOS = os.environ.get(PROFILE) == "chaos"
_MORE = 40  # times as many examples
PATIENCE = pytest.mark.timeout(7200 if CHAOS else 120)
"""How long one property test may take."""


def tries(number: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates a property test: `number` examples that are always the same, or many random ones.

    A failure prints the example, and the line that repeats it.
    """
    return settings(
        max_examples=number * _MORE if CHAOS else number,
        derandomize=not CHAOS,
        database=None,
        deadline=None,
        print_blob=True,
        phases=(Phase.explicit, Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
