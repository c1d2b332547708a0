"""Logs that are put back after Redis lost them."""

from typing import NamedTuple

from store.redis.journal import Ownership, RedisJournal
from windows.journal import Write


class Held(NamedTuple):
    """What Redis holds of a shard.

    Args:
        mark: name of the stock of windows.
        records: how many records the log has ever taken in.
    """

    mark: str
    records: int


class RebuildingJournal(RedisJournal):
    """Looks at logs without owning them, and puts whole logs in their place."""

    def held(self, shard: int) -> Held | None:
        """What there is of a shard, None where nothing is or something of it is missing; owners stay owners.

        Raises:
            StoreUnavailableError: no answer within the patience.
        """
        names = ("mark", "records", "blocks", "ground")
        head, blocks, ground = self._calls.all(
            [
                self._command(shard, "HMGET", "head", *names),
                self._command(shard, "LLEN", "log"),
                self._command(shard, "STRLEN", "ground"),
            ]
        )
        for answer in (head, blocks, ground):
            if isinstance(answer, Exception):
                raise answer
        if None in head or (blocks, ground) != (int(head[2]), int(head[3])):
            return None
        return Held(head[0].decode(), int(head[1]))

    def put(self, write: Write, mark: str) -> None:
        """Make a whole log that of its shard, whatever there is; who owned it before can't write any more.

        Args:
            write: with a ground.
            mark: name of the stock of windows, under which the next owner looks for it.

        Raises:
            StoreUnavailableError: no answer within the patience.
            FencedError: another worker claimed the shard in the meantime.
            WindowsLostError: other windows were written with another number of shards.
        """
        if self._shards is not None:
            self._check_shards(self._shards)
        fields = self._become_owner(write.shard)
        self._owned[write.shard] = Ownership(fields["epoch"].decode(), mark)
        (error,) = self.write([write])
        if error is not None:
            raise error
