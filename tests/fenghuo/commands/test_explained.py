"""On the simulated sample: contributions add up, and a feature that was pushed far out ranks first."""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from backtest.labels import read_labels
from events.columns import Column, Float64s, Int64s
from events.event import EventType
from fenghuo.commands.features import Wanted, collect
from fenghuo.commands.model_train import known_from
from fenghuo.settings import load_settings
from fenghuo.wiring import build_risk, sample_model
from models.material import Collector, Material
from models.model import Model
from models.registry import load
from wire.input_files import InputFiles

SAMPLES = Path(__file__).parents[3] / "samples"
INJECTED = 2_000
ORDINARY = 0.9  # percentile below which a row is ordinary
SEED = 5

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def shipped() -> tuple[Model, Material]:
    """The shipped model, and the unlabelled orders of the sample with its features."""
    settings = load_settings(
        events=(SAMPLES / "trade-two-weeks.jsonl.gz",),
        mappings=SAMPLES / "mappings",
        model="none",
        speed="max",
    )
    risk = build_risk(settings)
    folder = sample_model(risk.pack)
    assert folder is not None
    model = load(folder)
    collector = Collector(model.encoder.kinds)
    knowledge = known_from(read_labels(SAMPLES / "trade-two-weeks.labels.csv"))
    wanted = Wanted(frozenset({EventType.ORDER_PLACED}))
    collect(risk, InputFiles(list(settings.events or ())), wanted, collector, knowledge)
    material = collector.material()
    bad = knowledge.bad(None)
    return model, material.where(np.array([event not in bad for event in material.events]))


def injected(
    columns: Mapping[str, Column], rows: Int64s, places: Int64s, far: Mapping[str, float]
) -> dict[str, Column]:
    """The rows, in each of which the feature at one of `places` is far out."""
    made = {}
    for place, (name, value) in enumerate(far.items()):
        column = columns[name].take(rows)
        pushed = places == place
        values: Float64s = np.where(pushed, value, column.values.astype(np.float64))
        made[name] = Column(values, column.valid | pushed, column.kind)
    return made


def test_contributions_of_the_sample_add_up(shipped: tuple[Model, Material]) -> None:
    model, material = shipped
    rows = np.arange(0, len(material), 7)
    explained = model.explain(material.columns, rows, top=len(model.feature_names))
    sums = [sum(share.contribution for share in shares) for shares in explained]
    wanted = model.score(material.columns).score[rows] - model.base
    assert np.abs(np.array(sums) - wanted).max() <= 1e-6


def test_an_injected_feature_ranks_first(
    shipped: tuple[Model, Material], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten times the range above the least value of the sample: beyond anything that was seen."""
    model, material = shipped
    rng = np.random.default_rng(SEED)
    ordinary = np.flatnonzero(model.score(material.columns).percentile < ORDINARY)
    rows = rng.choice(ordinary, INJECTED)
    names = model.feature_names
    places = rng.integers(0, len(names), INJECTED)
    far = {}
    for name in names:
        column = material.columns[name]
        known = column.values[column.valid].astype(np.float64)
        far[name] = float(known.min() + 10 * np.ptp(known))
    shares = model.explain(injected(material.columns, rows, places, far), np.arange(INJECTED), top=1)
    first = np.array([share.feature == names[place] for (share,), place in zip(shares, places, strict=True)])
    with capsys.disabled():
        each = ", ".join(f"{name} {first[places == place].mean():.2f}" for place, name in enumerate(names))
        sys.stdout.write(f"\n  injected feature first: {first.mean():.3f} (seed {SEED}; {each})\n")
    assert first.mean() >= 0.9
