"""Messages as they were read, before anything is known of them, and as dead letters."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from msgspec import Struct

from events.columns import Int64s


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Messages in the order in which they are to be judged.

    Args:
        batch: running number of the batch within its reader.
        values: the messages' bytes; None is a Kafka tombstone.
        sources: name of the partition or file that each message came from, for example `orders:3`.
        offsets: position of each message in its source, shape (n,).
        oldest_at: epoch milliseconds when the oldest message of the batch was produced.
        silent: milliseconds by lane that nothing was read for, in a batch that tells of it.
        edition: number of the edition of the rules that judges the messages; 0 where it never changes.
    """

    batch: int
    values: list[bytes | None]
    sources: list[str]
    offsets: Int64s
    oldest_at: int
    silent: Mapping[str, int] = field(default_factory=dict)
    edition: int = 0


def joined(batches: Sequence[RawBatch]) -> RawBatch:
    """Batches of several readers (at least one) that one edition judges as one, in their order.

    It has the number of the first.
    """
    if len(batches) == 1:
        return batches[0]
    return RawBatch(
        batch=batches[0].batch,
        values=[value for batch in batches for value in batch.values],
        sources=[source for batch in batches for source in batch.sources],
        offsets=np.concatenate([batch.offsets for batch in batches]),
        oldest_at=min(batch.oldest_at for batch in batches),
        silent={lane: length for batch in batches for lane, length in batch.silent.items()},
        edition=batches[0].edition,
    )


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A message that breaks the contract of events, kept as it came.

    Args:
        row: place in its batch.
        field: dotted name of the offending field, None when the message as a whole is broken.
        reason: what was wrong.
        source: name of the source partition.
        offset: position in the partition.
        raw: the original bytes.
    """

    row: int
    field: str | None
    reason: str
    source: str
    offset: int
    raw: bytes


class DeadLetterLine(Struct, frozen=True, omit_defaults=True):
    """A dead letter as a JSON line; `raw` where the bytes are UTF-8 text, else `raw_base64`."""

    reason: str
    field: str | None
    source: str
    offset: int
    raw: str | None = None
    raw_base64: str | None = None


_encoder = msgspec.json.Encoder()


def dead_letter_line(letter: DeadLetter) -> bytes:
    """The JSON line of a dead letter, without the line feed; the original bytes can be had back from it."""
    text = _text(letter.raw)
    line = DeadLetterLine(
        letter.reason,
        letter.field,
        letter.source,
        letter.offset,
        raw=text,
        raw_base64=None if text is not None else base64.b64encode(letter.raw).decode("ascii"),
    )
    return _encoder.encode(line)


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
