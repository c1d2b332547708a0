"""An estimator as bytes without pickle: skops' format, made the same for the same estimator every time.

skops names the parts of its archive after addresses in memory, stamps them with the time of day, and writes
the filling between the fields of an array as it is found. None of that means anything: it is made even here.
"""

import io
import json
from itertools import count
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt
import skops.io

_SCHEMA = "schema.json"


def dump(estimator: Any) -> bytes:
    """The estimator in skops' format; equal estimators give equal bytes."""
    raw = ZipFile(io.BytesIO(skops.io.dumps(estimator)))
    schema = json.loads(raw.read(_SCHEMA))
    names = _Names()
    names.rename(schema)
    target = io.BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for old, new in names.files.items():
            _write(archive, new, _even(raw.read(old)))
        _write(archive, _SCHEMA, json.dumps(schema, separators=(",", ":")).encode())
    return target.getvalue()


class _Names:
    """Numbers for objects and files, in the order in which they are met."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self._ids: dict[int, int] = {}
        self._numbers = count()

    def rename(self, node: Any) -> None:
        """Name a node of the schema and all below it anew."""
        if isinstance(node, dict):
            if "__id__" in node:
                node["__id__"] = self._number(node)
            if isinstance(node.get("file"), str):
                node["file"] = self.files.setdefault(node["file"], f"{len(self.files)}.npy")
        below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        for value in below:
            self.rename(value)

    def _number(self, node: dict[str, Any]) -> int:
        if node.get(
            "is_json"
        ):  # a plain value is nobody's twin, whether or not the interpreter keeps it once
            return next(self._numbers)
        known = self._ids.get(node["__id__"])
        if known is None:
            known = self._ids[node["__id__"]] = next(self._numbers)
        return known


def _even(content: bytes) -> bytes:
    array = np.load(io.BytesIO(content), allow_pickle=False)
    even: npt.NDArray[Any] = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names or ():
        even[name] = array[name]
    if array.dtype.names is None:
        even[...] = array
    target = io.BytesIO()
    np.save(target, even, allow_pickle=False)
    return target.getvalue()


def _write(archive: ZipFile, name: str, content: bytes) -> None:
    archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)
