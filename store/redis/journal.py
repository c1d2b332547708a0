"""The logs of the windows in Redis or Valkey, alone or as a cluster.

A shard's keys have one hash tag, so that they lie in one slot of a cluster:

    {s03}:live:head     hash: epoch and name of the owner, its turn, mark, records ever taken in, schemas, and
                        how many blocks and bytes the other two have, for nobody else may take some away
    {s03}:live:log      list: blocks
    {s03}:live:ground   string
    {s03}:live:stage    list: parts of a log that is being written anew; there for minutes at most
    {s00}:live:shards   string: number of shards

Every write has a turn, higher than the one before, and says which turn it follows. So a write whose answer
got lost is not done twice, one that comes late changes nothing, and what Redis lost shows at the next write.

Epochs follow the clock of Redis, not those of workers, and always rise while the head is there. Once it was
lost, an owner from before has the lower epoch: it may write its log anew, but only until the newer one does.
Only if Redis came back with a clock that is behind, too, can the newer one be fenced off; it ends, and claims
a higher epoch when it is started again.
"""

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import structlog

from store.redis.calls import Calls, Command
from store.redis.faults import ANY_REDIS_ERROR, Fault, fault_of, passes, told
from store.redis.link import Client, Link, connect
from telemetry.metrics import FlowMetrics
from windows.errors import WindowError
from windows.journal import (
    BehindError,
    FencedError,
    Journal,
    Stored,
    StoreUnavailableError,
    WindowsLostError,
    Write,
)

__all__ = ["Client", "RedisJournal", "connect", "forget"]

PIECE = 16 << 20
"""Bytes that one call carries at most, unless a single block is larger."""

_CLAIM, _WRITE, _STAGE, _SWAP = (
    files("store.redis").joinpath(f"{name}.lua").read_text("utf-8")
    for name in ("claim", "write", "stage", "swap")
)
_STAGED = 600_000  # milliseconds that an unfinished log is kept
_PAUSE = 0.2  # seconds between tries to forget
_TRIES = 5  # to write or read a whole log that changes meanwhile

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Ownership:
    """A shard that this journal claimed.

    Args:
        epoch: of the claim.
        mark: of the log.
        turn: of the last write that stands.
        last: turn of the last write that was tried.
    """

    epoch: str
    mark: str
    turn: int = 0
    last: int = 0

    def next(self) -> int:
        """The turn of another write."""
        self.last += 1
        return self.last


