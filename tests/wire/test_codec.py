"""The codec: every message becomes an event or a dead letter that names field and reason."""

import pickle
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from events.clock import milliseconds
from events.event import MAX_AMOUNT, Event
from tests.wire.bad_messages import BAD, ODD_BUT_GOOD
from tests.wire.golden import check_golden
from tests.wire.making import ABSENT, LIMIT, NOON, READ_AT, decode, message, raw
from wire.codec import RUN, Codec
from wire.tables import Tables

FIELDS = {None, *Event.__struct_fields__}


def test_every_bad_message_is_a_dead_letter_that_names_field_and_reason() -> None:
    told = []
    for section, messages in BAD.items():
        told.append(f"== {section}")
        for name, bad in messages.items():
            decoded = decode(bad)
            assert not len(decoded.batch), name
            (letter,) = decoded.dead
            assert letter.raw == (bad or b"")
            assert letter.field in FIELDS
            assert len(letter.reason) <= 200
            assert "\n" not in letter.reason
            told.append(f"{name} | {letter.field or '-'} | {letter.reason}")
    check_golden("dead_letters.txt", "\n".join(told) + "\n")


@pytest.mark.parametrize("name", ODD_BUT_GOOD)
def test_odd_messages_that_keep_the_contract_are_events(name: str) -> None:
    decoded = decode(ODD_BUT_GOOD[name])
    assert not decoded.dead
    assert len(decoded.batch) == 1


def test_good_and_bad_messages_account_for_every_row_in_order() -> None:
    bad = [value for messages in BAD.values() for value in messages.values()]
    mixed: list[bytes | None] = []
    for number, value in enumerate(bad):
        mixed += [value, message(event_id=f"e{number}")] if number % 3 else [value]
    decoded = Codec(Tables(), LIMIT).decode(raw(*mixed, batch=7, source="orders:3", first=1000))

    letters, batch = decoded.dead, decoded.batch
    assert [letter.raw for letter in letters] == [value or b"" for value in bad]
    dead_rows = [letter.row for letter in letters]
    assert dead_rows == sorted(dead_rows)
    assert sorted([*dead_rows, *batch.rows.tolist()]) == list(range(len(mixed)))
    assert [event.event_id for event in batch.events] == [f"e{n}" for n in range(len(bad)) if n % 3]
    assert batch.offsets.tolist() == [1000 + row for row in batch.rows.tolist()]
    assert [letter.offset for letter in letters] == [1000 + row for row in dead_rows]
    assert {*batch.sources, *(letter.source for letter in letters)} == {"orders:3"}
    assert (batch.batch, batch.size, batch.received_at) == (7, len(mixed), READ_AT - 5)


def test_a_batch_may_be_all_bad_or_empty() -> None:
    assert len(decode(b"", b"").dead) == 2
    nothing = decode()
    assert (len(nothing.batch), nothing.dead, nothing.batch.size) == (0, [], 0)


def test_columns_hold_what_the_messages_said() -> None:
    decoded = decode(
        message(event_id="e1", amount=-5, region="310000"),
        message(event_id="e2", amount=ABSENT, type="order.confirmed", occurred_at=NOON + 1, group="G"),
        message(event_id="e3", attributes={"weight": 2, "fragile": True}, order="O1", counterparty="仓"),
    )
    batch = decoded.batch
    assert batch.occurred_at.tolist() == [NOON, NOON + 1, NOON]
    assert batch.amount.tolist() == [-5, 0, 10_000]
    assert batch.has_amount.tolist() == [True, False, True]
    assert batch.groups == ["SH01:C1", "G", "SH01:C1"]
    assert batch.regions == ["310000", None, None]
    assert batch.events[2].attributes == {"weight": 2, "fragile": True}
    assert (batch.events[2].order, batch.events[2].counterparty) == ("O1", "仓")


