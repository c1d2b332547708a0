"""The live stream: what changes in PostgreSQL is on it within a second, and it ends when the server stops."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec
import pytest

from console import events
from tests.console.running import Console, hit, running_console


@contextmanager
def stream(client: httpx.Client) -> Iterator[Iterator[str]]:
    """The lines of the stream."""
    with client.stream("GET", "/events") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield answer.iter_lines()


def ids_after(lines: Iterator[str], event: str) -> set[str]:
    """The ids of the next message of type `event`."""
    for line in lines:
        if line == f"event: {event}":
            return set(msgspec.json.decode(next(lines).removeprefix("data: "))["ids"])
    raise AssertionError(f"the stream ended without {event}")


def test_an_alert_is_on_the_stream_within_a_second(console: Console, analyst: httpx.Client) -> None:
    with stream(analyst) as lines:
        assert ids_after(lines, "ready") == set()
        start = time.perf_counter()
        console.store.apply([hit(1, group="streamed")])
        ids = ids_after(lines, "alerts")
        assert time.perf_counter() - start < 1
    rows = analyst.get("/api/alerts?text=streamed").json()["alerts"]
    assert ids == {rows[0]["alert_id"]}


def test_every_browser_is_told(console: Console) -> None:
    with console.signed_in() as one, console.signed_in() as two, stream(one) as first, stream(two) as second:
        ids_after(first, "ready")
        ids_after(second, "ready")
        console.store.apply([hit(2, group="both")])
        assert ids_after(first, "alerts") == ids_after(second, "alerts")


def test_many_changes_go_together(console: Console, analyst: httpx.Client) -> None:
    with stream(analyst) as lines:
        ids_after(lines, "ready")
        console.store.apply([hit(1000 + number, group=f"many-{number}") for number in range(50)])
        told: set[str] = set()
        messages = 0
        while len(told) < 50:
            told |= ids_after(lines, "alerts")
            messages += 1
    assert messages < 25


def test_a_silent_stream_beats(
    console: Console, analyst: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT", 0.05)
    with stream(analyst) as lines:
        assert next(line for line in lines if line.startswith(":")) == ": beat"


def test_a_stream_ends_to_be_asked_again_who_listens(
    console: Console, analyst: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT", 0.05)
    monkeypatch.setattr(events, "LIFETIME", 0.2)
    with stream(analyst) as lines:
        assert list(lines)[-1] == ""


def test_the_server_stops_at_once_with_streams_open(console: Console) -> None:
    with (
        running_console(console.database_url) as other,
        other.signed_in() as one,
        other.signed_in() as two,
        stream(one) as first,
        stream(two) as second,
    ):
        ids_after(first, "ready")
        ids_after(second, "ready")
        start = time.perf_counter()
        other.stop()
        other.thread.join(timeout=5)
        assert not other.thread.is_alive()
        assert time.perf_counter() - start < 1.5
        assert [line for line in first if line] == []


def test_the_stream_goes_on_after_postgres_dropped_the_connection(
    console: Console, analyst: httpx.Client
) -> None:
    with stream(analyst) as lines:
        ids_after(lines, "ready")
        console.cut_connections()
        console.store.apply([hit(5000, group="after the cut")])
        told: set[str] = set()
        rows = analyst.get("/api/alerts", params={"text": "after the cut"}).json()["alerts"]
        while rows[0]["alert_id"] not in told:
            told |= ids_after(lines, "alerts")
