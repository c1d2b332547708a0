"""docs/inputs.md says what is so: its example is run, and its reasons are real ones."""

import re
from pathlib import Path

import pytest

from events.event import TOPICS
from tests.wire.bad_messages import BAD
from tests.wire.making import LIMIT, decode
from wire.codec import Codec, Decoded
from wire.column_mapping import read_mapping
from wire.file_source import FileSource
from wire.input_files import InputFiles
from wire.messages import dead_letter_line
from wire.tables import read_tables

DOC = (Path(__file__).parents[2] / "docs" / "inputs.md").read_text("utf-8")


@pytest.fixture
def blocks() -> dict[str, str]:
    """Code blocks by the file name that was last said before each."""
    found: dict[str, str] = {}
    for block in re.finditer(r"```(?:csv|yaml|json)\n(.*?)```", DOC, re.DOTALL):
        names = re.findall(r"`([\w./-]+\.(?:csv|yaml|jsonl))`", DOC[: block.start()])
        found[names[-1]] = block[1]
    return found


@pytest.fixture
def decoded(blocks: dict[str, str], tmp_path: Path) -> Decoded:
    """The example, read as `fenghuo replay` reads it."""
    (tmp_path / "tables").mkdir()
    for name, content in blocks.items():
        (tmp_path / name).write_text(content, "utf-8")
    mapping = read_mapping(tmp_path / "erp.yaml")
    files = InputFiles([tmp_path / "orders.csv"], mapping)
    (batch,) = FileSource(files).build_part("read", "files", None).next_batch()
    tables = read_tables(tmp_path / "tables", tmp_path / "rates.csv")
    assert [(value or b"").decode() for value in batch.values] == blocks["messages.jsonl"].splitlines()
    return Codec(tables, LIMIT).decode(batch)


def test_the_example_becomes_the_events_that_are_shown(decoded: Decoded) -> None:
    batch = decoded.batch
    judged = [
        f"| {event.event_id} | {group} | {region} | {fen} |"
        for event, group, region, fen in zip(
            batch.events, batch.groups, batch.regions, batch.amount.tolist(), strict=True
        )
    ]
    assert "\n".join(judged) in DOC
    assert len(judged) == 3


def test_the_example_s_dead_letter_is_the_one_that_is_shown(decoded: Decoded, blocks: dict[str, str]) -> None:
    (letter,) = decoded.dead
    assert dead_letter_line(letter).decode() + "\n" == blocks["dead_letters.jsonl"]


def test_the_reasons_of_the_table_are_real_ones() -> None:
    reasons = {letter.reason for messages in BAD.values() for letter in decode(*messages.values()).dead}
    reasons.add("no rate for USD on 2025-12-31")
    table = DOC[DOC.index("| what came |") : DOC.index("Fields that the contract does not name")]
    rows = [re.split(r"(?<!\\)\|", line) for line in table.splitlines() if line.startswith("| ")]
    told = [row[3].replace("\\|", "|").partition(" with the byte")[0].strip("` ") for row in rows[1:]]
    told = [reason.removesuffix("…").strip() for reason in told if reason]
    assert len(told) > 8
    for reason in told:
        assert any(real.startswith(reason) for real in reasons), reason


def test_every_topic_is_told() -> None:
    for subject, topic in TOPICS.items():
        assert re.search(rf"\| `{topic}` \| .*`{subject}\.\*`", DOC), topic
