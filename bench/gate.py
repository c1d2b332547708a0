"""The gate: the least or the most that figures may be; pure but for reading its file."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.errors import BenchError
from bench.figure import Figure
from bench.subject import Subject


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Between what a figure's median must be; None for no limit."""

    least: float | None = None
    most: float | None = None


Gate = Mapping[str, Limits]
"""Limits by the name of the figure."""


def read_gate(path: Path) -> Gate:
    """Read a gate file, `{"hot.plain.batch.ratio": {"most": 1.5}, …}`.

    Raises:
        BenchError: it can't be read, or a line says nothing or of no subject.
    """
    try:
        gate = msgspec.json.decode(path.read_bytes(), type=dict[str, Limits])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: {error}; write {_EXAMPLE}") from error
    for name, limits in gate.items():
        subject = name.partition(".")[0]
        if subject not in set(Subject):
            raise BenchError(f"{path}: `{name}` begins with none of {', '.join(Subject)}")
        if limits.least is None and limits.most is None:
            raise BenchError(f"{path}: `{name}` has neither `least` nor `most`; write {_EXAMPLE}")
    return gate


_EXAMPLE = '{"hot.plain.batch.ratio": {"most": 1.5}}'


def shortfalls(gate: Gate, figures: Iterable[Figure], subjects: Iterable[Subject]) -> list[str]:
    """One line for each figure that is outside its limits, or that was not measured though its subject was.

    Args:
        gate: the limits.
        figures: that were measured.
        subjects: that were run; what the gate says of others is left alone.
    """
    measured = {one.name: one for one in figures}
    run = set(subjects)
    lines = []
    for name, limits in gate.items():
        if Subject(name.partition(".")[0]) not in run:
            continue
        found = measured.get(name)
        if found is None:
            near = get_close_matches(name, measured, 1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            lines.append(f"`{name}` was not measured{hint}")
        elif limits.least is not None and found.median < limits.least:
            lines.append(f"`{name}` is {found.median:g} {found.unit}, at least {limits.least:g} is wanted")
        elif limits.most is not None and found.median > limits.most:
            lines.append(f"`{name}` is {found.median:g} {found.unit}, at most {limits.most:g} is wanted")
    return lines
