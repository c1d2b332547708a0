import re
from pathlib import Path

import pytest

from tests.simulation.run import LABELS, MAPPINGS, STREAM, Run

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="module")
def shipped() -> Run:
    return Run(SAMPLES)


def test_the_shipped_stream_is_what_the_command_writes(shipped: Run, run: Run) -> None:
    """The messages are compared, not the archive: another zlib may pack them differently."""
    assert shipped.lines == run.lines


@pytest.mark.parametrize(
    "name",
    [LABELS, f"{MAPPINGS}/customers.csv", f"{MAPPINGS}/regions.csv", f"{MAPPINGS}/skus.csv"],
)
def test_the_shipped_tables_are_what_the_command_writes(shipped: Run, run: Run, name: str) -> None:
    assert (shipped.directory / name).read_bytes() == (run.directory / name).read_bytes()


def test_the_sample_is_small(shipped: Run) -> None:
    assert 30_000 <= len(shipped.lines) <= 60_000
    assert (SAMPLES / STREAM).stat().st_size <= 5_000_000


def test_the_readme_says_what_the_sample_holds(shipped: Run) -> None:
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    figures = {
        "messages": len(shipped.lines),
        "events": len(shipped.events),
        "repeated": len(shipped.sound) - len(shipped.events),
        "broken": len(shipped.lines) - len(shipped.sound),
        "incidents": len(shipped.labels),
        "accounts": len(shipped.groups),
        "unified customers": len(set(shipped.groups.values())),
    }
    for name, figure in figures.items():
        assert re.search(rf"\| {name} \| {figure:,} \|", readme), (name, figure)
    for event_type in {event["type"] for event in shipped.events}:
        count = sum(event["type"] == event_type for event in shipped.events)
        assert f"| `{event_type}` | {count:,} |" in readme
    assert "simulated" in readme
    assert "fenghuo simulate" in readme