@pytest.mark.parametrize(
    ("written", "milliseconds_after_noon"),
    [
        ("2025-01-01T12:00:00+08:00", 0),
        ("2025-01-01T04:00:00Z", 0),
        ("2025-01-01T04:00:00.0019Z", 1),
        ("2025-01-01 04:00:00-00:00", 0),
        ("2024-12-31T23:00:00-05:00", 0),
        ("2025-01-01T12:00:00+08:30", -30 * 60_000),
        (NOON, 0),
    ],
)
def test_times_are_utc_milliseconds_rounded_down(written: str | int, milliseconds_after_noon: int) -> None:
    assert decode(message(occurred_at=written)).batch.occurred_at.tolist() == [NOON + milliseconds_after_noon]


def test_the_limit_of_a_message_is_a_setting() -> None:
    codec = Codec(Tables(), 200)
    good = message() + b" " * (200 - len(message()))
    decoded = codec.decode(raw(good, good + b" "))
    assert decoded.batch.rows.tolist() == [0]
    assert decoded.dead[0].reason == "201 bytes are more than the limit of 200"


def test_groups_and_regions_come_from_the_tables() -> None:
    tables = Tables(groups={("SH01", "C1"): "G1"}, regions={"上海": "310000"})
    batch = decode(
        message(),
        message(customer="C2"),
        message(group="own"),
        message(region="上海"),
        message(region="上海市"),
        message(region=""),
        tables=tables,
    ).batch
    assert batch.groups == ["G1", "SH01:C2", "own", "G1", "G1", "G1"]
    assert batch.regions == [None, None, None, "310000", "上海市", ""]


def rates(**by_currency: Iterable[tuple[str, str]]) -> Tables:
    """A rate table from (day, rate) pairs."""
    return Tables(
        rates={
            currency: ([date.fromisoformat(day) for day, _ in pairs], [Decimal(rate) for _, rate in pairs])
            for currency, pairs in by_currency.items()
        }
    )


@pytest.mark.parametrize(
    ("currency", "rate", "amount", "fen"),
    [
        ("USD", "7.1884", 10_000, 71_884),
        ("USD", "7.1884", -10_000, -71_884),
        ("USD", "0.5", 1, 0),  # half a fen to even
        ("USD", "0.5", 3, 2),
        ("USD", "0.5", 5, 2),
        ("USD", "0.5", -1, 0),
        ("USD", "0.5", -3, -2),
        ("USD", "0.50000000000000001", 1, 1),
        ("USD", "0.49999999999999999", 1, 0),
        ("USD", "123456789012.500000000000000001", 1, 123_456_789_013),
        ("JPY", "0.0465", 1_000, 4_650),  # yen have no smaller unit
        ("JPY", "0.0465", 1, 5),
        ("JPY", "0.045", 1, 4),
        ("KWD", "23.5", 1_000, 2_350),  # a dinar has a thousand fils
        ("KWD", "23.5", 1, 2),
        ("KWD", "25", 1, 2),
        ("KWD", "15", 1, 2),
        ("USD", "1", MAX_AMOUNT, MAX_AMOUNT),
        ("USD", "0.999999999999999999", MAX_AMOUNT, MAX_AMOUNT),
        ("CNY", "7", 10_000, 10_000),  # never converted, whatever the table says
    ],
)
def test_amounts_become_fen_rounded_half_to_even(currency: str, rate: str, amount: int, fen: int) -> None:
    tables = rates(**{currency: [("2025-01-01", rate)]})
    decoded = decode(message(currency=currency, amount=amount), tables=tables)
    assert decoded.batch.amount.tolist() == [fen]
    assert decoded.batch.has_amount.tolist() == [True]


def test_the_rate_is_the_newest_at_or_before_the_day_in_china() -> None:
    # China's 2 January begins at 16:00 UTC on the first.
    tables = rates(USD=[("2025-01-02", "2"), ("2025-01-05", "3")])
    midnight = datetime(2025, 1, 1, 16, tzinfo=UTC)
    times = [midnight, midnight + timedelta(days=3) - timedelta(milliseconds=1), midnight + timedelta(days=3)]
    decoded = decode(
        *(message(currency="USD", amount=1, occurred_at=milliseconds(time)) for time in times),
        message(currency="USD", occurred_at=milliseconds(midnight) - 1),
        message(currency="USD", amount=1, occurred_at="9999-12-31T23:59:59.999Z"),
        tables=tables,
    )
    assert decoded.batch.amount.tolist() == [2, 2, 3, 3]
    (letter,) = decoded.dead
    assert (letter.field, letter.reason) == ("currency", "no rate for USD on 2025-01-01")


