"""The alert budget: no day of the training period has more customers at the level than it allows."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from models.budget import LEAST, budget_for
from models.errors import ModelError


def people(count: int) -> np.ndarray:
    names = np.empty(count, object)
    names[:] = [f"g{number}" for number in range(count)]
    return names


@settings(derandomize=True, deadline=None, database=None, max_examples=200)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 40)), min_size=1, max_size=200
    ),
    per_day=st.integers(1, 12),
)
def test_no_day_has_more_and_a_lower_level_would(rows: list[tuple[int, int, int]], per_day: int) -> None:
    days, who, levels = (np.array(cells) for cells in zip(*rows, strict=True))
    percentiles, groups = LEAST + levels / 4100, people(10)[who]

    def busiest(level: float) -> int:
        return max(
            len({groups[r] for r in np.flatnonzero((days == day) & (percentiles >= level))}) for day in days
        )

    budget = budget_for(percentiles, groups, days, per_day)
    assert budget.most == busiest(budget.level) <= per_day
    below = [float(level) for level in np.unique(percentiles) if level < budget.level]
    assert not below or busiest(below[-1]) > per_day


def test_a_sample_has_its_part_of_the_budget() -> None:
    rng = np.random.default_rng(0)
    percentiles, groups, days = 0.99 + rng.random(20_000) / 100, people(20_000), np.arange(20_000) // 1000
    whole = budget_for(percentiles, groups, days, 50)
    half = budget_for(percentiles[::2], groups[::2], days[::2], 50, share=0.5)
    assert half.level == pytest.approx(whole.level, abs=1e-4)
    assert half.most == 50
    with pytest.raises(ModelError, match=r"budget of 1 alerts a day can't be kept on 0\.50% of the events"):
        budget_for(percentiles[:100], groups[:100], days[:100], 1, share=0.005)
    with pytest.raises(ModelError, match="at least 1, got 0"):
        budget_for(percentiles, groups, days, 0)


def test_a_budget_that_is_not_used_up_makes_nothing_ordinary_worth_a_look() -> None:
    percentiles = np.arange(1000) / 1000
    budget = budget_for(percentiles, people(1000), np.zeros(1000, np.int64), 500)
    assert (budget.level, budget.most) == (LEAST, 10)
