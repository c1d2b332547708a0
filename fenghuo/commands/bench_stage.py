"""What the subjects of `fenghuo bench` are given: material made once, time, and processes to run jobs in."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import structs
from rich.console import Console

from bench.job import Job
from bench.load import TYPES, Load, write
from fenghuo.commands.bench_track import bench_settings
from fenghuo.commands.model_train import Training, train
from fenghuo.ending import RunError
from models.training import Growth

TREES = 100
TRAINING, WARM_UP = 20_000, 2_000
SHORTEST = 2.0
START = 9.0
"""Seconds that a run takes before its clock starts, as far as the plan knows."""
PATIENCE = 120.0
RUNNER = "fenghuo.commands.bench_run"

R = TypeVar("R")


@dataclass
class Stage:
    """Where a subject is measured.

    Args:
        folder: for everything; gone after the bench.
        deadline: of the subject, on the monotonic clock.
        tell: is told what is being done.
    """

    folder: Path
    deadline: float
    tell: Callable[[str], None]
    _jobs: int = 0
    _made: dict[tuple[Load, str], Path] = field(default_factory=dict)

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()

    def load(self, load: Load) -> Path:
        """The file of a load."""
        return self._make(load, "jsonl", lambda path: write(load, path))

    def warm_up(self, load: Load) -> Path:
        """The file of a small part of a load."""
        return self.load(load.part(WARM_UP))

    def model(self, load: Load) -> Path:
        """The directory of a model that was trained on a part of a load."""
        past = load.part(min(TRAINING, load.events))

        def make(path: Path) -> None:
            settings = bench_settings(events=(self.load(past),), model="none")
            train(
                settings, Training(event_types=TYPES, growth=Growth(trees=TREES)), path, Console(quiet=True)
            )

        return self._make(past, "model", make)

    def _make(self, load: Load, kind: str, make: Callable[[Path], None]) -> Path:
        path = self._made.get((load, kind))
        if path is None:
            path = self.folder / f"{len(self._made)}.{kind}"
            make(path)
            self._made[load, kind] = path
        return path

    def job_folder(self, name: str) -> str:
        """A path for a job's folder that no other job has."""
        self._jobs += 1
        return str(self.folder / f"{self._jobs}-{name}")

    def rounds(self, jobs: Sequence[Job], count: int, result: type[R]) -> Iterator[R]:
        """Every job in turn, again and again: what slows the machine for a while slows all of them.

        Where the time does not suffice, runs are made shorter in the first round, and later rounds left out.
        """
        jobs, longest = list(jobs), 0.0
        for number in range(count):
            started = time.monotonic()
            if number and longest > self.left:
                return
            for place, job in enumerate(jobs):
                self.tell(f"{job.what}: round {number + 1}/{count}")
                if number == 0:
                    share = self.left / (len(jobs) - place) - START
                    jobs[place] = structs.replace(job, seconds=min(job.seconds, max(SHORTEST, share)))
                yield self.run(jobs[place], result)
            longest = max(longest, time.monotonic() - started)

    def run(self, job: Job, result: type[R], patience: float = PATIENCE) -> R:
        """Run a job in a process of its own.

        Args:
            job: what to do.
            result: type of what it comes to.
            patience: seconds that it may take beside its own.

        Raises:
            RunError: it failed or does not end.
        """
        folder = Path(job.folder)
        folder.mkdir()
        order, answer = folder / "job.json", folder / "result.json"
        order.write_bytes(msgspec.json.encode(job))
        command = [sys.executable, "-m", RUNNER, str(order), str(answer)]
        limit = job.seconds + patience
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)  # noqa: S603 -- our own module
            content = answer.read_bytes() if answer.exists() else b""
        except subprocess.TimeoutExpired as error:
            raise RunError(f"bench: {job.what}: no end after {limit:.0f} s; try fewer --events") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if done.returncode:
            told = content.decode() or "".join(done.stderr.splitlines()[-1:])
            raise RunError(f"bench: {job.what}: {told or f'ended with exit code {done.returncode}'}")
        return msgspec.json.decode(content, type=result)