def test_an_amount_too_large_in_fen_is_a_dead_letter() -> None:
    decoded = decode(message(currency="USD", amount=MAX_AMOUNT), tables=rates(USD=[("2025-01-01", "7.2")]))
    assert [(letter.field, letter.reason) for letter in decoded.dead] == [
        ("amount", "9007199254740991 USD is more than 9007199254740991 fen")
    ]


def test_no_rate_is_needed_without_an_amount() -> None:
    decoded = decode(message(type="order.confirmed", amount=ABSENT, currency="USD"))
    assert not decoded.dead
    assert np.array_equal(decoded.batch.has_amount, [False])


def test_a_rate_is_needed_for_an_amount_of_zero() -> None:
    decoded = decode(message(currency="USD", amount=0))
    assert [(letter.field, letter.reason) for letter in decoded.dead] == [
        ("currency", "no rate for USD on 2025-01-01")
    ]


def test_of_two_faults_the_first_in_the_message_is_named_also_beside_a_wrong_currency() -> None:
    first, second = (
        b'{"currency":"cny","event_id":1,"type":"order.placed"}',
        b'{"event_id":1,"currency":"cny"}',
    )
    assert [letter.field for letter in decode(first, second).dead] == ["currency", "event_id"]


def test_one_bad_message_changes_nothing_for_its_neighbours() -> None:
    good: list[bytes | None] = [
        message(event_id=f"e{n}", currency="USD" if n % 2 else "CNY", amount=n) for n in range(6)
    ]
    tables = rates(USD=[("2025-01-01", "7")])
    alone = decode(*good, tables=tables).batch
    for bad in (None, b"", b"{", message(region="\0"), message(currency="usd"), b" " * (LIMIT + 1)):
        for place in range(len(good) + 1):
            decoded = decode(*good[:place], bad, *good[place:], tables=tables)
            assert [letter.row for letter in decoded.dead] == [place]
            assert decoded.batch.events == alone.events
            assert decoded.batch.amount.tolist() == alone.amount.tolist() == [0, 7, 2, 21, 4, 35]
            assert decoded.batch.rows.tolist() == [row for row in range(7) if row != place]


def test_a_long_batch_is_decoded_in_runs_that_nobody_sees() -> None:
    n, bad = 2 * RUN + 5, {0, RUN - 1, RUN, 2 * RUN + 4}
    values = [b"{" if row in bad else message(event_id=f"e{row}", amount=row) for row in range(n)]
    decoded = decode(*values)
    good = [row for row in range(n) if row not in bad]
    assert [letter.row for letter in decoded.dead] == sorted(bad)
    assert decoded.batch.rows.tolist() == decoded.batch.amount.tolist() == good
    assert [event.event_id for event in decoded.batch.events] == [f"e{row}" for row in good]


def test_events_can_be_handed_to_another_process() -> None:
    decoded = decode(message(), message(currency="USD"), tables=rates(USD=[("2025-01-01", "7")]))
    assert pickle.loads(pickle.dumps(decoded)).batch.events == decoded.batch.events


def test_a_subsidiarys_article_becomes_the_groups() -> None:
    decoded = decode(
        message(event_id="1", subsidiary="SH01", attributes={"sku": "A-1", "quantity": 3}),
        message(event_id="2", subsidiary="SH01", attributes={"sku": "B-2"}),
        message(event_id="3", subsidiary="GD02", attributes={"sku": "A-1"}),
        tables=Tables(skus={("SH01", "A-1"): "GRP-9"}),
    )
    found = [event.attributes for event in decoded.batch.events]
    assert found == [{"sku": "GRP-9", "quantity": 3}, {"sku": "B-2"}, {"sku": "A-1"}]
