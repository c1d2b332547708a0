"""`fenghuo rules backtest` as a user runs it: what it counts is what a replay decides."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import redis

from backtest.meaning import same_features
from fenghuo.cli import main
from rules.pack import load_pack
from tests.docs.json_schema import complaints
from tests.flows.processes import LABELS, MAPPINGS, REPOSITORY, SAMPLE, command
from tests.rules.making import TRADE_CORE

SERVICE = REPOSITORY / "rules" / "packs" / "service-standards.yaml"
SCHEMA = REPOSITORY / "docs" / "schemas" / "backtest.json"

BY_COUNTERPARTY = """\
pack: warehouses
version: 1
timezone: Asia/Shanghai
features:
  through_24h: {aggregate: count, events: [shipment.dispatched], by: counterparty, window: 24h}
  orders_24h: {aggregate: count, events: [order.placed], by: group, window: 24h}
rules:
  busy:
    title: {zh: 繁忙仓库, en: Busy warehouse}
    scenario: busy
    on: [shipment.dispatched]
    when: through_24h >= 12 AND orders_24h >= 2
    tier: low
    outcome: review
    queue: desk
    reason: {zh: "{through_24h} 票", en: "{through_24h} shipments"}
"""


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def report_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def untimed(path: Path) -> dict[str, Any]:
    return {**report_of(path), "timing": None}


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """trade-core with a lower mark for large orders, a longer night, and a window of another length."""
    text = TRADE_CORE.read_text("utf-8")
    for old, new in (
        ("version: 3\n", "version: 4\n"),
        ("amount >= 2000000", "amount >= 1000000"),
        ("where: hour < 5", "where: hour < 6"),
    ):
        assert old in text
        text = text.replace(old, new)
    path = tmp_path_factory.mktemp("changed") / "trade-core-3.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, changed: Path, valkey_url: str) -> Path:
    """Results of the shipped pack against the changed one, on the shipped sample."""
    folder = tmp_path_factory.mktemp("backtest") / "out"
    done = command(
        "rules", "backtest", TRADE_CORE, "--against", changed, "--events", SAMPLE, "--mappings", MAPPINGS,
        "--labels", LABELS, "--out", folder, redis_url=valkey_url,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for words in ("trade-core@3", "trade-core@4", "large-amount", "precision"):
        assert words in done.stdout
    return folder


def replayed(folder: Path, pack: Path, redis_url: str, *more: object) -> Path:
    done = command(
        "replay", SAMPLE, "--out", folder, "--pack", pack, "--mappings", MAPPINGS, *more, redis_url=redis_url
    )
    assert done.returncode == 0, done.stderr
    return folder


def check_against_replay(side: dict[str, Any], folder: Path) -> None:
    """Every count of a side is the one that a replay's files give."""
    summary = report_of(folder / "summary.json")
    decisions, alerts = lines_of(folder / "decisions.jsonl"), lines_of(folder / "alerts.jsonl")
    told: Counter[tuple[str, str | None]] = Counter((one["outcome"], one["tier"]) for one in decisions)
    assert {(one["outcome"], one["tier"]): one["events"] for one in side["decided"]} == told
    hits = {rule: counts.get("hit", 0) for rule, counts in summary["rules"].items()}
    assert {rule["rule"]: rule["hits"] for rule in side["rules"]} == hits
    unknown = {rule: counts.get("not_evaluable", 0) for rule, counts in summary["rules"].items()}
    assert {rule["rule"]: rule["not_evaluable"] for rule in side["rules"]} == unknown
    groups: dict[str, set[str]] = {}
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    reasons: dict[str, list[dict[str, str]]] = {}
    for decision in decisions:
        for result in decision["rules"]:
            if result["result"] == "hit":
                groups.setdefault(result["rule"], set()).add(decision["group"])
                seen[decision["decision_id"], result["rule"]] = result["observed"]
                reasons.setdefault(decision["decision_id"], []).append(decision["reason"])
    assert {rule["rule"]: rule["groups"] for rule in side["rules"]} == {
        rule: len(groups.get(rule, ())) for rule in hits
    }
    tiers = Counter((one["scenario"], one["tier"]) for one in alerts)
    stakes: Counter[tuple[str, str]] = Counter()
    for alert in alerts:
        stakes[alert["scenario"], alert["tier"]] += alert["amount"]
    assert {(one["scenario"], one["tier"]): one["alerts"] for one in side["alerts"]} == tiers
    assert {(one["scenario"], one["tier"]): one["amount"] for one in side["alerts"]} == stakes
    for rule in side["rules"]:
        for one in rule["examples"]:
            assert one["observed"] == seen[one["decision_id"], rule["rule"]]
            if len(reasons[one["decision_id"]]) == 1:  # else another rule may give the decision's reason
                assert [one["reason"]] == reasons[one["decision_id"]]


