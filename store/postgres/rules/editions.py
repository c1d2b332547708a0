"""Editions: made under a lock of what is in force; lanes write down where they go over to each."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from events.clock import Clock, wall_clock
from events.rights import SYSTEM, LifecycleError, Refusal
from models.lifecycle import SETUP, Candidate, ModelRef, ModelState, reigns
from rules.edition import Boundary, Edition, PackVersion
from rules.errors import RuleError
from rules.lifecycle import IN_FORCE, Standing
from rules.pack import Pack, read_pack
from rules.rule import Mode
from rules.suppression import Suppression
from rules.union import united
from store.errors import StoreError
from store.postgres.errors import translated
from store.postgres.rules.history import (
    LIMITED,
    Subject,
    alone,
    breakers,
    model_changes,
    model_states,
    record,
    standings,
    states,
)
from store.postgres.tables import BOUNDARIES, EDITIONS, MODELS, PACK_VERSIONS, SUPPRESSIONS

CHANNEL = "fenghuo_editions"
"""PostgreSQL channel that carries the number of each edition as it is made."""

_KEPT = 64  # packs that were read, by their text


class PostgresEditionStore:
    """Editions, boundaries and the texts of versions, as the processes that judge use them."""

    def __init__(self, engine: Engine, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._clock = clock

    def newest(self) -> int:
        """Number of the newest edition; 0 where there is none.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("look for the newest edition"), self._engine.connect() as connection:
            return newest(connection)

    def reached(self) -> int:
        """Number of the newest edition that a lane of any run went over to; 0 where none did.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        wanted = select(func.coalesce(func.max(BOUNDARIES.c.edition), 0))
        with translated("look for boundaries"), self._engine.connect() as connection:
            return connection.scalar(wanted) or 0

    def edition(self, number: int) -> Edition:
        """One edition.

        Raises:
            StoreError: there is none of this number.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("read an edition"), self._engine.connect() as connection:
            return edition_of(connection, number)

    def source(self, sha256: str) -> str:
        """The YAML text of a version that an edition names.

        Raises:
            StoreError: no version has this hash.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        texts = select(PACK_VERSIONS.c.source).where(PACK_VERSIONS.c.sha256 == sha256).limit(1)
        with translated("read a pack"), self._engine.connect() as connection:
            text: str | None = connection.scalar(texts)
        if text is None:
            raise StoreError(
                f"pack with hash `{sha256[:80]}`: not found; `fenghuo rules list` shows what is kept"
            )
        return text

    def boundaries(self, lane: str) -> Sequence[Boundary]:
        """The places at which a lane of the input went over to editions, oldest first.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        wanted = select(BOUNDARIES).where(BOUNDARIES.c.lane == lane).order_by(BOUNDARIES.c.edition)
        with translated("read boundaries"), self._engine.connect() as connection:
            return [_boundary(row) for row in connection.execute(wanted)]

    def settle(self, lane: str, boundary: Boundary) -> Boundary:
        """Write a boundary down, unless the lane has one for that edition; gives the one that holds.

        Raises:
            HitRefusedError: there is no such edition.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        row = {
            "lane": lane,
            "edition": boundary.edition,
            "offsets": dict(boundary.offsets),
            "settled_at": self._clock(),
        }
        held = select(BOUNDARIES).where(BOUNDARIES.c.lane == lane, BOUNDARIES.c.edition == boundary.edition)
        with translated("write a boundary down"), self._engine.begin() as connection:
            connection.execute(upsert(BOUNDARIES).values(row).on_conflict_do_nothing())
            return _boundary(connection.execute(held).one())  # the other writer has committed by now

    def seed(
        self, sources: Mapping[str, str], author: str = SYSTEM, champion: Candidate | None = None
    ) -> int:
        """Put packs into force as edition 1 where there is no edition yet; gives the number of the newest.

        It is the configuration that publishes them: no second person is asked.

        Args:
            sources: texts of the packs by what messages call them, such as their paths.
            author: who stands as author in the history.
            champion: the model that scores from the beginning; None for none.

        Raises:
            RuleError: a pack is wrong.
            LifecycleError: they contradict each other.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        now = self._clock()
        with translated("seed the rule packs"), self._engine.begin() as connection:
            alone(connection)
            if (number := newest(connection)) > 0:
                return number
            for name, text in sources.items():
                [version] = read_pack(text, name).versions
                keep(connection, version, text, author, now)
                record(
                    connection,
                    now,
                    Subject.VERSION,
                    version.pack,
                    version=version.version,
                    action="seed",
                    to=Mode.ACTIVE,
                    actor=author,
                    edition=1,
                )
            if champion is not None:
                keep_model(connection, champion, SETUP, now)
                record(
                    connection,
                    now,
                    Subject.MODEL,
                    champion.ref.id,
                    action="seed",
                    to=ModelState.CHAMPION,
                    actor=SETUP,
                    edition=1,
                )
            return make(connection, now)


def newest(connection: Connection) -> int:
    """Number of the newest edition; 0 where there is none."""
    return connection.scalar(select(func.coalesce(func.max(EDITIONS.c.number), 0))) or 0


def edition_of(connection: Connection, number: int) -> Edition:
    """One edition.

    Raises:
        StoreError: there is none of this number.
    """
    content = connection.scalar(select(EDITIONS.c.content).where(EDITIONS.c.number == number))
    if content is None:
        raise StoreError(f"edition `{number}`: not found; `fenghuo rules list` shows the newest")
    return msgspec.convert(content, Edition)


