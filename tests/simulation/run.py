"""A finished run as tests read it: the files that the command wrote, parsed once."""

import csv
import gzip
import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from msgspec import ValidationError
from msgspec.json import Decoder

from events.event import MONEY_EVENTS, CheckedEvent
from simulation.stream import Settings
from tests.simulation.rulebook import Fields, Rulebook

STREAM, LABELS, MAPPINGS = "trade-two-weeks.jsonl.gz", "trade-two-weeks.labels.csv", "mappings"
TWO_WEEKS = Settings(days=14, start=date(2026, 3, 2), seed=7, customers=800, scale=1.0, broken=10)
"""What the shipped sample is made from."""

_decoder = Decoder(CheckedEvent)


@dataclass(frozen=True)
class Run:
    """The directory of a run with the names of the sample."""

    directory: Path

    @cached_property
    def lines(self) -> list[bytes]:
        """Every message, in the order of arrival."""
        return gzip.decompress((self.directory / STREAM).read_bytes()).removesuffix(b"\n").split(b"\n")

    @cached_property
    def sound(self) -> list[bytes]:
        """The messages that keep the contract of events."""
        return [line for line in self.lines if keeps_the_contract(line)]

    @cached_property
    def events(self) -> list[Fields]:
        """The events of the sound messages, each once, in the order of arrival."""
        first: dict[str, Fields] = {}
        for line in self.sound:
            event = json.loads(line)
            first.setdefault(event["event_id"], event)
        return list(first.values())

    @cached_property
    def by_id(self) -> dict[str, Fields]:
        """The same by event id."""
        return {event["event_id"]: event for event in self.events}

    @cached_property
    def labels(self) -> list[dict[str, str]]:
        """The rows of the labels file."""
        return table(self.directory / LABELS)

    @cached_property
    def groups(self) -> dict[tuple[str, str], str]:
        """Unified customer by account, from the mapping table."""
        rows = table(self.directory / MAPPINGS / "customers.csv")
        return {(row["subsidiary"], row["customer"]): row["group"] for row in rows}

    @cached_property
    def regions(self) -> dict[str, str]:
        """Code by name, from the mapping table."""
        return {row["name"]: row["code"] for row in table(self.directory / MAPPINGS / "regions.csv")}

    @cached_property
    def hits(self) -> dict[str, set[str]]:
        """The rules that each event hits, by event id; events that hit none are left out."""
        book = Rulebook(self.groups, self.regions)
        return {event["event_id"]: hit for event in self.events if (hit := book.judge(event))}


def keeps_the_contract(line: bytes) -> bool:
    """Whether the message decodes, with an amount where its type needs one."""
    try:
        event = _decoder.decode(line)
    except (ValidationError, ValueError):
        return False
    return event.amount is not None or event.type not in MONEY_EVENTS


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
