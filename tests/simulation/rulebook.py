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
    cancelled: Series = field(default_factory=Series)
    shipped: Series = field(default_factory=Series)
    returned: Series = field(default_factory=Series)
    profile: Fields = field(default_factory=dict)
    first_order: int | None = None


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
        self.ordered: dict[tuple[str, str], int] = {}
        self.sent: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.by_group: defaultdict[str, Series] = defaultdict(Series)

    def judge(self, event: Fields) -> set[str]:
        """The rules that the event hits."""
        account = self.accounts[event["subsidiary"], event["customer"]]
        at = moment_of(event)
        match event["type"]:
            case "customer.changed":
                account.profile.update(event["attributes"])
            case "order.placed":
                return set(self._order(event, at, account))
            case "order.cancelled":
                account.cancelled.add(at, 0)
                cancelled, orders = (len(s.window(at, 3 * DAY)) for s in (account.cancelled, account.orders))
                if cancelled >= 4 and orders >= 6 and cancelled > 0.5 * orders:
                    return {"cancellation-ratio"}
            case "shipment.dispatched":
                return set(self._shipment(event, at, account))
            case "shipment.returned":
                account.returned.add(at, event["amount"])
                returned, shipped = (sum(s.window(at, 7 * DAY)) for s in (account.returned, account.shipped))
                if shipped > 200_000 * YUAN and returned > 0.3 * shipped:
                    return {"returns-ratio"}
        return set()

    def _order(self, event: Fields, at: int, account: Account) -> Iterator[str]:
        amount, profile = event["amount"], account.profile
        dormant = self._dormant(at, amount, account)
        account.orders.add(at, amount)
        account.first_order = at if account.first_order is None else min(account.first_order, at)
        self.ordered[event["subsidiary"], event["order"]] = amount
        group = self.by_group[self.group_of(event)]
        group.add(at, amount)
        if hour_of(at) < 5:
            account.night.add(at, amount)
        yield from self._cross(event, at, account)
        if amount >= 2_000_000 * YUAN:
            yield "large-amount"
        if len(account.orders.window(at, HOUR)) > 15:
            yield "frequent-orders"
        if sum(400_000 * YUAN <= a <= 500_000 * YUAN for a in account.orders.window(at, DAY)) >= 5:
            yield "order-splitting"
        night = account.night.window(at, 6 * HOUR)
        if hour_of(at) < 5 and len(night) >= 3 and sum(night) > 300_000 * YUAN:
            yield "night-orders"
        if dormant:
            yield "dormant-burst"
        if event["attributes"]["payment"] == "credit":
            if profile["rating"] == "red":
                yield "credit-red"
            if sum(group.window(at, 7 * DAY)) > 1.5 * profile["credit_limit"]:
                yield "limit-exceeded"

    def _shipment(self, event: Fields, at: int, account: Account) -> Iterator[str]:
        order = event["subsidiary"], event["order"]
        account.shipped.add(at, event["amount"])
        self.sent[order] += event["amount"]
        yield from self._cross(event, at, account)
        if order not in self.ordered:
            yield "shipped-without-order"
        elif self.sent[order] > 1.02 * self.ordered[order]:
            yield "shipped-beyond-order"
        if account.first_order is not None and sum(account.shipped.window(at, 3 * DAY)) > 5_000_000 * YUAN:
            if at - account.first_order <= 3 * DAY:
                yield "first-customer-72h-5m"
            yield "customer-90d-5m"  # the wider reading: an age of up to 90 days

    def _cross(self, event: Fields, at: int, account: Account) -> Iterator[str]:
        home = account.profile["home_region"]
        if self.regions.get(event["region"], event["region"]) == home:
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
