"""The log of one shard: its accepted records as a list of blocks, kept in memory as it is kept in the store.

    ground │ 40,000 │ 32,800 │ 4,100 │ 4,096 │ 520 │ 64 │ 3 │ ◄─ appended, one block for each batch

Small blocks at the end are merged, so that a log written record by record ends up as short as one written in
bulk. What lies behind the clocks is trimmed when the log has grown by half since the last time.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from windows.block import Block, Change, Schema, kind_of, pack, size_of, unpack
from windows.clock import Clocks
from windows.errors import WindowError
from windows.ground import Ground, of_state, pack_ground, restore, unpack_ground
from windows.journal import Appended, Stored, Write
from windows.plan import WindowPlan
from windows.record import join
from windows.state import WindowState, adapt

LARGEST = 32_768
"""Records of a block that is not merged any more."""

_MERGED = 8
_TRIM_FROM = 65_536
_GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a log had come at some moment.

    Args:
        records: taken in ever.
        floors: by source, the time below which windows are not given any more.
    """

    records: int
    floors: dict[int, int]


class ShardLog:
    """Ground and blocks of one shard.

    Args:
        shard: its number.
        schema: of the blocks that are appended.
        stored: what the store holds.
        loss_window: seconds of answered writes that the store may lose when it is killed.

    Raises:
        WindowError: the store holds something else than a log.
    """

    def __init__(self, shard: int, schema: Schema, stored: Stored, loss_window: float) -> None:
        self.shard = shard
        self._loss_window = loss_window
        self._recent: deque[tuple[float, Appended]] = deque()
        self.mark = stored.mark
        self._own, self._own_id = schema, schema.id
        self._schemas = {name: msgspec.json.decode(raw, type=Schema) for name, raw in stored.schemas.items()}
        self._adopt(stored.ground, stored.blocks, stored.records)
        self._trimmed_at = _TRIM_FROM

    def _adopt(self, ground: bytes, blocks: Sequence[bytes], records: int) -> None:
        self._ground, self._blocks, self.records = ground, list(blocks), records
        self._sizes = [size_of(block) for block in blocks]
        self._kinds = [kind_of(block) for block in blocks]

    @property
    def ground(self) -> Ground:
        """What is known of records that are no longer kept."""
        return unpack_ground(self._ground)

    @property
    def kept(self) -> int:
        """Records in the blocks."""
        return sum(self._sizes)

    @property
    def stored_bytes(self) -> int:
        """Bytes of ground and blocks."""
        return len(self._ground) + sum(map(len, self._blocks))

    def blocks(self) -> Iterator[tuple[Schema, Block]]:
        """All blocks, with what their columns mean."""
        for raw in self._blocks:
            block = unpack(raw)
            if block.schema not in self._schemas:
                raise WindowError(
                    f"shard {self.shard}: block of unknown schema `{block.schema}`; rebuild the windows"
                )
            yield self._schemas[block.schema], block

    def append(self, block: Block) -> Write:
        """The write that puts a block at the end; `done` tells when it stands."""
        return Write(
            self.shard,
            self.records,
            self.records + len(block.records),
            [pack(block)],
            schemas=self._new_schema(),
        )

    def adopt(self, schema: Schema) -> None:
        """Append blocks of another schema from now on."""
        self._own, self._own_id = schema, schema.id

    def anew(self) -> Write:
        """The write that makes the store hold all of this log, whatever it holds."""
        schemas = {name: msgspec.json.encode(schema) for name, schema in self._schemas.items()}
        return Write(self.shard, -1, self.records, self._blocks, ground=self._ground, schemas=schemas)

    def _new_schema(self) -> dict[str, bytes]:
        name = self._own_id
        return {} if name in self._schemas else {name: msgspec.json.encode(self._own)}

    def done(self, write: Write) -> None:
        """Take note that a write stands in the store."""
        self._schemas.setdefault(self._own_id, self._own)
        if write.records > write.expected >= 0 and self._loss_window > 0:
            schema = {self._own_id: msgspec.json.encode(self._own)}
            appended = Appended(write.expected, write.records, write.blocks[0], schema)
            self._recent.append((time.monotonic(), appended))
            self.recent()
        if write.ground is not None:
            self._adopt(write.ground, write.blocks, write.records)
            return
        if write.drop:
            del self._blocks[-write.drop :], self._sizes[-write.drop :], self._kinds[-write.drop :]
        self._blocks += write.blocks
        self._sizes += [size_of(block) for block in write.blocks]
        self._kinds += [kind_of(block) for block in write.blocks]
        self.records = write.records

    def recent(self) -> tuple[Appended, ...]:
        """The blocks that were appended within the loss window, oldest first."""
        while self._recent and self._recent[0][0] < time.monotonic() - self._loss_window:
            self._recent.popleft()
        return tuple(appended for _, appended in self._recent)

    def merge(self) -> Write | None:
        """The write that merges blocks of like size at the end; None where there is nothing to merge."""
        count, total = 0, 0
        for size, kind in zip(reversed(self._sizes), reversed(self._kinds), strict=True):
            # A block is merged only with as much again, so every record is written a few times at most.
            if size >= LARGEST or kind != self._kinds[-1] or (count > 0 and size > total):
                break
            count += 1
            total += size
        if count < _MERGED:
            return None
        raws = self._blocks[-count:]
        blocks = [unpack(raw) for raw in raws]
        merged = pack(_joined(blocks))
        return Write(self.shard, self.records, self.records, [merged], drop=count)

    def trim(self, plan: WindowPlan, retention: int, at: Checkpoint) -> Write | None:
        """The write that drops the records behind the floors of a checkpoint; None while it isn't worth it.

        Only records from before the checkpoint go: what came later may be delivered again after a crash, and
        is then judged with everything that was there.
        """
        if self.kept < self._trimmed_at:
            return None
        clocks = Clocks(self.ground.clocks, retention)
        dropped = WindowState(plan, retention)
        restore(self.ground, dropped)
        kept: list[bytes] = []
        count, number = 0, self.records - self.kept
        for schema, block in self.blocks():
            before, after = _split(block, max(0, at.records - number))
            number += len(block.records)
            if len(before.records):
                if not before.clocked:
                    clocks.count(before.records.sources, before.records.times)
                old = _behind(before, at.floors)
                count += int(old.sum())
                records, known = adapt(plan, schema, before.records.take(old))
                dropped.absorb(records, _picked(before.changes, old), known, clocked=True)
                stay = replace(
                    before,
                    records=before.records.take(~old),
                    changes=_picked(before.changes, ~old),
                    clocked=True,
                )
                kept += [pack(stay)] if len(stay.records) else []
            kept += [pack(after)] if len(after.records) else []
        self._trimmed_at = max(_TRIM_FROM, int(_GROWTH * (self.kept - count)))
        if count == 0:
            return None
        ground = pack_ground(of_state(dropped, clocks, self.ground.since))
        return Write(self.shard, self.records, self.records, _merged(kept), ground=ground)


