"""The risk dataflow, from messages to decisions and hits.

    read ─► decode ─► split ─► own ─► windows ─┬──────────────────────────────────►┬─► judge ─► write
               │                          │    └─► route ─► own ─► windows ────────►┘          ▲ ▲
               │                          │        (by counterparty, if a feature asks for it) │ │
               │                          └─► deadlines ─► tell ───────────────────────────────┘ │
               └───────────── dead letters ──────────────────────────────────────────────────────┘

Windows and waits for expected events are the only state; everything else is a function of one batch. The
windows' records are in the store; recovery keeps the waits, how far the source was read and what the sink has
written, so the same input gives the same output however often the run is cut.
"""

from collections.abc import Callable
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import KeyedStream, StatefulBatchLogic
from bytewax.outputs import Sink

from events.clock import Clock
from flows import steps
from flows.counterparties import CounterpartyLogic, Expected, route
from flows.windows import OpenWorker, Overdue, ShardLogic, ShardState, Ticket, results
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
    tell: Callable[[Overdue], Output] | None,
    clock: Clock | None,
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
        tell: hits of missed deadlines; None where no deadline is watched.
        clock: the present; None where history is played.
        metrics: what is counted on the way.
    """
    flow = Dataflow("risk")
    raw = op.input("read", flow, source)
    decoded = op.flat_map_batch("decode", raw, steps.decode(codec, metrics, gather=gather))
    dead = op.flat_map("dead_letters", decoded, steps.dead_letters)
    parts = op.flat_map(
        "split",
        decoded,
        steps.split(shards, second=open_second is not None, watch=tell is not None, clock=clock),
    )
    within = parts
    if open_second is not None:
        known = op.branch("stages", parts, lambda item: isinstance(item[1], Expected))
        within = known.falses
    windowed = _windows("windows", within, lambda state: ShardLogic(open_worker(), state))
    rest = dead
    if tell is not None:
        told = op.branch("deadlines", windowed, lambda item: isinstance(item[1], Overdue))
        windowed = told.falses
        rest = op.merge("overdue", rest, op.map_value("tell", told.trues, tell))
    if open_second is not None:
        rest = op.merge("aside", rest, op.flat_map("duplicates", windowed, steps.duplicates(metrics)))
        routed = op.merge("gather", known.trues, op.flat_map("route", windowed, route(shards)))
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
) -> KeyedStream[Any]:
    """A stage of windows: their owners, and what they say of a batch together."""
    return op.flat_map_batch(step, op.stateful_batch(f"{step}_own", parts, own), results)
