"""The port to the store that keeps the logs of shards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from windows.errors import WindowError


class StoreUnavailableError(WindowError):
    """Raised when the store did not answer within the time that is allowed before decisions degrade."""


class WindowsLostError(WindowError):
    """Raised when the store no longer holds what it held before. Operator action: restore or rebuild it."""


class BehindError(WindowError):
    """Raised when the store holds another state of a log than its owner; the owner writes it anew."""


class FencedError(WindowError):
    """Raised when another worker has taken over a shard. Operator action: none; this process has to end."""


@dataclass(frozen=True, slots=True)
class Write:
    """A change of one shard's log: of the list of blocks, and of the ground under it.

    Args:
        shard: number of the shard.
        expected: records that the log has ever taken in, before.
        records: the same, afterwards.
        drop: blocks to take off the end, before `blocks` are put there.
        blocks: stored blocks to put at the end.
        ground: a new ground; with it all blocks there are give way to `blocks`. None keeps it.
        schemas: JSON of schemas by id that the log does not know yet.
    """

    shard: int
    expected: int
    records: int
    blocks: Sequence[bytes]
    drop: int = 0
    ground: bytes | None = None
    schemas: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Appended:
    """A block that was appended lately, kept in case the store loses its last writes.

    Args:
        before: records that the log had taken in before it.
        records: the same, afterwards.
        block: the stored block.
        schemas: JSON of its schema by id.
    """

    before: int
    records: int
    block: bytes
    schemas: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store holds of one shard.

    Args:
        mark: name of this stock of windows; it changes only when the store was emptied.
        records: how many records the log has ever taken in.
        ground: stored ground, empty for none.
        blocks: stored blocks.
        schemas: JSON of schemas by id.
    """

    mark: str
    records: int
    ground: bytes
    blocks: list[bytes]
    schemas: dict[str, bytes]


class Journal(Protocol):
    """The logs of the shards that one worker owns, kept by a store."""

    def claim(self, shard: int) -> Stored:
        """Become the only writer of a shard's log and read it; earlier owners are fenced off.

        Raises:
            StoreUnavailableError: no answer within the allowed time.
        """
        ...

    def write(self, writes: Sequence[Write]) -> list[WindowError | None]:
        """Do all writes, each as a whole or not at all; a write that was done before is not done again.

        Returns:
            for each write None, or why it was not done: StoreUnavailableError, BehindError, FencedError.
        """
        ...
