"""The watch of models: running processes add up what models saw and said; pages read it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Engine, Row, select, text
from sqlalchemy.dialects.postgresql import insert

from events.clock import Clock, wall_clock
from events.columns import Int64s
from models.comparison import EXAMPLES, Agreement, DayDrift, DayOf, Pair, PairReport, WatchReport
from models.drift import drift
from models.reference import MOST_BINS, Reference
from store.postgres.errors import translated
from store.postgres.tables import MODEL_DAYS as DAYS
from store.postgres.tables import MODEL_PAIRS as PAIRS

_ADD_DAY = text("""
    INSERT INTO model_days (model, day, process, counts) VALUES (:model, :day, :process, :counts)
    ON CONFLICT (model, day, process) DO UPDATE SET counts = (
        SELECT array_agg(one + other ORDER BY place)
        FROM unnest(model_days.counts, excluded.counts) WITH ORDINALITY AS sums (one, other, place)
    )
""")


class ModelWatchStore:
    """What models saw and said.

    Args:
        engine: of the database.
        process: its name; each process writes rows of its own. Empty for a reader.
    """

    def __init__(self, engine: Engine, process: str = "", clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._process = process
        self._clock = clock

    def add(self, days: Mapping[DayOf, Int64s], pairs: Mapping[Pair, Agreement]) -> None:
        """Add what was seen and said since the last call.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer; nothing was added.
        """
        if not days and not pairs:
            return
        rows = [
            {"model": one.model, "day": one.day, "process": self._process, "counts": counts.ravel().tolist()}
            for one, counts in sorted(days.items())
        ]
        with translated("add up what models saw"), self._engine.begin() as connection:
            if rows:
                connection.execute(_ADD_DAY, rows)
            for pair, found in sorted(pairs.items()):
                held = connection.execute(_own(pair, self._process).with_for_update()).one_or_none()
                joined = found if held is None else _agreement(held).joined(found)
                connection.execute(self._kept(pair, joined))

    def _kept(self, pair: Pair, found: Agreement) -> Any:
        now = self._clock()
        values = {
            "counts": [found.both, found.champion, found.shadow, *found.grid],
            "champion_only": list(found.champion_only),
            "shadow_only": list(found.shadow_only),
            "last_at": now,
        }
        key = {**pair._asdict(), "process": self._process}
        statement = insert(PAIRS).values(**key, **values, first_at=now)
        return statement.on_conflict_do_update(index_elements=list(PAIRS.primary_key), set_=values)

    def report(self, model: str, reference: Reference, days: int = 14) -> WatchReport:
        """Drift of a model on its newest days.

        Args:
            model: its id.
            reference: of its training.
            days: most days of event time.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        newest = (
            select(DAYS.c.day).where(DAYS.c.model == model).distinct().order_by(DAYS.c.day.desc()).limit(days)
        )
        query = select(DAYS.c.day, DAYS.c.counts).where(DAYS.c.model == model, DAYS.c.day.in_(newest))
        with translated("read what a model saw"), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        shape = len(reference.bins), MOST_BINS
        by_day: dict[int, Int64s] = {}
        for row in rows:
            counts = np.array(row.counts, np.int64)
            if counts.size == shape[0] * shape[1]:
                by_day[row.day] = by_day.get(row.day, np.zeros(shape, np.int64)) + counts.reshape(shape)
        total = sum(by_day.values(), np.zeros(shape, np.int64))
        return WatchReport(
            model=model,
            events=_events(total),
            features=drift(reference, total),
            days=[
                DayDrift(day, _events(by_day[day]), drift(reference, by_day[day])) for day in sorted(by_day)
            ],
        )

    def comparisons(self, model: str) -> list[PairReport]:
        """What a model in the shadow said beside each champion, the newest first.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        query = select(PAIRS).where(PAIRS.c.shadow == model).order_by(PAIRS.c.champion, PAIRS.c.process)
        with translated("read what models said"), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        champions: dict[str, list[Row[Any]]] = {}
        for row in rows:
            champions.setdefault(row.champion, []).append(row)
        reports = [_pair(champion, model, own) for champion, own in champions.items()]
        return sorted(reports, key=lambda one: (one.until, one.champion), reverse=True)


def _own(pair: Pair, process: str) -> Any:
    return select(PAIRS).where(
        PAIRS.c.champion == pair.champion, PAIRS.c.shadow == pair.shadow, PAIRS.c.process == process
    )


def _pair(champion: str, shadow: str, rows: Sequence[Row[Any]]) -> PairReport:
    found = _agreement(rows[0])
    for row in rows[1:]:
        found = found.joined(_agreement(row))
    return PairReport(
        champion=champion,
        shadow=shadow,
        found=found,
        correlation=found.correlation,
        since=min(row.first_at for row in rows),
        until=max(row.last_at for row in rows),
    )


def _agreement(row: Row[Any]) -> Agreement:
    both, champion, shadow, *grid = row.counts
    named = tuple(row.champion_only[:EXAMPLES]), tuple(row.shadow_only[:EXAMPLES])
    return Agreement(tuple(grid), both, champion, shadow, *named)


def _events(counts: Int64s) -> int:
    return int(counts[0].sum()) if len(counts) else 0
