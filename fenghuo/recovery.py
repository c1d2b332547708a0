"""The recovery directory of a run that has stopped."""

import secrets
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from bytewax.recovery import init_db_dir

from events.errors import FenghuoError


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
    """Copy what stands in a recovery directory that no run uses to `target`, which is made.

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


def prepare_recovery(recovery: Path) -> None:
    """Make a recovery directory ready for a run: made where it is missing, else without uncommitted states.

    Raises:
        RecoveryError: it can't be read.
    """
    if any(recovery.glob("*.sqlite3")):
        _drop_uncommitted(recovery)
        return
    recovery.mkdir(parents=True, exist_ok=True)
    # The engine can't go on with a file that it has made but not filled, so it makes it elsewhere.
    with tempfile.TemporaryDirectory(dir=recovery) as folder:
        init_db_dir(Path(folder), 1)
        (made,) = Path(folder).glob("*.sqlite3")
        with closing(sqlite3.connect(made)) as part:
            part.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        made.replace(recovery / made.name)


def lineage_of(recovery: Path) -> str:
    """The name of the run that a recovery directory goes on with; a new one where it is missing.

    What is kept elsewhere for the places that a run has read is kept under this name: once the directory is
    deleted, reading begins anew and those places mean nothing.

    Raises:
        RecoveryError: the directory can't be written.
    """
    path = recovery / "lineage"
    try:
        if not path.exists():
            recovery.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".part")
            draft.write_text(secrets.token_hex(8), "ascii")
            draft.replace(path)
        return path.read_text("ascii")
    except OSError as error:
        raise RecoveryError(f"`{path}`: {error.strerror}; make it readable and writable") from error


def _drop_uncommitted(recovery: Path) -> None:
    """Forget what a run that was killed had saved of an epoch that it did not finish.

    The engine counts epochs on from before that one, but leaves such states in place. Once it has counted
    past them it takes them for its own, and a shard's state comes back from ahead of the source's offsets.
    """
    for part in sorted(recovery.glob("*.sqlite3")):
        try:
            with closing(sqlite3.connect(f"{part.absolute().as_uri()}?mode=rw", uri=True)) as found, found:
                found.execute(_DROP_UNCOMMITTED)
        except sqlite3.DatabaseError as error:
            raise RecoveryError(f"`{part}`: {error}; make it readable and writable, or restore it") from error


# A worker that has not finished any epoch of the last execution is where that began.
_DROP_UNCOMMITTED = """
DELETE FROM snaps WHERE snap_epoch >= (
    SELECT CASE
        WHEN (SELECT COUNT(*) FROM fronts WHERE fronts.ex_num = last.ex_num) < last.worker_count
        THEN last.resume_epoch
        ELSE (SELECT MIN(worker_frontier) FROM fronts WHERE fronts.ex_num = last.ex_num)
    END
    FROM (SELECT * FROM exs ORDER BY ex_num DESC LIMIT 1) AS last
)
"""
