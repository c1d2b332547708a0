"""`fenghuo doctor`: every setting with its source, and whether this machine can run Fenghuo."""

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fenghuo.embedded import EmbeddedError, Need
from fenghuo.embedded.services import KINDS, reach
from fenghuo.registry import artefacts_of
from fenghuo.settings import Settings, Source, unknown_variables
from models.errors import ModelError

PYTHONS = ((3, 11), (3, 12))
LEAST_DISK = 1 << 30
READ_ELSEWHERE = frozenset({"FENGHUO_DATA"})  # by the tests


class Verdict(StrEnum):
    """The outcome of a check; only a failed one makes the command fail."""

    OK = "正常 ok"
    NOTE = "注意 note"
    FAILED = "失败 failed"


STYLES = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.FAILED: "bold red"}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        subject: what it was.
        verdict: how it went.
        detail: what was found, and what to do about it.
    """

    subject: str
    verdict: Verdict
    detail: str


def doctor(settings: Settings, console: Console | None = None) -> int:
    """Print the settings and the checks; 1 if a check failed, else 0."""
    out = console or Console()
    out.print(settings_table(settings))
    checks = run_checks(settings)
    out.print(checks_table(checks))
    return int(any(check.verdict is Verdict.FAILED for check in checks))


def settings_table(settings: Settings) -> Table:
    """Every setting, its value as people may see it, and where the value comes from."""
    table = Table("设置 setting", "值 value", "来源 source", title="设置 Settings", title_justify="left")
    for name in Settings.model_fields:
        source, place = settings.source_of(name)
        style = "dim" if source is Source.DEFAULT else ""
        origin = f"{source} {place}".strip()
        table.add_row(
            *(Text(text, overflow="fold") for text in (name, settings.shown(name), origin)), style=style
        )
    return table


def checks_table(checks: list[Check]) -> Table:
    """Every check with its verdict."""
    table = Table("检查 check", "结果 result", "说明 detail", title="检查 Checks", title_justify="left")
    for check in checks:
        verdict = Text(check.verdict, STYLES[check.verdict], no_wrap=True)
        table.add_row(check.subject, verdict, Text(check.detail, overflow="fold"))
    return table


def run_checks(settings: Settings) -> list[Check]:
    """Look at the machine, the files that settings name, and every server."""
    return [
        check_python(),
        check_processors(settings.workers),
        check_data_dir(settings.data_dir),
        *map(check_pack, settings.pack),
        check_registry(settings),
        *check_variables(),
        *(check_service(settings, which) for which in KINDS),
    ]


def check_python() -> Check:
    """Bytewax has wheels for few versions of Python."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] in PYTHONS:
        return Check("Python", Verdict.OK, found)
    return Check("Python", Verdict.FAILED, f"{found}; install Python 3.11 or 3.12")


def check_processors(workers: int) -> Check:
    """More workers than processors only wait for each other."""
    count = len(os.sched_getaffinity(0))
    if workers <= count:
        return Check("CPU", Verdict.OK, f"{count}")
    return Check("CPU", Verdict.NOTE, f"{count}, fewer than the {workers} workers; lower `workers`")


def check_data_dir(data_dir: Path) -> Check:
    """The data directory, or what it will be made in, is writable and has room."""
    place = next(path for path in (data_dir.absolute(), *data_dir.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        cure = "make it a writable directory or set `FENGHUO_DATA_DIR`"
        return Check("data_dir", Verdict.FAILED, f"`{place}` can't be written; {cure}")
    free = shutil.disk_usage(place).free
    room = f"{free / 2**30:.1f} GiB free on `{place}`"
    if free < LEAST_DISK:
        return Check("data_dir", Verdict.FAILED, f"{room}; make room or set `FENGHUO_DATA_DIR`")
    return Check("data_dir", Verdict.OK, room)


def check_pack(pack: Path) -> Check:
    """A rule pack is there; `fenghuo rules check` reads it."""
    if pack.is_file():
        return Check("pack", Verdict.OK, f"`{pack}`")
    return Check("pack", Verdict.FAILED, f"`{pack}`: no such file; set `FENGHUO_PACK` to a rule pack")


def check_registry(settings: Settings) -> Check:
    """The model registry can be listed."""
    try:
        artefacts = artefacts_of(settings)
        return Check("registry", Verdict.OK, f"{len(artefacts.ids())} models in `{artefacts.place}`")
    except ModelError as error:
        return Check("registry", Verdict.FAILED, str(error))


def check_variables() -> list[Check]:
    """A note for each variable that looks like a setting and is none: such a slip is silent otherwise."""
    return [
        Check(name, Verdict.NOTE, "no such setting" + (f"; did you mean `{near}`?" if near else "; unset it"))
        for name, near in unknown_variables(READ_ELSEWHERE).items()
    ]


def check_service(settings: Settings, which: Need) -> Check:
    """The server that is set answers; or the embedded one starts, in a directory that is thrown away."""
    kind = KINDS[which]
    began = time.monotonic()
    try:
        if getattr(settings, kind.setting):
            reach(settings, which)
            found = f"answers at {settings.shown(kind.setting)}"
        else:
            with (
                tempfile.TemporaryDirectory(prefix="fenghuo-doctor-") as directory,
                kind.start(Path(directory)),
            ):
                found = "embedded, starts"
    except EmbeddedError as error:
        return Check(kind.what, Verdict.FAILED, str(error))
    return Check(kind.what, Verdict.OK, f"{found} ({time.monotonic() - began:.2f} s)")
