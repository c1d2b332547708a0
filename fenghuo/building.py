"""What judges by an edition, built from what the edition names: packs, suppressions and models."""

from collections.abc import Callable, Iterator, Sequence

import structlog

from events.clock import wall_clock
from events.errors import FenghuoError
from fenghuo.editions import Noted
from flows.beside import Beside, Trial
from flows.judge import Judge, Observer
from flows.rulings import Built
from models.errors import ModelError
from models.lifecycle import ModelRef, ModelState
from models.model import Model
from rules.edition import Edition, EditionStore, PackVersion
from rules.pack import Pack, read_pack
from rules.quarantine import Quarantine
from rules.suppression import Suppressions
from rules.terms import under
from rules.union import united
from telemetry.metrics import FlowMetrics

KEPT = 8
"""Models that stay loaded between editions."""

_log = structlog.get_logger(__name__)

LoadModel = Callable[[ModelRef], Model]
"""Loads a model that an edition names, as the registry or this machine keeps it; raises ModelError."""

Watch = Callable[[Pack, Model | None, Sequence[Model]], Sequence[Observer]]
"""Makes what watches a champion, None for none, and models in the shadow, of the packs in force."""


class LoadedModels:
    """Models of editions, loaded once.

    Args:
        load: gives a model that is not loaded yet.
        metrics: where failures are counted.
    """

    def __init__(self, load: LoadModel, metrics: FlowMetrics) -> None:
        self._load = load
        self._metrics = metrics
        self._models: dict[ModelRef, Model] = {}

    def champion(self, ref: ModelRef) -> Model:
        """The champion.

        Raises:
            ModelError: it can't be loaded.
        """
        return self._get(ref, ModelState.CHAMPION)

    def shadows(self, refs: Sequence[ModelRef]) -> Iterator[Model]:
        """The models in the shadow; one that can't be loaded is left out and told."""
        for ref in refs:
            try:
                yield self._get(ref, ModelState.SHADOW)
            except ModelError as error:
                _log.error("shadow_model_left_out", model=ref.id, error=str(error))

    def _get(self, ref: ModelRef, state: ModelState) -> Model:
        model = self._models.get(ref)
        if model is None:
            try:
                model = self._load(ref)
            except ModelError:
                self._metrics.model_failures.labels(state.value).inc()
                raise
            self._models[ref] = model
            for old in list(self._models)[:-KEPT]:
                self._models.pop(old, None)
        return model


class Builder:
    """Makes what judges by an edition.

    Args:
        store: of editions.
        models: that editions name.
        own: the model of the settings, which scores until a champion is named.
        noted: what rules do is noted there.
        metrics: what is counted.
        quarantine_after: batches in which a rule may fail.
        watch: of models; None for none.
    """

    def __init__(
        self,
        store: EditionStore,
        models: LoadedModels,
        own: Model | None,
        noted: Noted,
        metrics: FlowMetrics,
        quarantine_after: int,
        watch: Watch | None = None,
    ) -> None:
        self._store = store
        self._models = models
        self._own = own
        self._noted = noted
        self._metrics = metrics
        self._quarantine_after = quarantine_after
        self._watch = watch
        self._quarantines: dict[str, Quarantine] = {}

    def __call__(self, edition: Edition) -> Built:
        """What judges by an edition.

        Raises:
            FenghuoError: a pack or the champion can't be had, or the packs contradict each other.
        """
        packs = [self._read(version) for version in edition.active]
        pack = under(united(packs), edition)
        quarantine = self._quarantines.setdefault(pack.content_hash, Quarantine(self._quarantine_after))
        suppressions = Suppressions(edition.suppressions, self._noted.rises)
        named = self._champion(edition)
        model = _fitting(named, pack)
        shadows = [one for one in self._models.shadows(edition.shadow_models) if _fitting(one, pack)]
        judge = Judge(
            pack,
            model,
            wall_clock,
            self._metrics,
            quarantine,
            suppressions,
            self._noted.tally,
            self._watch(pack, model, shadows) if self._watch is not None else (),
        )
        return Built(
            pack,
            judge,
            list(self._trials(edition, packs, named)),
            suppressions,
            model,
            set_aside=named is not None and model is None,
            models=shadows,
        )

    def _champion(self, edition: Edition) -> Model | None:
        if not edition.governed:
            return self._own
        return None if edition.champion is None else self._models.champion(edition.champion)

    def _read(self, version: PackVersion) -> Pack:
        return read_pack(self._store.source(version.sha256), f"{version.pack}@{version.version}")

    def _trials(self, edition: Edition, live: list[Pack], named: Model | None) -> Iterator[Beside]:
        """The versions in the shadow; one that can't be read is left out and told."""
        by_name = {pack.name: pack for pack in live}
        for version in edition.shadow:
            try:
                trial = Trial(self._read(version), by_name.get(version.pack))
            except FenghuoError as error:
                _log.error("shadow_left_out", pack=version.pack, version=version.version, error=str(error))
                continue
            model = named
            try:
                for pack in (trial.shadow, trial.live):
                    if model is not None and pack is not None:
                        model.check_features(pack.readable)
            except ModelError:
                model = None
            yield Beside(trial, model, self._noted.shadows, self._metrics)


def _fitting(model: Model | None, pack: Pack) -> Model | None:
    """The model, unless the packs lack a feature of it; that is told."""
    if model is None:
        return None
    try:
        model.check_features(pack.readable)
    except ModelError as error:
        _log.error("model_set_aside", model=model.id, pack=pack.id, error=str(error))
        return None
    return model
