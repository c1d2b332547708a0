"""Known ids: which event ids were evaluated, in eight bytes each."""

from collections.abc import Iterable

import numpy as np

from events.columns import EventBatch, Int64s


class KnownIds:
    """The ids of the events of a backtest, kept as 64-bit hashes.

    Two ids share a hash with a chance of less than one in ten billion for a hundred million events; the hash
    only says whether a label that nothing hit names an event at all.
    """

    def __init__(self) -> None:
        self._blocks: list[Int64s] = []

    def add(self, batch: EventBatch) -> None:
        """Remember the events of a batch."""
        ids = [event.event_id for event in batch.events]
        self._blocks.append(np.fromiter(map(hash, ids), np.int64, len(ids)))

    def known(self, ids: Iterable[str]) -> set[str]:
        """Those of `ids` that were added."""
        asked = list(ids)
        hashes = np.fromiter(map(hash, asked), np.int64, len(asked))
        held = np.zeros(len(asked), np.bool_)
        for block in self._blocks:
            held |= np.isin(hashes, block)
        return {name for name, there in zip(asked, held.tolist(), strict=True) if there}
