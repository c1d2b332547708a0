"""The desk at work: real broker, real database."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql
from sqlalchemy import Engine, text

from alerts.hit import Hit
from alerts.views import QueueCount
from desk import consumer
from desk.consumer import Desk
from desk.errors import DeskError
from rules.decision import Tier
from store.postgres.alerts import AlertStore
from store.postgres.rejects import RejectStore
from tests.alerts.making import make_hit
from tests.desk.conftest import Recorded, Topic
from tests.store.postgres.test_withdrawals import withdrawal

Start = Callable[[Recorded], AbstractContextManager[threading.Event]]

CRASH = """
import json, os, sys, threading
from desk.consumer import Desk
from store.postgres.alerts import AlertStore
from store.postgres.engine import sync_engine
from store.postgres.rejects import RejectStore
from tests.desk.conftest import Recorded

class Crashing(AlertStore):
    def apply(self, hits):
        super().apply(hits)
        os._exit(9)  # committed in PostgreSQL, not yet in Kafka

config, topic, database_url = sys.argv[1:]
engine = sync_engine(database_url)
stores = Crashing(engine), RejectStore(engine)
Desk(json.loads(config), topic, f"{topic}.withdrawals", *stores, Recorded()).run(threading.Event())
"""


def alerts(engine: Engine) -> list[tuple[str, int, int]]:
    """Group, hits and amount of every alert."""
    query = text("SELECT group_id, hits, amount::bigint FROM alerts ORDER BY group_id, scenario")
    with engine.connect() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def rejects(engine: Engine) -> list[tuple[str, bytes]]:
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT reason, message FROM desk_rejects ORDER BY rejected_at, reason")
        )
        return [(row[0], row[1]) for row in found]


def hits_of(groups: int, each: int, start: int = 0) -> list[Hit]:
    return [
        make_hit(start + n, group=f"g-{n % groups}", amount=100, tier=Tier.HIGH) for n in range(groups * each)
    ]


def test_hits_become_alerts_and_are_committed(topic: Topic, desk: Start, engine: Engine) -> None:
    metrics = Recorded()
    topic.send(*hits_of(3, 10))
    with desk(metrics):
        metrics.wait("applied", 30)
        topic.send(make_hit(100, group="g-new", amount=7))
        metrics.wait("applied", 31)
    assert alerts(engine) == [("g-0", 10, 1_000), ("g-1", 10, 1_000), ("g-2", 10, 1_000), ("g-new", 1, 7)]
    assert metrics.counts["consumed"] == 31
    assert metrics.counts["raised high new"] == 3
    assert metrics.counts["raised medium new"] == 1
    assert metrics.seconds > 0
    assert topic.committed() == 31


def test_a_restart_goes_on_where_the_last_desk_stopped(topic: Topic, desk: Start, engine: Engine) -> None:
    first, second = Recorded(), Recorded()
    topic.send(*hits_of(2, 5))
    with desk(first):
        first.wait("applied", 10)
    topic.send(*hits_of(2, 5, start=100))
    with desk(second):
        second.wait("applied", 10)
    assert second.counts["consumed"] == 10
    assert second.counts["repeated"] == 0
    assert alerts(engine) == [("g-0", 10, 1_000), ("g-1", 10, 1_000)]


def test_a_crash_between_the_two_commits_counts_no_hit_twice(
    topic: Topic, desk: Start, engine: Engine
) -> None:
    topic.send(*hits_of(1, 20))
    crash = subprocess.run(
        [
            *(sys.executable, "-c", CRASH, json.dumps(topic.config), topic.name),
            engine.url.render_as_string(hide_password=False),
        ],
        check=False,
        timeout=60,
        capture_output=True,
    )
    assert crash.returncode == 9, crash.stderr.decode()
    [(_, before, _)] = alerts(engine)
    assert before > 0
    assert topic.committed() == 0
    metrics = Recorded()
    with desk(metrics):
        metrics.wait("applied", 20 - before)
        metrics.wait("repeated", before)
    assert alerts(engine) == [("g-0", 20, 2_000)]
    assert topic.committed() == 20


def test_messages_that_are_no_hits_are_kept_and_the_rest_goes_on(
    topic: Topic, desk: Start, engine: Engine
) -> None:
    metrics = Recorded()
    topic.send(make_hit(1), b"{", b"\x00" * 50, None, b"\xff" * 5, make_hit(2))
    with desk(metrics):
        metrics.wait("rejected", 4)
        metrics.wait("applied", 2)
    assert alerts(engine) == [("g-1", 2, 200_00)]
    assert {message for _, message in rejects(engine)} == {b"{", b"\x00" * 50, b"", b"\xff" * 5}
    assert all(reason.startswith("the message ") for reason, _ in rejects(engine))
    assert topic.committed() == 6


def test_hits_that_the_database_refuses_are_kept_and_the_rest_goes_on(
    topic: Topic, desk: Start, engine: Engine
) -> None:
    metrics = Recorded()
    good = [make_hit(n, group="g-1", amount=1) for n in range(40)]
    bad = [
        replace(make_hit(50), features={"x": "\0"}),
        replace(make_hit(51), group="".join(map(str, range(5_000)))),
        replace(make_hit(52), occurred_at="soon"),
        replace(make_hit(53), occurred_at="soon " * 1_000),
    ]
    topic.send(*good[:13], *bad[:2], *good[13:30], *bad[2:], *good[30:])
    with desk(metrics):
        metrics.wait("rejected", 4)
        metrics.wait("applied", 40)
    assert alerts(engine) == [("g-1", 40, 40)]
    reasons = [reason for reason, _ in rejects(engine)]
    assert sorted(reason.partition(": ")[2][:10] for reason in reasons) == [
        "got `soon ",
        "got `soon`",
        "index row ",
        "unsupporte",
    ]
    assert max(map(len, reasons)) == consumer.REASON


def test_the_desk_waits_for_the_database_and_loses_nothing(
    topic: Topic, desk: Start, engine: Engine, postgres_url: str
) -> None:
    metrics = Recorded()
    with desk(metrics), psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as admin:
        topic.send(make_hit(1))
        metrics.wait("applied", 1)
        shut(admin, engine)
        topic.send(*(make_hit(n) for n in range(2, 12)))
        metrics.wait("failed postgres", 2)
        assert metrics.counts["applied"] == 1
        admin.execute(database_command(engine, "ALTER DATABASE {} ALLOW_CONNECTIONS true"))
        metrics.wait("applied", 11)
    assert alerts(engine) == [("g-1", 11, 11 * 100_00)]


def test_a_desk_stopped_while_the_database_is_away_leaves_its_messages_to_the_next(
    topic: Topic, desk: Start, engine: Engine, postgres_url: str
) -> None:
    metrics, later = Recorded(), Recorded()
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as admin:
        shut(admin, engine)
        topic.send(make_hit(1), b"no hit")
        with desk(metrics):
            metrics.wait("failed postgres", 2)
        assert topic.committed() == 0
        admin.execute(database_command(engine, "ALTER DATABASE {} ALLOW_CONNECTIONS true"))
    with desk(later):
        later.wait("applied", 1)
        later.wait("rejected", 1)
    assert alerts(engine) == [("g-1", 1, 100_00)]


def shut(admin: psycopg.Connection, engine: Engine) -> None:
    """Let nobody into the database, and those who are in it out."""
    admin.execute(database_command(engine, "ALTER DATABASE {} ALLOW_CONNECTIONS false"))
    admin.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
        (engine.url.database,),
    )


def database_command(engine: Engine, command: str) -> sql.Composed:
    assert engine.url.database is not None
    return sql.SQL(command).format(sql.Identifier(engine.url.database))


def test_two_desks_share_the_work_and_make_one_alert_of_each_group(
    topic: Topic, desk: Start, engine: Engine
) -> None:
    """When both have work, one leaves: the other takes over its partition."""
    leaving, staying = Recorded(), Recorded()
    sent = 0
    with desk(staying):
        with desk(leaving):
            while not (leaving.reached("consumed", 1, 0.05) and staying.reached("consumed", 1, 0.05)):
                topic.send(*(make_hit(sent + n, group=f"g-{n}", amount=1) for n in range(8)))
                sent += 8
        topic.send(*(make_hit(sent + n, group=f"g-{n}", amount=1) for n in range(8)))
        sent += 8
        staying.wait("applied", sent - leaving.counts["applied"])
    assert alerts(engine) == [(f"g-{n}", sent // 8, sent // 8) for n in range(8)]


def test_lag_and_open_cases_are_observed(topic: Topic, desk: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "OBSERVE", 0.0)
    metrics = Recorded()
    topic.send(*hits_of(5, 2))
    with desk(metrics):
        metrics.wait("applied", 10)
        metrics.wait("observed", metrics.counts["observed"] + 2)
    assert metrics.cases == [QueueCount("queue-high", Tier.HIGH, 5)]
    assert set(metrics.lags.values()) == {0}


def test_a_wrong_setting_is_an_error_at_once(topic: Topic, engine: Engine) -> None:
    desk = Desk(
        {"bootstrap.server": "x"},
        topic.name,
        topic.withdrawals,
        AlertStore(engine),
        RejectStore(engine),
        Recorded(),
    )
    with pytest.raises(DeskError, match=r"can't consume `.*`: .*bootstrap\.server.*; correct the setting"):
        desk.run(threading.Event())


def test_a_broker_that_is_away_is_counted_and_the_desk_can_still_be_stopped(engine: Engine) -> None:
    metrics = Recorded()
    stop = threading.Event()
    config = {"bootstrap.servers": "127.0.0.1:1"}
    desk = Desk(config, "risk.alerts", "risk.withdrawals", AlertStore(engine), RejectStore(engine), metrics)
    thread = threading.Thread(target=desk.run, args=(stop,))
    thread.start()
    metrics.wait("failed kafka", 1)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


def test_a_withdrawal_ends_the_alert_and_a_broken_one_is_kept_apart(
    topic: Topic, engine: Engine, desk: Callable[[Recorded], AbstractContextManager[threading.Event]]
) -> None:
    hit, metrics = make_hit(1, scenario="confirm"), Recorded()
    with desk(metrics):
        topic.withdraw(withdrawal(hit), b"{}", withdrawal(make_hit(2)))
        metrics.wait("withdrawn", 2)
        metrics.wait("rejected", 1)
        topic.send(hit)
        metrics.wait("applied", 1)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT withdrawn, closed_at IS NOT NULL FROM alerts")).all()
    assert [tuple(row) for row in found] == [(1, True)]
    assert [reason for reason, _ in rejects(engine)] == [
        "the message is no withdrawal: Object missing required field `hit_id`"
    ]
