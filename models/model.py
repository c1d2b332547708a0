"""The anomaly model: feature columns in; raw scores, percentiles and explanations out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

import numpy as np

from events.columns import Column, Float64s, Int64s, Kind
from models.baseline import Baseline, shown
from models.budget import USUAL
from models.calibration import Calibration
from models.errors import ModelError
from models.features import Encoder
from models.manifest import BASELINE, REFERENCE, Manifest
from models.reference import Reference
from models.scorer import Scorer


class Scores(NamedTuple):
    """What the model says of n events.

    Args:
        score: raw scores, 0–1, higher is more anomalous, shape (n,).
        percentile: share of the training rows that score lower, 0–1, shape (n,).
    """

    score: Float64s
    percentile: Float64s


class Share(NamedTuple):
    """One feature's share in one score.

    Args:
        feature: its name.
        value: its value in the event, money in fen; None where it is NULL.
        contribution: part of the score less the model's base; positive means more anomalous.
        customer_median: what is usual for the customer, as `value`; None where it is unknown.
        peers_median: what is usual for its peers.
    """

    feature: str
    value: float | int | None
    contribution: float
    customer_median: float | int | None = None
    peers_median: float | int | None = None


@dataclass(frozen=True)
class Model:
    """A trained anomaly model; its methods change nothing and may run in several threads at a time.

    Args:
        manifest: what it is and what it was trained on.
        encoder: from feature columns to the matrix that the scorer reads.
        scorer: scores that matrix.
        calibration: from raw scores to percentiles.
        parts: content of the files beside the manifest, by name.
    """

    manifest: Manifest
    encoder: Encoder
    scorer: Scorer = field(repr=False)
    calibration: Calibration = field(repr=False)
    parts: Mapping[str, bytes] = field(repr=False)

    @property
    def id(self) -> str:
        """The model's name in decisions; it follows from the content."""
        return self.manifest.id

    @property
    def base(self) -> float:
        """The raw score that contributions start from: that of a row of mean path length."""
        return self.scorer.base

    @cached_property
    def event_types(self) -> frozenset[str]:
        """Types of the events that the model scores."""
        return frozenset(self.manifest.event_types)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features of the matrix."""
        return tuple(self.encoder.kinds)

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Kind by name of all features that the model reads: of the matrix, and of the segments."""
        segments = self.manifest.segments
        return self.encoder.kinds | ({} if segments is None else {segments.feature: segments.kind})

    @property
    def limit(self) -> float | None:
        """The percentile from which on the alert budget lets an event be raised; None without a budget."""
        return None if self.manifest.budget is None else self.manifest.budget.level

    @property
    def raises_from(self) -> float:
        """The percentile from which on it would raise an event: `limit`, or the usual one."""
        return USUAL if self.limit is None else self.limit

    @cached_property
    def baseline(self) -> Baseline | None:
        """What is usual for customers and peers; None for a model that was trained without customers.

        Raises:
            ModelError: the file is damaged.
        """
        content = self.parts.get(BASELINE)
        if content is None:
            return None
        segments = 0 if self.manifest.segments is None else self.manifest.segments.count
        return Baseline.of_bytes(content, len(self.feature_names), segments)

    @cached_property
    def reference(self) -> Reference:
        """How features and scores lay in training.

        Raises:
            ModelError: the file is damaged.
        """
        return Reference.of_bytes(self.parts[REFERENCE], self.feature_names)

    def check_features(self, kinds: Mapping[str, Kind]) -> None:
        """Compare the model's features with those of a pack, given as kind by name.

        Raises:
            ModelError: the pack lacks a feature of the model or means something else by it.
        """
        for name, wanted in self.kinds.items():
            kind = kinds.get(name)
            if kind is wanted:
                continue
            if kind is None:
                near = get_close_matches(name, kinds, n=1)
                fault = "which the pack lacks" + (f" (it has `{near[0]}`)" if near else "")
            else:
                fault = f"as {wanted.value}, but in the pack it is {kind.value}"
            raise ModelError(
                f"model `{self.id}` reads feature `{name}`, {fault};"
                f" train a model on this pack, or use pack `{self.manifest.pack.id}`"
            )

    def score(self, columns: Mapping[str, Column]) -> Scores:
        """Score the rows of `columns`, feature columns by name, all of length n.

        Raises:
            ModelError: a feature has no column, or one of another kind or length.
        """
        scores = self.scorer.score(self.encoder.matrix(columns))
        return Scores(scores, self.calibration.percentile(scores, self.codes(columns)))

    def codes(self, columns: Mapping[str, Column]) -> Int64s | None:
        """Segment of each row, shape (n,); None where the model has none.

        Raises:
            ModelError: the feature that parts them has no column, or one of another kind.
        """
        segments = self.manifest.segments
        if segments is None:
            return None
        column = columns.get(segments.feature)
        if column is None:
            raise ModelError(
                f"feature `{segments.feature}` has no column; use the pack that the model was trained on"
            )
        return segments.codes(column)

    def explain(
        self,
        columns: Mapping[str, Column],
        rows: Int64s,
        top: int = 3,
        groups: Sequence[str] | None = None,
    ) -> list[list[Share]]:
        """For each of `rows`, the `top` features that moved its score most, the strongest first.

        Features that moved nothing are left out. Equal rows of a customer have equal explanations.

        Args:
            columns: feature columns by name, all of length n.
            rows: places of the rows to explain, shape (m,).
            top: most features that are named.
            groups: unified customer of each of `rows`; None: nothing is told of the customer.

        Raises:
            ModelError: a feature has no column, or one of another kind or length.
        """
        chosen = {name: columns[name].take(rows) for name in self.kinds if name in columns}
        shares = self.scorer.explain(self.encoder.matrix(chosen))
        order = np.argsort(-np.abs(shares), axis=1, kind="stable")[:, :top]
        own, peers = self._usual(chosen, groups, len(rows))
        explained: list[list[Share]] = []
        for row in range(len(rows)):
            explained.append([])
            for place in order[row].tolist():
                name = self.feature_names[place]
                if (share := float(shares[row, place])) != 0.0:
                    kind, value = self.encoder.kinds[name], _plain(chosen[name], row)
                    usual = shown(own[row, place], kind), shown(peers[row, place], kind)
                    explained[row].append(Share(name, value, share, *usual))
        return explained

    def _usual(
        self, columns: Mapping[str, Column], groups: Sequence[str] | None, rows: int
    ) -> tuple[Float64s, Float64s]:
        """Medians of customers and of peers, both of shape (rows, features); NaN where unknown."""
        unknown: Float64s = np.full((rows, len(self.feature_names)), np.nan)
        if self.baseline is None:
            return unknown, unknown
        own = unknown if groups is None else self.baseline.customer(groups)
        return own, self.baseline.peers_of(self.codes(columns), rows)

    def warm_up(self) -> None:
        """Compile the kernels, or fetch them from their cache, so that no event has to wait for it."""
        blank = {name: Column(np.zeros(1), np.zeros(1, np.bool_), kind) for name, kind in self.kinds.items()}
        self.score(blank)
        self.explain(blank, np.zeros(1, np.int64), groups=[""])
        self.reference.count({name: blank[name] for name in self.feature_names}, np.zeros(1))


def _plain(column: Column, row: int) -> float | int | None:
    value = column.at(row)
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, int | float) and math.isfinite(value) else None
