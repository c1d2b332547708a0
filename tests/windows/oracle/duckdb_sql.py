"""Oracle B: windows as SQL, a join of the accepted stream with itself, run by DuckDB."""

from collections.abc import Sequence
from fractions import Fraction

import duckdb
import pyarrow as pa

from tests.windows.oracle.contract import DAY, Accepted, Cell, Wanted
from tests.windows.oracle.plain import Value

_ENTITIES = {
    "customer": "e.subsidiary = q.subsidiary AND e.customer = q.customer",
    "group": 'e."group" = q."group"',
    "order": 'e.subsidiary = q.subsidiary AND e."order" = q."order"',
    "counterparty": "e.counterparty = q.counterparty",
    "consignee": "(e.subsidiary, e.customer, e.counterparty) = (q.subsidiary, q.customer, q.counterparty)",
}
_NAMED = {
    "order": 'q."order" IS NOT NULL',
    "counterparty": "q.counterparty IS NOT NULL",
    "consignee": "q.counterparty IS NOT NULL",
}
_AGGREGATES = {
    "count": "count(e.seq)",
    "sum": "coalesce(sum({number}), 0)",
    "avg": "avg({number})",
    "min": "min({number})",
    "max": "max({number})",
    "stddev": "stddev_samp({number})",
    "distinct": "count(DISTINCT {identity})",
    "days_since_first": f"(any_value(q.t) - min(e.t)) / {DAY}.0",
    "days_since_last": f"(any_value(q.t) - max(e.t) FILTER (e.seq < q.seq)) / {DAY}.0",
}
_TEXTS = ("event_id", "type", "subsidiary", "customer", "group", "order", "counterparty", "region", "channel")


class Database:
    """An empty DuckDB; closed, it keeps nothing alive, whoever still holds it."""

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = duckdb.connect(config={"threads": 1})

    def answers(self, features: Sequence[Wanted], accepted: Sequence[Accepted]) -> dict[str, list[Value]]:
        """The value of every feature for every accepted event, by name of the feature."""
        assert self._connection is not None
        self._connection.register("accepted", _table(accepted))
        try:
            return {
                wanted.name: [row[0] for row in self._connection.execute(statement(wanted)).fetchall()]
                for wanted in features
            }
        finally:
            self._connection.unregister("accepted")

    def close(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def statement(wanted: Wanted) -> str:
    """One value of the feature for each accepted event, in their order."""
    name = (wanted.field or "").removeprefix("attributes.")
    of_attribute = name != wanted.field
    aggregate = _AGGREGATES[wanted.aggregate].format(
        number=f'e."{name}_number"' if of_attribute else f'e."{name}"::HUGEINT',
        identity=f'e."{name}_identity"' if of_attribute else f'e."{name}"',
    )
    types = ", ".join(f"'{name}'" for name in wanted.events)
    held = f"type IN ({types})" + (f" AND ({wanted.where.sql})" if wanted.where else "")
    within = f"e.seq <= q.seq AND e.t <= q.t - {wanted.delay}"
    if wanted.window is not None:
        within += f" AND e.t > q.t - {wanted.reach}"
    named = _NAMED.get(wanted.by, "true")
    return (
        f"SELECT CASE WHEN any_value({named}) THEN {aggregate} END "
        f"FROM accepted q LEFT JOIN (SELECT * FROM accepted WHERE {held}) e "
        f"ON {_ENTITIES[wanted.by]} AND {within} GROUP BY q.seq ORDER BY q.seq"
    )


def _table(accepted: Sequence[Accepted]) -> pa.Table:
    columns: dict[str, pa.Array] = {
        "seq": pa.array([event.seq for event in accepted], pa.int64()),
        "t": pa.array([event.t for event in accepted], pa.int64()),
        "amount": pa.array([event.amount for event in accepted], pa.int64()),
    }
    for name in _TEXTS:
        columns[name] = pa.array([getattr(event, name) for event in accepted], pa.string())
    for name in sorted({"weight", "urgent"}.union(*(event.attributes for event in accepted))):
        cells = [event.attributes.get(name) for event in accepted]
        columns[f"{name}_number"] = pa.array([_number(cell) for cell in cells], pa.float64())
        columns[f"{name}_text"] = pa.array(
            [cell if isinstance(cell, str) else None for cell in cells], pa.string()
        )
        columns[f"{name}_bool"] = pa.array(
            [cell if isinstance(cell, bool) else None for cell in cells], pa.bool_()
        )
        columns[f"{name}_identity"] = pa.array([_identity(cell) for cell in cells], pa.string())
    return pa.table(columns)


def _number(cell: Cell | None) -> float | None:
    return None if cell is None or isinstance(cell, bool | str) else float(cell)


def _identity(cell: Cell | None) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, bool | str):
        return f"{type(cell).__name__} {cell}"
    return f"number {Fraction(cell)}"
