"""Random and hostile conditions: each is refused in one line or equals DuckDB, and none of them runs code.

`make fuzz` tries a million of them, other ones in every call; FENGHUO_FUZZ_SEED repeats a call.
"""

import gc
import os
from collections.abc import Callable, Iterator

import pytest

from tests.rules.language.fuzz.trial import Trial

_WHOLE = os.environ.get("FENGHUO_TEST_PROFILE") == "fuzz"
_SEED = int(os.environ.get("FENGHUO_FUZZ_SEED", "1"))
_TRIALS, _CONDITIONS = (200, 5_000) if _WHOLE else (4, 5_000)
_SEEDS_BETWEEN = 1_000  # calls with neighbouring seeds have no trial in common


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    """Nothing that other tests left is looked through while conditions are timed: that may take a second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.timeout(600 if _WHOLE else 120)
@pytest.mark.parametrize("number", range(_TRIALS))
def test_conditions_are_refused_in_one_line_or_equal_duckdb(
    number: int, record_property: Callable[[str, object], None]
) -> None:
    trial = Trial(_SEED * _SEEDS_BETWEEN + number, _CONDITIONS)
    trial.run()
    record_property("fuzz", dict(trial.told))
    told = f"FENGHUO_FUZZ_SEED={_SEED}, trial {number}: {len(trial.wrong)} findings"
    assert not trial.wrong, "\n".join([told, *trial.wrong[:20]])
    # What is drawn has to reach the oracle, and hardly anything may be left out of the comparison.
    assert trial.told["accepted"] > 0.5 * _CONDITIONS
    assert trial.told["refused"] > 0.3 * _CONDITIONS
    assert trial.told["compared"] > 0.98 * trial.told["accepted"]
    assert trial.told["rows on a knife's edge"] < 0.001 * trial.told["compared rows"]
