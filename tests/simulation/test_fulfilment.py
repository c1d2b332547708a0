from collections import Counter, defaultdict
from statistics import quantiles

import pytest

from tests.simulation.rulebook import DAY, HOUR, Fields, moment_of
from tests.simulation.run import Run

MINUTE = 60_000
UNUSUAL = {
    "cancelled-after-dispatch",
    "complaint-reopened",
    "diverted-shipment",
    "region-hopping",
    "returned-beyond-shipped",
    "round-amounts",
    "shipped-after-cancellation",
    "shipped-beyond-order",
    "shipped-without-order",
}

Orders = dict[tuple[str, str], dict[str, list[Fields]]]


@pytest.fixture(scope="module")
def orders(run: Run) -> Orders:
    """The events of every order by type, but for customers with an incident that breaks the process."""
    odd = {(row["subsidiary"], row["customer"]) for row in run.labels if row["scenario"] in UNUSUAL}
    found: Orders = defaultdict(lambda: defaultdict(list))
    for event in run.events:
        if "order" in event and (event["subsidiary"], event["customer"]) not in odd:
            found[event["subsidiary"], event["order"]][event["type"]].append(event)
    return found


def moments(events: list[Fields]) -> list[int]:
    return sorted(moment_of(event) for event in events)


def total(events: list[Fields]) -> int:
    return sum(event["amount"] for event in events)


def test_every_order_is_placed_once_and_confirmed(orders: Orders) -> None:
    assert {len(order["order.placed"]) for order in orders.values()} == {1}
    confirmed = sum(bool(order["order.confirmed"]) for order in orders.values())
    assert confirmed > 0.99 * len(orders)


def test_most_orders_are_confirmed_within_ten_minutes(orders: Orders) -> None:
    lags = [
        moments(order["order.confirmed"])[0] - moments(order["order.placed"])[0]
        for order in orders.values()
        if order["order.confirmed"]
    ]
    assert 0.96 < sum(lag <= 10 * MINUTE for lag in lags) / len(lags) < 1


def test_partial_shipments_sum_to_the_order(orders: Orders) -> None:
    """An invoice follows the last shipment: an invoiced order is shipped in full, but for late messages."""
    parts: Counter[int] = Counter()
    late = 0
    for order in orders.values():
        amount = total(order["order.placed"])
        shipped = order["shipment.dispatched"]
        assert total(shipped) <= amount
        if order["invoice.issued"] and total(shipped) < amount:
            late += 1
        elif order["invoice.issued"]:
            assert total(order["invoice.issued"]) == amount
            parts[len(shipped)] += 1
            quantity = order["order.placed"][0]["attributes"]["quantity"]
            assert sum(parcel["attributes"]["quantity"] for parcel in shipped) == quantity
    assert set(parts) >= {1, 2, 3}
    assert parts[1] > parts[2] > parts[3] > 100
    assert late < 10


def test_shipments_are_numbered_apart_and_delivered_after_dispatch(orders: Orders) -> None:
    for order in orders.values():
        sent = {parcel["shipment"]: moment_of(parcel) for parcel in order["shipment.dispatched"]}
        assert len(sent) == len(order["shipment.dispatched"])
        for parcel in order["shipment.delivered"]:
            if parcel["shipment"] in sent:
                assert moment_of(parcel) > sent[parcel["shipment"]]


def test_goods_leave_within_a_day_in_most_cases(orders: Orders) -> None:
    lags = [
        moments(order["shipment.dispatched"])[0] - moments(order["order.placed"])[0]
        for order in orders.values()
        if order["shipment.dispatched"]
    ]
    assert min(lags) > HOUR
    assert 0.94 < sum(lag <= 24 * HOUR for lag in lags) / len(lags) < 1


def test_a_cancelled_order_is_never_shipped(orders: Orders) -> None:
    cancelled = [order for order in orders.values() if order["order.cancelled"]]
    assert len(cancelled) > 50
    assert not any(order["shipment.dispatched"] or order["payment.received"] for order in cancelled)


def test_payments_never_exceed_the_order_and_follow_their_terms(orders: Orders) -> None:
    waits: defaultdict[int, list[float]] = defaultdict(list)
    for order in orders.values():
        payments = order["payment.received"]
        assert total(payments) <= total(order["order.placed"])
        on_credit = order["order.placed"][0]["attributes"]["payment"] == "credit"
        if payments and order["invoice.issued"] and on_credit:
            issued = order["invoice.issued"][0]
            wait = (moments(payments)[0] - moment_of(issued)) / DAY
            waits[issued["attributes"]["terms"]].append(wait)
    assert len(waits[7]) > 200
    assert 4 < quantiles(waits[7])[1] < 8


def test_prepaid_orders_are_paid_before_they_leave(orders: Orders) -> None:
    prepaid = 0
    for order in orders.values():
        payments, shipped = order["payment.received"], order["shipment.dispatched"]
        if order["order.placed"][0]["attributes"]["payment"] == "prepaid" and payments and shipped:
            prepaid += 1
            assert moments(payments)[0] < moments(shipped)[0]
            assert total(payments) == total(order["order.placed"])
    assert prepaid > 500


def test_complaints_are_answered_and_resolved_in_order(orders: Orders) -> None:
    steps = "complaint.opened", "complaint.answered", "complaint.resolved"
    seen = Counter(step for order in orders.values() for step in steps if order[step])
    assert seen["complaint.opened"] >= seen["complaint.answered"] >= seen["complaint.resolved"] > 10
    for order in orders.values():
        times = [moment for step in steps for moment in moments(order[step])]
        assert times == sorted(times)


def test_amounts_are_whole_units_of_goods(orders: Orders) -> None:
    for order in orders.values():
        placed = order["order.placed"][0]
        assert placed["amount"] % placed["attributes"]["quantity"] == 0
