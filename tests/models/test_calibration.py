"""Raw score to percentile: the share of the training rows that score lower."""

import hypothesis.strategies as st
import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings

from models.calibration import Calibration, Document, Points, Quantiles
from models.errors import ModelError
from models.segments import FEWEST_ROWS

SCORES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=200)


def test_percentile_is_the_share_of_lower_training_scores() -> None:
    scores = np.random.default_rng(0).beta(8, 10, 50_000)
    calibration = Calibration.of(scores)
    asked = np.quantile(scores, [0.001, 0.1234, 0.5, 0.95, 0.9985, 0.99937])
    share = (scores[np.newaxis, :] < asked[:, np.newaxis]).mean(axis=1)
    assert calibration.percentile(asked) == pytest.approx(share, abs=2e-4)
    assert calibration.percentile(asked)[-1] == pytest.approx(share[-1], abs=3e-5)  # the tail is finer


def test_only_a_score_above_all_seen_is_given_one() -> None:
    scores = np.random.default_rng(1).random(5000)
    calibration = Calibration.of(scores)
    highest = scores.max()
    asked = np.array([highest, np.nextafter(highest, 2.0), 1.0, 0.0, scores.min()])
    assert calibration.percentile(asked).tolist() == [5000 / 5001, 1.0, 1.0, 0.0, 0.0]


def test_a_score_that_most_rows_share_is_not_unusual() -> None:
    calibration = Calibration.of(np.array([0.5] * 900 + [0.4] * 50 + [0.8] * 50))
    asked = np.array([0.4, 0.45, 0.5, np.nextafter(0.5, 1.0), 0.8, 0.9])
    percentiles = calibration.percentile(asked)
    assert percentiles[0] == 0.0
    assert percentiles[2] == pytest.approx(0.05, abs=0.002)
    assert percentiles[3:5] == pytest.approx([0.95, 0.95], abs=0.002)
    assert percentiles[5] == 1.0


def test_data_that_all_score_alike_are_not_unusual() -> None:
    assert Calibration.of(np.full(1000, 0.5)).percentile(np.array([0.5])).tolist() == [0.0]


@settings(derandomize=True, deadline=None, database=None, max_examples=200)
@given(training=SCORES, asked=SCORES)
def test_percentile_never_falls_as_the_score_rises(training: list[float], asked: list[float]) -> None:
    calibration = Calibration.of(np.array(training))
    scores = np.sort(np.array(asked + training))
    percentiles = calibration.percentile(scores)
    assert np.all(np.diff(percentiles) >= 0.0)
    assert np.all((percentiles >= 0.0) & (percentiles <= 1.0))
    assert np.array_equal(percentiles == 1.0, scores > max(training))


def test_points_survive_json_bit_by_bit() -> None:
    calibration = Calibration.of(np.random.default_rng(2).random(3000))
    again = Calibration.of_document(msgspec.json.decode(calibration.to_json(), type=Document))
    assert np.array_equal(again.overall.scores, calibration.overall.scores)
    assert np.array_equal(again.overall.levels, calibration.overall.levels)


@pytest.mark.parametrize(
    ("scores", "levels"),
    [([], []), ([0.1, 0.2], [0.0]), ([0.2, 0.1], [0.0, 0.5]), ([0.1, 0.2], [0.5, 0.5])],
    ids=["empty", "unpaired", "falling scores", "equal levels"],
)
def test_points_that_are_no_calibration_are_refused(scores: list[float], levels: list[float]) -> None:
    with pytest.raises(ModelError, match="calibration is damaged"):
        Quantiles.of_points(Points(scores, levels))


def segmented(seed: int = 3) -> tuple[Calibration, npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Three segments: nobody, many low scores, many high ones, and a few in a last one."""
    rng = np.random.default_rng(seed)
    codes = np.array([1] * 5000 + [2] * 5000 + [3] * (FEWEST_ROWS - 1))
    scores = np.where(codes == 1, rng.beta(4, 10, len(codes)), rng.beta(10, 4, len(codes)))
    return Calibration.of(scores, codes, 4), scores, codes


def test_each_segment_is_compared_with_its_like() -> None:
    calibration, scores, codes = segmented()
    assert [own is not None for own in calibration.segments] == [False, True, True, False]
    for code in (1, 2):
        own = scores[codes == code]
        asked = np.quantile(own, [0.1, 0.5, 0.99, 0.999])
        got = calibration.percentile(asked, np.full(4, code))
        assert got == pytest.approx([0.1, 0.5, 0.99, 0.999], abs=1e-3)
    asked = np.array([0.5])
    assert calibration.percentile(asked, np.array([1])) > calibration.percentile(asked, np.array([2]))


@pytest.mark.parametrize("code", [0, 3])
def test_a_segment_with_too_few_rows_is_compared_with_all(code: int) -> None:
    calibration, scores, _ = segmented()
    asked = np.linspace(0, 1, 50)
    assert calibration.percentile(asked, np.full(50, code)).tolist() == calibration.percentile(asked).tolist()
    assert calibration.percentile(np.array([np.median(scores)]))[0] == pytest.approx(0.5, abs=1e-3)


def test_rows_of_several_segments_do_not_depend_on_their_neighbours() -> None:
    calibration, scores, codes = segmented()
    together = calibration.percentile(scores, codes)
    order = np.random.default_rng(4).permutation(len(scores))
    assert np.array_equal(calibration.percentile(scores[order], codes[order]), together[order])
    single = [calibration.percentile(scores[row : row + 1], codes[row : row + 1])[0] for row in range(50)]
    assert single == together[:50].tolist()


def test_segments_survive_json() -> None:
    calibration, scores, codes = segmented()
    again = Calibration.of_document(msgspec.json.decode(calibration.to_json(), type=Document))
    assert np.array_equal(again.percentile(scores, codes), calibration.percentile(scores, codes))
