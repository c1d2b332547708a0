"""Hits from a decision: one for every scenario of the rules that hit."""

from typing import Any

from msgspec import UNSET, structs

from alerts.explanation import explain
from alerts.hit import Hit, hit_id
from events.columns import EventBatch
from rules.decide import reason_of
from rules.decision import Decision, RuleResult, RuleStatus
from rules.pack import Pack
from rules.rule import Rule


def hits_of(pack: Pack, batch: EventBatch, row: int, decision: Decision) -> list[Hit]:
    """What a decision adds to alerts, in the order in which its scenarios stand in the pack.

    Args:
        pack: what the decision was made by.
        batch: the events, for amounts in CNY and regions after the mapping table.
        row: the event's place in the batch.
        decision: on that event.
    """
    scenarios: dict[str, list[tuple[Rule, RuleResult]]] = {}
    for result in decision.rules:
        if result.result is RuleStatus.HIT:
            rule = pack.rules_by_name[result.rule]
            scenarios.setdefault(rule.scenario, []).append((rule, result))
    return [_hit(pack, batch, row, decision, scenario, hits) for scenario, hits in scenarios.items()]


def _hit(
    pack: Pack,
    batch: EventBatch,
    row: int,
    decision: Decision,
    scenario: str,
    hits: list[tuple[Rule, RuleResult]],
) -> Hit:
    event = batch.events[row]
    leading, result = min(hits, key=lambda hit: hit[0].precedence)
    return Hit(
        hit_id=hit_id(decision.decision_id, scenario),
        decision_id=decision.decision_id,
        event_id=event.event_id,
        event_type=event.type.value,
        group=decision.group,
        subsidiary=event.subsidiary,
        customer=event.customer,
        order=event.order,
        shipment=event.shipment,
        region=batch.regions[row],
        counterparty=event.counterparty,
        scenario=scenario,
        tier=max((rule.tier for rule, _ in hits), key=lambda tier: tier.severity),
        outcome=max((rule.outcome for rule, _ in hits), key=lambda outcome: outcome.severity),
        queue=leading.queue,
        playbook=leading.playbook,
        title=leading.title,
        reason=reason_of(leading, result, batch, row, decision.features),
        amount=int(batch.amount[row]) if batch.has_amount[row] else None,
        rules=[one for _, one in hits],
        features=_features(decision.features),
        units=pack.units,
        anomaly=decision.anomaly,
        model=decision.model,
        pack=decision.pack,
        degraded=decision.degraded,
        occurred_at=decision.occurred_at,
        decided_at=decision.decided_at,
        explanation=explain(decision.model.top, pack.readable, pack.labels) if decision.model else UNSET,
    )


def _features(features: Any) -> dict[str, Any]:
    return dict(features) if isinstance(features, dict) else structs.asdict(features)
