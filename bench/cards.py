"""Detection of card fraud as the Fraud Detection Handbook judges it: its weeks, its measures; pure.

A model learns from seven days and is judged by seven days that begin a week after those: the week in which
frauds become known. Cards whose fraud was known on a day are left out of it.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import fsum

import numpy as np
from msgspec import Struct
from sklearn.metrics import average_precision_score, roc_auc_score

from bench.figure import Better, Figure, figure
from bench.job import Job
from bench.subject import Subject
from events.clock import DAY
from events.columns import Bools, Float64s, Int64s

TRAINED, DELAY, TESTED = 7, 7, 7
"""Days that a model learns from, that frauds take to become known, and that a model is judged by."""
TOP = 100
"""Cards that somebody looks at on a day."""
REACH = 37 * DAY
"""What the longest window, of thirty days with a delay of seven, looks back."""

SAMPLES = 1024
"""Rows of each tree of the isolation forest: on all earlier weeks that were tried more rows found more."""

WEEK = "2018-07-25"
"""First day of the published week of training."""


class Way(StrEnum):
    """What is judged."""

    RANDOM_FOREST = "random-forest"  # scikit-learn's, with labels: the published yardstick
    ISOLATION_FOREST = "isolation-forest"  # the product's, with trees of `SAMPLES` rows
    SMALL_FOREST = "isolation-forest-256"  # the same with as many rows as it takes by default
    CHALLENGER = "challenger"
    BLEND = "blend"


class Skill(Struct, frozen=True):
    """How well frauds are found.

    Args:
        area: under the ROC curve.
        precision: average precision.
        cards: precision among the `TOP` cards of a day, mean of the days.
    """

    area: float
    precision: float
    cards: float


TARGETS = {
    Way.RANDOM_FOREST: Skill(0.857, 0.648, 0.277),  # what is published, less 0.01
    Way.ISOLATION_FOREST: Skill(0.82, 0.22, 0.21),
}
UNITS = {"area": "AUC", "precision": "AP", "cards": "CP@100"}


class CardsJob(Job, frozen=True, kw_only=True):
    """Compute the features of the handbook's payments by the product's windows; judge what learns from them.

    Args:
        data: folder of the handbook's files.
        weeks: first days of weeks of training, `WEEK` the first; windows begin before the earliest.
        seeds: of the isolation forest.
        blends: seeds of challenger and blend.
    """

    data: str
    weeks: tuple[str, ...]
    seeds: tuple[int, ...]
    blends: tuple[int, ...]

    @property
    def what(self) -> str:
        """Subject and set."""
        return "detection, handbook"


class Judged(Struct, frozen=True):
    """One way in one week.

    Args:
        week: first day of training.
        way: what was judged.
        skills: of each seed.
    """

    week: str
    way: Way
    skills: list[Skill]

    def mean(self, part: str) -> float:
        """The mean of a part of the skill over the seeds."""
        return fsum(getattr(skill, part) for skill in self.skills) / len(self.skills)


class CardsRun(Struct, frozen=True, tag=True):
    """What a job came to.

    Args:
        payments: that the windows saw.
        seconds: for their features.
        trained: payments of the published week of training.
        tested: those that it is judged by.
        frauds: of these.
        judged: every way in every week.
        weights: of the blend of the published week and its first seed, by what is weighed.
    """

    payments: int
    seconds: float
    trained: int
    tested: int
    frauds: int
    judged: list[Judged]
    weights: dict[str, float]


def figures(run: CardsRun) -> list[Figure]:
    """The skill of each way, with targets in the published week, and the blend beside the random forest."""
    found = []
    for one in run.judged:
        name = f"{Subject.DETECTION}.handbook.{one.way}"
        published = one.week == WEEK
        if not published:
            name = f"{name}.{one.week}"
        targets = TARGETS.get(one.way) if published else None
        for part, unit in UNITS.items():
            target = getattr(targets, part) if targets is not None else None
            short = {"area": "auc", "precision": "ap", "cards": "cp100"}[part]
            found.append(figure(f"{name}.{short}", unit, Better.HIGHER, [one.mean(part)], target))
    means = {one.way: one.mean("precision") for one in run.judged if one.week == WEEK}
    if {Way.BLEND, Way.RANDOM_FOREST} <= means.keys():
        ahead = means[Way.BLEND] - means[Way.RANDOM_FOREST]
        name = f"{Subject.DETECTION}.handbook.blend.ap_over_random_forest"
        found.append(figure(name, "AP", Better.HIGHER, [ahead], 0.0))
    return found


def weeks_back(count: int) -> tuple[str, ...]:
    """First days of so many weeks of training, the published one first and each of the others a week earlier.

    >>> weeks_back(2)
    ('2018-07-25', '2018-07-18')
    """
    last = date.fromisoformat(WEEK)
    return tuple((last - timedelta(weeks=number)).isoformat() for number in range(count))


@dataclass(frozen=True)
class Payments:
    """Payments that can be judged, by their number; all arrays of shape (n,).

    Args:
        at: time, epoch milliseconds.
        card: who paid.
        fraud: whether it was one.
    """

    at: Int64s
    card: Int64s
    fraud: Bools


def learnt_rows(payments: Payments, first: int) -> Int64s:
    """The payments of the week of training that begins at `first`, epoch milliseconds."""
    return np.flatnonzero((payments.at >= first) & (payments.at < first + TRAINED * DAY))


def judged_rows(payments: Payments, first: int) -> Int64s:
    """The payments by which a model is judged that learns from the week that begins at `first`."""
    known = _cards(payments, first, first + TRAINED * DAY)
    found = []
    for number in range(TESTED):
        day = first + (TRAINED + DELAY + number) * DAY
        came_out = day - (DELAY + 1) * DAY  # by its morning, the frauds of the day before that are known
        known = np.union1d(known, _cards(payments, came_out, came_out + DAY))
        rows = np.flatnonzero((payments.at >= day) & (payments.at < day + DAY))
        found.append(rows[~np.isin(payments.card[rows], known)])
    return np.concatenate(found)


def _cards(payments: Payments, since: int, until: int) -> Int64s:
    """Cards with a fraud in a span of time."""
    cards: Int64s = payments.card[payments.fraud & (payments.at >= since) & (payments.at < until)]
    return cards


def skill(payments: Payments, rows: Int64s, scores: Float64s) -> Skill:
    """How well scores of some payments find the frauds among them."""
    fraud = payments.fraud[rows]
    return Skill(
        area=float(roc_auc_score(fraud, scores)),
        precision=float(average_precision_score(fraud, scores)),
        cards=card_precision(payments.at[rows] // DAY, payments.card[rows], fraud, scores),
    )


def card_precision(day: Int64s, card: Int64s, fraud: Bools, scores: Float64s, top: int = TOP) -> float:
    """Mean over the days of the share of bad cards among the `top` whose highest score is highest.

    A card that was found is not looked at again. Of equal scores the card of the lower number comes first.
    """
    found = np.zeros(0, np.int64)
    shares = []
    for one in np.unique(day):
        rows = np.flatnonzero((day == one) & ~np.isin(card, found))
        cards, place = np.unique(card[rows], return_inverse=True)
        highest = np.full(len(cards), -np.inf)
        np.maximum.at(highest, place, scores[rows])
        bad = np.zeros(len(cards), np.bool_)
        np.logical_or.at(bad, place, fraud[rows])
        first = np.argsort(-highest, kind="stable")[:top]
        shares.append(np.count_nonzero(bad[first]) / top)
        found = np.concatenate([found, cards[first][bad[first]]])
    return fsum(shares) / len(shares)
