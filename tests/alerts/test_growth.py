"""How hits become alerts."""

import time
from collections import defaultdict
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from alerts.alert import EVIDENCE, AlertRecord, Raised
from alerts.errors import AlertError
from alerts.growth import AlertBook, alerts_of, grow, occurred
from alerts.hit import Hit
from alerts.overdue import Withdrawal
from rules.decision import Outcome, Tier
from tests.alerts.making import START, make_hit, streams


def one(*hits: Hit) -> AlertRecord:
    [record] = alerts_of(hits)
    return record


def raises(*hits: Hit) -> list[Raised | None]:
    book = AlertBook()
    growths = [book.add(hit) for hit in hits]
    return [growth.raised if growth else None for growth in growths]


def test_the_first_hit_opens_an_alert_with_all_that_the_hit_says() -> None:
    hit = make_hit(7, tier=Tier.CRITICAL, outcome=Outcome.HOLD, amount=5_000_000_01)
    growth = grow(None, hit)
    alert = growth.alert
    assert growth.raised is Raised.NEW
    assert (alert.group, alert.scenario, alert.customer) == ("g-1", "large-amount", "customer-of-g-1")
    assert (alert.tier, alert.outcome, alert.queue) == (Tier.CRITICAL, Outcome.HOLD, "queue-critical")
    assert (alert.playbook, alert.title, alert.reason) == ("stop-shipment", hit.title, hit.reason)
    assert alert.first_hit_at == alert.last_hit_at == START + 7_000
    assert (alert.hits, alert.amount) == (1, 5_000_000_01)


def test_the_id_depends_on_group_scenario_and_first_hit_only() -> None:
    opened = one(make_hit(1))
    assert opened.alert_id == one(make_hit(1, tier=Tier.LOW), make_hit(2)).alert_id
    others = [make_hit(2), make_hit(1, group="g-2"), make_hit(1, scenario="night"), make_hit(1, version=2)]
    assert len({opened.alert_id, *(one(hit).alert_id for hit in others)}) == 5


def test_the_record_has_the_fields_of_the_contract_and_no_others() -> None:
    written = msgspec.json.decode(msgspec.json.encode(one(make_hit(1), make_hit(2, second=-5))))
    assert list(written) == [
        "alert_id",
        "group",
        "customer",
        "scenario",
        "tier",
        "first_hit_at",
        "last_hit_at",
        "hits",
        "amount",
        "reason",
        "decision_ids",
        "evidence",
    ]
    assert written["first_hit_at"] == "2024-12-31T23:59:55.000Z"
    assert written["last_hit_at"] == "2025-01-01T00:00:01.000Z"
    assert written["evidence"][0]["rules"][0]["observed"] == {"amount": 100_00, "ordered_72h": 3}


def test_the_highest_tier_leads_and_among_equals_the_newest() -> None:
    critical = make_hit(1, tier=Tier.CRITICAL)
    newer = make_hit(5, tier=Tier.CRITICAL)
    late = make_hit(3, tier=Tier.CRITICAL)
    low = make_hit(9, tier=Tier.LOW)
    assert one(critical, low).reason == critical.reason
    assert one(critical, newer, late, low).reason == newer.reason
    same_moment = make_hit(6, tier=Tier.CRITICAL, second=5)
    assert one(newer, same_moment).reason == same_moment.reason


def test_the_worst_outcome_stays() -> None:
    book = AlertBook()
    outcomes = [Outcome.REVIEW, Outcome.REJECT, Outcome.HOLD]
    grown = [book.add(make_hit(n, outcome=outcome)) for n, outcome in enumerate(outcomes)]
    assert [growth.alert.outcome for growth in grown if growth] == [
        Outcome.REVIEW,
        Outcome.REJECT,
        Outcome.REJECT,
    ]


def test_an_alert_is_raised_when_new_when_its_tier_rises_and_when_its_amount_doubles() -> None:
    assert raises(
        make_hit(1, amount=100),
        make_hit(2, amount=99),
        make_hit(3, amount=1),  # 200: twice the 100 of the last raise
        make_hit(4, amount=199),
        make_hit(5, amount=1, tier=Tier.LOW),  # 400
        make_hit(6, amount=0, tier=Tier.HIGH),
        make_hit(7, amount=0, tier=Tier.HIGH),
        make_hit(8, amount=None, tier=Tier.CRITICAL),
    ) == [
        Raised.NEW,
        None,
        Raised.AMOUNT_DOUBLED,
        None,
        Raised.AMOUNT_DOUBLED,
        Raised.TIER_ROSE,
        None,
        Raised.TIER_ROSE,
    ]


def test_an_alert_without_an_amount_is_raised_by_its_first_amount_and_not_by_none() -> None:
    hits = [make_hit(n, amount=amount) for n, amount in enumerate([None, 0, -50, 49, 2, 0])]
    assert raises(*hits) == [Raised.NEW, None, None, None, Raised.AMOUNT_DOUBLED, None]


def test_a_rise_and_a_doubling_at_once_count_as_the_rise_and_start_the_next_doubling() -> None:
    hits = [make_hit(1, amount=10), make_hit(2, amount=90, tier=Tier.HIGH), make_hit(3, amount=99)]
    assert raises(*hits) == [Raised.NEW, Raised.TIER_ROSE, None]


