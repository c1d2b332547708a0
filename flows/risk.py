"""The risk dataflow, from messages to decisions and hits.

    read ─► decode ─► shard ─► windows ─► judge ─► write
               └───────── dead letters ───────────►┘

Windows are the only state; everything else is a function of one batch. The windows' records are in the store,
and recovery keeps how far the source was read and the sink has written, so the same input gives the same
output however often the run is cut.
"""

from collections.abc import Callable

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from flows import steps
from flows.windows import OpenShard, ShardState, WindowsLogic
from telemetry.metrics import FlowMetrics
from windows.shard import WindowedBatch
from wire.codec import Codec
from wire.messages import RawBatch
from wire.output import Output


def risk_flow(
    source: Source[RawBatch],
    sink: Sink[tuple[str, Output]],
    *,
    codec: Codec,
    shards: int,
    open_shard: OpenShard,
    degrade: bool,
    judge: Callable[[WindowedBatch], Output],
    metrics: FlowMetrics,
) -> Dataflow:
    """Build the dataflow.

    Args:
        source: gives batches of messages.
        sink: takes outputs keyed by shard.
        codec: decodes messages.
        shards: number of shards; groups are spread over them, and workers own whole shards.
        open_shard: opens the windows of a shard.
        degrade: judge without windows while their store is away, instead of ending the run.
        judge: features, score, rules and decision of a batch.
        metrics: what is counted on the way.
    """

    def build_windows(state: ShardState | None) -> WindowsLogic:
        return WindowsLogic(open_shard, state, metrics, degrade=degrade)

    flow = Dataflow("risk")
    raw = op.input("read", flow, source)
    decoded = op.map("decode", raw, steps.decode(codec, metrics))
    dead = op.flat_map("dead_letters", decoded, steps.dead_letters)
    events = op.flat_map("shard", decoded, steps.split(shards))
    windowed = op.stateful_batch("windows", events, build_windows)
    judged = op.map_value("judge", windowed, judge)
    op.output("write", op.merge("results", judged, dead), sink)
    return flow
