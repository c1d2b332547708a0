"""The report: all that a call of the bench measured, with where and how, as JSON for machines; pure."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from bench.figure import Figure
from bench.machine import Machine
from bench.run import AnyRun
from bench.subject import Subject

FORMAT = 2  # raised when a key changes its meaning or goes


class Section(Struct, frozen=True):
    """What one subject came to.

    Args:
        subject: what was measured.
        setup: what was run with, by name: events, customers, rate …
        figures: from all rounds.
        notes: what to know when reading them, such as a run that its time ended.
        runs: the runs themselves.
    """

    subject: Subject
    setup: dict[str, int | float | str]
    figures: list[Figure]
    notes: list[str]
    runs: list[AnyRun]


class Report(Struct, frozen=True):
    """All sections of one call of the bench.

    Args:
        format: FORMAT.
        version: of Fenghuo.
        taken_at: when the first run began, RFC 3339.
        machine: where.
        seed: of all loads.
        setup: settings that all subjects share: shards, workers, partitions.
        sections: by subject.
    """

    format: int
    version: str
    taken_at: str
    machine: Machine
    seed: int
    setup: dict[str, int | float | str]
    sections: list[Section]

    @property
    def figures(self) -> Iterator[Figure]:
        """The figures of all sections."""
        for section in self.sections:
            yield from section.figures


def to_json(report: Report) -> bytes:
    """The report as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
