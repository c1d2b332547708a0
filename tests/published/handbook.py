"""The Fraud Detection Handbook's transactions as events, and the features that its authors published.

A fraud becomes known seven days after it happened: that is the delay which the authors assume, and why they
judge a terminal by (t - 7 d - w, t - 7 d] only. So a label's `occurred_at`, the moment when it became known,
is the transaction's time T plus 7 d, which lies in (t - w, t] exactly where T lies in the published window.
No event carries what nobody knew at its time; only the transactions are counted with a delayed window.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from pyarrow import parquet

MILLISECONDS_PER_DAY = 86_400_000
KNOWN_AFTER = 7 * MILLISECONDS_PER_DAY
MONTHS = ("2018-04", "2018-05")
DAYS = (1, 7, 30)

Column = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Columns = dict[str, Column]

COUNTS = {
    **{f"customer_nb_{d}d": f"customer_id_nb_tx_{d}day_window" for d in DAYS},
    **{f"terminal_nb_{d}d": f"terminal_id_nb_tx_{d}day_window" for d in DAYS},
    "weekend": "tx_during_weekend",
    "night": "tx_during_night",
}
"""Published column of each feature that is an integer."""
MEANS = {f"customer_avg_{d}d": f"customer_id_avg_amount_{d}day_window" for d in DAYS}
"""Published column of each mean; published in currency units, ours in hundredths."""
RATES = {f"terminal_risk_{d}d": f"terminal_id_risk_{d}day_window" for d in DAYS}
"""Published column of each rate."""


def _table(path: Path, end: int) -> Columns:
    table = parquet.read_table(path)
    columns: Columns = {name: table[name].to_numpy() for name in table.column_names if name != "tx_datetime"}
    columns["t"] = table["tx_datetime"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    early = columns["t"] < end
    return {name: column[early] for name, column in columns.items()}


def _months(folder: Path, kind: str, end: int) -> Columns:
    parts = [_table(folder / f"{kind}_{month}.parquet", end) for month in MONTHS]
    joined: Columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(joined["tx_id"], kind="stable")
    return {name: column[order] for name, column in joined.items()}


def transactions(folder: Path, end: int) -> Columns:
    """The transactions before `end` (epoch milliseconds), by tx_id; `t` is their time."""
    return _months(folder, "raw", end)


def published(folder: Path, end: int) -> Columns:
    """The published features of the same transactions, by tx_id."""
    return _months(folder, "transformed", end)


def tied(raw: Columns) -> npt.NDArray[np.bool_]:
    """Which transactions share card and second with another: their published order is unknown."""
    keys = raw["customer_id"].astype(np.int64) << 42 | raw["t"].astype(np.int64)
    _, place, number = np.unique(keys, return_inverse=True, return_counts=True)
    crowded: npt.NDArray[np.bool_] = number[place] > 1
    return crowded


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
    names = ("tx_id", "customer_id", "terminal_id", "amount")
    columns = [raw[name].tolist() for name in names]
    for place in np.lexsort((rows, ~label, times)).tolist():
        tx_id, customer, terminal, amount = (column[rows[place]] for column in columns)
        event = {
            "event_id": f"tx{tx_id}",
            "type": "payment.received",
            "occurred_at": int(times[place]),
            "subsidiary": "cards",
            "customer": f"c{customer}",
            "counterparty": f"t{terminal}",
        }
        if label[place]:
            event |= {
                "event_id": f"label{tx_id}",
                "type": "label.reported",
                "attributes": {"target": f"tx{tx_id}", "label": "fraud"},
            }
        else:
            event["amount"] = amount
        yield encode(event) + b"\n"
