"""Prometheus metrics of all processes; docs/reference/metrics.md lists them."""

import time
from collections.abc import Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from alerts.alert import Raised
from alerts.views import QueueCount
from rules.decision import Tier

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class FlowMetrics:
    """What the dataflow counts. `input = decided + duplicate + dead-lettered` holds at all times.

    Args:
        registry: where the metrics are registered; one per process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "fenghuo_events_in", "Messages read, by source partition.", ["source"], registry=registry
        )
        self.decided = Counter(
            "fenghuo_events_decided",
            "Events that got a decision, by outcome.",
            ["outcome"],
            registry=registry,
        )
        self.duplicate = Counter(
            "fenghuo_events_duplicate", "Messages whose event id was known.", registry=registry
        )
        self.dead_lettered = Counter(
            "fenghuo_events_dead_lettered",
            "Messages that break the event contract, by offending field.",
            ["field"],
            registry=registry,
        )
        self.repeated = Counter(
            "fenghuo_events_repeated",
            "Decisions given again for a message that was delivered again after a restart.",
            registry=registry,
        )
        self.late = Counter(
            "fenghuo_events_late", "Events decided that came later than the lateness.", registry=registry
        )
        self.degraded = Counter(
            "fenghuo_events_degraded", "Events decided without windows.", registry=registry
        )
        self.rule_results = Counter(
            "fenghuo_rule_results",
            "Results of rules, by rule and result.",
            ["rule", "result"],
            registry=registry,
        )
        self.deadline_results = Counter(
            "fenghuo_deadline_results",
            "Deadlines by what became of them: missed, and of those answered_in_time (the message came late) "
            "or answered_late.",
            ["deadline", "result"],
            registry=registry,
        )
        self.deadline_waits = Gauge(
            "fenghuo_deadline_waits",
            "Events that others have to follow in time, by shard, missed ones included.",
            ["shard"],
            registry=registry,
        )
        self.partial = Counter(
            "fenghuo_events_partial", "Events decided although a rule failed.", registry=registry
        )
        self.rule_quarantined = Gauge(
            "fenghuo_rule_quarantined",
            "Rules that failed too often and are not run any more: 1.",
            ["rule"],
            registry=registry,
        )
        self.hits = Counter(
            "fenghuo_alert_hits",
            "Hits sent to the desk, by tier and scenario.",
            ["tier", "scenario"],
            registry=registry,
        )
        self.event_to_decision = Histogram(
            "fenghuo_event_to_decision_seconds",
            "From the moment a message was produced to its decision handed to the sink, per batch's oldest.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.step_seconds = Histogram(
            "fenghuo_step_seconds",
            "Time that a step of the dataflow took for one batch.",
            ["step"],
            buckets=(0.0002, 0.0005, *_SECONDS[:11]),
            registry=registry,
        )
        self.lag = Gauge(
            "fenghuo_lag_messages",
            "Messages that a source partition holds and that were not read yet.",
            ["source"],
            registry=registry,
        )
        self.event_time = Gauge(
            "fenghuo_event_time_seconds",
            "Newest event time seen by a source partition, as a Unix time.",
            ["source"],
            registry=registry,
        )
        self.store_seconds = Histogram(
            "fenghuo_window_store_seconds",
            "Round trip of one call to the window store.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.store_failures = Counter(
            "fenghuo_window_store_failures",
            "Failed calls to the window store, by cause: unreachable, timeout, loading, memory (maxmemory), "
            "readonly (a replica), replicas (too few), disk, busy (a script), cluster (slots moved or not "
            "covered), emptied, behind (lost its end), fenced (new owner), access (password, rights), "
            "refused (other).",
            ["cause"],
            registry=registry,
        )
        self.windows_memory = Gauge(
            "fenghuo_windows_loaded_bytes",
            "Window logs held in memory, by shard.",
            ["shard"],
            registry=registry,
        )
        self.breaker_trips = Counter(
            "fenghuo_breaker_trips",
            "Rules limited to review because they held too much, as this process found.",
            ["rule"],
            registry=registry,
        )
        self.edition = Gauge(
            "fenghuo_rules_edition",
            "Newest edition of the rules that this process judges by; 0 where they never change.",
            registry=registry,
        )
        self.edition_failures = Counter(
            "fenghuo_rules_edition_failures",
            "Looks at the store of editions that failed; the edition before stays in force.",
            registry=registry,
        )
        self.shadow_failures = Counter(
            "fenghuo_rules_shadow_failures",
            "Batches that a version in the shadow could not be compared on; the one in force judged them.",
            registry=registry,
        )
        self.pack = Gauge(
            "fenghuo_pack_info", "The rule pack in force; always 1.", ["pack", "content"], registry=registry
        )
        self.model = Gauge(
            "fenghuo_model_info",
            "The anomaly model in force, `none` without one; always 1.",
            ["model"],
            registry=registry,
        )
        self.model_set_aside = Gauge(
            "fenghuo_model_set_aside",
            "1 while the packs in force lack a feature of the champion: it doesn't score, `anomaly` is NULL.",
            registry=registry,
        )
        self.model_failures = Counter(
            "fenghuo_model_failures",
            "Tries to load a model of an edition that failed, by its state: without its champion an edition "
            "does not come into force, a model in the shadow is left out.",
            ["state"],
            registry=registry,
        )
        self.observer_failures = Counter(
            "fenghuo_observer_failures",
            "Batches that a watch of features or a model in the shadow failed on; decisions are untouched.",
            registry=registry,
        )
        self.undelivered = Counter(
            "fenghuo_undelivered_messages",
            "Messages that the broker refused after all retries, by topic.",
            ["topic"],
            registry=registry,
        )


class ModelMetrics:
    """What is watched of anomaly models, by this process.

    Args:
        registry: where the metrics are registered; one per process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.scored = Counter(
            "fenghuo_model_scored",
            "Events that a model scored, by band of the percentile.",
            ["model", "band"],
            registry=registry,
        )
        self.raised = Counter(
            "fenghuo_model_above_limit",
            "Events at or above the limit of a model's alert budget.",
            ["model"],
            registry=registry,
        )
        self.stability = Gauge(
            "fenghuo_model_psi",
            "Population stability index of a feature, or of the score, over the newest 20,000 events.",
            ["model", "feature"],
            registry=registry,
        )
        self.missing = Gauge(
            "fenghuo_model_missing_ratio",
            "Share of these events in which a feature is NULL.",
            ["model", "feature"],
            registry=registry,
        )
        self.age = Gauge(
            "fenghuo_model_age_seconds",
            "Time since the last event that a model learnt from.",
            ["model"],
            registry=registry,
        )

    def forget(self) -> None:
        """Tell nothing more of models that were watched before."""
        for gauge in (self.stability, self.missing, self.age):
            gauge.clear()

    def born(self, model: str, learnt: str) -> None:
        """Tell the age of a model from now on.

        Args:
            model: its id.
            learnt: RFC 3339 time of the last event that it learnt from.
        """
        end = datetime.fromisoformat(learnt).timestamp()
        self.age.labels(model).set_function(lambda: max(0.0, time.time() - end))