def test_the_amount_of_an_event_counts_once() -> None:
    twice_decided = [make_hit(1, amount=100), make_hit(1, amount=100, version=2), make_hit(2, amount=11)]
    record = one(*twice_decided)
    assert (record.hits, record.amount) == (3, 111)
    assert len(set(record.decision_ids)) == 3


def test_amounts_are_exact_beyond_64_bits() -> None:
    assert one(*(make_hit(n, amount=2**53 - 1) for n in range(2_000))).amount == 2_000 * (2**53 - 1)


def test_the_evidence_is_bounded_and_shows_the_strongest_hits_first() -> None:
    low = [make_hit(n, tier=Tier.LOW) for n in range(100, 100 + EVIDENCE)]
    high = [make_hit(n, tier=Tier.HIGH) for n in (3, 1, 2)]
    record = one(*high, *low)
    assert record.hits == len(record.decision_ids) == EVIDENCE + 3
    assert len(record.evidence) == EVIDENCE
    assert [item.decision_id for item in record.evidence[:4]] == [
        make_hit(n).decision_id for n in (3, 2, 1, 100 + EVIDENCE - 1)
    ]


@pytest.mark.parametrize(
    "moment", ["yesterday", "2025-01-01T00:00:00", "", "2025-13-01T00:00:00Z", "0001-01-01T00:00:00+08:00"]
)
def test_a_hit_without_a_moment_is_refused(moment: str) -> None:
    hit = replace(make_hit(1), occurred_at=moment)
    with pytest.raises(AlertError, match=rf"hit `{hit.hit_id}`: got `.*` as `occurred_at`; send"):
        occurred(hit)


def test_moments_with_another_offset_are_the_same_moments() -> None:
    assert occurred(replace(make_hit(0), occurred_at="2025-01-01T08:00:00+08:00")) == START


@given(streams())
def test_the_same_hit_twice_changes_nothing(hits: list[Hit]) -> None:
    assert list(alerts_of([*hits, *hits])) == list(alerts_of(hits))


@given(streams())
def test_alerts_agree_with_a_plain_count_of_the_hits(hits: list[Hit]) -> None:
    """The oracle: group the distinct hits and take sums, minima and maxima of whole lists."""
    lists: dict[tuple[str, str], list[Hit]] = defaultdict(list)
    for hit in dict.fromkeys(hit.hit_id for hit in hits):
        found = next(one_hit for one_hit in hits if one_hit.hit_id == hit)
        lists[found.group, found.scenario].append(found)
    records = {(record.group, record.scenario): record for record in alerts_of(hits)}
    assert records.keys() == lists.keys()
    for key, expected in lists.items():
        record = records[key]
        assert record.hits == len(expected)
        assert record.decision_ids == [hit.decision_id for hit in expected]
        assert record.amount == sum({hit.event_id: hit.amount or 0 for hit in expected}.values())
        assert record.first_hit_at == min(hit.occurred_at for hit in expected)
        assert record.last_hit_at == max(hit.occurred_at for hit in expected)
        assert record.tier is max((hit.tier for hit in expected), key=lambda tier: tier.severity)
        leading = max(
            enumerate(expected), key=lambda pair: (pair[1].tier.severity, pair[1].occurred_at, pair[0])
        )
        assert record.reason == leading[1].reason
        assert record.evidence[0].decision_id == leading[1].decision_id


@given(streams(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_only_what_it_may(hits: list[Hit], random: Random) -> None:
    shuffled = random.sample(hits, len(hits))

    def kept(records: list[AlertRecord]) -> set[tuple[object, ...]]:
        return {
            (
                r.group,
                r.scenario,
                r.tier,
                r.first_hit_at,
                r.last_hit_at,
                r.hits,
                r.amount,
                *sorted(r.decision_ids),
            )
            for r in records
        }

    assert kept(list(alerts_of(shuffled))) == kept(list(alerts_of(hits)))


def test_a_hundred_thousand_hits_on_one_alert_cost_as_much_each_as_a_thousand() -> None:
    hits = [make_hit(n) for n in range(100_000)]
    started = time.perf_counter()
    record = one(*hits)
    seconds = time.perf_counter() - started
    assert (record.hits, len(record.evidence)) == (100_000, EVIDENCE)
    print(f"100,000 hits on one alert: {seconds:.2f} s")
    assert seconds < 10  # half a second where nothing else runs; a quadratic growth takes minutes


def test_what_is_withdrawn_stays_and_is_told() -> None:
    hits = [make_hit(number, scenario="confirm") for number in range(2)]
    back = Withdrawal(
        hit_id=hits[0].hit_id,
        decision_id=hits[0].decision_id,
        group=hits[0].group,
        scenario="confirm",
        deadline="confirm",
        event_id="late",
        event_type="order.confirmed",
        occurred_at="2026-03-02T08:00:00Z",
        in_time=False,
        note={"zh": "已确认", "en": "confirmed"},
    )
    other = replace(back, hit_id=make_hit(9).hit_id)
    (plain,), (told,) = alerts_of(hits), alerts_of(hits, [back, back, other])
    assert (told.hits, told.amount, told.withdrawn) == (plain.hits, plain.amount, 1)
    assert [one.withdrawn for one in told.evidence] == [UNSET, back.note]
    assert b"withdrawn" not in msgspec.json.encode(plain)
