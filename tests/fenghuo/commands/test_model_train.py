"""`fenghuo model train` and `evaluate` as a user runs them, on the shipped sample."""

import json
from pathlib import Path

import pytest

from models.registry import load
from tests.flows.processes import LABELS, MAPPINGS, SAMPLE, command
from tests.rules.making import TRADE_CORE

UNTIL = "2026-03-12T00:00:00+08:00"
READ = ("--feature", "event_amount", "--feature", "orders_*h", "--feature", "local_hour")
GIVEN = (SAMPLE, "--mappings", MAPPINGS, "--labels", LABELS, "--pack", TRADE_CORE)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> Path:
    """Models of the first ten days: a forest, and a blend on the same features."""
    home = tmp_path_factory.mktemp("models")
    for algorithm in ("isolation-forest", "blend"):
        done = command(
            "model", "train", *GIVEN, *READ, "--until", UNTIL, "--settle-days", 0, "--alerts-per-day", 5,
            "--trees", 30, "--algorithm", algorithm, "--out", home / algorithm, redis_url=valkey_url,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "anomaly_limit 0.99" in done.stdout
    return home


def test_the_period_is_kept_to_and_bad_events_are_left_out(trained: Path) -> None:
    forest, blend = (load(trained / name).manifest for name in ("isolation-forest", "blend"))
    for manifest in (forest, blend):
        assert manifest.period.last < "2026-03-11T16:00:00"
        assert manifest.budget is not None
        assert manifest.budget.most <= 5
    assert forest.left_out > 20
    assert blend.rows == forest.rows + forest.left_out
    assert "credit-red" in blend.rules
    assert not {"anomaly-high", "anomaly-large"} & set(blend.rules)


def test_models_are_compared_on_what_came_later(trained: Path, tmp_path: Path, valkey_url: str) -> None:
    models = [part for name in ("isolation-forest", "blend") for part in ("--model", trained / name)]
    done = command(
        "model", "evaluate", *GIVEN, *models, "--k", 5, "--json", tmp_path / "e.json", redis_url=valkey_url
    )
    assert done.returncode == 0, done.stderr
    assert "average precision" in done.stdout
    report = json.loads((tmp_path / "e.json").read_bytes())
    forest, blend = report["models"]
    assert report["from"] > "2026-03-11T16:00:00"
    assert forest["events"] == blend["events"] > 1500
    assert blend["average_precision"] > forest["average_precision"] > 0.1
    assert 0.5 < forest["auc"] < blend["auc"] <= 1.0
    assert "credit-red" in blend["scenarios"]
    assert set(blend["precision_at"]) == {"5"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("evaluate", *GIVEN, "--model", "MODEL", "--since", "2026-03-11T00:00:00+08:00"), "begin later"),
        (
            ("train", *GIVEN, "--segment", "orders_2h", "--out", "OUT"),
            "--segment `orders_2h` fits no feature",
        ),
        (("train", *GIVEN, "--feature", "order_1h", "--out", "OUT"), "did you mean `orders_1h`?"),
        (("train", *GIVEN, "--out", "MODEL"), "is not empty; name a new directory"),
        (("train", *GIVEN, "--decisions", "OUT/none.jsonl", "--out", "OUT"), "name a decisions.jsonl"),
    ],
    ids=["earlier", "segment", "feature", "full", "decisions"],
)
def test_wrong_use_is_told_before_any_work(
    trained: Path, tmp_path: Path, arguments: tuple[object, ...], words: str
) -> None:
    places = {"MODEL": str(trained / "isolation-forest"), "OUT": str(tmp_path / "out")}

    def placed(part: object) -> object:
        text = str(part)
        for name, place in places.items():
            text = text.replace(name, place)
        return text

    done = command("model", *map(placed, arguments))
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_recorded_decisions_teach_what_a_replay_teaches(tmp_path: Path, valkey_url: str) -> None:
    out = tmp_path / "replay"
    done = command(
        "replay", SAMPLE, "--mappings", MAPPINGS, "--pack", TRADE_CORE, "--model", "none", "--out", out,
        redis_url=valkey_url,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    base = ("model", "train", *GIVEN, *READ, "--trees", 20, "--until", UNTIL)
    for name, more in (("run", ()), ("recorded", ("--decisions", out / "decisions.jsonl"))):
        done = command(*base, *more, "--out", tmp_path / name, redis_url=valkey_url)
        assert done.returncode == 0, done.stderr
    files = sorted(path.name for path in (tmp_path / "run").iterdir())
    for file in files:
        assert (tmp_path / "recorded" / file).read_bytes() == (tmp_path / "run" / file).read_bytes(), file