class DeskMetrics:
    """What the desk counts; satisfies the desk's protocol of the same name.

    Args:
        registry: where the metrics are registered; one per process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._consumed = Counter(
            "fenghuo_desk_messages", "Messages read from risk.alerts and risk.withdrawals.", registry=registry
        )
        self._hits = Counter(
            "fenghuo_desk_hits",
            "Hits by what became of them: applied, repeated, rejected or withdrawn (a deadline was met).",
            ["result"],
            registry=registry,
        )
        self._raised = Counter(
            "fenghuo_alerts_raised",
            "Alerts raised, by tier and by cause: new, tier rose, amount doubled.",
            ["tier", "cause"],
            registry=registry,
        )
        self._failures = Counter(
            "fenghuo_desk_failures",
            "Errors of a server that the desk depends on.",
            ["service"],
            registry=registry,
        )
        self._open = Gauge(
            "fenghuo_open_cases",
            "Cases that are not closed, by queue and tier.",
            ["queue", "tier"],
            registry=registry,
        )
        self._lag = Gauge(
            "fenghuo_desk_lag_messages",
            "Hits that the desk has not read yet.",
            ["partition"],
            registry=registry,
        )
        self._seconds = Histogram(
            "fenghuo_desk_transaction_seconds",
            "Time that one transaction of hits took.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._retrainings = Counter(
            "fenghuo_retrainings",
            "Scheduled trainings by result: registered, unchanged (the model was there) or failed.",
            ["result"],
            registry=registry,
        )
        self._retrained_at = Gauge(
            "fenghuo_retraining_last_timestamp_seconds",
            "When the last scheduled training of this desk ended, Unix time; 0: none yet.",
            registry=registry,
        )

    def consumed(self, messages: int) -> None:
        """Count messages read."""
        self._consumed.inc(messages)

    def applied(self, hits: int, repeated: int, seconds: float) -> None:
        """Count the hits of one transaction."""
        self._hits.labels("applied").inc(hits)
        self._hits.labels("repeated").inc(repeated)
        self._seconds.observe(seconds)

    def withdrawn(self, hits: int) -> None:
        """Count hits taken back."""
        self._hits.labels("withdrawn").inc(hits)

    def rejected(self, messages: int) -> None:
        """Count messages put aside as no hits."""
        self._hits.labels("rejected").inc(messages)

    def raised(self, tier: Tier, why: Raised) -> None:
        """Count an alert raised."""
        self._raised.labels(tier.value, why.value).inc()

    def failed(self, service: str) -> None:
        """Count an error of a server."""
        self._failures.labels(service).inc()

    def open_cases(self, counts: Sequence[QueueCount]) -> None:
        """Set the open cases; a queue and tier that is not named has none."""
        self._open.clear()
        for count in counts:
            self._open.labels(count.queue, count.tier.value).set(count.open)

    def lag(self, partition: int, messages: int) -> None:
        """Set the hits of a partition that were not read yet."""
        self._lag.labels(str(partition)).set(messages)

    def retrained(self, result: str, ended_at: float) -> None:
        """Count a scheduled training that ended at a moment, Unix time in seconds."""
        self._retrainings.labels(result).inc()
        self._retrained_at.set(ended_at)


class ConsoleMetrics:
    """What the console counts.

    Args:
        registry: where the metrics are registered; one per process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "fenghuo_console_requests",
            "Requests answered, by route template, method and status.",
            ["route", "method", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "fenghuo_console_request_seconds",
            "Time to answer a request, live streams aside.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )

    def answered(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count one request; `seconds` None where its duration says nothing."""
        self._requests.labels(route, method, str(status)).inc()
        if seconds is not None:
            self._seconds.labels(route).observe(seconds)
