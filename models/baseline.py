"""The baseline: what is usual for a customer and for its peers, as medians of the training period.

A score says that an event is odd; beside the customer's own median and that of its peers a reader sees how.
Customers are known by a hash of their name alone, so that the model directory holds no names.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt

from events.columns import Column, Float64s, Int64s, Kind
from models.errors import ModelError
from models.features import Float32s, gather
from windows.jit import compiled

FEWEST = 5
"""Known values from which on a median is told."""

UInt64s = npt.NDArray[np.uint64]

_ARRAYS: dict[str, tuple[str, int]] = {"groups": ("<u8", 1), "medians": ("<f4", 2), "peers": ("<f4", 2)}
"""Names of the arrays of a file, each with its layout and number of dimensions."""


@dataclass(frozen=True)
class Baseline:
    """Medians by feature; NaN where fewer than `FEWEST` values were known.

    Args:
        groups: hashes of unified customers, ascending, shape (m,).
        medians: of each customer's events, shape (m, features); money in fen.
        peers: of all events in the first row, of those of each segment in the rows below.
    """

    groups: UInt64s
    medians: Float32s
    peers: Float32s

    @classmethod
    def of(
        cls,
        columns: Mapping[str, Column],
        groups: Iterable[str],
        codes: Int64s | None = None,
        segments: int = 0,
    ) -> "Baseline":
        """The baseline of n training rows, in any order.

        Args:
            columns: features by name, in the order of the model's, shape (n,).
            groups: unified customer of each row.
            codes: segment of each row, shape (n,); None where there are none.
            segments: how many there are.
        """
        kinds = {name: column.kind for name, column in columns.items()}
        values, given = gather(columns, kinds)
        values = np.where(given & np.isfinite(values), values, np.nan)
        places: dict[str, int] = {}
        member = np.fromiter((places.setdefault(name, len(places)) for name in groups), np.int64)
        counts = np.bincount(member, minlength=len(places))
        hashes = np.fromiter(map(group_hash, places), np.uint64, len(places))
        by_hash = np.argsort(hashes, kind="stable")
        kept = by_hash[counts[by_hash] >= FEWEST]
        # Two customers of one hash can't be told apart: neither is known.
        alone = np.bincount(np.unique(hashes[kept], return_inverse=True)[1])
        kept = kept[np.repeat(alone == 1, alone)]
        rank = np.full(len(places), len(kept))  # those without a median of their own share the last place
        rank[kept] = np.arange(len(kept))
        parts = [(rank[member], len(kept) + 1), (np.zeros(len(member), np.int64), 1)]
        if codes is not None:
            parts.append((codes, segments))
        own, *peers = _medians(values, parts)
        return cls(hashes[kept], own[:-1], np.concatenate(peers))

    def customer(self, groups: Sequence[str]) -> Float64s:
        """Medians of customers by name, shape (groups, features); NaN where unknown."""
        wanted = np.fromiter(map(group_hash, groups), np.uint64, len(groups))
        found = np.full((len(wanted), self.peers.shape[1]), np.nan)
        if len(self.groups):
            places = np.minimum(np.searchsorted(self.groups, wanted), len(self.groups) - 1)
            known = self.groups[places] == wanted
            found[known] = self.medians[places[known]]
        return found

    def peers_of(self, codes: Int64s | None, rows: int) -> Float64s:
        """Medians of the peers of `rows` events, shape (rows, features).

        Args:
            codes: segment of each event; where its own peers are too few, all events are its peers.
            rows: number of events.
        """
        every = np.repeat(self._all, rows, axis=0)
        if codes is None or len(self.peers) == 1:
            return every
        own = self.peers[codes + 1].astype(np.float64)
        return np.where(np.isnan(own), every, own)

    @cached_property
    def _all(self) -> Float64s:
        return self.peers[:1].astype(np.float64)

    def to_bytes(self) -> bytes:
        """The baseline as an `.npz` file: the same bytes for the same medians, and no pickle."""
        target = io.BytesIO()
        with ZipFile(target, "w", ZIP_STORED) as archive:
            for name, (layout, _) in _ARRAYS.items():
                content = io.BytesIO()
                array: npt.NDArray[Any] = getattr(self, name)
                np.save(content, np.ascontiguousarray(array, layout), allow_pickle=False)
                archive.writestr(ZipInfo(f"{name}.npy"), content.getvalue())
        return target.getvalue()

    @classmethod
    def of_bytes(cls, content: bytes, width: int, segments: int) -> "Baseline":
        """The baseline that `to_bytes` wrote.

        Args:
            content: of the file.
            width: features of the model.
            segments: of the model.

        Raises:
            ModelError: it is something else, or of another model.
        """
        try:
            with ZipFile(io.BytesIO(content)) as archive:
                groups, medians, peers = (_array(archive, name) for name in _ARRAYS)
        except (BadZipFile, LookupError, ValueError, OSError, NotImplementedError, RuntimeError) as error:
            raise ModelError(f"the baseline can't be read ({error}); train the model again") from None
        ascending = bool((groups[1:] > groups[:-1]).all())
        if medians.shape != (len(groups), width) or peers.shape != (segments + 1, width) or not ascending:
            raise ModelError(
                f"the baseline is damaged: {len(groups)} customers, medians of shape {medians.shape},"
                f" peers of shape {peers.shape}, but the model has {width} features and {segments} segments;"
                " train the model again"
            )
        return cls(groups, medians, peers)


def group_hash(group: str) -> int:
    """What a unified customer is known by: 64 bits of BLAKE2b.

    >>> f"{group_hash('G-1042'):016x}"
    'c3baa563ab650c0e'
    """
    return int.from_bytes(blake2b(group.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def shown(value: float, kind: Kind) -> float | int | None:
    """A median as decisions tell it: money in whole fen, None where it is unknown."""
    if not np.isfinite(value):
        return None
    return round(value) if kind is Kind.MONEY else float(value)


def _array(archive: ZipFile, name: str) -> npt.NDArray[Any]:
    layout, dimensions = _ARRAYS[name]
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type != ZIP_STORED:  # else a small file might unfold without limit
        raise ValueError(f"`{info.filename}` is compressed")
    raw = io.BytesIO(archive.read(info))
    if np.lib.format.read_magic(raw) != (1, 0):
        raise ValueError(f"`{info.filename}` has another version of the format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(raw)
    body = raw.read()
    if dtype != np.dtype(layout) or fortran or len(shape) != dimensions:
        raise ValueError(f"`{info.filename}` holds {len(shape)} dimensions of {dtype}")
    return np.frombuffer(body, dtype).reshape(shape)


def _medians(values: Float64s, parts: Sequence[tuple[Int64s, int]]) -> list[Float32s]:
    """Median of each feature by code, for each of several ways to part the rows, shape (count, features)."""
    found = [np.full((count, len(values)), np.nan, np.float32) for _, count in parts]
    for feature, row in enumerate(values):
        rising = np.argsort(row, kind="stable")[: np.count_nonzero(~np.isnan(row))]
        for (codes, _), medians in zip(parts, found, strict=True):
            _fill(row, rising, codes, medians[:, feature])
    return found


@compiled
def _fill(values: Float64s, rising: Int64s, codes: Int64s, medians: Float32s) -> None:
    """Medians by code of the values that are known, whose places come in the order of their values."""
    known = np.zeros(len(medians), np.int64)
    for row in rising:
        known[codes[row]] += 1
    seen = np.zeros(len(medians), np.int64)
    lower = np.zeros(len(medians))
    for row in rising:
        code = codes[row]
        if seen[code] == (known[code] - 1) // 2:
            lower[code] = values[row]
        if seen[code] == known[code] // 2 and known[code] >= FEWEST:
            medians[code] = (lower[code] + values[row]) / 2.0
        seen[code] += 1
