"""Cases and where they may move."""

import itertools

import pytest
from msgspec.structs import replace

from alerts.alert import Alert, Raised
from alerts.cases import TRANSITIONS, Case, CaseStatus, TransitionError, follow, move, open_case
from alerts.growth import grow
from rules.decision import Tier
from tests.alerts.making import make_hit

ALLOWED = {
    ("open", "investigating"),
    ("open", "closed"),
    ("investigating", "open"),
    ("investigating", "pending_approval"),
    ("investigating", "closed"),
    ("pending_approval", "investigating"),
    ("pending_approval", "closed"),
}


@pytest.fixture
def alert() -> Alert:
    return grow(None, make_hit(1, tier=Tier.MEDIUM)).alert


@pytest.fixture
def case(alert: Alert) -> Case:
    return open_case(alert)


def test_a_new_alert_opens_a_case_in_the_queue_of_its_leading_rule(alert: Alert, case: Case) -> None:
    assert (case.alert_id, case.queue, case.tier) == (alert.alert_id, "queue-medium", Tier.MEDIUM)
    assert case.status is CaseStatus.OPEN
    assert case.case_id != alert.alert_id
    assert open_case(alert) == case


def test_when_the_tier_rises_an_untouched_case_goes_to_the_queue_of_the_rule(
    alert: Alert, case: Case
) -> None:
    growth = grow(alert, make_hit(2, tier=Tier.CRITICAL))
    followed = follow(case, growth.alert, growth.raised)
    assert (followed.tier, followed.queue) == (Tier.CRITICAL, "queue-critical")
    assert followed.case_id == case.case_id


@pytest.mark.parametrize("status", [CaseStatus.INVESTIGATING, CaseStatus.PENDING_APPROVAL])
def test_when_the_tier_rises_a_case_in_hand_stays_in_its_queue(
    alert: Alert, case: Case, status: CaseStatus
) -> None:
    growth = grow(alert, make_hit(2, tier=Tier.CRITICAL))
    followed = follow(replace(case, status=status), growth.alert, growth.raised)
    assert (followed.tier, followed.queue, followed.status) == (Tier.CRITICAL, "queue-medium", status)


@pytest.mark.parametrize("raised", [Raised.AMOUNT_DOUBLED, None])
def test_a_case_does_not_change_while_the_tier_stays(alert: Alert, case: Case, raised: Raised | None) -> None:
    other_queue = replace(alert, queue="another")
    assert follow(case, other_queue, raised) == case


@pytest.mark.parametrize(("start", "to"), list(itertools.product(CaseStatus, CaseStatus)))
def test_transitions(case: Case, start: CaseStatus, to: CaseStatus) -> None:
    standing = replace(case, status=start)
    if (start, to) in ALLOWED:
        assert move(standing, to) == replace(case, status=to)
    else:
        with pytest.raises(TransitionError, match=f"can't move from `{start}` to `{to}`; allowed: "):
            move(standing, to)


def test_every_status_is_in_the_table_and_can_be_reached() -> None:
    assert TRANSITIONS.keys() == set(CaseStatus)
    reachable, frontier = set(), {CaseStatus.OPEN}
    while frontier:
        reachable |= frontier
        frontier = set().union(*(TRANSITIONS[status] for status in frontier)) - reachable
    assert reachable == set(CaseStatus)
