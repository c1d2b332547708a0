"""Beside: a version in the shadow judges what the one in force judges, and only counts come of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from models.model import Model
from rules.evaluate import Judgement, derive, evaluate
from rules.pack import Pack
from rules.score import score
from rules.shadow import ShadowTally, Verdicts, compared, verdicts
from telemetry.metrics import FlowMetrics
from windows.windowed import WindowedBatch

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Trial:
    """A version that is tried beside the one in force.

    Args:
        shadow: the version that is tried.
        live: the version in force of the same name; None where there is none.
    """

    shadow: Pack
    live: Pack | None


class Beside:
    """Compares a trial's versions on every batch; whatever fails here changes nothing else.

    Args:
        trial: the versions.
        model: gives both the anomaly score; None without one, or where its features are not theirs.
        tally: where counts are added.
        metrics: where failures are counted.
    """

    def __init__(self, trial: Trial, model: Model | None, tally: ShadowTally, metrics: FlowMetrics) -> None:
        self.packs = tuple(pack for pack in (trial.live, trial.shadow) if pack is not None)
        self._trial = trial
        self._model = model
        self._tally = tally
        self._metrics = metrics
        self._failed = False

    def __call__(self, parts: Mapping[str, WindowedBatch]) -> None:
        """Compare both on a batch.

        Args:
            parts: the batch with the features of each pack, by the pack's id.
        """
        trial = self._trial
        try:
            shadow = self._verdicts(trial.shadow, parts[trial.shadow.id])
            if shadow is None:
                return
            batch = parts[trial.shadow.id].batch
            live = None if trial.live is None else self._verdicts(trial.live, parts[trial.live.id])
            found = compared(live or Verdicts(shadow.outcomes * 0, {}), shadow, batch)
            self._tally.add(trial.live.id if trial.live else "", trial.shadow.id, found)
        except Exception:  # noqa: BLE001  # whatever a trial does, the version in force goes on
            self._metrics.shadow_failures.inc()
            if not self._failed:
                self._failed = True
                _log.exception("shadow_failed", pack=trial.shadow.id)

    def _verdicts(self, pack: Pack, windowed: WindowedBatch) -> Verdicts | None:
        if windowed.degraded or not len(windowed.batch):
            return None
        return verdicts(self._judgement(pack, windowed), len(windowed.batch))

    def _judgement(self, pack: Pack, windowed: WindowedBatch) -> Judgement:
        batch = windowed.batch
        derived = derive(pack, batch, windowed.features, windowed.warming)
        said = None
        if self._model is not None:
            said = score(self._model, batch, derived, pack, windowed.profiles)
        if said is None:
            return evaluate(pack, batch, derived, windowed.profiles, None)
        return evaluate(pack, batch, derived, windowed.profiles, said.percentile, limit=said.limit)