def keep(connection: Connection, version: PackVersion, text: str, author: str, now: int) -> None:
    """Keep the text of a version."""
    row = msgspec.structs.asdict(version) | {"source": text, "author": author, "submitted_at": now}
    connection.execute(insert(PACK_VERSIONS), row)


def keep_model(connection: Connection, candidate: Candidate, by: str, now: int) -> None:
    """Keep what the registry says of a model."""
    row = {
        "model": candidate.ref.id,
        "sha256": candidate.ref.sha256,
        "manifest": candidate.manifest,
        "registered_by": by,
        "registered_at": now,
    }
    connection.execute(insert(MODELS), row)


def make(connection: Connection, now: int) -> int:
    """Make the next edition of what stands in force in this transaction, which is `alone`; gives its number.

    Raises:
        LifecycleError: nothing would judge any more, or the packs contradict each other.
    """
    at = states(connection)
    active = _versions(connection, [key for key, state in at.items() if state in IN_FORCE])
    packs = {version: pack_of(text, version) for version, text in active.items()}
    _check(list(packs.values()))
    rules = {name for pack in packs.values() for name in pack.rules_by_name}
    reign = reigns(model_changes(connection))
    stand = model_states(connection)
    edition = Edition(
        number=newest(connection) + 1,
        active=tuple(active),
        shadow=tuple(_versions(connection, [key for key, state in at.items() if state is Mode.SHADOW])),
        paused=tuple(
            name
            for version, pack in packs.items()
            if at[version.pack, version.version] is Mode.PAUSED
            for name in _judging(pack)
        ),
        limited=tuple(
            sorted(rules & {rule for rule, (state, _) in breakers(connection).items() if state == LIMITED})
        ),
        suppressions=_suppressions(connection, now),
        governed=bool(reign),
        champion=next(iter(_models(connection, [name for name in reign[-1:] if name is not None])), None),
        shadow_models=_models(
            connection, [name for name, state in stand.items() if state is ModelState.SHADOW]
        ),
    )
    content = msgspec.to_builtins(edition)
    connection.execute(insert(EDITIONS), {"number": edition.number, "content": content, "made_at": now})
    connection.execute(select(func.pg_notify(CHANNEL, str(edition.number))))
    return edition.number


def packs_in_force(connection: Connection) -> list[Pack]:
    """The packs of the newest edition; none where there is no edition."""
    number = newest(connection)
    if number == 0:
        return []
    active = edition_of(connection, number).active
    wanted = [(version.pack, version.version) for version in active]
    return [pack_of(text, version) for version, text in _versions(connection, wanted).items()]


def pack_of(text: str, version: PackVersion) -> Pack:
    """The pack of a kept text."""
    return _read(text, f"{version.pack}@{version.version}")


@lru_cache(maxsize=_KEPT)
def _read(text: str, name: str) -> Pack:
    return read_pack(text, name)


def _check(packs: Sequence[Pack]) -> None:
    if not packs:
        raise LifecycleError(
            Refusal.LAST,
            "this is the last pack in force and nothing would judge without it; publish another first",
        )
    try:
        united(packs)
    except RuleError as error:
        raise LifecycleError(Refusal.CLASH, f"{error}; nothing was changed") from error


def _judging(pack: Pack) -> list[str]:
    return [*pack.rules_by_name, *pack.deadlines_by_name]


def _versions(connection: Connection, wanted: Collection[tuple[str, int]]) -> dict[PackVersion, str]:
    """Texts of versions, in the order of their names and numbers."""
    found: dict[PackVersion, str] = {}
    for pack, number in sorted(wanted):
        row = connection.execute(
            select(PACK_VERSIONS).where(PACK_VERSIONS.c.pack == pack, PACK_VERSIONS.c.version == number)
        ).one()
        found[PackVersion(pack=row.pack, version=row.version, sha256=row.sha256)] = row.source
    return found


def _models(connection: Connection, ids: Collection[str]) -> tuple[ModelRef, ...]:
    """Models as editions name them, in the order of their ids."""
    wanted = select(MODELS.c.model, MODELS.c.sha256).where(MODELS.c.model.in_(ids)).order_by(MODELS.c.model)
    return tuple(ModelRef(id=row.model, sha256=row.sha256) for row in connection.execute(wanted))


def _suppressions(connection: Connection, now: int) -> tuple[Suppression, ...]:
    """Those in force that have not ended."""
    at = standings(connection)
    wanted = (
        select(SUPPRESSIONS)
        .where(SUPPRESSIONS.c.expires_at > now)
        .order_by(SUPPRESSIONS.c.starts_at, SUPPRESSIONS.c.suppression_id)
    )
    rows = connection.execute(wanted)
    return tuple(suppression_of(row) for row in rows if at[row.suppression_id] is Standing.APPROVED)


def suppression_of(row: Row[Any]) -> Suppression:
    """One row of the table of suppressions."""
    return Suppression(
        suppression_id=row.suppression_id,
        group=row.group_id,
        rule=row.rule,
        scenario=row.scenario,
        tier=row.tier,
        starts_at=row.starts_at,
        expires_at=row.expires_at,
    )


def _boundary(row: Row[Any]) -> Boundary:
    return Boundary(edition=row.edition, offsets=row.offsets)
