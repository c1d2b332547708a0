"""Fenghuo's commands as children of a process that has loaded the program already.

A start then costs a few tenths of a second instead of three seconds, so that kills meet the work and not the
loading of libraries. From there on a command runs as `python -m fenghuo` runs it.
"""

import importlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from fenghuo.cli import main
from tests.flows.processes import REPOSITORY

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["fenghuo.cli", "fenghuo.commands.replay", "fenghuo.commands.run"])

Sizes = Mapping[str, float]
"""Values of the product's constants by `module:NAME`."""
SMALL: Sizes = {
    "windows.log:_TRIM_FROM": 300,
    "windows.log:LARGEST": 200,
    "windows.block:PACKED_FROM": 16,
    "store.redis.journal:PIECE": 4_096,
}
"""With these the logs of a short stream are trimmed, packed and read in pieces as those of a long one."""


class Warm:
    """A command of Fenghuo that runs until it ends or is killed.

    Args:
        log: file for what it prints.
        arguments: of the command line.
        env: its environment.
        sizes: constants of the product that have another value in it.
    """

    def __init__(self, log: Path, *arguments: object, env: Mapping[str, str], sizes: Sizes) -> None:
        self.log = log
        words = [str(argument) for argument in arguments]
        self._process = _context.Process(target=_run, args=(words, dict(env), log, dict(sizes)), daemon=True)
        self._process.start()

    @property
    def code(self) -> int | None:
        """Exit code; None while it runs."""
        return self._process.exitcode

    @property
    def told(self) -> str:
        """The end of what it printed."""
        return self.log.read_text("utf-8", "replace")[-2000:] if self.log.exists() else ""

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """End it and its process group as kill -9 does."""
        if self.code is None:
            with suppress(ProcessLookupError):  # it has no group yet
                os.killpg(self.pid, signal.SIGKILL)
            self._process.kill()
        self._process.join()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self._process.terminate()
        return self.wait(30)

    def wait(self, seconds: float) -> int:
        """Its exit code, once it has ended."""
        self._process.join(seconds)
        assert self.code is not None, f"it still runs after {seconds} s: {self.told}"
        return self.code

    def check(self) -> None:
        """Fail with the end of what it printed when it has ended."""
        assert self.code is None, f"it ended with {self.code}: {self.told}"

    def until(self, condition: Callable[[], object], seconds: float) -> bool:
        """Wait for a condition; False when the time is up or the command has ended before."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.code is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        return True


def _run(arguments: list[str], env: dict[str, str], log: Path, sizes: dict[str, float]) -> None:
    """The child: becomes the command."""
    os.setsid()
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(REPOSITORY)
    for place, value in sizes.items():
        module, name = place.split(":")
        found = importlib.import_module(module)
        getattr(found, name)  # one that is not there any more must not be missed in silence
        setattr(found, name, value)
    sys.argv = ["fenghuo", *arguments]
    main()
