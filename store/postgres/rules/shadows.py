"""Shadows: running processes add up what versions in the shadow said beside those in force."""

from collections.abc import Mapping

from sqlalchemy import Engine, Text, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from events.clock import Clock, wall_clock
from rules.shadow import EXAMPLES, Key, Seen, ShadowReport, report
from store.postgres.errors import translated
from store.postgres.tables import SHADOW_COUNTS as COUNTS


class ShadowCounts:
    """What was seen of versions in the shadow.

    Args:
        engine: of the database.
        process: its name; each process writes rows of its own. Empty for a reader.
    """

    def __init__(self, engine: Engine, process: str = "", clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._process = process
        self._clock = clock

    def add(self, seen: Mapping[Key, Seen]) -> None:
        """Add what was seen since the last call.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer; nothing was added.
        """
        if not seen:
            return
        now = self._clock()
        rows = [
            {
                **key._asdict(),
                "process": self._process,
                "count": one.count,
                "examples": list(one.examples),
                "first_at": now,
                "last_at": now,
            }
            for key, one in sorted(seen.items())
        ]
        statement = insert(COUNTS)
        new = statement.excluded
        together = func.array_cat(COUNTS.c.examples, new.examples, type_=ARRAY(Text))
        upsert = statement.on_conflict_do_update(
            index_elements=list(COUNTS.primary_key),
            set_={
                "count": COUNTS.c.count + new.count,
                "examples": together[1:EXAMPLES],
                "last_at": new.last_at,
            },
        )
        with translated("add up what versions in the shadow said"), self._engine.begin() as connection:
            connection.execute(upsert, rows)

    def reports(self, pack: str) -> list[ShadowReport]:
        """What was seen of all versions of a pack, the newest first; one for each version it ran beside.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        keys = [COUNTS.c[name] for name in Key._fields]
        query = (
            select(
                *keys,
                func.sum(COUNTS.c.count).label("times"),
                func.array_agg(func.array_to_string(COUNTS.c.examples, "\n")).label("examples"),
                func.min(COUNTS.c.first_at).label("since"),
                func.max(COUNTS.c.last_at).label("until"),
            )
            .where(COUNTS.c.shadow.like(func.concat(pack, "@%")))
            .group_by(*keys)
            .order_by(*keys)
        )
        with translated("read what versions in the shadow said"), self._engine.connect() as connection:
            found = connection.execute(query).all()
        pairs: dict[tuple[str, str], list[tuple[Key, Seen, int, int]]] = {}
        for row in found:
            examples = [one for text in row.examples for one in text.split("\n") if one][:EXAMPLES]
            seen = Seen(int(row.times), tuple(examples))
            key = Key(row.live, row.shadow, row.what, row.name, row.side)
            pairs.setdefault((row.live, row.shadow), []).append((key, seen, row.since, row.until))
        reports = [
            report(
                live,
                shadow,
                [(key, seen) for key, seen, _, _ in rows],
                min(since for _, _, since, _ in rows),
                max(until for _, _, _, until in rows),
            )
            for (live, shadow), rows in pairs.items()
        ]
        return sorted(reports, key=lambda one: (one.until, one.shadow), reverse=True)