class RedisJournal(Journal):
    """The logs of the shards that one worker owns.

    Args:
        client: connection of this worker.
        namespace: distinguishes live windows from replays, and installations from one another.
        patience: seconds to retry a failing call before StoreUnavailableError.
        lifetime: seconds after which the log of a shard that nobody writes to is deleted.
        metrics: where round trips and failures are counted.
    """

    def __init__(
        self, client: Client, namespace: str, patience: float, lifetime: float, metrics: FlowMetrics
    ) -> None:
        self._calls = Calls(client, patience, metrics)
        self._namespace = namespace
        self._lifetime = int(lifetime * 1000)
        self._name = secrets.token_hex(8)
        self._owned: dict[int, Ownership] = {}
        self._shards: int | None = None

    def close(self) -> None:
        """Close the connections; nothing can be written any more."""
        self._calls.close()

    def claim_shards(self, shards: int) -> None:
        """Say how many shards there are; the first claim compares it with the number before."""
        self._shards = shards

    def _check_shards(self, shards: int) -> None:
        key = self._key(0, "shards")
        self._calls.one(Command(key, ("SET", key, str(shards), "NX", "PX", self._lifetime)))
        self._calls.one(Command(key, ("PEXPIRE", key, self._lifetime)))
        held = int(self._calls.one(Command(key, ("GET", key))) or shards)
        if held != shards:
            raise WindowsLostError(
                f"the windows in Redis were written with {held} shards, got {shards}; "
                f"set FENGHUO_SHARDS={held} again"
            )
        self._shards = None

    def claim(self, shard: int) -> Stored:
        """See `windows.journal.Journal.claim`.

        Raises:
            StoreUnavailableError: no answer within the patience.
            StoreRefusedError: Redis won't ever do it, because of its password for instance.
            WindowsLostError: the windows were written with another number of shards, or Redis evicted some.
        """
        if self._shards is not None:
            self._check_shards(self._shards)
        for _ in range(_TRIES):
            fields = self._become_owner(shard)
            ground, blocks = self._read(shard)
            epoch = self._calls.one(self._command(shard, "HGET", "head", "epoch"))
            if epoch == fields["epoch"]:
                break
            if int(epoch or 0) > int(fields["epoch"]):
                raise self._fenced(shard)
            self._calls.count(Fault.BEHIND)  # Redis lost its end: what was read may not belong together
        else:
            raise StoreUnavailableError(
                f"Redis at `{self._calls.place}` loses shard {shard} of the windows while it is read; "
                "see its log"
            )
        if (len(blocks), len(ground)) != (int(fields["blocks"]), int(fields["ground"])):
            raise WindowsLostError(
                f"Redis at `{self._calls.place}` evicted a part of shard {shard} of the windows; set its "
                "maxmemory-policy to noeviction, then restore it or rebuild the windows"
            )
        self._owned[shard] = Ownership(fields["epoch"].decode(), fields["mark"].decode())
        schemas = {name[7:]: raw for name, raw in fields.items() if name.startswith("schema ")}
        return Stored(fields["mark"].decode(), int(fields["records"]), ground, blocks, schemas)

    def _become_owner(self, shard: int) -> dict[str, bytes]:
        """Claim the shard with the least epoch that will do; gives the fields of its head."""
        epoch, mark = b"0", secrets.token_hex(8)
        while True:
            answer = self._calls.one(self._script(shard, _CLAIM, epoch, self._name, mark, self._lifetime))
            if not isinstance(answer, bytes):
                return {name.decode(): value for name, value in zip(answer[::2], answer[1::2], strict=True)}
            epoch = answer

    def _read(self, shard: int) -> tuple[bytes, list[bytes]]:
        """Ground and blocks, about PIECE bytes of them at a time."""
        blocks: list[bytes] = []
        count = 1
        while piece := self._calls.one(
            self._command(shard, "LRANGE", "log", len(blocks), len(blocks) + count - 1)
        ):
            blocks += piece
            count = max(1, min(1000, PIECE * len(piece) // sum(map(len, piece))))
        return self._calls.one(self._command(shard, "GET", "ground")) or b"", blocks

    def write(self, writes: Sequence[Write]) -> list[WindowError | None]:
        """See `windows.journal.Journal.write`.

        A write with a ground puts a whole log in the place of what is there; its pieces show all at once.
        """
        ends = [write for write in writes if write.ground is None]
        outcomes = dict(zip(map(id, ends), self._write_ends(ends), strict=True))
        return [
            outcomes[id(write)] if write.ground is None else self._write_whole(write, write.ground)
            for write in writes
        ]

    def _write_ends(self, writes: Sequence[Write]) -> list[WindowError | None]:
        turns = [self._owned[write.shard].next() for write in writes]
        answers = self._calls.all([self._end(write, turn) for write, turn in zip(writes, turns, strict=True)])
        return [
            self._outcome(write.shard, answer, turn)
            for write, answer, turn in zip(writes, answers, turns, strict=True)
        ]

    def _end(self, write: Write, turn: int) -> Command:
        owned = self._owned[write.shard]
        return self._script(
            write.shard,
            _WRITE,
            *(owned.epoch, turn, owned.turn, write.records, self._lifetime, write.drop),
            *_counted(write.schemas),
            *write.blocks,
        )

    def _write_whole(self, write: Write, ground: bytes) -> WindowError | None:
        error: WindowError | None = None
        for _ in range(_TRIES):
            turn = self._owned[write.shard].next()
            try:
                answer = self._swapped(write, ground, turn)
            except StoreUnavailableError as unavailable:
                return unavailable
            error = self._outcome(write.shard, answer, turn)
            if not isinstance(error, BehindError):
                return error
        return StoreUnavailableError(f"{error}; its log could not be written anew")

    def _swapped(self, write: Write, ground: bytes, turn: int) -> Any:
        """Stage a whole log piece by piece and make it the log; gives the last answer."""
        owned = self._owned[write.shard]
        grounds = [ground[begin : begin + PIECE] for begin in range(0, len(ground), PIECE)]
        parts = [*grounds, *write.blocks]
        staged = 0
        for piece in _pieces(parts):
            words = (owned.epoch, turn, staged, _STAGED, *piece)
            answer = self._calls.one(self._script(write.shard, _STAGE, *words, keys=("head", "stage")))
            if answer != b"done":
                return answer
            staged += len(piece)
        return self._calls.one(
            self._script(
                write.shard,
                _SWAP,
                *(owned.epoch, turn, self._name, owned.mark, write.records, self._lifetime),
                *(len(grounds), len(parts), *_counted(write.schemas)),
                keys=("head", "log", "ground", "stage"),
            )
        )

    def _outcome(self, shard: int, answer: Any, turn: int) -> WindowError | None:
        """What an answer means; when it was done, the turn is over."""
        if isinstance(answer, WindowError):
            return answer
        if answer == b"done":
            self._owned[shard].turn = turn
            return None
        fault = Fault(answer.decode())
        if fault is Fault.FENCED:
            return self._fenced(shard)
        self._calls.count(fault)
        how = "lost the log" if fault is Fault.EMPTIED else "does not hold the log as it was written"
        error = f"Redis at `{self._calls.place}` {how}, of shard {shard} of the windows"
        _log.warning("window_store_behind", error=f"{error}; it is written anew from memory")
        return BehindError(error)

    def _fenced(self, shard: int) -> FencedError:
        self._calls.count(Fault.FENCED)
        return FencedError(
            f"another process has taken over shard {shard} of the windows in Redis at `{self._calls.place}`; "
            "this one ends: see that only one `fenghuo run` has this shard"
        )

    def _script(
        self, shard: int, script: str, *words: object, keys: Sequence[str] = ("head", "log", "ground")
    ) -> Command:
        names = [self._key(shard, key) for key in keys]
        return Command(names[0], ("EVAL", script, len(names), *names, *words))

    def _command(self, shard: int, name: str, key: str, *words: object) -> Command:
        full = self._key(shard, key)
        return Command(full, (name, full, *words))

    def _key(self, shard: int, key: str) -> str:
        return f"{{s{shard:02d}}}:{self._namespace}:{key}"


def _counted(schemas: Mapping[str, bytes]) -> list[object]:
    return [len(schemas), *(word for item in schemas.items() for word in item)]


def _pieces(parts: Sequence[bytes]) -> list[list[bytes]]:
    """Parts in runs of at most PIECE bytes, at least one run."""
    pieces: list[list[bytes]] = [[]]
    room = PIECE
    for part in parts:
        if len(part) > room and pieces[-1]:
            pieces.append([])
            room = PIECE
        pieces[-1].append(part)
        room -= len(part)
    return pieces


def forget(client: Client, namespace: str, patience: float = 0.0) -> None:
    """Delete all logs of a namespace, and of those below it (`name:…`); for replays that are done.

    Args:
        client: of Redis.
        namespace: of the logs.
        patience: seconds to try again where Redis fails.

    Raises:
        StoreUnavailableError: no good answer within the patience.
    """
    until = time.monotonic() + patience
    while True:
        try:
            return _forget(client, namespace)
        except ANY_REDIS_ERROR as error:
            fault = fault_of(error)
            if not passes(fault) or time.monotonic() > until:
                raise StoreUnavailableError(told(fault, Link(client).place, error)) from error
        time.sleep(_PAUSE)


def _forget(client: Client, namespace: str) -> None:
    literal = re.sub(r"([\\*?\[\]^-])", r"\\\1", namespace)
    ours = re.compile(rb"\{s\d+\}:" + re.escape(namespace.encode()) + b":")
    for key in client.scan_iter(match=f"{{s*}}:{literal}:*", count=1000):
        if ours.match(key):
            client.unlink(key)
