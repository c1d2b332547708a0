"""Results of an interrupted run beside those of a whole one: told by the first line that differs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tests.flows.processes import undated

FILES = ("decisions.jsonl", "alerts.jsonl", "dead_letters.jsonl")
COUNTS = ("input", "decided", "duplicate", "dead_lettered", "late", "degraded", "outcomes", "rules", "alerts")


def check_files(cut: Path, whole: Path) -> None:
    """Fail unless two replays wrote the same bytes but for the moments of deciding."""
    for name in FILES:
        got, wanted = (undated((folder / name).read_bytes()).splitlines() for folder in (cut, whole))
        for number, (one, other) in enumerate(zip(got, wanted, strict=False), 1):
            assert one == other, f"{cut / name}:{number}: {difference(one, other)}"
        assert len(got) == len(wanted), f"{cut / name}: {len(got)} lines instead of {len(wanted)}"
    counted, expected = (
        {name: told[name] for name in COUNTS}
        for told in (msgspec.json.decode((folder / "summary.json").read_bytes()) for folder in (cut, whole))
    )
    assert counted == expected
    assert counted["input"] == counted["decided"] + counted["duplicate"] + counted["dead_lettered"]


def check_decisions(cut: Mapping[str, bytes], whole: Mapping[str, bytes]) -> None:
    """Fail unless the same decisions were made, byte for byte."""
    lost, extra = whole.keys() - cut.keys(), cut.keys() - whole.keys()
    assert not lost, f"{len(lost)} decisions are lost, one of them {whole[min(lost)][:300]!r}"
    assert not extra, f"{len(extra)} decisions too many, one of them {cut[min(extra)][:300]!r}"
    for name, decision in cut.items():
        assert decision == whole[name], difference(decision, whole[name])


def difference(got: bytes, wanted: bytes) -> str:
    """The fields that differ between two JSON objects."""
    one, other = (flat(msgspec.json.decode(raw)) for raw in (got, wanted))
    names = [name for name in {**other, **one} if one.get(name, "nothing") != other.get(name, "nothing")]
    told = [
        f"`{name}` {one.get(name, 'nothing')!r} instead of {other.get(name, 'nothing')!r}" for name in names
    ]
    identity = f"{one.get('event_id')} at {one.get('occurred_at')}"
    return (
        f"{identity}: {len(names)} fields differ: {'; '.join(told[:8])}"
        if names
        else f"{identity}: same fields"
    )


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """The cells of a JSON value by their paths."""
    if isinstance(value, dict):
        return {path: cell for key, one in value.items() for path, cell in flat(one, f"{name}.{key}").items()}
    if isinstance(value, list):
        return {
            path: cell for key, one in enumerate(value) for path, cell in flat(one, f"{name}[{key}]").items()
        }
    return {name.removeprefix("."): value}
