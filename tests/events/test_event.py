"""The event type: what is required, what is default, and that it is one with topics and schema."""

import msgspec
import pytest

from events.errors import EventError, FenghuoError
from events.event import MAX_AMOUNT, MONEY_EVENTS, TOPICS, Event, EventType, topic_of


def event(**fields: object) -> Event:
    least: dict[str, object] = {
        "event_id": "e1",
        "type": "order.confirmed",
        "occurred_at": 0,
        "subsidiary": "SH01",
        "customer": "C1",
    }
    return msgspec.convert({**least, **fields}, Event)


def test_five_fields_are_required_and_the_rest_has_defaults() -> None:
    schema = msgspec.json.schema(Event)["$defs"]["Event"]
    assert schema["required"] == ["event_id", "type", "occurred_at", "subsidiary", "customer"]
    least = event()
    assert (least.currency, least.schema_version, least.group, least.attributes) == ("CNY", 1, None, None)


def test_what_is_default_is_not_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(event(order="O1"))) == {
        "event_id": "e1",
        "type": "order.confirmed",
        "occurred_at": 0,
        "subsidiary": "SH01",
        "customer": "C1",
        "order": "O1",
    }


def test_the_schema_names_the_limits() -> None:
    fields = msgspec.json.schema(Event)["$defs"]["Event"]["properties"]
    assert (fields["event_id"]["minLength"], fields["event_id"]["maxLength"]) == (1, 64)
    amount = fields["amount"]["anyOf"][0]
    assert (amount["type"], amount["minimum"], amount["maximum"]) == ("integer", -MAX_AMOUNT, MAX_AMOUNT)
    assert fields["currency"]["pattern"] == "^[A-Z]{3}$"
    assert MAX_AMOUNT == 2**53 - 1


@pytest.mark.parametrize("kind", EventType)
def test_every_type_has_a_topic(kind: EventType) -> None:
    assert topic_of(kind) == TOPICS[kind.value.split(".")[0]]


def test_the_types_and_topics_are_those_of_the_contract() -> None:
    assert {kind.value: topic_of(kind) for kind in EventType} == {
        "order.placed": "orders",
        "order.confirmed": "orders",
        "order.cancelled": "orders",
        "shipment.dispatched": "shipments",
        "shipment.delivered": "shipments",
        "shipment.returned": "shipments",
        "invoice.issued": "payments",
        "payment.received": "payments",
        "customer.changed": "customers",
        "complaint.opened": "service",
        "complaint.answered": "service",
        "complaint.resolved": "service",
        "label.reported": "labels",
    }
    assert len(MONEY_EVENTS) == 5


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        event().amount = 1  # type: ignore[misc]  # what the type checker says, too


def test_an_error_of_an_event_names_field_and_reason() -> None:
    error = EventError("amount", "missing")
    assert (str(error), error.field, error.reason) == ("`amount`: missing", "amount", "missing")
    assert str(EventError(None, "not JSON")) == "not JSON"
    assert isinstance(error, FenghuoError)


def test_a_type_and_its_name_are_one_key() -> None:
    assert dict.fromkeys(EventType, 1) == {kind.value: 1 for kind in EventType}
