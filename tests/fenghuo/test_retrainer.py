"""The schedule of retraining: when it is tried, what is counted, and that nothing ends the desk."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from events.clock import DAY, HOUR
from fenghuo import retrainer as module
from fenghuo.ending import RunError
from fenghuo.retrainer import Retrainer, in_process
from fenghuo.retraining import Outcome, Result
from store.artefacts import Artefacts
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.models import ModelStore
from tests.models.keeping import kept_model
from tests.store.postgres.rules.making import pack

WEEK = 7 * DAY


class Schedule:
    """A retrainer whose attempts give what they are told, at moments that a test sets."""

    def __init__(self, models: ModelStore, now: int) -> None:
        self.now = now
        self.attempts: list[int] = []
        self.counted: list[tuple[str, float]] = []
        self.answer: Outcome | Exception | None = Outcome(result=Result.REGISTERED)
        self.stop = threading.Event()
        self.retrainer = Retrainer(models, WEEK, self, self.attempt, lambda: self.now)

    def attempt(self, _: threading.Event) -> Outcome | None:
        self.attempts.append(self.now)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def retrained(self, result: str, ended_at: float) -> None:
        self.counted.append((result, ended_at))

    def look(self, at: int) -> int:
        """Attempts after a look at a moment."""
        self.now = at
        self.retrainer.look(self.stop)
        return len(self.attempts)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    migrate(database_url)
    engine = sync_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def registered_at() -> int:
    return 1_785_000_000_000


@pytest.fixture
def schedule(engine: Engine, tmp_path: Path, registered_at: int) -> Schedule:
    """With a champion that was registered at a known moment."""
    artefacts = Artefacts(str(tmp_path / "models"), tmp_path / "cache")
    _, directory = kept_model(tmp_path, 7)
    champion = artefacts.open(artefacts.put(directory).id).candidate
    PostgresEditionStore(engine, lambda: registered_at).seed({"small.yaml": pack(1)}, champion=champion)
    return Schedule(ModelStore(engine, artefacts), registered_at)


def test_it_is_tried_when_the_champion_is_that_old_and_not_again_at_once(
    schedule: Schedule, registered_at: int
) -> None:
    assert schedule.look(registered_at + WEEK - 1) == 0
    assert schedule.look(registered_at + WEEK) == 1
    assert schedule.counted == [("registered", (registered_at + WEEK) / 1000)]
    # Nothing was really registered here, as when the same model comes out again.
    assert schedule.look(registered_at + 2 * WEEK - 1) == 1
    assert schedule.look(registered_at + 2 * WEEK) == 2


def test_missed_ones_are_made_up_once(schedule: Schedule, registered_at: int) -> None:
    assert schedule.look(registered_at + 10 * WEEK) == 1
    assert schedule.look(registered_at + 10 * WEEK + HOUR) == 1


def test_a_failure_is_counted_and_tried_again_after_an_hour(schedule: Schedule, registered_at: int) -> None:
    schedule.answer = Outcome(result=Result.FAILED, error="too few events")
    due = registered_at + WEEK
    assert schedule.look(due) == 1
    assert schedule.look(due + HOUR - 1) == 1
    schedule.answer = OSError("no such program")
    assert schedule.look(due + HOUR) == 2
    schedule.answer = RunError("no")
    assert schedule.look(due + 2 * HOUR) == 3
    assert [result for result, _ in schedule.counted] == ["failed"] * 3


@pytest.mark.parametrize("result", [Result.NOT_DUE, Result.BUSY])
def test_where_another_desk_was_first_nothing_is_counted(
    schedule: Schedule, registered_at: int, result: Result
) -> None:
    schedule.answer = Outcome(result=result)
    schedule.look(registered_at + WEEK)
    schedule.answer = None  # stopped
    schedule.look(registered_at + WEEK)
    assert (len(schedule.attempts), schedule.counted) == (2, [])


def test_a_database_that_is_away_is_a_failure_and_no_end(tmp_path: Path) -> None:
    engine = sync_engine("postgresql://nobody@127.0.0.1:9/none")
    away = Schedule(ModelStore(engine, Artefacts(str(tmp_path), tmp_path)), 0)
    assert away.look(WEEK) == 0
    assert [result for result, _ in away.counted] == ["failed"]
    engine.dispose()


def test_a_process_at_work_ends_when_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_COMMAND", ("sleep", "60"))
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    begun = time.monotonic()
    assert in_process(stop) is None
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("said", "result", "error"),
    [
        ('{"result":"unchanged","model":"a"}', Result.UNCHANGED, ""),
        ('{"result":"failed","error":"why"}', Result.FAILED, "why"),
        ("", Result.FAILED, "it ended with code 0; see the log above"),
    ],
)
def test_what_a_process_says_of_itself(
    monkeypatch: pytest.MonkeyPatch, said: str, result: Result, error: str
) -> None:
    monkeypatch.setattr(module, "_COMMAND", ("echo", said))
    outcome = in_process(threading.Event())
    assert outcome is not None
    assert (outcome.result, outcome.error) == (result, error)
