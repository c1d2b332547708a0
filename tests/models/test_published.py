"""Detection skill on published outlier sets, beside scikit-learn and the figures measured for it."""

from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.metrics import roc_auc_score

from bench.detection import OUTLIER_SETS
from events.columns import Column, Kind
from models.manifest import ARTEFACT
from models.training import train
from tests.models.making import origin

SEEDS = 3


@pytest.mark.published
@pytest.mark.parametrize("name", OUTLIER_SETS)
def test_published_outliers_are_found_as_well_as_by_scikit_learn(published_data: Path, name: str) -> None:
    with np.load(published_data / "adbench" / f"{name}.npz") as archive:
        cells, outlier = archive["X"], archive["y"]
    everywhere = np.ones(len(cells), np.bool_)
    columns = {f"x{i}": Column(cells[:, i], everywhere, Kind.NUMBER) for i in range(cells.shape[1])}
    areas = []
    for seed in range(SEEDS):
        model = train(columns, origin(), seed=seed)
        scores = model.score(columns)
        estimator = skops.io.loads(model.parts[ARTEFACT], trusted=["sklearn.tree._tree.Tree"])
        reference = -estimator.score_samples(cells.astype(np.float32))
        assert np.abs(scores.score - reference).max() <= 1e-7
        areas.append(roc_auc_score(outlier, scores.score))
        assert areas[-1] == pytest.approx(roc_auc_score(outlier, reference), abs=1e-6)
        assert roc_auc_score(outlier, scores.percentile) == pytest.approx(areas[-1], abs=0.002)
    assert np.mean(areas) == pytest.approx(OUTLIER_SETS[name], abs=0.02)
