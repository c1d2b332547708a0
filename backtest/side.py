"""One side of a report: what one version of a pack would have done, from its tally."""

import numpy as np

from backtest.figures import Alerts, DeadlineFigures, Decided, Held, Overlap, RuleFigures, Side
from backtest.rulebook import OUTCOMES, TIERS
from backtest.tally import PackTally
from backtest.truth import Truth, found, quality, rule_quality
from rules.deadline import Deadline
from rules.decision import Tier
from rules.evaluate import ERROR, HIT, NO_HIT, NOT_EVALUABLE
from rules.rule import EVALUATED


def side(tally: PackTally, model: str | None, known: Truth | None) -> Side:
    """What the pack of a tally would have done.

    Args:
        tally: of all batches.
        model: id of the anomaly model; None without one.
        known: what labels say; None without labels.
    """
    pack = tally.book.pack
    return Side(
        pack=pack.id,
        sha256=pack.content_hash,
        timezone=pack.timezone,
        model=model,
        decided=_decided(tally),
        held=Held(
            events=tally.held_events,
            without_amount=tally.held_without_amount,
            amount=tally.held_amount,
        ),
        rules=[_rule(tally, place, known) for place in range(len(tally.book.rules))],
        deadlines=[_deadline(tally, deadline, known) for deadline in tally.book.deadlines],
        left_out=[
            *(rule.name for rule in pack.rules if rule.mode not in EVALUATED),
            *(deadline.name for deadline in pack.deadlines if deadline.mode not in EVALUATED),
        ],
        alerts=_alerts(tally),
        days=tally.days.days(one.alert for one in tally.alerts.ordered()),
        overlap=_overlap(tally),
        quality=found(known, tally) if known is not None else None,
    )


def _decided(tally: PackTally) -> list[Decided]:
    """Outcomes and tiers that occur, the worst first."""
    tiers: tuple[Tier | None, ...] = (*TIERS, None)
    order = [*range(len(TIERS) - 1, -1, -1), len(TIERS)]
    return [
        Decided(outcome=OUTCOMES[outcome], tier=tiers[tier], events=int(tally.decided[outcome, tier]))
        for outcome in range(len(OUTCOMES) - 1, -1, -1)
        for tier in order
        if tally.decided[outcome, tier]
    ]


def _rule(tally: PackTally, place: int, known: Truth | None) -> RuleFigures:
    rule, own, results = tally.book.rules[place], tally.rules[place], tally.results[place].tolist()
    return RuleFigures(
        rule=rule.name,
        title=rule.title,
        scenario=rule.scenario,
        tier=rule.tier,
        outcome=rule.outcome,
        mode=rule.mode,
        judged=sum(results[NO_HIT:]),
        hits=results[HIT],
        not_evaluable=results[NOT_EVALUABLE],
        errors=results[ERROR],
        error=own.error,
        groups=len(own.groups),
        alone=int(tally.alone[place]),
        held_amount=own.held_amount,
        units={name: kind.value for name, kind in rule.when.kinds.items()},
        quality=rule_quality(known, tally, place) if known is not None else None,
        examples=own.examples,
    )


def _deadline(tally: PackTally, deadline: Deadline, known: Truth | None) -> DeadlineFigures:
    own = tally.duties.of[deadline.name]
    return DeadlineFigures(
        deadline=deadline.name,
        title=deadline.title,
        scenario=deadline.scenario,
        tier=deadline.tier,
        outcome=deadline.outcome,
        mode=deadline.mode,
        within=deadline.within,
        begun=own.begun,
        missed=len(own.missed),
        late=own.late,
        in_time=own.in_time,
        groups=len({wait.group for wait in own.missed.values()}),
        quality=quality(known.bad_of(deadline.scenario), own.missed, known.legitimate) if known else None,
        examples=tally.duties.examples(deadline.name, own.missed),
    )


def _alerts(tally: PackTally) -> list[Alerts]:
    """Alerts by scenario in the pack's order and by tier, the highest first."""
    grouped: dict[tuple[str, Tier], list[int]] = {}
    for one in tally.alerts.raised.values():
        counts = grouped.setdefault((one.alert.scenario, one.alert.tier), [0, 0, 0])
        for place, more in enumerate((1, one.alert.hits, one.alert.amount)):
            counts[place] += more
    scenarios = dict.fromkeys(one.scenario for one in tally.book.subjects)
    order = [(scenario, tier) for scenario in scenarios for tier in reversed(TIERS)]
    return [
        Alerts(scenario=scenario, tier=tier, alerts=alerts, hits=hits, amount=amount)
        for scenario, tier in order
        if (scenario, tier) in grouped
        for alerts, hits, amount in [grouped[scenario, tier]]
    ]


def _overlap(tally: PackTally) -> list[Overlap]:
    rules, both = tally.book.rules, tally.both
    hits = both.diagonal()
    return [
        Overlap(
            rule=rules[first].name,
            other=rules[second].name,
            both=int(both[first, second]),
            jaccard=float(both[first, second] / (hits[first] + hits[second] - both[first, second])),
        )
        for first, second in np.argwhere(np.triu(both, 1)).tolist()
    ]
