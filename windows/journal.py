"""The port to the store that keeps the journals of one shard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from windows.errors import WindowError


class StoreUnavailableError(WindowError):
    """Raised when the store did not answer within the time that is allowed before decisions degrade."""


class WindowsLostError(WindowError):
    """Raised when the store no longer holds what it held before. Operator action: restore or rebuild it."""


@dataclass(frozen=True, slots=True)
class Append:
    """Bytes to put at the end of one journal.

    Args:
        name: name of the journal within its shard.
        known: length of the journal as far as the writer has read it.
        data: what to append; may be empty, to read only.
    """

    name: str
    known: int
    data: bytes


class Journal(Protocol):
    """Append-only byte strings of one shard, kept by a store."""

    def append(self, appends: Sequence[Append]) -> list[bytes]:
        """Append all, atomically, and return what each journal held beyond `known` before.

        An append whose answer was lost may be sent again; readers ignore what stands twice.

        Raises:
            StoreUnavailableError: no answer within the allowed time.
            WindowsLostError: the store lost data that was acknowledged before.
        """
        ...
