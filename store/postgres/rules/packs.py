"""Versions of packs: handed in once, never altered, and moved from state to state by people."""

from sqlalchemy import Column, Engine, Select, select

from events.clock import Clock, wall_clock
from events.rights import LifecycleError, Person, Refusal
from rules.lifecycle import IN_FORCE, Action, may, right_of, step
from rules.pack import read_pack
from rules.rule import Mode
from rules.views import ChangeRow, Moved, Submitted, VersionRow
from store.postgres.errors import translated
from store.postgres.rules.editions import keep, make, newest
from store.postgres.rules.history import Subject, alone, changes, newest_changes, record, states
from store.postgres.tables import PACK_VERSIONS


class PackStore:
    """Versions of packs in PostgreSQL, as people work on them."""

    def __init__(self, engine: Engine, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._clock = clock

    def submit(self, text: str, name: str, person: Person, reason: str = "") -> Submitted:
        """Take in a new version as a draft; the same content again changes nothing.

        Args:
            text: the YAML.
            name: what messages call it.
            person: who hands it in, from now on its author.
            reason: what it is for.

        Raises:
            PackError: the text is no usable pack.
            LifecycleError: the person may not, or the number stands for another content.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        may(Action.SUBMIT, person)
        [version] = read_pack(text, name).versions
        now = self._clock()
        with translated("take in a pack"), self._engine.begin() as connection:
            alone(connection)
            known = connection.scalar(_versions(version.pack, version.version, PACK_VERSIONS.c.sha256))
            if known is None:
                keep(connection, version, text, person.name, now)
                record(
                    connection,
                    now,
                    Subject.VERSION,
                    version.pack,
                    version=version.version,
                    action=Action.SUBMIT,
                    to=Mode.DRAFT,
                    actor=person.name,
                    reason=reason,
                )
            elif known != version.sha256:
                raise LifecycleError(
                    Refusal.CONTENT,
                    f"{name}: `{version.pack}@{version.version}` is there with other content; versions are "
                    "never altered; raise `version`",
                )
            state = states(connection)[version.pack, version.version]
        return Submitted(
            pack=version.pack,
            version=version.version,
            sha256=version.sha256,
            state=state,
            fresh=known is None,
        )

    def move(self, action: Action, pack: str, version: int, person: Person, reason: str = "") -> Moved:
        """Take a version to another state; what changes what is in force, or in the shadow, makes an edition.

        Publishing retires the version that is in force.

        Raises:
            LifecycleError: no such version, the person may not, or it leads nowhere from its state.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        now = self._clock()
        with translated("move a version of a pack"), self._engine.begin() as connection:
            alone(connection)
            at = states(connection)
            before = at.get((pack, version))
            author = connection.scalar(_versions(pack, version, PACK_VERSIONS.c.author))
            if before is None or author is None:
                raise unknown(pack, version)
            may(action, person, author, before)
            to = step(action, before, f"{pack}@{version}")
            seen = {before, to} & {*IN_FORCE, Mode.SHADOW}
            edition = newest(connection) + 1 if seen else None
            second = person.name if right_of(action, before).second else None

            def moved(action: Action, version: int, before: Mode, to: Mode, reason: str) -> None:
                record(
                    connection,
                    now,
                    Subject.VERSION,
                    pack,
                    version=version,
                    action=action,
                    before=before,
                    to=to,
                    actor=person.name,
                    approved_by=second,
                    reason=reason,
                    edition=edition,
                )

            if action is Action.PUBLISH:
                for (name, number), state in at.items():
                    if name == pack and state in IN_FORCE:
                        moved(Action.RETIRE, number, state, Mode.RETIRED, f"→ {pack}@{version}")
            moved(action, version, before, to, reason)
            if edition is not None:
                make(connection, now)
        return Moved(name=f"{pack}@{version}", state=to, edition=edition)

    def versions(self) -> list[VersionRow]:
        """Every version of every pack: by name, the newest number first.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        latest = newest_changes(Subject.VERSION).subquery()
        wanted = (
            select(
                *PACK_VERSIONS.c["pack", "version", "sha256", "author", "submitted_at"],
                *latest.c["to_state", "changed_at", "actor", "approved_by"],
            )
            .join_from(
                PACK_VERSIONS,
                latest,
                (latest.c.name == PACK_VERSIONS.c.pack) & (latest.c.version == PACK_VERSIONS.c.version),
            )
            .order_by(PACK_VERSIONS.c.pack, PACK_VERSIONS.c.version.desc())
        )
        with translated("list the packs"), self._engine.connect() as connection:
            return [
                VersionRow(
                    pack=row.pack,
                    version=row.version,
                    sha256=row.sha256,
                    state=Mode(row.to_state),
                    author=row.author,
                    submitted_at=row.submitted_at,
                    changed_at=row.changed_at,
                    changed_by=row.actor,
                    approved_by=row.approved_by,
                )
                for row in connection.execute(wanted)
            ]

    def text(self, pack: str, version: int) -> str:
        """The YAML of a version as it was handed in.

        Raises:
            LifecycleError: there is no such version.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("read a pack"), self._engine.connect() as connection:
            found: str | None = connection.scalar(_versions(pack, version, PACK_VERSIONS.c.source))
        if found is None:
            raise unknown(pack, version)
        return found

    def history(self, name: str | None = None) -> list[ChangeRow]:
        """The newest changes first: of everything, or of one pack, rule, suppression or model by name.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("read the history of rules"), self._engine.connect() as connection:
            return changes(connection, name)

    def edition(self) -> int:
        """Number of the newest edition; 0 where there is none.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("look for the newest edition"), self._engine.connect() as connection:
            return newest(connection)


def unknown(pack: str, version: int) -> LifecycleError:
    """The error about a version that is not there."""
    return LifecycleError(
        Refusal.UNKNOWN, f"`{pack[:64]}@{version}`: no such version; `fenghuo rules list` shows what there is"
    )


def _versions(pack: str, version: int, column: Column[str]) -> Select[str]:
    return select(column).where(PACK_VERSIONS.c.pack == pack, PACK_VERSIONS.c.version == version)