def test_both_sides_are_what_replays_of_the_same_file_decide(
    out: Path, changed: Path, tmp_path: Path, valkey_url: str
) -> None:
    report = report_of(out / "backtest.json")
    model = REPOSITORY / "samples" / "model"
    shipped = replayed(tmp_path / "shipped", TRADE_CORE, valkey_url)
    balance = report_of(shipped / "summary.json")
    for mine, theirs in (
        ("messages", "input"),
        ("evaluated", "decided"),
        ("duplicates", "duplicate"),
        ("dead_lettered", "dead_lettered"),
        ("late", "late"),
    ):
        assert report["input"][mine] == balance[theirs]
    check_against_replay(report["tested"], shipped)
    other = replayed(tmp_path / "other", changed, valkey_url, "--model", model)
    check_against_replay(report["against"], other)
    decided = [
        {one["event_id"]: one for one in lines_of(folder / "decisions.jsonl")} for folder in (shipped, other)
    ]
    moves = Counter((decided[1][event]["outcome"], one["outcome"]) for event, one in decided[0].items())
    assert {(one["before"], one["after"]): one["events"] for one in report["difference"]["outcomes"]} == moves
    raised = [
        {(one["group"], one["scenario"]): one for one in lines_of(folder / "alerts.jsonl")}
        for folder in (shipped, other)
    ]
    alerts = report["difference"]["alerts"]
    assert alerts["lost"] == len(raised[1].keys() - raised[0].keys()) > 0
    assert alerts["gained"] == len(raised[0].keys() - raised[1].keys())
    for lost in alerts["lost_examples"]:
        assert raised[1][lost["group"], lost["scenario"]]["alert_id"] == lost["alert_id"]


