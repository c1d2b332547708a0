"""The page of metrics."""

import inspect
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from fenghuo.reference.markdown import code, codes, page, table
from telemetry import metrics as declared

_PROCESSES = {
    "FlowMetrics": "fenghuo run",
    "DeskMetrics": "fenghuo desk",
    "ConsoleMetrics": "fenghuo console",
}


def text() -> str:
    """The whole page."""
    blocks: list[str] = []
    for kind in _declarations():
        blocks += [
            f"## {code(_PROCESSES.get(kind.__name__, kind.__name__))}",
            table(("metric", "type", "labels", "meaning"), _rows(kind)),
        ]
    return page(
        "Metrics",
        "Each process shows its metrics at `/metrics` for Prometheus. A counter counts from the start of its "
        "process. Of a histogram named `x` Prometheus sees `x_bucket`, `x_sum` and `x_count`. "
        "[Operations](../operations.md) says which of them matter.",
        *blocks,
    )


def names() -> set[str]:
    """The name of every metric, as Prometheus sees it."""
    return {row[0].strip("`") for kind in _declarations() for row in _rows(kind)}


def _declarations() -> list[type]:
    """The classes of `telemetry.metrics`, in the order in which they stand there."""
    members = [
        member
        for name, member in inspect.getmembers(declared, inspect.isclass)
        if name.endswith("Metrics") and member.__module__ == declared.__name__
    ]
    return sorted(members, key=lambda member: inspect.getsourcelines(member)[1])


def _rows(kind: type) -> Iterator[tuple[str, str, str, str]]:
    holder = kind(CollectorRegistry())
    for metric in vars(holder).values():
        if not isinstance(metric, MetricWrapperBase):
            continue
        family = next(iter(metric.describe()))
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = codes(metric._labelnames)  # noqa: SLF001 -- the client shows labels only with values
        yield code(name), family.type, labels, family.documentation
