"""Suppressions: hits of one customer that stay without consequence for a while."""

from pathlib import Path
from typing import NamedTuple

import pytest

from alerts.hits import hits_of
from flows.tally import Rises
from rules.decision import Decision, Outcome, RuleStatus, Tier
from rules.edition import Edition
from rules.evaluate import HIT, NO_HIT, SUPPRESSED, derive, evaluate
from rules.pack import Pack, load_pack
from rules.suppression import Suppression, Suppressions
from rules.terms import under
from tests.rules.making import NOON, SMALL, batch, decisions_on, event, features_of

HOUR = 3_600_000
TWO = SMALL + (
    "  huge:\n"
    "    title: {zh: 巨额, en: Huge}\n"
    "    scenario: large\n"
    "    on: [order.placed]\n"
    "    when: amount >= 9000\n"
    "    tier: critical\n"
    "    outcome: reject\n"
    "    queue: desk\n"
    '    reason: {zh: "巨额", en: "huge"}\n'
)


class Judged(NamedTuple):
    """What a suppression may cover."""

    name: str
    scenario: str
    tier: Tier


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    (tmp_path / "pack.yaml").write_text(TWO, "utf-8")
    return load_pack(tmp_path / "pack.yaml")


def suppression(**changes: object) -> Suppression:
    fields = {
        "suppression_id": "s",
        "group": "G1",
        "scenario": "large",
        "tier": Tier.MEDIUM,
        "starts_at": NOON - HOUR,
        "expires_at": NOON + HOUR,
    }
    return Suppression(**(fields | changes))  # type: ignore[arg-type]  # as the class names them


def decided(pack: Pack, *held: Suppression, yuan: int = 3_000, at: int = NOON) -> Decision:
    events = batch(event(amount=yuan * 100, occurred_at=at))
    derived = derive(pack, events, features_of(pack, 1, ordered_72h=1, orders_72h=1))
    judgement = evaluate(pack, events, derived, None, None, Suppressions(held))
    (decision,) = decisions_on(pack, events, judgement)
    assert len(hits_of(pack, events, 0, decision)) == len(judgement.hit_rows)
    return decision


def results(decision: Decision) -> dict[str, RuleStatus]:
    return {one.rule: one.result for one in decision.rules}


@pytest.mark.parametrize("what", [{"scenario": "large"}, {"scenario": None, "rule": "large"}])
def test_a_suppressed_hit_is_recorded_and_decides_nothing(pack: Pack, what: dict[str, object]) -> None:
    decision = decided(pack, suppression(**what))
    assert results(decision) == {"large": RuleStatus.SUPPRESSED}
    assert decision.rules[0].observed == {"amount": 300_000}
    assert (decision.outcome, decision.tier, decision.reason) == (Outcome.APPROVE, None, None)


@pytest.mark.parametrize(
    "other",
    [
        {"group": "G2"},
        {"scenario": "much"},
        {"scenario": None, "rule": "much"},
        {"starts_at": NOON + 1},
        {"expires_at": NOON},
        {"tier": Tier.LOW},
    ],
)
def test_what_it_does_not_cover_hits(pack: Pack, other: dict[str, object]) -> None:
    decision = decided(pack, suppression(**other))
    assert results(decision) == {"large": RuleStatus.HIT}
    assert decision.outcome is Outcome.REVIEW


@pytest.mark.parametrize("at", [NOON - HOUR, NOON + HOUR - 1])
def test_it_holds_from_its_start_until_before_its_end(pack: Pack, at: int) -> None:
    assert results(decided(pack, suppression(), at=at)) == {"large": RuleStatus.SUPPRESSED}


def test_it_is_lifted_for_an_event_whose_tier_rises(pack: Pack) -> None:
    decision = decided(pack, suppression(), yuan=9_000)
    assert results(decision) == {"large": RuleStatus.HIT, "huge": RuleStatus.HIT}
    assert (decision.outcome, decision.tier) == (Outcome.REJECT, Tier.CRITICAL)
    by_rule = decided(pack, suppression(scenario=None, rule="large"), yuan=9_000)
    assert results(by_rule) == {"large": RuleStatus.SUPPRESSED, "huge": RuleStatus.HIT}


def test_any_of_several_is_enough(pack: Pack) -> None:
    high = suppression(suppression_id="t", tier=Tier.CRITICAL)
    decision = decided(pack, suppression(), high, yuan=9_000)
    assert set(results(decision).values()) == {RuleStatus.SUPPRESSED}


def test_other_events_of_the_batch_are_not_touched(pack: Pack) -> None:
    events = batch(*[event(number, amount=300_000) for number in range(3)], event(3, amount=1))
    events.groups[1] = "G2"
    derived = derive(pack, events, features_of(pack, 4, ordered_72h=1, orders_72h=1))
    judgement = evaluate(pack, events, derived, None, None, Suppressions([suppression()]))
    assert judgement.codes[0].tolist() == [SUPPRESSED, HIT, SUPPRESSED, NO_HIT]
    assert judgement.hit_rows.tolist() == [1]
    assert judgement.counts()[0] == [0, 1, 1, 0, 0, 2]


def test_a_limited_rule_reviews_at_most_and_a_paused_one_is_not_evaluated(pack: Pack) -> None:
    limited = decided(under(pack, Edition(number=1, active=(), limited=("huge", "large"))), yuan=9_000)
    assert (limited.outcome, limited.tier) == (Outcome.REVIEW, Tier.CRITICAL)
    assert [one.limited for one in limited.rules] == [False, True]
    paused = decided(under(pack, Edition(number=1, active=(), paused=("huge",))), yuan=9_000)
    assert results(paused) == {"large": RuleStatus.HIT}
    assert under(pack, Edition(number=1, active=())) is pack


def test_what_rises_above_it_ends_it_for_good() -> None:
    ended: list[tuple[str, str]] = []
    held = Suppressions([suppression()], lambda identity, hit: ended.append((identity, hit.name)))
    low, high = Judged("small", "large", Tier.MEDIUM), Judged("big", "large", Tier.HIGH)
    assert held.suppressed("G1", NOON, [low]) == [low]
    assert ended == []
    assert held.suppressed("G1", NOON, [low, high]) == []
    assert held.suppressed("G2", NOON, [high]) == []
    assert held.suppressed("G1", NOON + HOUR, [high]) == []
    assert ended == [("s", "big")]


def test_a_running_process_tells_of_each_end_once() -> None:
    rises = Rises()
    rises("s", Judged("big", "large", Tier.HIGH))
    rises("s", Judged("bigger", "large", Tier.CRITICAL))
    assert rises.take() == [("s", "`big` hit with tier high")]
    assert rises.take() == []
