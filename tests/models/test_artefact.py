"""Estimators as bytes: the same for the same estimator, and nothing of the machine in them."""

import io
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import IsolationForest

from models.artefact import dump

TREES = "sklearn.tree._tree.Tree"


def forest(seed: int = 0) -> IsolationForest:
    cells = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    return IsolationForest(n_estimators=20, random_state=seed).fit(cells)


def test_equal_estimators_give_equal_bytes() -> None:
    first = dump(forest())
    held = [bytearray(size) for size in range(1, 5000, 7)]  # later objects lie elsewhere
    assert dump(forest()) == first
    assert dump(forest(seed=1)) != first
    assert held


def test_the_archive_tells_no_time_and_no_address() -> None:
    archive = zipfile.ZipFile(io.BytesIO(dump(forest())))
    assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    names = [entry.filename for entry in archive.infolist()]
    assert names == [*(f"{number}.npy" for number in range(len(names) - 1)), "schema.json"]


@pytest.mark.parametrize("seed", range(3))
def test_what_is_read_back_scores_alike(seed: int) -> None:
    estimator = forest(seed)
    again = skops.io.loads(dump(estimator), trusted=[TREES])
    cells = np.random.default_rng(2).normal(size=(500, 4)).astype(np.float32)
    assert np.array_equal(again.score_samples(cells), estimator.score_samples(cells))
    assert dump(again) == dump(estimator)
