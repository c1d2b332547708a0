"""The Fraud Detection Handbook's transactions as events: a card is a customer, a terminal a counterparty.

A fraud becomes known seven days after it happened: that is the delay which the authors assume, and why they
judge a terminal by (t - 7 d - w, t - 7 d] only. So a label's `occurred_at`, the moment when it became known,
is the transaction's time T plus 7 d, which lies in (t - w, t] exactly where T lies in the published window.
No event carries what nobody knew at its time; only the transactions are counted with a delayed window.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from pyarrow import parquet

from bench.errors import BenchError
from events.clock import DAY
from events.event import EventType

KNOWN_AFTER = 7 * DAY
FIELDS = ("tx_id", "customer_id", "terminal_id", "amount")

FEATURES = (
    "payment",
    "weekend",
    "night",
    *(f"customer_{what}_{days}d" for days in (1, 7, 30) for what in ("nb", "avg")),
    *(f"terminal_{what}_{days}d" for days in (1, 7, 30) for what in ("nb", "risk")),
)
"""Features of bench/packs/handbook.yaml in the order in which the authors give them to their models."""

Columns = dict[str, npt.NDArray[np.int64] | npt.NDArray[np.float64]]


def transactions(folder: Path, months: Sequence[str], since: int, end: int) -> Columns:
    """The transactions from `since` until before `end`, epoch milliseconds, by tx_id; `t` is their time.

    Raises:
        BenchError: a file can't be read.
    """
    return read_months(folder, "raw", months, since, end)


def read_months(folder: Path, kind: str, months: Sequence[str], since: int, end: int) -> Columns:
    """Rows of the files `<kind>_<month>.parquet` in a span of time, by tx_id; `t` is their time.

    Raises:
        BenchError: a file can't be read.
    """
    parts = [_table(folder / f"{kind}_{month}.parquet", since, end) for month in months]
    joined: Columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(joined["tx_id"], kind="stable")
    return {name: column[order] for name, column in joined.items()}


def _table(path: Path, since: int, end: int) -> Columns:
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise BenchError(f"{path}: no table of transactions: {error}; restore the file") from error
    columns: Columns = {name: table[name].to_numpy() for name in table.column_names if name != "tx_datetime"}
    columns["t"] = table["tx_datetime"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    wanted = (since <= columns["t"]) & (columns["t"] < end)
    return {name: column[wanted] for name, column in columns.items()}


def events(raw: Columns, end: int) -> Iterator[bytes]:
    """The stream of transactions and labels before `end` as JSON lines, in the order of their times.

    What became known at a moment is known to the transactions of that moment.
    """
    fraud = np.flatnonzero(raw["fraud"])
    fraud = fraud[raw["t"][fraud] + KNOWN_AFTER < end]
    rows = np.concatenate((fraud, np.arange(len(raw["t"]))))
    label = np.arange(len(rows)) < len(fraud)
    times = raw["t"][rows] + np.where(label, KNOWN_AFTER, 0)
    encode = msgspec.json.Encoder().encode
    columns = [raw[name].tolist() for name in FIELDS]
    for place in np.lexsort((rows, ~label, times)).tolist():
        tx_id, customer, terminal, amount = (column[rows[place]] for column in columns)
        event = {
            "event_id": f"tx{tx_id}",
            "type": EventType.PAYMENT_RECEIVED.value,
            "occurred_at": int(times[place]),
            "subsidiary": "cards",
            "customer": f"c{customer}",
            "counterparty": f"t{terminal}",
        }
        if label[place]:
            event |= {
                "event_id": f"label{tx_id}",
                "type": EventType.LABEL_REPORTED.value,
                "attributes": {"target": f"tx{tx_id}", "label": "fraud"},
            }
        else:
            event["amount"] = amount
        yield encode(event) + b"\n"
