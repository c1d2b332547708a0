"""Deadlines of a pack."""

import re
from collections.abc import Mapping

from events.clock import MINUTE
from events.event import EventType
from rules.calendar import working_days
from rules.deadline import OBSERVED, Deadline, Due
from rules.decision import Outcome, Tier
from rules.document import Entry, Problems, check_name
from rules.language import Scope
from rules.local_time import LocalTime
from rules.reason import Reason
from rules.rule import Mode
from rules.rule_reader import condition, read_reason
from windows.feature import Entity

DEFAULT_GRACE = MINUTE
MOST_DAYS = 366

_WORKING_DAYS = re.compile(r"(\d{1,4})wd")

REQUIRED = ("after", "expect", "by", "within", "tier", "outcome", "queue")
OPTIONAL = ("title", "scenario", "where", "grace", "playbook", "reason", "mode")
_PLACE = "a deadline's `where`, which sees the event that starts the time"
_SUBJECT = {
    Entity.ORDER: {"zh": "订单 {order}", "en": "Order {order}"},
    Entity.CUSTOMER: {"zh": "客户 {customer}", "en": "Customer {customer}"},
    Entity.GROUP: {"zh": "客户 {group}", "en": "Customer {group}"},
}


def read_deadlines(
    entry: Entry,
    lists: Mapping[str, frozenset[str]],
    hidden: frozenset[str],
    version: int,
    local_time: LocalTime,
) -> tuple[Deadline, ...]:
    """Read the deadlines of a pack.

    Args:
        entry: the deadlines by name.
        lists: named lists.
        hidden: names of features, which a deadline does not see.
        version: of the pack.
        local_time: of the pack.

    Raises:
        PackError: one of them means nothing; the others that do not are beside it.
    """
    scope = Scope({}, lists, profile=False, anomaly=False, hidden=hidden, place=_PLACE)
    problems = Problems()
    deadlines = []
    for name, one in entry.mapping().items():
        with problems.gathered():
            deadlines.append(_deadline(name, one.within(f"deadline `{name}`"), scope, version, local_time))
    problems.settle()
    return tuple(deadlines)


def _deadline(name: str, entry: Entry, scope: Scope, version: int, local_time: LocalTime) -> Deadline:
    check_name(name, entry)
    fields = entry.fields(REQUIRED, OPTIONAL)
    after = fields["after"].choice(EventType, "event type")
    expect = frozenset(one.choice(EventType, "event type") for one in fields["expect"].one_or_more())
    if after in expect:
        raise fields["expect"].error(f"`{after}` cannot end the time that it starts; expect another event")
    by = _entity(fields["by"])
    within = fields["within"].text()
    written = fields.get("reason")
    return Deadline(
        name=name,
        title=fields["title"].texts() if "title" in fields else {"zh": name, "en": name},
        scenario=fields["scenario"].slug() if "scenario" in fields else name,
        after=after,
        where=condition(fields["where"], scope) if "where" in fields else None,
        expect=expect,
        by=by,
        within=within,
        due=_due(fields["within"], local_time),
        grace=fields["grace"].duration(least=0) if "grace" in fields else DEFAULT_GRACE,
        tier=fields["tier"].choice(Tier, "tier"),
        outcome=fields["outcome"].choice(Outcome, "outcome"),
        queue=fields["queue"].slug(),
        playbook=fields["playbook"].slug() if "playbook" in fields else None,
        reason=read_reason(written, OBSERVED) if written else _reason(by, after, expect, within),
        mode=fields["mode"].choice(Mode, "mode") if "mode" in fields else Mode.ACTIVE,
        version=version,
        local_time=local_time,
    )


def _due(entry: Entry, local_time: LocalTime) -> Due:
    """When the time ends: after a length of time, or with the last of some working days."""
    match = _WORKING_DAYS.fullmatch(entry.text())
    if match is None:
        length = entry.duration()
        return lambda start: start + length
    days = int(match[1])
    if not 1 <= days <= MOST_DAYS:
        raise entry.error(f"`{entry.text()}` is out of range; it lies between 1wd and {MOST_DAYS}wd")
    calendar = working_days(local_time)
    return lambda start: calendar.due(start, days)


def _entity(entry: Entry) -> Entity:
    by = entry.choice(Entity, "entity")
    if by not in _SUBJECT:
        raise entry.error(f"a deadline by `{by}` cannot be watched; use order, customer or group")
    return by


def _reason(by: Entity, after: EventType, expect: frozenset[EventType], within: str) -> Reason:
    """What is said where the pack says nothing."""
    wanted = {"zh": "、".join(sorted(expect)), "en": " or ".join(sorted(expect))}
    said = {
        "zh": f"{_SUBJECT[by]['zh']} 在 {after} 之后 {within} 内没有 {wanted['zh']}。",
        "en": f"{_SUBJECT[by]['en']} had no {wanted['en']} within {within} of its {after}.",
    }
    return Reason.of(said, OBSERVED.__getitem__)
