"""What a missed deadline adds to alerts, and what takes it back."""

import uuid_utils
from msgspec import Struct

from alerts.hit import Hit
from alerts.moments import time_of
from events.clock import SECOND, rfc3339
from events.event import Attribute
from rules.decision import RuleResult, RuleStatus, Text, decision_id
from rules.rule import Mode
from rules.wait import Wait
from rules.waiting import Answered, Missed


class Withdrawal(Struct, frozen=True, kw_only=True):
    """One message of `risk.withdrawals`: a hit that no longer holds, as the expected event came after all.

    Args:
        hit_id: of the hit that is taken back; it may never have been told.
        decision_id: of the decision that the hit names.
        group: unified customer.
        scenario: of the hit.
        deadline: name of the deadline.
        event_id: the event that came.
        event_type: its type.
        occurred_at: when that happened.
        in_time: whether it had happened in time, and only its message came late.
        note: what to tell people, by language.
    """

    hit_id: str
    decision_id: str
    group: str
    scenario: str
    deadline: str
    event_id: str
    event_type: str
    occurred_at: str
    in_time: bool
    note: Text


def withdrawn_at(withdrawal: Withdrawal) -> int:
    """When the event that takes the hit back happened, in epoch milliseconds.

    Raises:
        AlertError: when `occurred_at` is no RFC 3339 time with an offset.
    """
    return time_of(withdrawal.occurred_at, f"withdrawal of hit `{withdrawal.hit_id}`")


def consequential(mode: Mode) -> bool:
    """Whether what a deadline of this mode tells has consequences; those in shadow are only counted."""
    return mode is Mode.ACTIVE


def hit_of(missed: Missed, decided_at: int) -> Hit:
    """The hit of a missed deadline. It is about the event that started the time, and names its decision.

    Args:
        missed: what was missed.
        decided_at: epoch milliseconds.
    """
    deadline, wait = missed.deadline, missed.wait
    observed: dict[str, Attribute | None] = {"occurred_at": wait.occurred_at, "due": wait.due}
    return Hit(
        hit_id=_hit_id(wait, deadline.scenario),
        decision_id=decision_id(wait.event_id, wait.pack),
        event_id=wait.event_id,
        event_type=wait.type,
        group=wait.group,
        subsidiary=wait.subsidiary,
        customer=wait.customer,
        order=wait.order,
        shipment=wait.shipment,
        region=wait.region,
        counterparty=wait.counterparty,
        scenario=deadline.scenario,
        tier=deadline.tier,
        outcome=deadline.outcome,
        queue=deadline.queue,
        playbook=deadline.playbook,
        title=deadline.title,
        reason=deadline.reason.render(lambda name: getattr(wait, name)),
        amount=wait.amount,
        rules=[RuleResult(deadline.name, deadline.version, RuleStatus.HIT, observed)],
        features={},
        units={},
        anomaly=None,
        model=None,
        pack=wait.pack,
        degraded=False,
        occurred_at=rfc3339(wait.due),
        decided_at=rfc3339(decided_at),
    )


def withdrawal_of(answered: Answered) -> Withdrawal:
    """What takes back the hit of a deadline whose expected event came after all."""
    wait = answered.wait
    return Withdrawal(
        hit_id=_hit_id(wait, answered.deadline.scenario),
        decision_id=decision_id(wait.event_id, wait.pack),
        group=wait.group,
        scenario=answered.deadline.scenario,
        deadline=wait.deadline,
        event_id=answered.event_id,
        event_type=answered.type.value,
        occurred_at=rfc3339(answered.at),
        in_time=answered.in_time,
        note=_note(answered),
    )


def _hit_id(wait: Wait, scenario: str) -> str:
    # The decision may have a hit of its own in the same scenario.
    namespace = uuid_utils.UUID(decision_id(wait.event_id, wait.pack))
    return str(uuid_utils.uuid5(namespace, f"{scenario}\n{wait.deadline}"))


def _note(answered: Answered) -> Text:
    kind, event_id, at = answered.type.value, answered.event_id, rfc3339(answered.at)
    if answered.in_time:
        return {
            "zh": f"{kind}（{event_id}）已于 {at} 按时发生，消息迟到；提醒撤回。",
            "en": f"{kind} ({event_id}) had happened in time at {at}, its message came late; withdrawn.",
        }
    late = _length(answered.at - answered.wait.due)
    return {
        "zh": f"{kind}（{event_id}）于 {at} 发生，超时 {late['zh']}；提醒撤回。",
        "en": f"{kind} ({event_id}) happened at {at}, {late['en']} late; withdrawn.",
    }


def _length(milliseconds: int) -> Text:
    """A length of time in its two largest units.

    >>> _length(90_061_000)["en"], _length(3_605_000)["zh"], _length(200_000)["en"], _length(5)["en"]
    ('1 d 1 h', '1 小时', '3 min 20 s', '0 s')
    """
    minutes, seconds = divmod(milliseconds // SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "天", "d"), (hours, "小时", "h"), (minutes, "分钟", "min"), (seconds, "秒", "s")]
    first = next((place for place, (number, _, _) in enumerate(parts) if number), len(parts) - 1)
    shown = [part for part in parts[first : first + 2] if part[0] or part is parts[first]]
    return {
        "zh": " ".join(f"{number} {zh}" for number, zh, _ in shown),
        "en": " ".join(f"{number} {en}" for number, _, en in shown),
    }
