"""The wait: an event that another has to follow, and how many of them are kept."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import Struct

from events.event import EventType
from rules.watermark import Heights

Key = tuple[str, str]
"""Name of a deadline, and the entity whose event is expected."""

LEAST = 1024
"""Waits of a log that is not worth being written anew."""


class Wait(Struct, frozen=True, array_like=True, gc=False):
    """An event that another has to follow; times in epoch milliseconds, the amount in fen of CNY.

    Args:
        deadline: name of the deadline.
        entity: whose event must follow.
        lane: whose clock tells when the time is over.
        due: when it is over.
        grace: milliseconds that late messages are waited for.
        pack: id of the pack that decided the event.
    """

    deadline: str
    entity: str
    lane: str
    due: int
    grace: int
    pack: str
    event_id: str
    type: str
    subsidiary: str
    customer: str
    group: str
    order: str | None
    shipment: str | None
    region: str | None
    counterparty: str | None
    amount: int | None
    occurred_at: int

    @property
    def key(self) -> Key:
        """What the expected event names."""
        return self.deadline, self.entity

    @property
    def until(self) -> int:
        """Where the lane's clock has to be for the wait to be missed."""
        return self.due + self.grace


class Early(Struct, frozen=True, array_like=True, gc=False):
    """An expected event that nothing waited for: its own start may still arrive.

    Args:
        at: its event time, epoch milliseconds.
        lane: that brought it.
    """

    at: int
    lane: str
    event_id: str
    type: EventType


@dataclass(frozen=True, slots=True)
class Kept:
    """The waits of a shard as recovery keeps them.

    Args:
        blocks: waits as they were added, compressed; never changed.
        total: number of waits in the blocks.
        over: numbers of waits that ended, int64 as bytes.
        missed: numbers of waits that were missed and not answered, int64 as bytes.
        early: encoded.
        clocks: newest times and position of the lanes' clocks.
    """

    blocks: tuple[bytes, ...]
    total: int
    over: bytes
    missed: bytes
    early: bytes
    clocks: Mapping[str, tuple[Heights, int]]


class WaitLog:
    """Waits by number, in blocks that are written once, so that saving them again costs next to nothing.

    Args:
        kept: what recovery kept.
    """

    def __init__(self, kept: Kept | None = None) -> None:
        self._blocks: list[bytes] = list(kept.blocks) if kept else []
        self._total = kept.total if kept else 0
        self._tail: list[Wait] = []
        self._over = set(_numbers(kept.over)) if kept else set()

    def add(self, wait: Wait) -> int:
        """Add a wait; gives its number."""
        self._tail.append(wait)
        return self._total + len(self._tail) - 1

    def end(self, number: int) -> None:
        """Note that a wait is over."""
        self._over.add(number)

    @property
    def worn(self) -> bool:
        """Whether most of it is over, so that it should be written anew."""
        total = self._total + len(self._tail)
        return total >= LEAST and 2 * len(self._over) > total

    def waits(self) -> Iterator[tuple[int, Wait]]:
        """The waits in the blocks that are not over, with their numbers."""
        number = 0
        for block in self._blocks:
            for wait in _decoder.decode(zlib.decompress(block)):
                if number not in self._over:
                    yield number, wait
                number += 1

    def kept(
        self, missed: Iterable[int], early: Mapping[Key, Early], clocks: Mapping[str, tuple[Heights, int]]
    ) -> Kept:
        """What recovery has to keep."""
        if self._tail:
            self._blocks.append(zlib.compress(_encoder.encode(self._tail), 1))
            self._total += len(self._tail)
            self._tail = []
        told = _encoder.encode(list(early.items()))
        return Kept(tuple(self._blocks), self._total, _bytes(self._over), _bytes(missed), told, dict(clocks))


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Wait])
_early_decoder = msgspec.msgpack.Decoder(list[tuple[Key, Early]])


def missed_of(kept: Kept) -> list[int]:
    """Numbers of the waits that were missed and not answered."""
    return _numbers(kept.missed)


def early_of(kept: Kept) -> dict[Key, Early]:
    """The expected events that nothing waited for."""
    return dict(_early_decoder.decode(kept.early))


def _bytes(numbers: Iterable[int]) -> bytes:
    return np.fromiter(sorted(numbers), np.int64).tobytes()


def _numbers(raw: bytes) -> list[int]:
    numbers: list[int] = np.frombuffer(raw, np.int64).tolist()
    return numbers
