"""Input files: every format as one stream of messages, files merged by event time, damage named."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from events.clock import EARLIEST
from tests.wire.golden import check_golden
from tests.wire.making import NOON, decode, message
from wire.column_mapping import ColumnMapping, read_mapping
from wire.errors import WireError
from wire.input_files import InputFiles, Line

MAPPING = """\
timezone: Asia/Shanghai
events:
  - fields:
      event_id: {template: "SO-{no}"}
      type: {const: order.placed}
      occurred_at: {column: time}
      subsidiary: {const: SH01}
      customer: {column: customer}
      amount: {column: yuan, type: decimal}
"""
HEADER = "no,time,customer,yuan\n"
ROWS = HEADER + "1,2025-01-01 12:00,C1,100.00\n2,2025-01-01 12:05,C2,0.5\n"
TABLE = {
    "no": [1, 2],
    "time": [datetime(2025, 1, 1, 12), datetime(2025, 1, 1, 12, 5)],  # noqa: DTZ001
    "customer": ["C1", "C2"],
    "yuan": [Decimal("100.00"), Decimal("0.50")],
}
Write = Callable[[str, bytes | str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file; one that ends in .gz is compressed."""

    def write_file(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_file


@pytest.fixture
def mapping(write: Write) -> ColumnMapping:
    return read_mapping(write("erp.yaml", MAPPING))


def ordered(write: Write) -> ColumnMapping:
    """The mapping with rows put in order of time."""
    return read_mapping(write("ordered.yaml", MAPPING + "order_by: occurred_at\n"))


def at(minutes: float, name: str) -> bytes:
    """A message of some minutes after noon."""
    return message(event_id=name, occurred_at=NOON + int(minutes * 60_000))


def ids(lines: list[Line]) -> list[str]:
    return [json.loads(line.raw)["event_id"] for line in lines]


def jsonl(*messages: bytes) -> bytes:
    return b"".join(one + b"\n" for one in messages)


@pytest.mark.parametrize("name", ["a.jsonl", "a.JSONL", "a.ndjson", "a.json", "a.jsonl.gz"])
def test_lines_come_as_they_stand(write: Write, name: str) -> None:
    first, second = message(customer="上海"), b'{"no": "event"}'
    path = write(name, first + b"\r\n\n\n" + second + b"\n  \n" + b"\xff\0")
    lines = list(InputFiles([path]).lines())
    assert [line.raw for line in lines] == [first, second, b"  ", b"\xff\0"]
    assert {line.file for line in lines} == {0}


def test_a_line_of_5_mb_and_an_empty_file_are_read(write: Write) -> None:
    long = b"x" * 5_000_000
    assert [line.raw for line in InputFiles([write("a.jsonl.gz", long)]).lines()] == [long]
    assert list(InputFiles([write("b.jsonl", b"")]).lines()) == []
    assert list(InputFiles([write("c.jsonl.gz", b"")]).lines(timed=True)) == []


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_a_table_becomes_events(write: Write, mapping: ColumnMapping, tmp_path: Path, name: str) -> None:
    if name == "a.parquet":
        parquet.write_table(pa.table(TABLE), tmp_path / name)
        path = tmp_path / name
    else:
        path = write(name, ROWS)
    lines = list(InputFiles([path], mapping).lines())
    decoded = decode(*(line.raw for line in lines))
    assert not decoded.dead
    assert [event.event_id for event in decoded.batch.events] == ["SO-1", "SO-2"]
    assert decoded.batch.amount.tolist() == [10_000, 50]
    assert decoded.batch.occurred_at.tolist() == [NOON, NOON + 300_000]
    assert [line.arrived for line in lines] == [NOON, NOON + 300_000]


def test_csv_as_excel_writes_it(write: Write, mapping: ColumnMapping) -> None:
    path = write(
        "a.csv",
        '\ufeffcustomer,more,no,time,yuan\r\n"C ""1"", 上\r\n海",x,7,2025-01-01 12:00,1\r\n\r\nC2,,8,,\r\n',
    )
    first, second = (json.loads(line.raw) for line in InputFiles([path], mapping).lines())
    assert first["customer"] == 'C "1", 上\r\n海'
    assert first["event_id"] == "SO-7"
    assert second == {
        "event_id": "SO-8",
        "type": "order.placed",
        "subsidiary": "SH01",
        "customer": "C2",
    }


def test_rows_of_the_wrong_length_are_refused_by_the_event_contract(
    write: Write, mapping: ColumnMapping
) -> None:
    path = write("a.csv", HEADER + "1,2025-01-01,C1\n2,2025-01-01,Meyer, Lisa,5.00\n3,2025-01-01,C3,7.00\n")
    lines = [line.raw for line in InputFiles([path], mapping).lines()]
    decoded = decode(*lines)
    assert [event.event_id for event in decoded.batch.events] == ["SO-3"]
    assert [(letter.field, letter.reason) for letter in decoded.dead] == [
        ("amount", "missing; `order.placed` needs one"),
        (None, "expected `object`, got `array`"),
    ]
    assert lines[1] == b'["2","2025-01-01","Meyer"," Lisa","5.00"]'


def test_parquet_keeps_what_csv_cannot_say(mapping: ColumnMapping, tmp_path: Path) -> None:
    noon = datetime(2025, 1, 1, 4, tzinfo=UTC)
    table = pa.table(
        {
            "no": pa.array([1.0, 0.0, 3.0, 4.0]),
            "time": pa.array([noon, noon + timedelta(microseconds=1_999), None, noon]).cast(
                pa.timestamp("ns", "UTC")
            ),
            "customer": pa.array([b"C1", "上海".encode(), b"", b"C4"]),
            "yuan": pa.array([1.5, float("nan"), 0.1 + 0.2, 2.0**60]),
            "unread": pa.array([[1], [2], [3], [4]]),
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    found = [json.loads(line.raw) for line in InputFiles([tmp_path / "a.parquet"], mapping).lines()]
    assert [event["event_id"] for event in found] == ["SO-1.0", "SO-0.0", "SO-3.0", "SO-4.0"]
    assert [event.get("occurred_at") for event in found] == [NOON, NOON + 1, None, NOON]
    assert [event.get("customer") for event in found] == ["C1", "上海", None, "C4"]
    assert [event.get("amount") for event in found] == [150, None, "0.30000000000000004", str(2.0**60)]


def test_nanoseconds_are_rounded_down(mapping: ColumnMapping, tmp_path: Path) -> None:
    table = pa.table({**TABLE, "time": pa.array([NOON * 10**6 + 999_999_999] * 2, pa.timestamp("ns", "UTC"))})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert [line.arrived for line in InputFiles([tmp_path / "a.parquet"], mapping).lines()] == [
        NOON + 999
    ] * 2


def test_a_table_may_be_put_in_order_of_time(write: Write) -> None:
    path = write(
        "a.csv",
        HEADER + "1,2025-01-03,C1,1\n2,soon,C1,1\n3,2025-01-01,C1,1\n4,2025-01-03,C1,1\n5,0001-01-01,C1,1\n",
    )
    lines = list(InputFiles([path], ordered(write)).lines())
    assert ids(lines) == ["SO-2", "SO-5", "SO-3", "SO-1", "SO-4"]  # what has no readable time comes first


def test_several_files_are_merged_by_time_and_each_keeps_its_order(write: Write) -> None:
    orders = write("orders.jsonl", jsonl(at(1, "o1"), at(3, "o3"), at(2, "late"), at(9, "o9")))
    shipments = write("shipments.jsonl.gz", jsonl(at(1, "s1"), at(2, "s2"), at(3, "s3"), at(4, "s4")))
    merged = list(InputFiles([orders, shipments]).lines())
    assert ids(merged) == ["o1", "s1", "s2", "o3", "late", "s3", "s4", "o9"]
    assert [line.file for line in merged] == [0, 1, 1, 0, 0, 1, 1, 0]
    # The first file named wins a tie.
    swapped = ids(list(InputFiles([shipments, orders]).lines()))
    assert swapped == ["s1", "o1", "s2", "s3", "o3", "late", "s4", "o9"]


def test_the_clock_of_a_file_never_runs_backwards(write: Write) -> None:
    path = write("a.jsonl", jsonl(at(1, "1"), at(5, "5"), at(3, "3"), b"broken", at(6, "6")))
    arrived = [line.arrived - NOON for line in InputFiles([path]).lines(timed=True)]
    assert arrived == [60_000, 300_000, 300_000, 300_000, 360_000]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"\xff" * 9,
        b'{"occurred_at": "2025-01-01T12:00:00"}',
        b'{"occurred_at": 999999999999999}',
        b'{"occurred_at": ' + b"9" * 30 + b"}",
        b'{"occurred_at": "9999-12-31T23:59:59-08:00"}',
        b'{"occurred_at": 1e300}',
        b"[" * 100_000,
    ],
    ids=["empty", "cut", "no UTF-8", "naive", "year 33658", "30 digits", "beyond 9999", "float", "deep"],
)
def test_a_message_without_a_readable_time_does_not_move_the_clock(write: Write, broken: bytes) -> None:
    path = write("a.jsonl", jsonl(broken, at(1, "1"), broken, at(2, "2")))
    arrived = [line.arrived for line in InputFiles([path]).lines(timed=True) if line.raw != broken]
    assert arrived == [NOON + 60_000, NOON + 120_000]
    first = next(InputFiles([path]).lines(timed=True))
    assert first.arrived == (EARLIEST if broken else NOON + 60_000)


def test_tables_and_lines_are_merged_alike(write: Write, mapping: ColumnMapping) -> None:
    table = write("a.csv", ROWS)
    lines = write("b.jsonl", jsonl(at(-1, "before"), at(1, "between"), at(5, "tie"), at(6, "after")))
    merged = ids(list(InputFiles([table, lines], mapping).lines()))
    assert merged == ["before", "SO-1", "between", "SO-2", "tie", "after"]


def test_progress_ends_at_the_size_of_all_files(write: Write) -> None:
    files = InputFiles(
        [write("a.jsonl", jsonl(*[at(n, str(n)) for n in range(2_000)])), write("b.jsonl", jsonl(at(9, "x")))]
    )
    assert files.read_bytes == 0
    seen = [files.read_bytes for _ in files.lines()]
    assert seen == sorted(seen)
    assert 0 < seen[0] < files.total_bytes
    assert files.read_bytes == files.total_bytes


def damaged(write: Write, tmp_path: Path) -> dict[str, Path]:
    """A file of every kind that can't be read to its end."""
    whole = gzip.compress(jsonl(*[at(n, str(n)) for n in range(500)]))
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[:-20])
    (tmp_path / "plain.jsonl.gz").write_bytes(jsonl(at(1, "1")))
    (tmp_path / "changed.jsonl.gz").write_bytes(whole[:30] + b"\xff\xff\xff\xff" + whole[34:])
    (tmp_path / "tail.jsonl.gz").write_bytes(whole + b"tail")
    parquet.write_table(pa.table(TABLE), tmp_path / "whole.parquet")
    data = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[:-10])
    parquet.write_table(pa.table({**TABLE, "customer": [b"C1", b"\xff"]}), tmp_path / "bytes.parquet")
    parquet.write_table(pa.table({"no": [1]}), tmp_path / "narrow.parquet")
    write("no.parquet", ROWS)
    write("zipped.parquet.gz", data)
    write("narrow.csv", "no,time,customer\n1,2025-01-01,C1\n")
    write("semicolons.csv", ROWS.replace(",", ";"))
    write("empty.csv", "")
    write("gbk.csv", (ROWS + "3,2025-01-01,上海,1\n" + "4,2025-01-01,C,1\n" * 2_000).encode("gbk"))
    write("late-gbk.csv.gz", ROWS.encode() + b"3,2025-01-01,C,1\n" * 2_000 + "4,,上海,1\n".encode("gbk"))
    write("utf16.csv", ROWS.encode("utf-16"))
    write("quote.csv", ROWS + '3,2025-01-01,"C' + ",x\n" * 100_000)
    write("returns.csv", ROWS.replace("\n", "\r"))
    return {path.name: path for path in sorted(tmp_path.glob("*.*")) if path.suffix != ".yaml"}


