"""How well a model finds what labels call bad, on a period later than the one it was trained on.

An event without a label counts as good: most harm becomes known late or never, so true figures are higher.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from sklearn.metrics import average_precision_score, roc_auc_score

from events.columns import Bools, Float64s, Int64s, Objects
from models.errors import ModelError
from models.model import Scores


class ScenarioFigures(Struct, frozen=True):
    """How well one kind of harm is found.

    Args:
        bad: events of the kind.
        auc: area under the ROC curve of these against all good events.
        found: those at or above the limit.
        customers: customers with such events.
        customers_found: those of them that have one at or above the limit.
    """

    bad: int
    auc: float | None
    found: int
    customers: int
    customers_found: int


class Evaluation(Struct, frozen=True):
    """What a model is worth in a period.

    Args:
        model: its id.
        events: scored events.
        bad: those that labels call bad.
        auc: area under the ROC curve; None where all are alike.
        average_precision: area under the precision-recall curve; None where nothing is bad.
        precision_at: by k, the mean daily share of customers with a bad event among the k that score highest.
        limit: the percentile from which on events are raised.
        alerts_per_day: customers a day at or above the limit, in the mean.
        busiest_day: the same on the busiest day.
        precision: share of bad events among those at or above the limit; None where there are none.
        recall: share of the bad events that lie there; None where nothing is bad.
        scenarios: figures by kind of harm.
    """

    model: str
    events: int
    bad: int
    auc: float | None
    average_precision: float | None
    precision_at: dict[str, float]
    limit: float
    alerts_per_day: float
    busiest_day: int
    precision: float | None
    recall: float | None
    scenarios: dict[str, ScenarioFigures]


def evaluate(
    model: str,
    scores: Scores,
    kinds: Mapping[str, str],
    events: Objects,
    groups: Objects,
    days: Int64s,
    limit: float,
    ks: tuple[int, ...] = (10, 50, 100),
) -> Evaluation:
    """The figures of one model.

    Args:
        model: its id.
        scores: what it says of the events, shape (n,).
        kinds: kind of harm, or scenario, by id of each bad event.
        events: ids, shape (n,).
        groups: unified customers, shape (n,).
        days: numbers of the local days, shape (n,).
        limit: the percentile from which on events are raised.
        ks: for the precision among the k customers that score highest.

    Raises:
        ModelError: there are no events.
    """
    if not len(events):
        raise ModelError("no event of the model's types lies in the period; name another one")
    named = np.array([kinds.get(event, "") for event in events], object)
    bad = named != ""
    rank = ranks(scores)
    raised = scores.percentile >= limit
    daily = _customers_by_day(raised, groups, days)
    return Evaluation(
        model=model,
        events=len(events),
        bad=int(bad.sum()),
        auc=_auc(bad, rank),
        average_precision=float(average_precision_score(bad, rank)) if bad.any() else None,
        precision_at={str(k): precision_at(rank, bad, groups, days, k) for k in ks},
        limit=limit,
        alerts_per_day=float(daily.mean()),
        busiest_day=int(daily.max()),
        precision=float(bad[raised].mean()) if raised.any() else None,
        recall=float(raised[bad].mean()) if bad.any() else None,
        scenarios={
            kind: _scenario(named == kind, bad, rank, raised, groups) for kind in sorted(set(named[bad]))
        },
    )


def ranks(scores: Scores) -> Int64s:
    """Place of each event among all by percentile, and by raw score where that is shared; ties are equal."""
    keys = np.stack([scores.percentile, scores.score], axis=1)
    _, places = np.unique(keys, axis=0, return_inverse=True)
    return places.reshape(-1)


def precision_at(
    rank: npt.NDArray[np.float64] | Int64s, bad: Bools, groups: Objects, days: Int64s, k: int
) -> float:
    """Mean daily share of customers with a bad event among the k customers that score highest on that day.

    Where a day has fewer than k customers, all of them count. Ties go to the customer whose name comes first.

    Args:
        rank: rises with the score, shape (n,).
        bad: shape (n,).
        groups: customer of each event, shape (n,).
        days: shape (n,).
        k: at least 1.
    """
    _, names = np.unique(groups.astype(str), return_inverse=True)
    shares = []
    for day in np.unique(days):
        rows = np.flatnonzero(days == day)
        own, place = np.unique(names[rows], return_inverse=True)
        highest = np.full(len(own), -np.inf)
        np.maximum.at(highest, place, rank[rows].astype(np.float64))
        hurt = np.zeros(len(own), np.bool_)
        hurt[place[bad[rows]]] = True
        top = np.argsort(-highest, kind="stable")[:k]
        shares.append(float(hurt[top].mean()))
    return float(np.mean(shares))


def _customers_by_day(raised: Bools, groups: Objects, days: Int64s) -> Int64s:
    """Number of customers with a raised event on each day that has events."""
    _, names = np.unique(groups.astype(str), return_inverse=True)
    pairs = np.unique(np.stack([days[raised], names[raised]], axis=1), axis=0)
    return np.bincount(np.searchsorted(found := np.unique(days), pairs[:, 0]), minlength=len(found))


def _auc(bad: Bools, rank: Float64s | Int64s) -> float | None:
    return float(roc_auc_score(bad, rank)) if bad.any() and not bad.all() else None


def _scenario(own: Bools, bad: Bools, rank: Int64s, raised: Bools, groups: Objects) -> ScenarioFigures:
    against = own | ~bad
    return ScenarioFigures(
        bad=int(own.sum()),
        auc=_auc(own[against], rank[against]),
        found=int(raised[own].sum()),
        customers=len(set(groups[own])),
        customers_found=len(set(groups[own & raised])),
    )
