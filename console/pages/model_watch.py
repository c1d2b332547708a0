"""What is watched of a model, as the page of models draws it."""

from dataclasses import dataclass

from models.comparison import PairReport, WatchReport
from models.drift import DRIFTED, FeatureDrift
from models.reference import SCORE

WIDTH, HEIGHT = 120, 24
"""Of the small charts, in their own units."""

FULL = 2 * DRIFTED
"""Index at which a bar has its full height."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A rectangle of a chart."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A feature with its charts.

    Args:
        days: index by day, a bar each.
        bins: shares now and in training, two bars for each bin.
    """

    drift: FeatureDrift
    days: tuple[Mark, ...]
    bins: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """What the page says of one model.

    Args:
        features: the most drifted first.
        score: the same of the score.
    """

    report: WatchReport
    features: list[Drawn]
    score: Drawn
    comparisons: list[PairReport]


def watched(report: WatchReport, comparisons: list[PairReport]) -> Watched:
    """A report with its charts."""
    drawn = [_drawn(report, place, one) for place, one in enumerate(report.features)]
    score = next(one for one in drawn if one.drift.name == SCORE)
    others = [one for one in drawn if one is not score]
    return Watched(report, sorted(others, key=lambda one: -(one.drift.index or 0.0)), score, comparisons)


def _drawn(report: WatchReport, place: int, one: FeatureDrift) -> Drawn:
    return Drawn(one, _days(report, place), _bins(one))


def _days(report: WatchReport, place: int) -> tuple[Mark, ...]:
    step = WIDTH / max(len(report.days), 1)
    marks = []
    for number, day in enumerate(report.days):
        found = day.features[place]
        height = max(HEIGHT * min((found.index or 0.0) / FULL, 1.0), 1.0)
        kind = found.steadiness.value
        marks.append(
            Mark(round(number * step, 2), round(HEIGHT - height, 2), round(step * 0.8, 2), height, kind)
        )
    return tuple(marks)


def _bins(one: FeatureDrift) -> tuple[Mark, ...]:
    highest = max((*one.now, *one.before)) or 1.0
    step = WIDTH / len(one.now)
    marks = []
    for number, shares in enumerate(zip(one.before, one.now, strict=True)):
        for side, share in enumerate(shares):
            height = HEIGHT * share / highest
            x = number * step + side * step * 0.45
            kind = ("before", "now")[side]
            marks.append(
                Mark(round(x, 2), round(HEIGHT - height, 2), round(step * 0.4, 2), round(height, 2), kind)
            )
    return tuple(marks)
