"""One server per directory: a lock file that is held exactly as long as the server lives."""

import fcntl
import os
import time
from pathlib import Path

from fenghuo.embedded.errors import EmbeddedError

RETRY = 0.05


class DirectoryLock:
    """An exclusive lock on a directory.

    The server process inherits the open file, so the lock outlives a killed parent for as long as its server
    does, and no longer.

    Args:
        directory: what is locked; made when missing.
        service: name of the server, for the message to the second who wants it.
        patience: seconds to wait for the server of a process that is gone, which may still be ending.

    Raises:
        EmbeddedError: another process uses the directory.
    """

    def __init__(self, directory: Path, service: str, patience: float = 15.0) -> None:
        self.path = directory / "lock"
        self._released = False
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise EmbeddedError(
                f"`{directory}`: {service} can't keep its data there: {error.strerror}; "
                "make it writable or set `FENGHUO_DATA_DIR`"
            ) from error
        deadline = time.monotonic() + patience
        while not self._taken():
            owner, port = self._holder()
            if time.monotonic() > deadline or (owner and _alive(owner)):
                os.close(self.fd)
                raise EmbeddedError(
                    f"`{directory}`: {service} already runs there (started by process {owner or 'unknown'}, "
                    f"port {port or 'unknown'}); stop that one or use another directory"
                )
            time.sleep(RETRY)
        self.record(0)

    def record(self, port: int) -> None:
        """Write who holds the lock and the port of its server, for people and for the message above."""
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, f"{os.getpid()} {port}\n".encode(), 0)

    def release(self) -> None:
        """Let the directory go, once; the file stays, as removing it would race with the next holder.

        Who comes next waits for what is left of a killed server, instead of being told of a live one.
        """
        if self._released:
            return  # the number may be another file by now
        self._released = True
        os.ftruncate(self.fd, 0)
        os.close(self.fd)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holder(self) -> tuple[int, int]:
        words = os.pread(self.fd, 64, 0).split()
        return (int(words[0]), int(words[1])) if len(words) == 2 else (0, 0)  # noqa: PLR2004 - pid and port


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
