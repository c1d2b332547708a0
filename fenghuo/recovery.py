"""The recovery directory of a run that has stopped."""

import sqlite3
from contextlib import closing
from pathlib import Path

from events.errors import FenghuoError
from fenghuo.wiring import run_flow
from flows.saved import Saved, saved_flow


class RecoveryError(FenghuoError):
    """Raised when a recovery directory holds nothing, or can't be read now."""


def check_saved(recovery: Path) -> None:
    """See that a run has saved its state.

    Raises:
        RecoveryError: none has.
    """
    if not any(recovery.glob("*.sqlite3")):
        raise RecoveryError(
            f"`{recovery}`: no run has saved its state there, so there is nothing to rebuild for; "
            "`fenghuo run` starts with empty windows and reads the topics from their beginning"
        )


def copy_recovery(recovery: Path, target: Path) -> None:
    """Copy a recovery directory that no run uses to `target`, which is made.

    Raises:
        RecoveryError: a run uses it, or it can't be read.
    """
    target.mkdir()
    for part in sorted(recovery.glob("*.sqlite3")):
        try:
            with (
                closing(sqlite3.connect(f"{part.absolute().as_uri()}?mode=rw", uri=True, timeout=0)) as held,
                closing(sqlite3.connect(target / part.name)) as copy,
            ):
                # It can't be had for oneself while a run has it open.
                held.execute("PRAGMA locking_mode = EXCLUSIVE")
                held.execute("BEGIN EXCLUSIVE")
                held.rollback()
                held.backup(copy)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise RecoveryError(
                    f"`{recovery}`: a run uses it; stop `fenghuo run` first, and whatever starts it again"
                ) from error
            raise RecoveryError(f"`{part}`: {error}; make it readable and writable, or restore it") from error


def saved_state(copy: Path, lanes: list[str]) -> Saved:
    """What a run had saved.

    Args:
        copy: of its recovery directory; the engine writes there.
        lanes: names of the source's parts.
    """
    saved = Saved()
    run_flow(saved_flow(lanes, saved), workers=1, recovery=copy, interval=1.0)
    return saved
