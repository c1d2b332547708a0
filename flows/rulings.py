"""Rulings: what judges the events of each edition of the rules, and the windows that all of them need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import NamedTuple

import structlog

from flows.beside import Beside
from models.model import Model
from rules.pack import Pack
from rules.suppression import Suppressions
from rules.union import definition
from rules.waiting import Duties
from windows.errors import WindowError
from windows.feature import Entity, Feature
from windows.plan import WindowPlan
from windows.windowed import WindowedBatch
from wire.output import Output

FIXED = 0
"""The edition of a run whose rules never change."""

Judging = Callable[[WindowedBatch], Output]

_log = structlog.get_logger(__name__)


class Built(NamedTuple):
    """What judges by an edition.

    Args:
        pack: the packs in force as one.
        judge: judges by them.
        trials: versions in the shadow.
        suppressions: of hits.
        model: gives `anomaly`; None for none.
        set_aside: whether there is a champion, and the packs lack a feature of it.
        models: in the shadow; the judge's observers have them score.
    """

    pack: Pack
    judge: Judging
    trials: Sequence[Beside] = ()
    suppressions: Suppressions | None = None
    model: Model | None = None
    set_aside: bool = False
    models: Sequence[Model] = ()


class Ground(NamedTuple):
    """What the windows have to give.

    Args:
        plan: features of all editions in use.
        lateness: the longest of their packs, milliseconds.
    """

    plan: WindowPlan
    lateness: int


@dataclass(frozen=True, eq=False)
class Ruling:
    """What judges the events of one edition.

    Args:
        pack: rules in force.
        names: by name of a feature of the packs that are evaluated, its name among the windows'.
        duties: deadlines that are watched.
        judge: makes the output of a batch whose features have the pack's names.
        trials: versions in the shadow, each with the names of its packs' features by pack.
    """

    pack: Pack
    names: Mapping[str, str]
    duties: Duties
    judge: Judging
    trials: Sequence[tuple[Beside, Mapping[str, Mapping[str, str]]]] = ()

    def __call__(self, windowed: WindowedBatch) -> Output:
        """The output of a batch."""
        output = self.judge(windowed.named(self.names))
        for beside, names in self.trials:
            beside({pack: windowed.named(own) for pack, own in names.items()})
        return output


class Rulings:
    """The rulings of one process, by edition; safe to use from several threads.

    Editions share features that are defined alike. A feature stays until the process ends, since events of an
    older edition may still be on their way.

    Args:
        load: makes what an edition needs that was not added; raises where it can't be had.
    """

    def __init__(self, load: Callable[[int], Built] | None = None) -> None:
        self._load = load
        self._lock = Lock()
        self._rulings: dict[int, Ruling] = {}
        self._names: dict[object, str] = {}
        self._features: dict[str, Feature] = {}
        self._lateness = 0
        self._grounds: dict[Entity, Ground] = {}

    def __contains__(self, edition: int) -> bool:
        return edition in self._rulings

    def add(
        self,
        edition: int,
        pack: Pack,
        judge: Judging,
        trials: Sequence[Beside] = (),
        suppressions: Suppressions | None = None,
    ) -> Ruling:
        """Make an edition known; a trial whose features find no room is left out.

        Raises:
            WindowError: the features of all editions together are more than windows can hold.
        """
        names = self.enter(pack)
        duties = Duties(pack.deadlines, pack.id, suppressions)
        entered = []
        for beside in trials:
            try:
                entered.append((beside, {one.id: self.enter(one) for one in beside.packs}))
            except WindowError as error:
                _log.error("shadow_left_out", packs=[one.id for one in beside.packs], error=str(error))
        ruling = self._rulings[edition] = Ruling(pack, names, duties, judge, entered)
        return ruling

    def enter(self, pack: Pack) -> Mapping[str, str]:
        """Have the windows give what a pack needs.

        Returns:
            by name of a feature in the pack, its name among the windows'.

        Raises:
            WindowError: the features of all packs together are more than windows can hold.
        """
        with self._lock:
            known = dict(self._names), dict(self._features)
            names = {feature.name: self._name(feature) for feature in pack.features}
            try:
                self._lay_ground(max(self._lateness, pack.lateness))
            except Exception:
                self._names, self._features = known
                raise
            return names

    def of(self, edition: int) -> Ruling:
        """The ruling of an edition, loaded where it is not known.

        Raises:
            FenghuoError: it can't be had.
        """
        ruling = self._rulings.get(edition)
        if ruling is None:
            assert self._load is not None, edition
            ruling = self.enter_edition(edition, self._load(edition))
        return ruling

    def enter_edition(self, edition: int, built: Built) -> Ruling:
        """Make an edition known as it was built.

        Raises:
            WindowError: as `add`.
        """
        return self.add(edition, built.pack, built.judge, built.trials, built.suppressions)

    def ground(self, scope: Entity) -> Ground:
        """What the windows of a stage have to give: by counterparty, or of all other entities."""
        return self._grounds[scope]

    def _name(self, feature: Feature) -> str:
        """The feature's name among the windows': its own, unless another definition has that."""
        meaning = definition(feature)
        name = self._names.get(meaning)
        if name is None:
            name, number = feature.name, 1
            while name in self._features:
                number += 1
                name = f"{feature.name}~{number}"
            self._names[meaning] = name
            self._features[name] = replace(feature, name=name)
        return name

    def _lay_ground(self, lateness: int) -> None:
        apart = [one for one in self._features.values() if one.by is Entity.COUNTERPARTY]
        within = [one for one in self._features.values() if one.by is not Entity.COUNTERPARTY]
        grounds = {}
        for scope, features in ((Entity.GROUP, within), (Entity.COUNTERPARTY, apart)):
            held = self._grounds.get(scope)
            same = held is not None and len(held.plan.features) == len(features)
            plan = held.plan if held is not None and same else WindowPlan(features, scope)
            grounds[scope] = held if held is not None and held == (plan, lateness) else Ground(plan, lateness)
        self._grounds, self._lateness = grounds, lateness
