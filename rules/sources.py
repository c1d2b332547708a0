"""Where conditions find their columns: events, local time, features, profile and anomaly."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from events.columns import EVENT_FIELDS, Column, EventBatch, Kind, text_column
from rules.calendar import working_days
from rules.errors import RuleError
from rules.language.scope import ANOMALY, ATTRIBUTES, MODEL, PROFILE
from rules.local_time import LocalTime


class ProfileSource(Protocol):
    """The profiles of the customers of a batch."""

    def column(self, name: str, kind: Kind) -> Column:
        """The column of `profile.<name>`, read as `kind`; shape (n,)."""
        ...


class EventColumns:
    """Columns of the events alone: fields, attributes, hour, weekday and workday.

    Args:
        batch: the events.
        local_time: of the pack's timezone.
    """

    def __init__(self, batch: EventBatch, local_time: LocalTime) -> None:
        self._batch = batch
        self._local_time = local_time

    def __len__(self) -> int:
        return len(self._batch)

    def column(self, name: str, kind: Kind | None) -> Column:
        """The column of a name.

        Raises:
            RuleError: there is no such column.
        """
        if name in EVENT_FIELDS:
            return self._batch.column(name)
        if name.startswith(ATTRIBUTES) and kind:
            return self._batch.attribute(name.removeprefix(ATTRIBUTES), kind)
        if name == "workday":
            works = working_days(self._local_time).workdays(self._batch.occurred_at)
            return Column(works, np.ones(len(works), np.bool_), Kind.BOOL)
        if name in {"hour", "weekday"}:
            times = self._batch.occurred_at
            part = self._local_time.hours(times) if name == "hour" else self._local_time.weekdays(times)
            return Column(part, np.ones(len(part), np.bool_), Kind.NUMBER)
        raise RuleError(f"there is no column `{name}`")


class RuleColumns(EventColumns):
    """All that a rule may read.

    Args:
        batch: the events.
        local_time: of the pack's timezone.
        features: columns of features by name; may grow.
        failures: messages of the expressions that failed, by feature.
        profile: the customers' profiles; None where there are none.
        anomaly: percentiles of the model's scores; None without a model.
        limit: percentile that the model's alert budget allows; None without a budget.
    """

    def __init__(
        self,
        batch: EventBatch,
        local_time: LocalTime,
        features: Mapping[str, Column],
        failures: Mapping[str, str],
        profile: ProfileSource | None,
        anomaly: Column | None,
        limit: float | None = None,
    ) -> None:
        super().__init__(batch, local_time)
        self._features = features
        self._failures = failures
        self._profile = profile
        self._anomaly = anomaly
        self._limit = limit

    def column(self, name: str, kind: Kind | None) -> Column:
        """The column of a name.

        Raises:
            RuleError: there is no such column, or it is an expression that failed.
        """
        if name in self._failures:
            raise RuleError(f"expression `{name}` failed: {self._failures[name]}")
        feature = self._features.get(name)
        if feature is not None:
            return feature
        if name.startswith(PROFILE) and kind:
            if self._profile is None:
                return nulls(len(self), kind)
            return self._profile.column(name.removeprefix(PROFILE), kind)
        if name in MODEL:
            said = self._anomaly if name == ANOMALY else self._limits
            return nulls(len(self), Kind.NUMBER) if said is None else said
        return super().column(name, kind)

    @property
    def _limits(self) -> Column | None:
        """The limit, for every event."""
        if self._limit is None:
            return None
        return Column(np.full(len(self), self._limit), np.ones(len(self), np.bool_), Kind.NUMBER)


def nulls(rows: int, kind: Kind) -> Column:
    """A column of NULLs."""
    if kind is Kind.TEXT:
        return text_column([None] * rows)
    values: npt.NDArray[Any] = np.zeros(rows, np.bool_ if kind is Kind.BOOL else np.float64)
    return Column(values, np.zeros(rows, np.bool_), kind)
