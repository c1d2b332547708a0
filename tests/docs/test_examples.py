"""The examples of the pages work, and what Fenghuo reads and writes fits its schemas."""

import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from fenghuo.commands.replay import replay
from fenghuo.settings import load_settings
from rules.decision import decision_id
from rules.pack import load_pack
from rules.union import load_packs
from tests.docs.json_schema import complaints
from tests.docs.reading import REPOSITORY, blocks
from wire.codec import Codec
from wire.messages import RawBatch, dead_letter_line
from wire.tables import read_tables

QUICKSTART = REPOSITORY / "docs" / "quickstart.md"
TRADE_CORE = REPOSITORY / "rules" / "packs" / "trade-core.yaml"
SAMPLE = REPOSITORY / "samples" / "trade-two-weeks.jsonl.gz"


def block(language: str, number: int = 0) -> str:
    return [one.text for one in blocks(QUICKSTART) if one.language == language][number]


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REPOSITORY / "docs" / "schemas" / f"{name}.json").read_bytes())
    return found


@pytest.fixture(scope="module")
def own_data(valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the quickstart's replay of an export writes."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "export.csv").write_text(block("csv"), "utf-8")
    (folder / "map.yaml").write_text(block("yaml"), "utf-8")
    settings = load_settings(
        events=(folder / "export.csv",),
        mapping=folder / "map.yaml",
        redis_url=valkey_url,
        pack=TRADE_CORE,
        model="none",
        speed="max",
    )
    replay(settings, folder / "out", Console(file=StringIO()))
    return folder / "out"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_the_export_of_the_quickstart_is_decided_as_it_says(own_data: Path) -> None:
    summary = json.loads((own_data / "summary.json").read_bytes())
    assert (summary["input"], summary["decided"], summary["dead_lettered"]) == (5, 5, 0)
    (alert,) = lines(own_data / "alerts.jsonl")
    assert (alert["scenario"], alert["amount"]) == ("large-amount", 235_000_000)
    # In the order of event time, not of rows: the third row was shipped before the first.
    assert [one["event_id"] for one in lines(own_data / "decisions.jsonl")][-2:] == [
        "4713.dispatched",
        "4711.dispatched",
    ]


def test_decisions_and_alerts_fit_their_schemas(own_data: Path) -> None:
    for file, name in (("decisions.jsonl", "decision"), ("alerts.jsonl", "alert")):
        judged = schema(name)
        for one in lines(own_data / file):
            assert complaints(judged, one) == []
        assert complaints(judged, {})


def test_the_rule_of_the_quickstart_can_be_added_to_the_pack(tmp_path: Path) -> None:
    pack = tmp_path / "my-pack.yaml"
    pack.write_text(TRADE_CORE.read_text("utf-8") + "\n" + block("yaml", 1), "utf-8")
    shipped = load_pack(TRADE_CORE)
    assert [rule.name for rule in load_pack(pack).rules] == [
        *(rule.name for rule in shipped.rules),
        "large-order-at-night",
    ]


def test_the_schema_of_events_agrees_with_the_codec() -> None:
    judged, dead_judged = schema("event"), schema("dead-letter")
    with gzip.open(SAMPLE) as stream:
        messages = [line.rstrip(b"\n") for line in stream]
    tables = read_tables(REPOSITORY / "samples" / "mappings", None)
    n = len(messages)
    raw = RawBatch(0, list(messages), ["sample"] * n, np.arange(n), oldest_at=0)
    decoded = Codec(tables, 1 << 20).decode(raw)
    broken = {letter.row for letter in decoded.dead}
    assert len(broken) == 10
    for row in [*range(0, n, 50), *broken]:
        try:
            message = json.loads(messages[row])
        except ValueError:
            assert row in broken
            continue
        assert bool(complaints(judged, message)) == (row in broken), messages[row]
    for letter in decoded.dead:
        assert complaints(dead_judged, json.loads(dead_letter_line(letter))) == []


def test_the_event_of_the_architecture_stands_in_the_sample_with_its_decision() -> None:
    event, decision = (
        json.loads(one.text)
        for one in blocks(REPOSITORY / "docs" / "architecture.md")
        if one.language == "json"
    )
    with gzip.open(SAMPLE) as stream:
        marked = f'"event_id":"{event["event_id"]}"'.encode()
        assert event in [json.loads(line) for line in stream if marked in line]
    assert decision["event_id"] == event["event_id"]
    assert decision["decision_id"] == decision_id(event["event_id"], load_packs(load_settings().pack).id)
