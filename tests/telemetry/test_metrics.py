"""Metrics: named and labelled so that their number cannot grow with the data."""

import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

from alerts.alert import Raised
from alerts.views import QueueCount
from events.event import Event
from rules.decision import Tier
from telemetry.metrics import ConsoleMetrics, DeskMetrics, FlowMetrics
from tests.wire.bad_messages import BAD
from tests.wire.making import decode

# Every label with what bounds it; a customer, an event or a text of a message may never be one.
BOUNDED = {
    "source": "partitions and input files",
    "outcome": "an enumeration",
    "field": "fields of the event contract",
    "rule": "the pack",
    "deadline": "the pack",
    "result": "an enumeration",
    "tier": "an enumeration",
    "state": "an enumeration",
    "scenario": "the pack",
    "step": "the code",
    "cause": "classes of errors, enumerations",
    "shard": "a setting",
    "pack": "a file",
    "content": "a file",
    "model": "a file",
    "topic": "the code",
    "service": "the code",
    "queue": "the pack",
    "partition": "a setting",
    "route": "the code",
    "method": "HTTP",
    "status": "HTTP",
}
ALL = (FlowMetrics, DeskMetrics, ConsoleMetrics)


def families(kind: type) -> list[Metric]:
    registry = CollectorRegistry()
    kind(registry)
    return list(registry.collect())


@pytest.mark.parametrize("kind", ALL)
def test_names_say_whose_they_are_and_in_which_unit(kind: type) -> None:
    for family in families(kind):
        assert re.fullmatch(r"fenghuo_[a-z]+(_[a-z]+)*", family.name), family.name
        assert family.documentation.endswith("."), family.name
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


@pytest.mark.parametrize("kind", ALL)
def test_labels_are_bounded(kind: type) -> None:
    made = kind(CollectorRegistry())
    declared = [metric for metric in vars(made).values() if hasattr(metric, "_labelnames")]
    assert declared
    for metric in declared:
        assert set(metric._labelnames) <= BOUNDED.keys()


def test_all_processes_may_share_a_registry() -> None:
    registry = CollectorRegistry()
    for kind in ALL:
        kind(registry)
    exposed = generate_latest(registry).decode()
    assert "fenghuo_events_duplicate_total 0.0" in exposed


def test_no_message_can_make_a_label_of_its_own() -> None:
    fields = {letter.field for messages in BAD.values() for letter in decode(*messages.values()).dead}
    assert fields <= {None, *Event.__struct_fields__}


def test_the_desk_counts_what_became_of_hits() -> None:
    registry = CollectorRegistry()
    metrics = DeskMetrics(registry)
    metrics.consumed(5)
    metrics.applied(3, 1, 0.01)
    metrics.rejected(1)
    metrics.raised(Tier.HIGH, Raised.NEW)
    metrics.failed("postgres")
    metrics.lag(2, 17)

    def sample(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"fenghuo_{name}", labels)

    hits = {
        result: sample("desk_hits_total", result=result) for result in ("applied", "repeated", "rejected")
    }
    assert hits == {"applied": 3, "repeated": 1, "rejected": 1}
    assert sample("desk_messages_total") == 5
    assert sample("alerts_raised_total", tier="high", cause=Raised.NEW.value) == 1
    assert sample("desk_failures_total", service="postgres") == 1
    assert sample("desk_lag_messages", partition="2") == 17
    assert sample("desk_transaction_seconds_count") == 1


def test_a_queue_without_open_cases_is_not_shown_with_its_last_number() -> None:
    registry = CollectorRegistry()
    metrics = DeskMetrics(registry)
    metrics.open_cases([QueueCount("credit", Tier.HIGH, 3), QueueCount("trade", Tier.LOW, 1)])
    metrics.open_cases([QueueCount("trade", Tier.LOW, 2)])
    assert registry.get_sample_value("fenghuo_open_cases", {"queue": "credit", "tier": "high"}) is None
    assert registry.get_sample_value("fenghuo_open_cases", {"queue": "trade", "tier": "low"}) == 2


def test_the_console_counts_requests_by_route() -> None:
    registry = CollectorRegistry()
    metrics = ConsoleMetrics(registry)
    metrics.answered("/alerts/{alert_id}", "GET", 200, 0.01)
    metrics.answered("/events", "GET", 200, None)
    labels = {"route": "/alerts/{alert_id}", "method": "GET", "status": "200"}
    assert registry.get_sample_value("fenghuo_console_requests_total", labels) == 1
    timed = "fenghuo_console_request_seconds_count"
    assert registry.get_sample_value(timed, {"route": "/alerts/{alert_id}"}) == 1
    assert registry.get_sample_value(timed, {"route": "/events"}) is None
