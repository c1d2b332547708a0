"""The ground: what must stay known of records that are no longer kept.

Windows need no record that lies behind the floor of its source's clock. What outlives it: since when an
entity is known and when it was last seen (days_since_*), the newest time of each owner (late events), the
clocks, and profiles.
"""

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct

from events.event import Attribute
from windows.clock import Clocks
from windows.errors import WindowError
from windows.memory import ARENA
from windows.plan import FIRST, GONE, UNKNOWN
from windows.profile import Profile
from windows.rows import NEVER
from windows.state import WindowState

_codec = pa.Codec("zstd", compression_level=3)


class KindGround(Struct, frozen=True):
    """What remains of the m entities of one kind; arrays as bytes.

    Args:
        entity: which kind.
        series: name of each series.
        names: hash of each entity, (m,) uint64.
        newest: newest time of each, (m,) int64.
        marks: of each entity and series the first time, the newest dropped time, and the time up to which
            something is unknown; (m, series, 3) int64, NEVER for none.
    """

    entity: str
    series: list[str]
    names: bytes
    newest: bytes
    marks: bytes


class ProfileGround(Struct, frozen=True, array_like=True, gc=False):
    """Profile of one customer: values and their event times."""

    customer: int
    values: dict[str, Attribute]
    times: dict[str, int]


class Ground(Struct, frozen=True):
    """What must stay known of a shard's dropped records.

    Args:
        kinds: the entities that had dropped records.
        clocks: by hash of the source its floor and the times of its unfinished generation.
        profiles: of the customers.
        since: time before which nothing is known at all; None where all is.
    """

    kinds: list[KindGround] = msgspec.field(default_factory=list)
    clocks: dict[int, tuple[int, list[int]]] = msgspec.field(default_factory=dict)
    profiles: list[ProfileGround] = msgspec.field(default_factory=list)
    since: int | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Ground)


def pack_ground(ground: Ground) -> bytes:
    """The stored form: length before compression in eight bytes, then the compressed ground."""
    raw = _encoder.encode(ground)
    return len(raw).to_bytes(8, "little") + bytes(_codec.compress(raw, asbytes=True))


def unpack_ground(raw: bytes) -> Ground:
    """The ground of its stored form; an empty one of no bytes.

    Raises:
        WindowError: the bytes are no ground.
    """
    if not raw:
        return Ground()
    length = int.from_bytes(raw[:8], "little")
    try:
        return _decoder.decode(_codec.decompress(raw[8:], length, asbytes=True))
    except (ValueError, OSError, pa.ArrowException, msgspec.MsgspecError) as error:
        raise WindowError(
            f"the windows' store holds bytes that are no ground: {error}; rebuild the windows"
        ) from error


def of_state(state: WindowState, clocks: Clocks, since: int | None) -> Ground:
    """The ground of a state that has absorbed the dropped records, and those of the ground before.

    Args:
        state: its rows, and nothing else, are lost.
        clocks: as they stand behind the last record that could be dropped.
        since: as in the ground before.
    """
    plan, arena, program = state.plan, state.memory.arena, state.plan.program
    places: list[list[int]] = [[] for _ in plan.entities]
    place = 1
    while place < state.memory.used[ARENA]:
        kind = int(arena[place])
        places[kind].append(place + 2)
        place += 2 + int(program.kind_width[kind])
    kinds = []
    for kind, entity in enumerate(plan.entities):
        where = np.array(places[kind], np.int64)
        numbers = np.flatnonzero(program.series_kind == kind)
        marks = np.full((len(where), len(numbers), 3), NEVER, np.int64)
        for column, series in enumerate(numbers.tolist()):
            bases = where + program.series_base[series]
            marks[:, column, 0] = arena[bases + FIRST]
            marks[:, column, 1] = [state.last(at, series) for at in places[kind]]
            marks[:, column, 2] = arena[bases + UNKNOWN]
        series_names = [plan.series_name(plan.series[number]) for number in numbers.tolist()]
        kinds.append(
            KindGround(
                entity.value,
                series_names,
                arena[where - 1].tobytes(),
                arena[where].tobytes(),
                marks.tobytes(),
            )
        )
    profiles = [
        ProfileGround(customer, profile.values, profile.times) for customer, profile in state.profiles.items()
    ]
    return Ground(kinds, clocks.held(), profiles, since)


def restore(ground: Ground, state: WindowState) -> None:
    """Put a ground under an empty state; what it doesn't know of a series of the plan is unknown there."""
    plan, program = state.plan, state.plan.program
    newest = NEVER
    known = {kind.entity: kind for kind in ground.kinds}
    for kind in ground.kinds:
        newest = max([newest, *np.frombuffer(kind.newest, np.int64).tolist()])
    for number, entity in enumerate(plan.entities):
        if ground.since is not None:
            state.memory.since[number] = ground.since
        kept = known.get(entity.value)
        if kept is None:
            state.memory.since[number] = max(int(state.memory.since[number]), newest)
            continue
        names = np.frombuffer(kept.names, np.uint64)
        places = state.place(names, number)
        arena = state.memory.arena
        arena[places] = np.frombuffer(kept.newest, np.int64)
        marks = np.frombuffer(kept.marks, np.int64).reshape(len(names), len(kept.series), 3)
        for series in np.flatnonzero(program.series_kind == number).tolist():
            bases = places + program.series_base[series]
            name = plan.series_name(plan.series[series])
            if name in kept.series:
                column = kept.series.index(name)
                arena[bases + FIRST] = marks[:, column, 0]
                arena[bases + GONE] = marks[:, column, 1]
                arena[bases + UNKNOWN] = marks[:, column, 2]
            else:
                arena[bases + UNKNOWN] = arena[places]
    for source, (floor, times) in ground.clocks.items():
        clock = state.source(source)
        state.memory.floors[clock] = floor
        state.memory.clock[clock, 0] = len(times)
        state.memory.clock[clock, 1 : 1 + len(times)] = times
    for kept_profile in ground.profiles:
        state.profiles.put(kept_profile.customer, Profile(kept_profile.values, kept_profile.times))
