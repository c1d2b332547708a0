"""What recovery keeps of a run: how far it had read, and the states of its shards.

Only the engine can read its recovery. So a dataflow with the steps of the real one is started on it whose
input has ended: its steps are given their states, and pass them on.
"""

from dataclasses import dataclass, field
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.operators import KeyedStream, StatefulBatchLogic
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from flows.windows import ShardState

FIRST, SECOND = "windows", "counterparties"
"""Stages of the windows: within a group, and by counterparty."""


@dataclass
class Saved:
    """What was saved.

    Args:
        read: by lane, where the source goes on.
        shards: by stage and key, the states of the shards.
    """

    read: dict[str, Any] = field(default_factory=dict)
    shards: dict[str, dict[str, ShardState]] = field(default_factory=lambda: {FIRST: {}, SECOND: {}})


def saved_flow(lanes: list[str], into: Saved) -> Dataflow:
    """The dataflow that finds out; run it on a copy of the recovery, for the engine notes every run there.

    Args:
        lanes: names of the source's parts.
        into: gets what is found.
    """
    flow = Dataflow("risk")
    keyed: KeyedStream[None] = op.flat_map("split", op.input("read", flow, _Ended(lanes, into)), lambda _: ())
    for stage in (FIRST, SECOND):
        states = op.stateful_batch(f"{stage}_own", keyed, _Telling)
        op.output(f"collect_{stage}", states, _Into(into.shards[stage]))
    return flow


class _Ended(FixedPartitionedSource[None, Any]):
    def __init__(self, lanes: list[str], into: Saved) -> None:
        self._lanes = lanes
        self._into = into

    def list_parts(self) -> list[str]:
        return self._lanes

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> "_EndedPart":  # noqa: ARG002
        if resume_state is not None:
            self._into.read[for_part] = resume_state
        return _EndedPart(resume_state)


class _EndedPart(StatefulSourcePartition[None, Any]):
    def __init__(self, state: Any) -> None:
        self._state = state

    def next_batch(self) -> list[None]:
        raise StopIteration

    def snapshot(self) -> Any:
        return self._state


class _Telling(StatefulBatchLogic[None, ShardState, ShardState]):
    def __init__(self, state: ShardState | None) -> None:
        self._state = state or ShardState()

    def on_batch(self, values: list[None]) -> tuple[list[ShardState], bool]:  # noqa: ARG002
        return [], StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[list[ShardState], bool]:
        return [self._state], StatefulBatchLogic.RETAIN

    def snapshot(self) -> ShardState:
        return self._state


class _Into(DynamicSink[tuple[str, ShardState]]):
    def __init__(self, into: dict[str, ShardState]) -> None:
        self._into = into

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "_IntoPart":  # noqa: ARG002
        return _IntoPart(self._into)


class _IntoPart(StatelessSinkPartition[tuple[str, ShardState]]):
    def __init__(self, into: dict[str, ShardState]) -> None:
        self._into = into

    def write_batch(self, items: list[tuple[str, ShardState]]) -> None:
        self._into.update(items)
