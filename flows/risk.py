"""The risk dataflow, from messages to decisions and hits.

    read ─► decode ─► split ─► own ─► windows ─┬──────────────────────────────────►┬─► judge ─► write
               │                               └─► route ─► own ─► windows ────────►┘           ▲
               │                                   (by counterparty, if a feature asks for it)  │
               └───────────── dead letters ─────────────────────────────────────────────────────┘

Windows are the only state; everything else is a function of one batch. The windows' records are in the store,
and recovery keeps how far the source was read and the sink has written, so the same input gives the same
output however often the run is cut.
"""

from collections.abc import Callable
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import KeyedStream, StatefulBatchLogic
from bytewax.outputs import Sink

from flows import steps
from flows.counterparties import CounterpartyLogic, Expected, route
from flows.windows import OpenWorker, ShardLogic, ShardState, Ticket, Windowed, results
from telemetry.metrics import FlowMetrics
from windows.windowed import WindowedBatch
from wire.codec import Codec
from wire.messages import RawBatch
from wire.output import Output


def risk_flow(
    source: Source[RawBatch],
    sink: Sink[tuple[str, Output]],
    *,
    codec: Codec,
    gather: bool,
    shards: int,
    open_worker: OpenWorker,
    open_second: OpenWorker | None,
    judge: Callable[[WindowedBatch], Output],
    metrics: FlowMetrics,
) -> Dataflow:
    """Build the dataflow.

    Args:
        source: gives batches of messages.
        sink: takes outputs keyed by shard.
        codec: decodes messages.
        gather: make one batch of all that the source's partitions have given at a time.
        shards: number of shards; groups are spread over them, and workers own whole shards.
        open_worker: gives the windows by group, customer and order of the worker that calls.
        open_second: gives its windows by counterparty; None where no feature asks for them.
        judge: features, score, rules and decision of a batch.
        metrics: what is counted on the way.
    """
    flow = Dataflow("risk")
    raw = op.input("read", flow, source)
    decoded = op.flat_map_batch("decode", raw, steps.decode(codec, metrics, gather=gather))
    dead = op.flat_map("dead_letters", decoded, steps.dead_letters)
    parts = op.flat_map("split", decoded, steps.split(shards, second=open_second is not None))
    if open_second is None:
        windowed = _windows("windows", parts, lambda state: ShardLogic(open_worker(), state))
        rest = dead
    else:
        known = op.branch("stages", parts, lambda item: isinstance(item[1], Expected))
        first = _windows("windows", known.falses, lambda state: ShardLogic(open_worker(), state))
        rest = op.merge("aside", dead, op.flat_map("duplicates", first, steps.duplicates))
        routed = op.merge("gather", known.trues, op.flat_map("route", first, route(shards)))
        windowed = _windows(
            "counterparties", routed, lambda state: CounterpartyLogic(ShardLogic(open_second(), state))
        )
    judged = op.map_value("judge", windowed, lambda item: judge(item.windowed))
    op.output("write", op.merge("results", judged, rest), sink)
    return flow


def _windows(
    step: str,
    parts: KeyedStream[Any],
    own: Callable[[ShardState | None], StatefulBatchLogic[Any, Ticket, ShardState]],
) -> KeyedStream[Windowed]:
    """A stage of windows: their owners, and what they say of a batch together."""
    return op.flat_map_batch(step, op.stateful_batch(f"{step}_own", parts, own), results)