def test_what_deadlines_missed_is_what_a_replay_misses(tmp_path: Path, valkey_url: str) -> None:
    """Against a version with shorter times, so that both sides' deadlines bear the same names."""
    text = SERVICE.read_text("utf-8")
    other = tmp_path / "service-2.yaml"
    assert "within: 24h" in text
    other.write_text(
        text.replace("version: 1\n", "version: 2\n", 1).replace("within: 24h", "within: 20h"), "utf-8"
    )
    done = command(
        "rules", "backtest", other, "--against", SERVICE, "--events", SAMPLE, "--mappings", MAPPINGS,
        "--out", tmp_path / "out", redis_url=valkey_url,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "order-dispatched-24h" in done.stdout
    report = report_of(tmp_path / "out" / "backtest.json")
    assert complaints(json.loads(SCHEMA.read_bytes()), report) == []
    for name, pack, folder in (("tested", other, "other"), ("against", SERVICE, "shipped")):
        out = replayed(tmp_path / folder, pack, valkey_url, "--model", "none")
        told, side = report_of(out / "summary.json"), report[name]
        figures = {one["deadline"]: one for one in side["deadlines"]}
        results = {"missed": "missed", "answered_late": "late", "answered_in_time": "in_time"}
        for deadline, found in told["deadlines"].items():
            assert {result: figures[deadline][results[result]] for result in found} == found
        assert {one for one in figures if figures[one]["missed"]} == set(told["deadlines"])
        tiers = Counter((one["scenario"], one["tier"]) for one in lines_of(out / "alerts.jsonl"))
        assert {(one["scenario"], one["tier"]): one["alerts"] for one in side["alerts"]} == tiers
    (dispatched,) = (
        one for one in report["difference"]["deadlines"] if one["deadline"] == "order-dispatched-24h"
    )
    missed = [
        {one["deadline"]: one["missed"] for one in report[side]["deadlines"]}["order-dispatched-24h"]
        for side in ("tested", "against")
    ]
    assert (dispatched["change"], dispatched["changed"]) == ("changed", ["within"])
    assert dispatched["gained"] - dispatched["lost"] == missed[0] - missed[1] > 0
    assert dispatched["gained_examples"][0]["reason"]["en"]
    page = (tmp_path / "out" / "backtest.html").read_text("utf-8")
    assert all(f'id="deadline-{one["deadline"]}"' in page for one in report["tested"]["deadlines"])


def test_the_labelled_incidents_of_the_sample_are_found(out: Path) -> None:
    report = report_of(out / "backtest.json")
    with LABELS.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert report["labels"]["bad"] == len(rows)
    assert report["labels"]["unknown"] == 0
    overall = report["tested"]["quality"]
    assert overall["incidents"]["bad"] == len({(row["group"], row["scenario"]) for row in rows})
    judged = {rule.scenario for rule in load_pack(TRADE_CORE).rules} - {"anomaly"}
    certain = [one for one in overall["scenarios"] if one["scenario"] in judged]
    assert {one["events"]["recall"] for one in certain} == {1.0}


def test_the_report_fits_its_schema(out: Path) -> None:
    judged = json.loads(SCHEMA.read_bytes())
    assert complaints(judged, report_of(out / "backtest.json")) == []
    assert complaints(judged, {})


def test_the_same_input_gives_the_same_report(
    out: Path, changed: Path, tmp_path: Path, valkey_url: str
) -> None:
    done = command(
        "rules", "backtest", TRADE_CORE, "--against", changed, "--events", SAMPLE, "--mappings", MAPPINGS,
        "--labels", LABELS, "--json", tmp_path / "again.json", "--html", tmp_path / "again.html",
        redis_url=valkey_url,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert untimed(tmp_path / "again.json") == untimed(out / "backtest.json")
    assert (tmp_path / "again.html").read_bytes() == (out / "backtest.html").read_bytes()


def test_windows_by_counterparty_are_those_of_a_replay(tmp_path: Path, valkey_url: str) -> None:
    pack = tmp_path / "warehouses.yaml"
    pack.write_text(BY_COUNTERPARTY, "utf-8")
    done = command(
        "rules", "backtest", pack, "--events", SAMPLE, "--mappings", MAPPINGS, "--against", TRADE_CORE,
        "--json", tmp_path / "report.json", redis_url=valkey_url,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    side = report_of(tmp_path / "report.json")["tested"]
    assert side["rules"][0]["hits"] > 0
    check_against_replay(side, replayed(tmp_path / "replay", pack, valkey_url, "--model", "none"))


def test_a_named_redis_is_left_clean(out: Path, valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        assert set(client.scan_iter("*backtest:*")) == set()


Here = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Runs the command in this process: exit code, output, errors. No Redis answers unless one is named."""

    def run(*arguments: object, redis_url: str = "redis://127.0.0.1:1") -> tuple[int, str, str]:
        monkeypatch.setenv("FENGHUO_REDIS_URL", redis_url)
        monkeypatch.setattr("sys.argv", ["fenghuo", "rules", "backtest", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((TRADE_CORE,), "name at least one file"),
        ((TRADE_CORE, "--events", "nothing.jsonl"), "no such file"),
        (("nothing.yaml", "--events", SAMPLE), "nothing.yaml: cannot be read"),
        (("trade-core@7", "--events", SAMPLE), "`trade-core@7`: versions by name are kept"),
        ((TRADE_CORE, "--events", SAMPLE, "--against", "x@1"), "`x@1`"),
        ((TRADE_CORE, "--events", SAMPLE, "--labels", SAMPLE), "this is not UTF-8"),
        ((TRADE_CORE, "--events", SAMPLE, "--labels", TRADE_CORE), "column `event_id` is missing"),
        ((TRADE_CORE, "--events", SAMPLE, "--since", "2026-03-09"), "no time with an offset"),
        ((TRADE_CORE, "--events", LABELS), "column mapping"),
        ((TRADE_CORE, "--events", SAMPLE, "--html", REPOSITORY), "this is a folder"),
        ((TRADE_CORE, "--events", SAMPLE, "--out", SAMPLE), "can't be written"),
    ],
)
def test_wrong_use_is_told_and_starts_nothing(here: Here, arguments: tuple[object, ...], told: str) -> None:
    code, out, err = here(*arguments)
    assert (code, out) == (2, "")
    assert told in " ".join(err.replace("│", " ").split())


def test_a_period_without_events_fails(here: Here, valkey_url: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    since = ("--since", "2030-01-01T00:00:00+08:00")
    code, _, err = here(
        TRADE_CORE, "--events", small(tmp_path), *since, "--json", report, redis_url=valkey_url
    )
    assert code == 1
    assert "no event to evaluate: of 200 messages 0 were dead letters and 200 outside the period" in err
    assert not report.exists()


def small(folder: Path, name: str = "small.jsonl", begin: int = 0, end: int = 200) -> Path:
    """A file of some messages of the sample."""
    with gzip.open(SAMPLE) as stream:
        (folder / name).write_bytes(b"".join(islice(stream, begin, end)))
    return folder / name


def test_several_files_may_follow_one_option(here: Here, valkey_url: str, tmp_path: Path) -> None:
    files = small(tmp_path, "first.jsonl", 0, 100), small(tmp_path, "second.jsonl", 100, 300)
    json_file = tmp_path / "new" / "report.json"
    code, out, _ = here(
        TRADE_CORE, "--events", *files, "--model", "none", "--json", json_file, redis_url=valkey_url
    )
    assert code == 0
    assert out.splitlines()[-1] == str(json_file)
    report = report_of(json_file)
    assert [one["file"] for one in report["input"]["files"]] == ["first.jsonl", "second.jsonl"]
    assert report["input"]["messages"] == 300
    assert report["tested"]["model"] is None
    assert any("anomaly" in note["en"] for note in report["notes"])


def test_what_a_pack_does_hangs_not_on_what_it_is_compared_with(
    here: Here, out: Path, tmp_path: Path, valkey_url: str
) -> None:
    # Every feature means the same in both packs, so windows and scores are shared; in `out` they are not.
    other = tmp_path / "other.yaml"
    text = TRADE_CORE.read_text("utf-8").replace("amount >= 2000000", "amount >= 1000000")
    other.write_text(text.replace("version: 3\n", "version: 4\n"), "utf-8")
    packs = [load_pack(TRADE_CORE), load_pack(other)]
    assert same_features(packs, packs[0].feature_names)
    files = ("--mappings", MAPPINGS, "--labels", LABELS, "--json", tmp_path / "report.json")
    code, _, _ = here(TRADE_CORE, "--events", SAMPLE, "--against", other, *files, redis_url=valkey_url)
    assert code == 0
    report = report_of(tmp_path / "report.json")
    assert report["tested"] == report_of(out / "backtest.json")["tested"]
    hits = [{rule["rule"]: rule["hits"] for rule in report[side]["rules"]} for side in ("tested", "against")]
    assert hits[0]["anomaly-high"] > 0
    assert {name for name in hits[0] if hits[0][name] != hits[1][name]} == {"large-amount"}
