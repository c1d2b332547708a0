"""Makes hits for tests: plausible ones, of which a test names only the fields that it is about."""

from hypothesis import strategies as st

from alerts.hit import Hit, hit_id
from events.clock import rfc3339
from rules.decision import Contribution, ModelScore, Outcome, RuleResult, RuleStatus, Tier, decision_id

START = 1_735_689_600_000  # 2025-01-01T00:00:00Z


def make_hit(
    event: int,
    *,
    group: str = "g-1",
    scenario: str = "large-amount",
    tier: Tier = Tier.MEDIUM,
    outcome: Outcome = Outcome.REVIEW,
    amount: int | None = 100_00,
    second: int | None = None,
    version: int = 1,
) -> Hit:
    """The hit of event number `event` by a version of the pack, `second`, default `event`, after `START`."""
    moment = rfc3339(START + (event if second is None else second) * 1_000)
    decision = decision_id(f"event-{event}", f"trade-core@{version}")
    return Hit(
        hit_id=hit_id(decision, scenario),
        decision_id=decision,
        event_id=f"event-{event}",
        event_type="order.placed",
        group=group,
        subsidiary="华东贸易",
        customer=f"customer-of-{group}",
        order=f"SO-{event:08d}",
        shipment=None,
        region="310000",
        counterparty=None,
        scenario=scenario,
        tier=tier,
        outcome=outcome,
        queue=f"queue-{tier}",
        playbook="stop-shipment" if tier is Tier.CRITICAL else None,
        title={"zh": "大额订单", "en": "Large order"},
        reason={"zh": f"订单 {event}", "en": f"order {event}"},
        amount=amount,
        rules=[RuleResult("large", version, RuleStatus.HIT, {"amount": amount, "ordered_72h": 3})],
        features={"ordered_72h": 3, "shipped_72h": 512_345_678, "cross_region_share_72h": 0.25, "gap": None},
        units={"ordered_72h": "number", "shipped_72h": "money", "cross_region_share_72h": "number"},
        anomaly=0.97,
        model=ModelScore("forest-1", 0.61, [Contribution("shipped_72h", 512_345_678, 0.4)]),
        pack=f"trade-core@{version}",
        degraded=False,
        occurred_at=moment,
        decided_at=moment,
    )


@st.composite
def streams(draw: st.DrawFn, *, most: int = 60) -> list[Hit]:
    """Hits of a few groups and scenarios as they arrive: repeated, late, and of events decided twice."""
    hits = draw(
        st.lists(
            st.tuples(
                st.integers(0, 24),
                st.sampled_from(["large-amount", "night"]),
                st.sampled_from(Tier),
                st.sampled_from(Outcome),
                st.integers(1, 2),
            ),
            max_size=most,
        )
    )
    seconds = {event: draw(st.integers(-5, 5)) for event in range(25)}
    first: dict[str, Hit] = {}
    made = (
        make_hit(
            event,
            group=f"g-{event % 3}",
            scenario=scenario,
            tier=tier,
            outcome=outcome,
            amount=None if event % 7 == 0 else (event - 2) * 100,  # a few are negative
            second=seconds[event],
            version=version,
        )
        for event, scenario, tier, outcome, version in hits
    )
    # A hit that is delivered again is the same in every field.
    return [first.setdefault(hit.hit_id, hit) for hit in made]
