"""The turnover of a lane: which edition of the rules judges which of its messages.

    offset   0 ─────────── 1,200 ────────── 5,310 ─────────►
    edition    3           │ 4              │ 5

A lane goes over to a new edition at the place where it reads, which is written down before any message is
judged by it. After a crash messages before that place are read again, and judged by the edition from before.
So are those that the crashed run had reached behind it: a file beside the recovery tells how far that was.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import structlog
from confluent_kafka import Message

from events.errors import FenghuoError
from rules.edition import Boundary

PATIENCE = 1.0
"""Seconds between tries to write a place down."""

_log = structlog.get_logger(__name__)


class Editions(Protocol):
    """The editions as lanes see them."""

    @property
    def newest(self) -> int:
        """Number of the newest edition that this process can judge by."""
        ...

    def boundaries(self, lane: str) -> Sequence[Boundary]:
        """The places at which a lane went over to editions, oldest first."""
        ...

    def settle(self, lane: str, boundary: Boundary) -> Boundary:
        """Write a place down, unless the lane has one for that edition; gives the one that holds."""
        ...


class Turnover:
    """The editions of one lane.

    Args:
        editions: of this process.
        lane: its name.
        offsets: where reading goes on.
        reach: how far earlier runs had read, and where this one notes it; None where nobody reads again.
    """

    def __init__(
        self, editions: Editions, lane: str, offsets: Mapping[str, int], reach: "Reach | None" = None
    ) -> None:
        self._editions = editions
        self._lane = lane
        self._held = list(editions.boundaries(lane))
        self._reach = reach
        self._known = self._judged_before(offsets)
        self._again = self._reads_again(offsets)
        self._retry_at = 0.0

    def _judged_before(self, offsets: Mapping[str, int]) -> Mapping[str, int]:
        """Of each topic the first message that no edition has judged, as far as is known."""
        last = self._held[-1].offsets if self._held else {}
        reached = self._reach.read() if self._reach is not None and self._held else {}
        return {topic: max(last.get(topic, 0), reached.get(topic, 0)) for topic in offsets}

    def _reads_again(self, offsets: Mapping[str, int]) -> bool:
        return any(offsets[topic] < first for topic, first in self._known.items())

    def advance(self, offsets: Mapping[str, int]) -> None:
        """Go over to the newest edition at a place, unless messages from before it are still read again."""
        newest = self._editions.newest
        newer = newest > (self._held[-1].edition if self._held else 0)
        if not newer or self._again or time.monotonic() < self._retry_at:
            return
        try:
            held = self._editions.settle(self._lane, Boundary(edition=newest, offsets=dict(offsets)))
        except FenghuoError as error:
            _log.warning("edition_waits", lane=self._lane, edition=newest, error=str(error))
            self._retry_at = time.monotonic() + PATIENCE
            return
        self._held.append(held)
        _log.info("edition_in_force", lane=self._lane, edition=newest, offsets=dict(held.offsets))

    @property
    def edition(self) -> int:
        """The edition that judges what comes next."""
        return self._held[-1].edition

    @property
    def ready(self) -> bool:
        """Whether there is an edition that messages can be judged by."""
        return bool(self._held)

    def judged(
        self, messages: Sequence[Message], offsets: Mapping[str, int]
    ) -> Iterator[tuple[int, list[Message]]]:
        """Messages by the editions that judge them, older editions first.

        Args:
            messages: in their order.
            offsets: where reading goes on after them.
        """
        if self._reach is not None:
            self._reach.write(offsets)
        if not self._again:
            yield self.edition, list(messages)
            return
        parts: dict[int, list[Message]] = {}
        for message in messages:
            parts.setdefault(self._edition(message.topic() or "", message.offset() or 0), []).append(message)
        for edition in sorted(parts):
            yield edition, parts[edition]
        self._again = self._reads_again(offsets)

    def close(self) -> None:
        """Close what is open."""
        if self._reach is not None:
            self._reach.close()

    def _edition(self, topic: str, offset: int) -> int:
        """The last edition whose place is not behind the message; the first for what lies before all."""
        for held in reversed(self._held):
            if offset >= held.offsets.get(topic, 0):
                return held.edition
        return self._held[0].edition


class Reach:
    """How far a lane was read, in a file that outlives the process; one write for each batch.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)

    def read(self) -> dict[str, int]:
        """Next offset of each topic as it was noted last; nothing where nothing was."""
        noted = self._path.read_bytes().partition(b"\n")[0]
        return msgspec.json.decode(noted, type=dict[str, int]) if noted else {}

    def write(self, offsets: Mapping[str, int]) -> None:
        """Note the next offset of each topic; a run that is killed leaves the note before or this one."""
        noted = msgspec.json.encode(offsets) + b"\n"
        os.pwrite(self._file, noted, 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
