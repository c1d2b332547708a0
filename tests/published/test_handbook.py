"""Every window feature that the authors of the Fraud Detection Handbook published, from their transactions.

`FENGHUO_TEST_PROFILE=chaos` replays all 585,177 transactions, else those of the first 40 days.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from bench.handbook import Columns, events, transactions
from events.clock import DAY
from fenghuo.commands.bench_track import PACKS
from tests.flows.processes import running
from tests.properties.examples import CHAOS
from tests.published import handbook

PACK = PACKS / "handbook.yaml"
DAYS = 61 if CHAOS else 40  # 37 days are the reach of the longest window with its delay
START = datetime(2018, 4, 1, tzinfo=UTC)
END = int(START.timestamp()) * 1000 + DAYS * DAY
FEATURES = (*handbook.COUNTS, *handbook.MEANS, *handbook.RATES)
TOLERANCE = 1e-6
SECONDS = 300  # far more than it takes


class Decided(msgspec.Struct):
    """What the test reads of a decision."""

    event_id: str
    features: dict[str, float | int | None]
    degraded: bool
    late: bool


@pytest.fixture(scope="module")
def raw(published_data: Path) -> Columns:
    """The transactions."""
    return transactions(published_data / "handbook", handbook.MONTHS, 0, END)


@pytest.fixture(scope="module")
def decided(raw: Columns, tmp_path_factory: pytest.TempPathFactory) -> Columns:
    """What was decided of every transaction: columns by feature in the order of tx_id, NaN for NULL."""
    folder = tmp_path_factory.mktemp("handbook")
    with (folder / "events.jsonl").open("wb") as stream:
        stream.writelines(events(raw, END))
    arguments = (
        "replay",
        folder / "events.jsonl",
        "--pack",
        PACK,
        "--model",
        "none",
        "--out",
        folder / "out",
    )
    with running(folder / "log", *arguments) as process:
        assert process.child.wait(SECONDS) == 0, (folder / "log").read_text()
    summary = json.loads((folder / "out" / "summary.json").read_bytes())
    assert summary["decided"] == summary["input"] > len(raw["tx_id"]) >= 300_000
    assert (summary["duplicate"], summary["dead_lettered"], summary["late"]) == (0, 0, 0)
    found = np.full((len(FEATURES), len(raw["tx_id"])), np.nan)
    place = {f"tx{tx_id}": row for row, tx_id in enumerate(raw["tx_id"].tolist())}
    decoder = msgspec.json.Decoder(Decided)
    with (folder / "out" / "decisions.jsonl").open("rb") as lines:
        for line in lines:
            decision = decoder.decode(line)
            assert not decision.degraded
            row = place.get(decision.event_id)
            if row is not None:
                found[:, row] = [decision.features[name] for name in FEATURES]
    (folder / "out" / "decisions.jsonl").unlink()
    return dict(zip(FEATURES, found, strict=True))


@pytest.mark.published
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_published_window_feature_is_decided(
    published_data: Path, raw: Columns, decided: Columns
) -> None:
    wanted = handbook.published(published_data / "handbook", END)
    assert wanted["tx_id"].tolist() == raw["tx_id"].tolist()
    certain = ~handbook.tied(raw)
    assert np.count_nonzero(certain) >= 300_000
    assert np.count_nonzero(~certain) <= 58
    wrong: dict[str, list[str]] = {}
    for name, column in handbook.COUNTS.items():
        wrong[name] = differing(
            raw, certain & (decided[name] != wanted[column]), decided[name], wanted[column]
        )
    for name, column in (handbook.MEANS | handbook.RATES).items():
        got = decided[name] / 100 if name in handbook.MEANS else decided[name]
        near = np.abs(got - wanted[column]) <= TOLERANCE
        wrong[name] = differing(raw, certain & ~near, got, wanted[column])
    assert {name: rows[:3] for name, rows in wrong.items() if rows} == {}


def differing(
    raw: Columns, rows: npt.NDArray[np.bool_], got: npt.NDArray[Any], wanted: npt.NDArray[Any]
) -> list[str]:
    """What a person needs to see of each row that differs."""
    return [
        f"tx {raw['tx_id'][row]}: decided {got[row]}, published {wanted[row]}" for row in np.flatnonzero(rows)
    ]