def _joined(blocks: Sequence[Block]) -> Block:
    changes: list[Change] = []
    begin = 0
    for block in blocks:
        changes += [Change(begin + change.record, change.attributes) for change in block.changes]
        begin += len(block.records)
    first = blocks[0]
    return Block(first.schema, join([block.records for block in blocks]), changes, first.clocked)


def _merged(raws: Sequence[bytes]) -> list[bytes]:
    """The same records in blocks that are as large as blocks get."""
    found: list[bytes] = []
    waiting: deque[Block] = deque()
    for block in map(unpack, raws):
        alike = not waiting or (waiting[0].schema, waiting[0].clocked) == (block.schema, block.clocked)
        if waiting and (not alike or sum(len(one.records) for one in waiting) >= LARGEST):
            found.append(pack(_joined(waiting)))
            waiting.clear()
        waiting.append(block)
    return [*found, pack(_joined(waiting))] if waiting else found


def _split(block: Block, place: int) -> tuple[Block, Block]:
    """The records of a block before and from number `place` on."""
    size = len(block.records)
    place = min(place, size)
    first = np.arange(size) < place
    return (
        replace(block, records=block.records.take(slice(0, place)), changes=_picked(block.changes, first)),
        replace(
            block, records=block.records.take(slice(place, size)), changes=_picked(block.changes, ~first)
        ),
    )


def _picked(changes: Sequence[Change], chosen: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> list[Change]:
    """The changes of the chosen records, by their numbers among these."""
    numbers = np.cumsum(chosen) - 1
    return [Change(int(numbers[c.record]), c.attributes) for c in changes if chosen[c.record]]


def _behind(block: Block, floors: dict[int, int]) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which records of a block lie at or below the floor of their source."""
    known, codes = np.unique(block.records.sources, return_inverse=True)
    limits = np.array([floors.get(source, np.iinfo(np.int64).min) for source in known.tolist()], np.int64)
    return np.asarray(block.records.times <= limits[codes], np.bool_)
