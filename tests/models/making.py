"""Makes feature columns and models for tests: a plausible trade of customers of very different size."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from events.columns import Column, Kind
from models.manifest import Pack
from models.model import Model
from models.training import Origin, train

START = 1_735_689_600_000  # 2025-01-01T00:00:00Z
DAY = 86_400_000


def column(cells: Sequence[float | None], kind: Kind = Kind.NUMBER) -> Column:
    """A float64 column of optional numbers; the cells of NULLs hold rubbish on purpose."""
    values = np.array([-987.0 if cell is None else cell for cell in cells], dtype=np.float64)
    return Column(values, np.array([cell is not None for cell in cells], dtype=np.bool_), kind)


def trade(rows: int, seed: int = 0) -> dict[str, Column]:
    """Twelve feature columns of `rows` ordinary events; `days_since_last` is NULL in one of twenty."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(12, 1.5, rows)  # fen
    orders = rng.poisson(3, rows) + 1
    everywhere = np.ones(rows, np.bool_)

    def money(values: npt.NDArray[np.float64]) -> Column:
        return Column(values.astype(np.int64), everywhere, Kind.MONEY)

    def number(values: npt.NDArray[np.generic]) -> Column:
        return Column(values, everywhere, Kind.NUMBER)

    columns = {
        f"{name}_{window}": money(size * factor * rng.lognormal(0, 0.4, rows))
        for window, factor in (("24h", 1.0), ("72h", 2.0), ("30d", 9.0))
        for name in ("ordered", "shipped")
    }
    return {
        **columns,
        "avg_order_30d": Column(size / orders, everywhere, Kind.MONEY),
        "orders_24h": number(orders),
        "orders_30d": number(orders + rng.poisson(20, rows)),
        "regions_30d": number(rng.integers(1, 4, rows)),
        "customer_age_days": number(rng.uniform(1, 2000, rows)),
        "days_since_last": Column(rng.exponential(4, rows), rng.random(rows) >= 0.05, Kind.NUMBER),
    }


def origin(pack: str = "trade-core@1") -> Origin:
    """An origin for the manifest."""
    return Origin(
        pack=Pack(pack, "0" * 64),
        event_types=("shipment.dispatched", "order.placed"),
        first_at=START,
        last_at=START + 14 * DAY,
    )


def small_model(seed: int = 0) -> Model:
    """A model of few trees, quickly made."""
    return train(trade(400), origin(), trees=5, samples=64, seed=seed)
