"""The event: one message of an ERP or warehouse system, as the contract of events defines it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from events.clock import EARLIEST, LATEST

MAX_AMOUNT = 2**53 - 1  # the largest integer that every JSON reader keeps exactly
MAX_INTEGER = 2**63 - 1  # the largest that columns and stored profiles hold


class EventType(StrEnum):
    """What happened; the part before the dot names the topic's subject."""

    ORDER_PLACED = "order.placed"
    ORDER_CONFIRMED = "order.confirmed"
    ORDER_CANCELLED = "order.cancelled"
    SHIPMENT_DISPATCHED = "shipment.dispatched"
    SHIPMENT_DELIVERED = "shipment.delivered"
    SHIPMENT_RETURNED = "shipment.returned"
    INVOICE_ISSUED = "invoice.issued"
    PAYMENT_RECEIVED = "payment.received"
    CUSTOMER_CHANGED = "customer.changed"
    COMPLAINT_OPENED = "complaint.opened"
    COMPLAINT_ANSWERED = "complaint.answered"
    COMPLAINT_RESOLVED = "complaint.resolved"
    LABEL_REPORTED = "label.reported"

    __hash__ = str.__hash__  # as equality is that of texts; Enum's own is also a slow function of Python


TOPICS: dict[str, str] = {
    "order": "orders",
    "shipment": "shipments",
    "invoice": "payments",
    "payment": "payments",
    "customer": "customers",
    "complaint": "service",
    "label": "labels",
}
"""Topic by the part of the event type before the dot."""

MONEY_EVENTS = frozenset(
    {
        EventType.ORDER_PLACED,
        EventType.SHIPMENT_DISPATCHED,
        EventType.SHIPMENT_RETURNED,
        EventType.INVOICE_ISSUED,
        EventType.PAYMENT_RECEIVED,
    }
)
"""Types that mean nothing without an amount: `amount` is required on them."""

Name = Annotated[str, Meta(min_length=1, max_length=64)]
GroupName = Annotated[str, Meta(min_length=1, max_length=129)]
Moment = Annotated[datetime, Meta(tz=True)] | Annotated[int, Meta(ge=EARLIEST, le=LATEST)]
Amount = Annotated[int, Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
CURRENCY = "^[A-Z]{3}$"  # `$` alone would let a line feed follow
# A pattern costs as much as the rest of a message. Most say CNY; the codec checks the others.
Currency = Annotated[str, Meta(extra_json_schema={"type": "string", "maxLength": 3, "pattern": CURRENCY})]
Attribute = str | Annotated[int, Meta(ge=-MAX_INTEGER - 1, le=MAX_INTEGER)] | float | bool


class Event(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One business event of one customer of one subsidiary.

    Args:
        event_id: unique; the same id twice is the same event.
        type: what happened.
        occurred_at: event time, RFC 3339 with an offset or epoch milliseconds.
        subsidiary: the subsidiary that reports the event.
        customer: the subsidiary's own code of the customer.
        group: the unified customer across subsidiaries; looked up where absent.
        order: document number of the order within the subsidiary.
        shipment: document number of the shipment within the subsidiary.
        amount: money in the minor unit of `currency`; required on order.placed, shipment.dispatched,
            shipment.returned, invoice.issued and payment.received.
        currency: ISO 4217 code.
        region: ship-to region, a GB/T 2260 code or any text.
        counterparty: consignee, warehouse, shop or terminal.
        channel: sales channel.
        attributes: flat object of anything else.
        schema_version: version of this contract.
    """

    event_id: Name
    type: EventType
    occurred_at: Moment
    subsidiary: Name
    customer: Name
    group: GroupName | None = None
    order: Name | None = None
    shipment: Name | None = None
    amount: Amount | None = None
    currency: Currency = "CNY"
    region: str | None = None
    counterparty: str | None = None
    channel: str | None = None
    attributes: dict[str, Attribute] | None = None
    schema_version: Annotated[int, Meta(ge=1)] = 1


class CheckedEvent(Event, frozen=True, kw_only=True):
    """An event whose currency is checked while it is decoded, too."""

    currency: Annotated[str, Meta(pattern=CURRENCY, max_length=3)] = "CNY"


def topic_of(event_type: str) -> str:
    """The Kafka topic that carries events of `event_type`.

    >>> topic_of("invoice.issued")
    'payments'
    """
    return TOPICS[event_type.partition(".")[0]]
