"""The handbook's weeks and measures, by hand; and its fraud, found from the features of our windows."""

from pathlib import Path

import numpy as np
import pytest

from bench.cards import (
    WEEK,
    CardsJob,
    CardsRun,
    Judged,
    Payments,
    Skill,
    Way,
    card_precision,
    figures,
    judged_rows,
    learnt_rows,
    skill,
)
from bench.errors import BenchError
from bench.handbook import KNOWN_AFTER, events, transactions
from events.clock import DAY
from fenghuo.commands.bench_cards import run
from fenghuo.ending import stop_on_signals


def payments(*rows: tuple[float, int, bool]) -> Payments:
    """Payments from (day, card, fraud)."""
    days, cards, frauds = zip(*rows, strict=True)
    return Payments(
        (np.array(days) * DAY).astype(np.int64), np.array(cards, np.int64), np.array(frauds, np.bool_)
    )


def test_cards_whose_fraud_is_known_are_not_looked_at_again() -> None:
    #  training     delay                  test
    #  0 ── 7       7 ── 14                14 ── 21
    given = payments(
        (0.0, 1, False),
        (6.9, 2, True),  # known before the test begins
        (
            7.5,
            3,
            True,
        ),  # known on the morning of the second day of the test
        (14.2, 2, True),
        (14.5, 3, True),
        (14.6, 4, False),
        (15.5, 3, True),
        (20.9, 1, True),
        (21.0, 1, True),
    )
    assert learnt_rows(given, 0).tolist() == [0, 1]
    assert judged_rows(given, 0).tolist() == [4, 5, 7]


def test_precision_among_cards_by_hand() -> None:
    day = np.array([0, 0, 0, 0, 1, 1, 1], np.int64)
    card = np.array([1, 1, 2, 3, 1, 2, 3], np.int64)
    fraud = np.array([True, False, False, False, True, True, False])
    scores = np.array([0.1, 0.9, 0.8, 0.7, 0.9, 0.8, 0.7])
    # Day 0: cards 1 (its highest payment counts, and one of its payments is a fraud) and 2: a half.
    # Day 1: card 1 was found, so that 2 and 3 are looked at: a half.
    assert card_precision(day, card, fraud, scores, top=2) == 0.5
    # Among three it is one of them on day 0, and on day 1 one of the two that are left.
    assert card_precision(day, card, fraud, scores, top=3) == pytest.approx(1 / 3)
    got = skill(Payments(day * DAY, card, fraud), np.arange(7), scores)
    assert got.cards == pytest.approx((1 / 100 + 1 / 100) / 2)
    assert got.area == pytest.approx(6 / 12)


def test_figures_hold_the_published_week_against_targets() -> None:
    good, bad = Skill(0.9, 0.7, 0.3), Skill(0.8, 0.2, 0.2)
    judged = [
        Judged(WEEK, Way.RANDOM_FOREST, [good]),
        Judged(WEEK, Way.ISOLATION_FOREST, [good, bad]),
        Judged(WEEK, Way.BLEND, [bad]),
        Judged("2018-07-18", Way.BLEND, [good]),
    ]
    told = {one.name: one for one in figures(CardsRun(9, 1.0, 5, 4, 1, judged, {}))}
    assert told["detection.handbook.random-forest.ap"].met is True
    assert told["detection.handbook.isolation-forest.auc"].median == pytest.approx(0.85)
    assert told["detection.handbook.blend.ap_over_random_forest"].median == pytest.approx(-0.5)
    assert told["detection.handbook.blend.ap_over_random_forest"].met is False
    assert told["detection.handbook.blend.2018-07-18.auc"].met is None


def test_what_is_known_arrives_before_the_payments_of_its_moment(tmp_path: Path) -> None:
    raw = {
        "tx_id": np.array([1, 2]),
        "customer_id": np.array([7, 7]),
        "terminal_id": np.array([8, 8]),
        "amount": np.array([100, 200]),
        "fraud": np.array([1, 1]),
        "t": np.array([0, KNOWN_AFTER]),
    }
    lines = list(events(raw, KNOWN_AFTER + 1))
    assert [b"label.reported" in line for line in lines] == [False, True, False]
    with pytest.raises(BenchError, match=r"raw_2018-04\.parquet: no table of transactions"):
        transactions(tmp_path, ("2018-04",), 0, 1)


@pytest.mark.published
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_published_figures_are_reached_with_our_windows(published_data: Path, tmp_path: Path) -> None:
    job = CardsJob(
        data=str(published_data / "handbook"),
        weeks=(WEEK,),
        seeds=(0, 1),
        blends=(0,),
        folder=str(tmp_path),
        seconds=300.0,
    )
    with stop_on_signals() as stop:
        done = run(job, stop)
    assert isinstance(done, CardsRun)
    assert (done.trained, done.tested, done.frauds) == (67_240, 58_264, 385)
    assert min(done.weights[name] for name in done.weights if name != "base") >= 0.0
    assert [one.name for one in figures(done) if one.met is False] == []
