"""Messages that break the contract of events, each in one way."""

from tests.wire.making import ABSENT, LIMIT, message

GOOD = message()


def _with(old: bytes, new: bytes) -> bytes:
    """The good message with a part replaced."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def _amount(written: str) -> bytes:
    return _with(b": 10000", b": " + written.encode())


def _customer(written: bytes) -> bytes:
    return _with(b'"C1"', b'"' + written + b'"')


def _and(more: bytes) -> bytes:
    """The good message with another member."""
    return GOOD[:-1] + b", " + more + b"}"


def _gbk(**changes: object) -> bytes:
    return message(**changes).decode().encode("gbk")


NO_JSON: dict[str, bytes | None] = {
    "tombstone": None,
    "nothing": b"",
    "blanks": b"   ",
    "64 NUL bytes": bytes(64),
    "cut off": GOOD[:60],
    "more after it": GOOD + b"{}",
    "two lines": GOOD + b"\n" + GOOD,
    "CSV": b"event_id;type;amount",
    "single quotes": GOOD.replace(b'"', b"'"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "NaN": _amount("NaN"),
    "Infinity": _amount("Infinity"),
    "leading zero": _amount("010000"),
    "leading plus": _amount("+10000"),
    "bare NUL in a text": _customer(b"C\x001"),
    "bare line feed in a text": _customer(b"C\n1"),
    "half of a surrogate pair": _customer(rb"\ud800"),
    "the other half": _customer(rb"\udc00"),
    "one and a half pairs": _customer(rb"\ud83d\ud83d\ude00"),
    "half a pair in a name of an attribute": _and(rb'"attributes": {"\ud800": 1}'),
    "unknown escape": _customer(rb"\U0001"),
    "100,000 brackets": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "deep in an unknown field": _and(b'"x": ' + b"[" * 10_000 + b"]" * 10_000),
}

NO_OBJECT: dict[str, bytes | None] = {
    "list": b"[" + GOOD + b"]",
    "text": b'"order.placed"',
    "number": b"42",
    "null": b"null",
    "true": b"true",
    "more than the limit": b" " * (LIMIT + 1),
    "5 MB": message(counterparty="x" * 5_000_000),
}

MISSING: dict[str, bytes | None] = {
    **{
        f"no {name}": message(**{name: ABSENT})
        for name in ("event_id", "type", "occurred_at", "subsidiary", "customer")
    },
    **{
        f"no amount on {kind}": message(type=kind, amount=ABSENT)
        for kind in (
            "order.placed",
            "shipment.dispatched",
            "shipment.returned",
            "invoice.issued",
            "payment.received",
        )
    },
    "null amount on an order": message(amount=None),
    "empty object": b"{}",
}

WRONG: dict[str, bytes | None] = {
    "number for event_id": message(event_id=7),
    "null for event_id": message(event_id=None),
    "empty event_id": message(event_id=""),
    "event_id of 65": message(event_id="x" * 65),
    "unknown type": message(type="order.teleported"),
    "type in capitals": message(type="Order.Placed"),
    "empty type": message(type=""),
    "number for type": message(type=1),
    "type of 300,000": message(type="x" * 300_000),
    "type that imitates the end of a reason": message(type="x - at `$.amount`"),
    "empty subsidiary": message(subsidiary=""),
    "subsidiary of 65": message(subsidiary="公" * 65),
    "number for customer": message(customer=10_000),
    "object for customer": message(customer={"id": 1}),
    "empty group": message(group=""),
    "group of 130": message(group="g" * 130),
    "empty order": message(order=""),
    "order of 65": message(order="o" * 65),
    "number for shipment": message(shipment=1),
    "number for region": message(region=310000),
    "list for channel": message(channel=[]),
    "false for counterparty": message(counterparty=False),
    "schema version 0": message(schema_version=0),
    "schema version as text": message(schema_version="1"),
    "schema version as float": message(schema_version=1.0),
    "member twice, the second broken": _and(b'"customer": 1'),
}

AMOUNTS: dict[str, bytes | None] = {
    "100.0": _amount("100.0"),
    "1e2": _amount("1e2"),
    "1E2": _amount("1E2"),
    "12500.5": _amount("12500.5"),
    "-0.0": _amount("-0.0"),
    "2^53": _amount(str(2**53)),
    "-2^53": _amount(str(-(2**53))),
    "2^64": _amount(str(2**64)),
    "400 digits": _amount("9" * 400),
    "5,000 digits": _amount("9" * 5_000),
    "1e400": _amount("1e400"),
    "text": message(amount="10000"),
    "true": message(amount=True),
    "list": message(amount=[10_000]),
    "currency without a rate": message(currency="USD"),
    "currency in small letters": message(currency="cny"),
    "currency of four letters": message(currency="CNYX"),
    "currency with a line feed": message(currency="CNY\n"),
    "currency in full-width letters": message(currency="ＣＮＹ"),
    "null for currency": message(currency=None),
}

TIMES: dict[str, bytes | None] = {
    name: message(occurred_at=value)
    for name, value in {
        "naive": "2025-01-01T12:00:00",
        "naive with a blank": "2025-01-01 12:00:00",
        "a day": "2025-01-01",
        "German": "02.03.2026 09:30",
        "month 13": "2025-13-01T12:00:00Z",
        "30 February": "2025-02-30T12:00:00Z",
        "leap second": "2016-12-31T23:59:60Z",
        "offset of 25 hours": "2025-01-01T12:00:00+25:00",
        "year 0": "0000-01-01T00:00:00Z",
        "year 10000": "10000-01-01T00:00:00Z",
        "before year 1 in UTC": "0001-01-01T00:00:00+08:00",
        "after year 9999 in UTC": "9999-12-31T23:59:59-08:00",
        "milliseconds before year 1": -62_135_596_800_001,
        "milliseconds after year 9999": 253_402_300_800_000,
        "30 digits": 10**30,
        "float": 1735704000000.0,
        "digits as text": "1735704000000",
        "empty": "",
        "null": None,
        "true": True,
        "NUL": "2025-01-01T12:00:00Z\0",
    }.items()
}

ATTRIBUTES: dict[str, bytes | None] = {
    "list": message(attributes=[1]),
    "text": message(attributes="a=1"),
    "object within": message(attributes={"a": {"b": 1}}),
    "list within": message(attributes={"a": [1, 2]}),
    "null within": message(attributes={"a": None}),
    "deep within": _and(b'"attributes": {"x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    "1e999": _and(b'"attributes": {"a": 1e999}'),
    "-1e999": _and(b'"attributes": {"a": -1e999}'),
    "2^63": message(attributes={"a": 2**63}),
    "-2^63 - 1": message(attributes={"a": -(2**63) - 1}),
    "400 digits": message(attributes={"a": 10**399}),
    "5,000 digits": _and(b'"attributes": {"a": ' + b"9" * 5_000 + b"}"),
}

NO_UTF8: dict[str, bytes | None] = {
    "GBK customer": _gbk(customer="上海烽火"),
    "GBK type": _gbk(type="订单"),
    "GBK currency": _gbk(currency="人民币"),
    "GBK attribute": _gbk(attributes={"region": "上海"}),
    "GBK name of an attribute": _gbk(attributes={"地区": "1"}),
    "GBK attribute before a field": _gbk(attributes={"a": "b"}, region="上海"),
    "GBK twice, first in an unknown field": _gbk(note="上海", region="上海"),
    "GBK after an escape": _customer(rb"\n" + "上海".encode("gbk")),
    "Latin-1 region": message(region="Köln").decode().encode("latin-1"),
    "overlong NUL": _customer(b"\xc0\x80"),
    "surrogate in bytes": _customer(b"\xed\xa0\x80"),
}

NUL: dict[str, bytes | None] = {
    **{
        name: message(**{name: "a\0b"})
        for name in (
            "event_id",
            "type",
            "occurred_at",
            "subsidiary",
            "customer",
            "group",
            "order",
            "shipment",
            "currency",
            "region",
            "counterparty",
            "channel",
        )
    },
    "attribute": message(attributes={"a": "\0"}),
    "name of an attribute": message(attributes={"\0": 1}),
}

BAD: dict[str, dict[str, bytes | None]] = {
    "no JSON": NO_JSON,
    "no object, or too long": NO_OBJECT,
    "missing": MISSING,
    "wrong": WRONG,
    "amounts": AMOUNTS,
    "times": TIMES,
    "attributes": ATTRIBUTES,
    "no UTF-8": NO_UTF8,
    r"\u0000": NUL,
}

ODD_BUT_GOOD: dict[str, bytes] = {
    "largest amount": _amount(str(2**53 - 1)),
    "smallest amount": _amount(str(-(2**53) + 1)),
    "-0": _amount("-0"),
    "no amount where none is needed": message(type="order.confirmed", amount=ABSENT),
    "null for what is optional": message(group=None, order=None, region=None, attributes=None),
    "64 characters of three bytes": message(event_id="烽" * 64),
    "group of 129": message(group="g" * 129),
    "empty region": message(region=""),
    "region of 100,000": message(region="r" * 100_000),
    "escapes": _customer(rb"\u4e0a\ud83d\ude00\n\"\\"),
    "a backslash before u0000": _customer(rb"\\u0000"),
    "NUL in an unknown field": _and(rb'"x": "\u0000"'),
    "GBK in an unknown field": _gbk(note="上海"),
    "small t and z": message(occurred_at="2025-01-01t12:00:00z"),
    "nanoseconds": message(occurred_at="2025-01-01T12:00:00.123456789Z"),
    "offset of almost a day": message(occurred_at="2025-01-01T12:00:00+23:59"),
    "before 1970": message(occurred_at=-1),
    "year 1": message(occurred_at=-62_135_596_800_000),
    "year 9999": message(occurred_at="9999-12-31T23:59:59.999Z"),
    "member twice, both good": _and(b'"event_id": "e2"'),
    "schema version 2": message(schema_version=2),
    "attributes at their limits": message(attributes={"a": 2**63 - 1, "b": -(2**63), "c": 1e308, "": True}),
    "blanks around": b"\r\n\t " + GOOD + b" \n",
    "as long as allowed": GOOD + b" " * (LIMIT - len(GOOD)),
}
