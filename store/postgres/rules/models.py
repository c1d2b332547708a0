"""Models: registered once, never altered, and moved from state to state by people."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, Select, select

from events.clock import Clock, wall_clock
from events.rights import LifecycleError, Person, Refusal
from models.comparison import PairReport, WatchReport
from models.errors import ModelError
from models.lifecycle import (
    ModelAction,
    ModelRef,
    ModelState,
    may,
    reigns,
    right_of,
    step,
)
from models.model import Model
from models.reference import Reference
from models.views import ModelRow, Registered
from rules.pack import Pack
from rules.union import united
from rules.views import ChangeRow, Moved
from store.artefacts import Artefacts, MissingModelError, Opened
from store.postgres.errors import translated
from store.postgres.rules.editions import keep_model, make, newest, packs_in_force
from store.postgres.rules.history import (
    Subject,
    alone,
    changes,
    model_changes,
    model_states,
    newest_changes,
    record,
)
from store.postgres.rules.model_watch import ModelWatchStore
from store.postgres.tables import MODELS, RULE_CHANGES

USED = frozenset({ModelState.SHADOW, ModelState.CHAMPION})
"""The states in which editions name a model."""


class _Step(NamedTuple):
    """What an action would do."""

    ref: ModelRef
    before: ModelState
    to: ModelState


class ModelStore:
    """Models in PostgreSQL, as people work on them.

    Args:
        engine: of the database.
        artefacts: the registry; what is put to use is loaded from it first, and must fit the packs in force.
    """

    def __init__(self, engine: Engine, artefacts: Artefacts, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._artefacts = artefacts
        self._watch = ModelWatchStore(engine)
        self._references: dict[str, Reference] = {}
        self._clock = clock

    def register(self, model: str, person: Person, reason: str = "") -> Registered:
        """Take a model of the registry in as a candidate; the same again changes nothing.

        Args:
            model: its id.
            person: who registers it, from now on its author.
            reason: what it is for.

        Raises:
            LifecycleError: the person may not, or the registry holds no sound model of that id.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        may(ModelAction.REGISTER, person)
        candidate = self._sound(model).candidate
        now = self._clock()
        with translated("register a model"), self._engine.begin() as connection:
            alone(connection)
            known = connection.scalar(select(MODELS.c.sha256).where(MODELS.c.model == model))
            if known is None:
                keep_model(connection, candidate, person.name, now)
                act = _Act(now, person.name, None)
                _note(connection, act, model, ModelAction.REGISTER, None, ModelState.CANDIDATE, reason)
            elif known != candidate.ref.sha256:
                raise LifecycleError(
                    Refusal.CONTENT,
                    f"model `{model}` was registered with another manifest; restore it in the registry, or "
                    "train the model again",
                )
            state = model_states(connection)[model]
        return Registered(id=model, sha256=candidate.ref.sha256, state=state, fresh=known is None)

    def move(self, action: ModelAction, model: str, person: Person, reason: str = "") -> Moved:
        """Take a model to another state, or propose it; what changes what is in use makes an edition.

        Promoting retires the champion. What is put to use, or proposed, is loaded first.

        Raises:
            LifecycleError: no such model, the person may not, it leads nowhere from its state, the registry
                does not hold it as it was registered, or the packs in force lack a feature of it.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("look a model up"), self._engine.connect() as connection:
            wanted = _step(connection, action, model, person)
        sound = None if action is ModelAction.RETIRE else self._sound(model, wanted.ref.sha256).model
        with translated("move a model"), self._engine.begin() as connection:
            alone(connection)
            wanted = _step(connection, action, model, person)
            if sound is not None:
                _check_fit(connection, sound)
            used = wanted.before is not wanted.to and {wanted.before, wanted.to} & USED
            act = _Act(self._clock(), person.name, newest(connection) + 1 if used else None)
            if action is ModelAction.PROMOTE:
                _replace(connection, act, model)
            second = person.name if right_of(action, wanted.before).second else None
            _note(connection, act, model, action, wanted.before, wanted.to, reason, second)
            if act.edition is not None:
                make(connection, act.now)
        return Moved(name=model, state=wanted.to, edition=act.edition)

    def rollback(self, person: Person, reason: str = "") -> Moved:
        """Take the last change of the champion back: the one before gives `anomaly` again, if there was one.

        Raises:
            LifecycleError: the person may not, there is nothing to take back, or the champion of before can't
                be loaded or does not fit the packs in force.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        may(ModelAction.ROLLBACK, person)
        with translated("look the champions up"), self._engine.connect() as connection:
            back = _before_last(connection)
        # What was a champion is kept on the machines that judge: the way back is open without the registry.
        sound = None if back is None else self._sound(back.id, back.sha256, fresh=False).model
        with translated("roll a model back"), self._engine.begin() as connection:
            alone(connection)
            if back != _before_last(connection):
                raise LifecycleError(
                    Refusal.STATE, "the champion was just changed by somebody else; look, and try again"
                )
            if sound is not None:
                _check_fit(connection, sound)
            act = _Act(self._clock(), person.name, newest(connection) + 1)
            moves: list[tuple[str, ModelState, ModelState]] = [
                (model, state, ModelState.RETIRED)
                for model, state in model_states(connection).items()
                if state is ModelState.CHAMPION
            ]
            if back is not None:
                moves.append((back.id, model_states(connection)[back.id], ModelState.CHAMPION))
            for model, before, to in moves:
                _note(connection, act, model, ModelAction.ROLLBACK, before, to, reason)
            make(connection, act.now)
        return Moved(name=model, state=to, edition=act.edition)

    def models(self) -> list[ModelRow]:
        """Every model, the one that was registered last first.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        latest = newest_changes(Subject.MODEL).subquery()
        wanted = (
            select(MODELS, *latest.c["action", "to_state", "changed_at", "actor"])
            .join_from(MODELS, latest, latest.c.name == MODELS.c.model)
            .order_by(MODELS.c.registered_at.desc(), MODELS.c.model)
        )
        with translated("list the models"), self._engine.connect() as connection:
            moved = {row.name: row for row in connection.execute(_last_moves())}
            return [_row(row, moved[row.model]) for row in connection.execute(wanted)]

    def champions(self) -> list[str | None]:
        """The champions one after the other; the last is in force, None for none.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("look the champions up"), self._engine.connect() as connection:
            return reigns(model_changes(connection))

    def pack(self) -> Pack | None:
        """The packs in force as one; None where no edition was made yet.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("read the packs in force"), self._engine.connect() as connection:
            packs = packs_in_force(connection)
        return united(packs) if packs else None

    def lacking(self) -> dict[str, list[str]]:
        """Features that a champion or shadow reads and the packs in force lack, by id of the model.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("compare models with packs"), self._engine.connect() as connection:
            packs = packs_in_force(connection)
            used = [model for model, state in model_states(connection).items() if state in USED]
            rows = connection.execute(select(MODELS).where(MODELS.c.model.in_(used))).all()
        kinds = {name: kind.value for name, kind in united(packs).kinds.items()} if packs else {}
        found = {}
        for row in rows:
            read = {one["name"]: one["kind"] for one in row.manifest["features"]}
            found[row.model] = [name for name, kind in read.items() if kinds.get(name) != kind]
        return {model: names for model, names in found.items() if names}

    def history(self, model: str | None = None) -> list[ChangeRow]:
        """The newest changes first, of one model or of all.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("read the history of models"), self._engine.connect() as connection:
            return changes(connection, model, Subject.MODEL)

    def watched(self, model: str) -> WatchReport | None:
        """Drift of a model on its newest days; None where the registry can't give it.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        reference = self._references.get(model)
        if reference is None:
            try:
                reference = self._references[model] = self._artefacts.open(model).model.reference
            except ModelError:
                return None  # the page tells elsewhere that it is damaged
        return self._watch.report(model, reference)

    def comparisons(self, model: str) -> list[PairReport]:
        """What a model in the shadow said beside each champion, the newest first.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        return self._watch.comparisons(model)

    def _sound(self, model: str, sha256: str | None = None, *, fresh: bool = True) -> Opened:
        try:
            return self._artefacts.open(model, sha256, fresh=fresh)
        except ModelError as error:
            unknown = sha256 is None and isinstance(error, MissingModelError)
            refusal = Refusal.UNKNOWN if unknown else Refusal.DAMAGED
            raise LifecycleError(refusal, f"{error}; nothing was changed") from None


class _Act(NamedTuple):
    """When, by whom, and the edition that is made of it."""

    now: int
    actor: str
    edition: int | None


def _note(
    connection: Connection,
    act: _Act,
    model: str,
    action: ModelAction,
    before: ModelState | None,
    to: ModelState,
    reason: str,
    second: str | None = None,
) -> None:
    record(
        connection,
        act.now,
        Subject.MODEL,
        model,
        action=action,
        before=before,
        to=to,
        actor=act.actor,
        approved_by=second,
        reason=reason,
        edition=act.edition,
    )


def _replace(connection: Connection, act: _Act, model: str) -> None:
    """Retire the champion, which `model` takes the place of."""
    for other, state in model_states(connection).items():
        if state is ModelState.CHAMPION:
            _note(connection, act, other, ModelAction.REPLACE, state, ModelState.RETIRED, f"→ {model}")


def _step(connection: Connection, action: ModelAction, model: str, person: Person) -> _Step:
    """What an action of a person would do.

    Raises:
        LifecycleError: as `ModelStore.move`.
    """
    kept = connection.execute(select(MODELS).where(MODELS.c.model == model)).one_or_none()
    if kept is None:
        raise LifecycleError(
            Refusal.UNKNOWN, f"model `{model[:64]}`: not registered; `fenghuo model list` shows what there is"
        )
    newest = newest_changes(Subject.MODEL).where(RULE_CHANGES.c.name == model)
    last = connection.execute(newest).one()
    before = ModelState(last.to_state)
    proposer = last.actor if last.action == ModelAction.PROPOSE else None
    may(action, person, model=model, author=kept.registered_by, state=before, proposer=proposer)
    return _Step(ModelRef(id=model, sha256=kept.sha256), before, step(action, before, model))


def _before_last(connection: Connection) -> ModelRef | None:
    """The champion before the last change of it; None where there was none.

    Raises:
        LifecycleError: there never was a champion.
    """
    reign = reigns(model_changes(connection))
    if not reign:
        raise LifecycleError(
            Refusal.STATE, "no model was promoted, so there is nothing to take back; nothing was changed"
        )
    name = reign[-2] if len(reign) > 1 else None
    if name is None:
        return None
    row = connection.execute(select(MODELS).where(MODELS.c.model == name)).one()
    return ModelRef(id=row.model, sha256=row.sha256)


def _check_fit(connection: Connection, model: Model) -> None:
    packs = packs_in_force(connection)
    if not packs:
        raise LifecycleError(
            Refusal.LAST, "no pack is in force yet, which a model would score for; start `fenghuo run` first"
        )
    try:
        model.check_features(united(packs).readable)
    except ModelError as error:
        raise LifecycleError(Refusal.CLASH, f"{error}; nothing was changed") from None


def _last_moves() -> Select[Any]:
    """Of each model the newest change that brought it to where it stands; a proposal brings it nowhere."""
    return newest_changes(Subject.MODEL).where(RULE_CHANGES.c.action != ModelAction.PROPOSE.value)


def _row(row: Row[Any], moved: Row[Any]) -> ModelRow:
    proposed = row.action == ModelAction.PROPOSE
    return ModelRow(
        id=row.model,
        sha256=row.sha256,
        state=ModelState(row.to_state),
        manifest=row.manifest,
        registered_by=row.registered_by,
        registered_at=row.registered_at,
        changed_at=moved.changed_at,
        changed_by=moved.actor,
        approved_by=moved.approved_by,
        proposed_by=row.actor if proposed else None,
        proposed_at=row.changed_at if proposed else None,
    )
