"""The flat boosted trees say what scikit-learn says, survive a file, and come out of no other file."""

import io
from typing import Any

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from models.boosting import Boosting, flatten, of_bytes
from models.errors import ModelError
from models.features import Float32s
from tests.models.test_forest import drawn, extremes

TOLERANCE = 1e-7


def grown(cells: Float32s, bad: npt.NDArray[np.bool_], rounds: int = 20, **options: Any) -> Any:
    """Fitted boosted trees of scikit-learn."""
    given = {"early_stopping": False, "class_weight": "balanced", "random_state": 0} | options
    with threadpool_limits(1, "openmp"):
        return HistGradientBoostingClassifier(max_iter=rounds, **given).fit(cells, bad)


def labelled(seed: int, rows: int, width: int) -> tuple[Float32s, npt.NDArray[np.bool_]]:
    """A matrix and labels that its first column tells in part."""
    cells = drawn(seed, rows, width)
    rng = np.random.default_rng(seed)
    bad = (cells[:, 0] > np.median(cells[:, 0])) ^ (rng.random(rows) < 0.2)
    bad[:2] = (False, True)
    return cells, bad


@pytest.fixture(scope="module")
def boosting() -> Boosting:
    return flatten(grown(*labelled(1, 500, 4)))


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    rows=st.integers(5, 400),
    width=st.integers(1, 6),
    columns=st.sampled_from([0.5, 1.0]),
)
def test_probabilities_are_scikit_learns(seed: int, rows: int, width: int, columns: float) -> None:
    cells, bad = labelled(seed, rows, width)
    estimator = grown(cells, bad, max_features=columns, min_samples_leaf=5)
    flat = flatten(estimator)
    for matrix in (cells, drawn(seed + 1, 50, width), extremes(width), cells[:3]):
        wanted = estimator.predict_proba(matrix)[:, 1]
        assert np.abs(flat.score(matrix) - wanted).max() <= TOLERANCE
    shares = flat.explain(cells)
    assert np.abs(shares.sum(axis=1) - (flat.score(cells) - flat.base)).max() <= 1e-6


def test_a_file_gives_back_every_bit(boosting: Boosting) -> None:
    content = boosting.to_bytes()
    again = of_bytes(content)
    cells = drawn(2, 100, 4)
    assert again.log_odds(cells).tobytes() == boosting.log_odds(cells).tobytes()
    assert again.explain(cells).tobytes() == boosting.explain(cells).tobytes()
    assert again.to_bytes() == content
    assert flatten(grown(*labelled(1, 500, 4))).to_bytes() == content


def altered(content: bytes, **arrays: npt.NDArray[Any]) -> bytes:
    """The file with other arrays."""
    with np.load(io.BytesIO(content)) as archive:
        held = dict(archive)
    target = io.BytesIO()
    np.savez(target, **{**held, **arrays})
    return target.getvalue()


def test_a_damaged_file_is_refused(boosting: Boosting) -> None:
    content = boosting.to_bytes()
    with np.load(io.BytesIO(content)) as archive:
        held = dict(archive)

    def but(name: str, place: int, value: float) -> npt.NDArray[Any]:
        array: npt.NDArray[Any] = held[name].copy()
        array[place] = value
        return array

    inner = int(np.flatnonzero(held["children"] != np.arange(len(held["children"])))[0])
    leaf = int(np.flatnonzero(held["children"] == np.arange(len(held["children"])))[0])
    last = len(held["children"]) - 1
    broken: list[dict[str, npt.NDArray[Any]]] = [
        {"children": but("children", inner, last)},
        {"children": but("children", inner, 2**31)},
        {"children": but("children", leaf, 0)},
        {"children": but("children", last, 0)},
        {"splits": but("splits", inner, 4)},
        {"threshold": but("threshold", inner, np.nan)},
        {"cover": but("cover", leaf, 0)},
        {"value": but("value", leaf, np.inf)},
        {"roots": but("roots", 0, 1)},
        {"roots": but("roots", 1, last + 5)},
        {"roots": np.zeros(0, np.uint32)},
        {"offset": np.array([np.nan])},
        {"offset": np.array([0.0, 1.0])},
        {"value": held["value"].astype(np.float32)},
        {"cover": held["cover"][:-1]},
        {"more": np.zeros(1)},
        {"value": np.array([{}], object)},
    ]
    for arrays in broken:
        with pytest.raises(ModelError, match=r"damaged"):
            of_bytes(altered(content, **arrays))
    for cut in (b"", b"PK no archive", content[: len(content) // 2], b"\x93NUMPY\x01\x00"):
        with pytest.raises(ModelError, match=r"damaged"):
            of_bytes(cut)


def test_other_trees_are_refused() -> None:
    cells, bad = labelled(3, 200, 3)
    several = HistGradientBoostingClassifier(max_iter=2).fit(cells, bad.astype(int) + (cells[:, 1] > 0))
    with pytest.raises(ModelError, match="two classes"):
        flatten(several)
    with pytest.raises(ModelError, match="a matrix of shape"):
        flatten(grown(cells, bad)).score(cells[:, :2])
