"""Windows that Redis lost are learnt anew from Kafka: the run goes on as if they had never been lost.

messages   ──── 4,500 ───── stop ──── 8,000 ───✗ kill        ──── 2,500 ────
Redis      ────────────────────────────────────✗ emptied
                                               run: ends      rebuild, run: as without all that
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from events.clock import milliseconds, rfc3339
from tests.flows.processes import raw_decisions
from tests.flows.rebuilding import REACH, START, STEP, Sent, Site, features, ids, site, stream

SEED = 20_250_301
FIRST, SECOND, ALL = 4_500, 12_500, 15_000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def messages() -> list[Sent]:
    print(f"seed {SEED}")
    return stream(ALL, SEED)


@pytest.fixture(scope="module")
def calm(messages: list[Sent], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site where nothing is lost, after all messages were judged."""
    with site(tmp_path_factory.mktemp("calm") / "site") as found:
        found.send(messages)
        found.run(decided_of(messages))
        yield found


def decided_of(messages: list[Sent]) -> int:
    """How many decisions messages get."""
    return len({one.raw for one in messages if b"broken" not in one.raw})


def lost(home: Site, messages: list[Sent], *, kill: bool) -> None:
    """Judge messages, the last in a run that is killed or stopped on the way, and lose Redis."""
    home.send(messages[:FIRST])
    home.run(decided_of(messages[:FIRST]))
    home.send(messages[FIRST:SECOND])
    home.run(decided_of(messages[:SECOND]) - (3_500 if kill else 0), kill=kill)
    home.kill_valkey()
    home.start_empty_valkey()


def test_rebuilt_from_the_beginning_it_decides_as_if_nothing_was_lost(
    messages: list[Sent], calm: Site, tmp_path: Path
) -> None:
    with site(tmp_path / "site", workers=2) as home:
        lost(home, messages, kill=True)
        home.send(messages[SECOND:])
        assert "the window store lost shard" in (line := home.tried())
        assert "fenghuo windows rebuild" in line
        done = home.rebuild("beginning")
        assert done.returncode == 0, done.stderr
        assert "16 shards rebuilt from " in done.stdout
        assert "nothing is missing: features are as before" in done.stdout
        assert "warning" not in done.stdout, done.stdout
        home.run(decided_of(messages))
        assert raw_decisions(home.decisions.messages) == raw_decisions(calm.decisions.messages)
        # Now that it is whole, there is nothing to rebuild; what is forced changes nothing.
        again = home.rebuild("beginning")
        assert (again.returncode, again.stdout) == (2, "")
        assert "Redis holds the windows of every shard" in again.stderr
        other = home.rebuild("beginning", "--force", max_message_bytes=1024)
        assert other.returncode == 0, other.stderr
        assert re.search(
            r"warning: windows 000 took in [\d,]+ events, and [\d,]+ or more before", other.stdout
        )


def test_rebuilt_from_the_middle_windows_that_reach_before_it_are_not_evaluable(
    messages: list[Sent], calm: Site, tmp_path: Path
) -> None:
    since = START + 11_500 * STEP
    with site(tmp_path / "site") as home:
        lost(home, messages, kill=False)
        before = len(home.decisions.messages)
        done = home.rebuild(rfc3339(since))
        assert done.returncode == 0, done.stderr
        assert f"windows are complete from {rfc3339(since)} on" in done.stdout
        home.send(messages[SECOND:])
        home.run(decided_of(messages))
        wanted = features(calm.decisions.messages)
        found = features(home.decisions.messages[before:])
    assert len(found) == decided_of(messages) - decided_of(messages[:SECOND])
    withheld = dict.fromkeys(REACH, 0)
    for event, (occurred_at, values) in found.items():
        time = milliseconds(datetime.fromisoformat(occurred_at))
        for name, value in values.items():
            if name not in REACH:
                assert value is None or value == wanted[event][1][name]
            elif time - REACH[name] >= since:
                assert value == wanted[event][1][name], (event, name)
            else:
                assert value is None
                withheld[name] += 1
    assert all(0 < count < len(found) for count in withheld.values()), withheld
    assert all(values["first"] is None for _, values in found.values())


def test_what_was_decided_without_windows_is_still_taken_in_by_the_next_run(
    messages: list[Sent], calm: Site, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    with site(tmp_path / "site") as home:
        home.send(messages[:FIRST])
        home.run(decided_of(messages[:FIRST]))
        with home.running(degrade_after=0.2) as run:
            eventually(lambda: "run_started" in run.log.read_text(), timeout=60)
            home.kill_valkey()
            home.send(messages[FIRST:SECOND])
            home.decisions.until(lambda found: len(ids(found)) >= decided_of(messages[:SECOND]), 60, run)
            home.start_empty_valkey()
            used = home.rebuild("beginning")
            assert (used.returncode, used.stdout) == (2, "")
            assert "a run uses it; stop `fenghuo run` first" in used.stderr
            assert run.stop() == 0
        before = len(home.decisions.read(1.0))
        done = home.rebuild("beginning")
        assert done.returncode == 0, done.stderr
        assert f"({2 * decided_of(messages[:FIRST]):,} events)" in done.stdout
        assert "nothing is missing" in done.stdout
        home.send(messages[SECOND:])
        home.run(decided_of(messages))
        found, wanted = (
            raw_decisions(home.decisions.messages[before:]),
            raw_decisions(calm.decisions.messages),
        )
    assert len(found) == decided_of(messages) - decided_of(messages[:SECOND])
    assert found == {name: wanted[name] for name in found}