def test_every_damaged_file_is_one_line_of_error(
    write: Write, mapping: ColumnMapping, tmp_path: Path
) -> None:
    told = []
    for name, path in damaged(write, tmp_path).items():
        if name == "whole.parquet":
            continue
        with pytest.raises(WireError) as caught:
            list(InputFiles([path], mapping).lines())
        told.append(str(caught.value).replace(f"{tmp_path}/", ""))
        assert "\n" not in told[-1]
    check_golden("input_errors.txt", "\n".join(told) + "\n")


def test_what_was_read_before_the_damage_is_not_lost(write: Write, tmp_path: Path) -> None:
    whole = gzip.compress(jsonl(*[at(n, str(n)) for n in range(500)]))
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])
    lines = InputFiles([path]).lines()
    assert ids([next(lines) for _ in range(3)]) == ["0", "1", "2"]
    with pytest.raises(WireError):
        list(lines)


def test_files_are_checked_before_anything_is_read(write: Write, tmp_path: Path) -> None:
    good = write("a.jsonl", jsonl(at(1, "1")))
    with pytest.raises(WireError, match=r"none.jsonl: no such file; name .jsonl, .jsonl.gz, .csv"):
        InputFiles([good, tmp_path / "none.jsonl"])
    with pytest.raises(WireError, match=r": no such file"):
        InputFiles([good, tmp_path])
    with pytest.raises(WireError, match=r"a.csv: a table needs a column mapping; add --mapping FILE.yaml"):
        InputFiles([good, write("a.csv", ROWS)])
    for name in ("a.xlsx", "a.txt.gz", "a", "a.gz"):
        with pytest.raises(WireError, match=r"unknown format .*; use .jsonl, .csv or .parquet \(or .gz\)"):
            InputFiles([good, write(name, b"")])
