"""What the incidents must trigger, said again in plain Python, apart from the product's windows and rules.

Every check reads a window (t - w, t] of what arrived before the event, and the event itself; amounts in fen.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

HOUR = 3_600_000
DAY = 24 * HOUR
YUAN = 100
WATCHED = {"150100", "440400"}

Fields = dict[str, Any]


@dataclass
class Series:
    """Moments and amounts of one kind of event, sorted by moment."""

    rows: list[tuple[int, int]] = field(default_factory=list)

    def add(self, at: int, amount: int) -> None:
        self.rows.insert(bisect_right(self.rows, (at, amount)), (at, amount))

    def window(self, at: int, length: int) -> list[int]:
        """Amounts of (at - length, at]."""
        after, until = (bisect_right(self.rows, (moment, 1 << 60)) for moment in (at - length, at))
        return [amount for _, amount in self.rows[after:until]]


@dataclass
class Account:
    """What is known of a customer of a subsidiary."""

    orders: Series = field(default_factory=Series)
    cross: Series = field(default_factory=Series)
    night: Series = field(default_factory=Series)
    rest: Series = field(default_factory=Series)
    round: Series = field(default_factory=Series)
    prepaid: Series = field(default_factory=Series)
    credit: Series = field(default_factory=Series)
    cancelled: Series = field(default_factory=Series)
    shipped: Series = field(default_factory=Series)
    returned: Series = field(default_factory=Series)
    complaints: Series = field(default_factory=Series)
    taken: defaultdict[str, Series] = field(default_factory=lambda: defaultdict(Series))
    profile: Fields = field(default_factory=dict)
    first_order: int | None = None


@dataclass
class Order:
    """What is known of an order; amounts in fen."""

    amount: int | None = None
    placed_at: int | None = None
    sent: Series = field(default_factory=Series)
    returned: int = 0
    cancelled: bool = False
    resolved: bool = False
    consignees: set[str] = field(default_factory=set)
    places: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Group:
    """What is known of a unified customer."""

    orders: Series = field(default_factory=Series)
    credit: Series = field(default_factory=Series)
    lenders: set[str] = field(default_factory=set)


class Rulebook:
    """Judges events in the order of their arrival, each once.

    Args:
        groups: unified customer by (subsidiary, customer).
        regions: code by name.
    """

    def __init__(self, groups: dict[tuple[str, str], str], regions: dict[str, str]) -> None:
        self.groups = groups
        self.regions = regions
        self.accounts: defaultdict[tuple[str, str], Account] = defaultdict(Account)
        self.orders: defaultdict[tuple[str, str], Order] = defaultdict(Order)
        self.by_group: defaultdict[str, Group] = defaultdict(Group)
        self.crowds: defaultdict[str, list[tuple[int, str, int]]] = defaultdict(list)

    def judge(self, event: Fields) -> set[str]:
        """The rules that the event hits."""
        account = self.accounts[event["subsidiary"], event["customer"]]
        order = self.orders[event["subsidiary"], event.get("order") or ""]
        return set(self._read(event, moment_of(event), account, order))

    def _read(self, event: Fields, at: int, account: Account, order: Order) -> Iterator[str]:
        match event["type"]:
            case "customer.changed":
                yield from self._change(event, account)
            case "order.placed":
                yield from self._order(event, at, account, order)
            case "order.cancelled":
                yield from self._cancellation(at, account, order)
            case "shipment.dispatched":
                yield from self._shipment(event, at, account, order)
            case "shipment.delivered":
                yield from self._delivery(event, at, order)
            case "shipment.returned":
                yield from self._return(event, at, account, order)
            case "complaint.opened":
                yield from self._complaint(event, at, account, order)
            case "complaint.resolved":
                order.resolved = True

    def _change(self, event: Fields, account: Account) -> Iterator[str]:
        old, new = dict(account.profile), event["attributes"]
        account.profile.update(new)
        limit = new.get("credit_limit", 0)
        if old and limit >= max(500_000 * YUAN, 2 * old["credit_limit"]):
            yield "limit-doubled"
        if old.get("rating") == "red" and new.get("rating") == "green":
            yield "rating-upgraded"

    def _order(self, event: Fields, at: int, account: Account, order: Order) -> Iterator[str]:
        amount = event["amount"]
        dormant = self._dormant(at, amount, account)
        account.orders.add(at, amount)
        account.first_order = at if account.first_order is None else min(account.first_order, at)
        order.amount, order.placed_at = amount, at
        order.consignees.add(event["counterparty"])
        yield from self._cross(event, at, account)
        yield from self._size(at, amount, account)
        yield from self._time(at, amount, account)
        yield from self._crowd(event, at, amount)
        yield from self._credit(event, at, amount, account)
        if dormant:
            yield "dormant-burst"
        if self._region(event) in WATCHED and amount >= 200_000 * YUAN:
            yield "watched-region"  # nobody's home region is watched

    def _size(self, at: int, amount: int, account: Account) -> Iterator[str]:
        orders = account.orders
        if amount >= 2_000_000 * YUAN:
            yield "large-amount"
        if len(orders.window(at, HOUR)) > 15:
            yield "frequent-orders"
        if sum(400_000 * YUAN <= a <= 500_000 * YUAN for a in orders.window(at, DAY)) >= 5:
            yield "order-splitting"
        recent, before = sum(orders.window(at, 3 * DAY)), orders.window(at - 3 * DAY, 7 * DAY)
        old = account.first_order is not None and at - account.first_order >= 8 * DAY
        if old and len(before) >= 3 and recent > max(600_000 * YUAN, 3 * sum(before)):
            yield "sudden-growth"
        if amount >= 50_000 * YUAN and amount % (10_000 * YUAN) == 0:
            account.round.add(at, amount)
            if len(account.round.window(at, 3 * DAY)) >= 4:
                yield "round-amounts"

    def _time(self, at: int, amount: int, account: Account) -> Iterator[str]:
        if hour_of(at) < 5:
            account.night.add(at, amount)
            night = account.night.window(at, 6 * HOUR)
            if len(night) >= 3 and sum(night) > 300_000 * YUAN:
                yield "night-orders"
        if weekday_of(at) >= 5:  # no weekend of the sample is worked
            account.rest.add(at, amount)
            rest = account.rest.window(at, DAY)
            if len(rest) >= 4 and sum(rest) > 500_000 * YUAN:
                yield "holiday-orders"

    def _crowd(self, event: Fields, at: int, amount: int) -> Iterator[str]:
        crowd = self.crowds[event["counterparty"]]
        crowd.append((at, self.group_of(event), amount))
        today = [row for row in crowd if at - DAY < row[0] <= at]
        if len({row[1] for row in today}) >= 8 and sum(row[2] for row in today) > 200_000 * YUAN:
            yield "shared-consignee"

    def _credit(self, event: Fields, at: int, amount: int, account: Account) -> Iterator[str]:
        profile, group = account.profile, self.by_group[self.group_of(event)]
        group.orders.add(at, amount)
        if event["attributes"]["payment"] != "credit":
            account.prepaid.add(at, amount)
            return
        account.credit.add(at, amount)
        group.credit.add(at, amount)
        group.lenders.add(event["subsidiary"])
        week, limit = sum(group.orders.window(at, 7 * DAY)), profile["credit_limit"]
        if profile["rating"] == "red":
            yield "credit-red"
        if week > 1.5 * limit:
            yield "limit-exceeded"
        if profile["rating"] == "yellow" and week > limit:
            yield "credit-yellow"
        if len(group.lenders) >= 2 and sum(group.credit.window(at, 30 * DAY)) > limit:
            yield "double-credit"
        first = len(account.credit.window(at, 30 * DAY)) == 1
        if first and len(account.prepaid.window(at, 30 * DAY)) >= 5 and amount >= 100_000 * YUAN:
            yield "prepaid-to-credit"

    def _cancellation(self, at: int, account: Account, order: Order) -> Iterator[str]:
        account.cancelled.add(at, 0)
        order.cancelled = True
        cancelled, orders = (len(s.window(at, 3 * DAY)) for s in (account.cancelled, account.orders))
        if cancelled >= 4 and orders >= 6 and cancelled > 0.5 * orders:
            yield "cancellation-ratio"
        if order.sent.rows:
            yield "cancelled-after-dispatch"
        elif order.placed_at is not None and at - order.placed_at > DAY:
            yield "cancelled-after-waiting"

    def _shipment(self, event: Fields, at: int, account: Account, order: Order) -> Iterator[str]:
        amount = event["amount"]
        earlier = len(account.shipped.window(at - DAY, 30 * DAY))
        account.shipped.add(at, amount)
        order.sent.add(at, amount)
        order.consignees.add(event["counterparty"])
        yield from self._cross(event, at, account)
        yield from self._hop(event, at, order)
        sent = sum(amount for _, amount in order.sent.rows)
        if order.amount is None:
            yield "shipped-without-order"
        elif sent > 1.02 * order.amount:
            yield "shipped-beyond-order"
        if order.cancelled:
            yield "shipped-after-cancellation"
        if len(order.consignees) > 1:
            yield "diverted-shipment"
        taken = account.taken[event["counterparty"]]
        taken.add(at, amount)
        young = at - taken.rows[0][0] < DAY
        if young and earlier >= 3 and sum(taken.window(at, DAY)) >= 500_000 * YUAN:
            yield "new-consignee"
        if account.first_order is not None and sum(account.shipped.window(at, 3 * DAY)) > 5_000_000 * YUAN:
            if at - account.first_order <= 3 * DAY:
                yield "first-customer-72h-5m"
            yield "customer-90d-5m"  # the wider reading: an age of up to 90 days

    def _delivery(self, event: Fields, at: int, order: Order) -> Iterator[str]:
        yield from self._hop(event, at, order)
        before = [moment for moment, _ in order.sent.rows if moment <= at]
        if before and at - max(before) > 5 * DAY:
            yield "delivery-slow"

    def _return(self, event: Fields, at: int, account: Account, order: Order) -> Iterator[str]:
        account.returned.add(at, event["amount"])
        order.returned += event["amount"]
        returned, shipped = (sum(s.window(at, 7 * DAY)) for s in (account.returned, account.shipped))
        if shipped > 200_000 * YUAN and returned > 0.3 * shipped:
            yield "returns-ratio"
        if order.returned > sum(amount for _, amount in order.sent.rows):
            yield "returned-beyond-shipped"

    def _complaint(self, event: Fields, at: int, account: Account, order: Order) -> Iterator[str]:
        account.complaints.add(at, 0)
        complaints, orders = (len(s.window(at, 30 * DAY)) for s in (account.complaints, account.orders))
        if at - event["attributes"]["received_at"] > HOUR:
            yield "complaint-registered-late"
        if complaints >= 3 and complaints > 0.1 * orders:
            yield "complaints-repeated"
        if complaints >= 2 and complaints > 0.25 * orders:
            yield "complaint-share"
        if order.resolved:
            yield "complaint-reopened"

    def _hop(self, event: Fields, at: int, order: Order) -> Iterator[str]:
        order.places.append((at, self._region(event)))
        if len({region for moment, region in order.places if at - 8 * HOUR < moment <= at}) > 1:
            yield "region-hopping"

    def _region(self, event: Fields) -> str:
        return self.regions.get(event["region"], str(event["region"]))

    def _cross(self, event: Fields, at: int, account: Account) -> Iterator[str]:
        home = account.profile["home_region"]
        if self._region(event) == home:
            return
        if event["type"] == "order.placed":
            account.cross.add(at, event["amount"])
        orders, cross = (s.window(at, 3 * DAY) for s in (account.orders, account.cross))
        if len(orders) >= 3 and sum(cross) > max(0.5 * sum(orders), 500_000 * YUAN):
            yield "cross-region"

    def _dormant(self, at: int, amount: int, account: Account) -> bool:
        today = account.orders.window(at, DAY)
        before = account.orders.window(at, 6 * DAY)
        earlier = account.orders.window(at, 400 * DAY)
        silent = len(before) == len(today)
        return silent and len(earlier) - len(today) >= 3 and sum(today) + amount > 1_000_000 * YUAN

    def group_of(self, event: Fields) -> str:
        """The unified customer as the event carries it, else as the table has it."""
        return str(event.get("group") or self.groups[event["subsidiary"], event["customer"]])


def moment_of(event: Fields) -> int:
    """Epoch milliseconds of the event."""
    written = event["occurred_at"]
    if isinstance(written, int):
        return written
    return round(datetime.fromisoformat(written).timestamp() * 1_000)


def hour_of(at: int) -> int:
    """Hour of the day in Shanghai."""
    return (at + 8 * HOUR) % DAY // HOUR


def weekday_of(at: int) -> int:
    """Day of the week in Shanghai, 0 on Monday."""
    return ((at + 8 * HOUR) // DAY + 3) % 7
