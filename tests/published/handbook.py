"""The features that the authors of the Fraud Detection Handbook published for their transactions."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.handbook import Columns, read_months

MONTHS = ("2018-04", "2018-05")
DAYS = (1, 7, 30)

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


def published(folder: Path, end: int) -> Columns:
    """The published features of the transactions before `end`, by tx_id."""
    return read_months(folder, "transformed", MONTHS, 0, end)


def tied(raw: Columns) -> npt.NDArray[np.bool_]:
    """Which transactions share card and second with another: their published order is unknown."""
    keys = raw["customer_id"].astype(np.int64) << 42 | raw["t"].astype(np.int64)
    _, place, number = np.unique(keys, return_inverse=True, return_counts=True)
    crowded: npt.NDArray[np.bool_] = number[place] > 1
    return crowded
