"""DuckDB as the oracle of many conditions at once."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from tests.rules.language.fuzz.tables import PLACES

Answer = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | str
"""Values and where they are not NULL; or what DuckDB says instead."""

_SETTINGS = (
    "SET ieee_floating_point_ops = false",
    "SET error_on_division_by_zero = false",
    "PRAGMA disable_optimizer",
)
_AT_ONCE = 250


class Duck(AbstractContextManager["Duck"]):
    """A database of its own in memory, without any file or network."""

    def __init__(self) -> None:
        self._database = duckdb.connect(config={"threads": 1, "enable_external_access": False})
        for setting in _SETTINGS:
            self._database.execute(setting)
        members = ", ".join("'" + one.replace("'", "''") + "'" for one in sorted(PLACES))
        self._database.execute(f"CREATE MACRO listed(value, name) AS value IN ({members})")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def fill(self, name: str, table: pa.Table) -> None:
        """Make a table that conditions read."""
        self._database.register("given", table)
        self._database.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given")
        self._database.unregister("given")

    def answers(self, name: str, expressions: Sequence[str]) -> list[Answer]:
        """What each expression comes to over the rows of a table."""
        found: list[Answer] = []
        for start in range(0, len(expressions), _AT_ONCE):
            found += self._answers(name, expressions[start : start + _AT_ONCE])
        return found

    def raises(self, name: str, expression: str) -> bool:
        """Whether an expression fails on some row."""
        try:
            self._database.execute(f"SELECT ({expression}\n) FROM {name}").fetchall()
        except duckdb.Error:
            return True
        return False

    def _answers(self, name: str, expressions: Sequence[str]) -> list[Answer]:
        chosen = ",\n".join(f"({text}\n) AS c{place}" for place, text in enumerate(expressions))
        try:
            columns = self._database.execute(f"SELECT {chosen} FROM {name}").fetchnumpy()
        except (duckdb.Error, RuntimeError) as error:  # std::bad_cast comes as a RuntimeError
            if len(expressions) > 1:
                half = len(expressions) // 2
                return self._answers(name, expressions[:half]) + self._answers(name, expressions[half:])
            return [f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"]
        return [_answer(columns[f"c{place}"]) for place in range(len(expressions))]


def _answer(column: Any) -> Answer:
    return np.ma.getdata(column), ~np.ma.getmaskarray(column)
