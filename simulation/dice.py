"""Seeded draws: every part has a stream of its own, so that one part never shifts another."""

import math
from collections.abc import Sequence
from typing import TypeVar
from zlib import crc32

import numpy as np

T = TypeVar("T")

_BUFFER = 1024


class Dice:
    """Scalar draws from the stream of one purpose, buffered because a NumPy call for one number is slow.

    Args:
        seed: the seed of the whole simulation.
        purpose: name of the part that draws.
        day: day of the simulation; -1 for what is drawn once.
    """

    def __init__(self, seed: int, purpose: str, day: int = -1) -> None:
        self.numpy = np.random.default_rng([seed, crc32(purpose.encode()), day + 1])
        self._uniforms: list[float] = []
        self._normals: list[float] = []

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number of [low, high)."""
        if not self._uniforms:
            self._uniforms = self.numpy.random(_BUFFER).tolist()
        return low + (high - low) * self._uniforms.pop()

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.uniform() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.uniform() < probability

    def pick(self, things: Sequence[T]) -> T:
        """One of `things`, each alike."""
        return things[int(self.uniform() * len(things))]

    def weighted(self, things: Sequence[T], cumulative: Sequence[float]) -> T:
        """One of `things` by their cumulative shares, which end with 1."""
        draw = self.uniform()
        for thing, bound in zip(things, cumulative, strict=True):
            if draw < bound:
                return thing
        return things[-1]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """All of `things` in a random order."""
        return [things[i] for i in self.numpy.permutation(len(things)).tolist()]

    def lognormal(self, median: float, sigma: float) -> float:
        """A positive number with this median; `sigma` is the deviation of its logarithm."""
        if not self._normals:
            self._normals = self.numpy.standard_normal(_BUFFER).tolist()
        return median * math.exp(sigma * self._normals.pop())
