"""Logs of a process: every line says the same few things, whichever thread or library wrote it."""

import json
import subprocess
import sys
from datetime import datetime, timedelta

SCRIPT = """
import logging, sys, threading
import structlog
from telemetry.log import configure

configure(sys.argv[1], machine=sys.argv[2] == "json", process="run")
log = structlog.get_logger("anything")
log.debug("debug")
log.info("started", customer="上海", amount=2**60, nothing=None, odd=object, text="a\\nb")
thread = threading.Thread(target=lambda: log.warning("from_a_thread"))
thread.start()
thread.join()
library = logging.getLogger("library")
library.info("library_info")
library.warning("library %s", "warns\\nin two lines")
def broken():
    secret = "密码-in-a-variable"
    return 1 / 0
try:
    broken()
except ZeroDivisionError:
    log.exception("broke")
    library.exception("library_broke")
sys.stderr = sys.stdout
log.error("elsewhere")
library.error("library_elsewhere")
"""


def logged(level: str, form: str) -> tuple[str, str]:
    """What a process writes to stderr, and to what it put in the place of stderr."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, level, form],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    return done.stderr, done.stdout


def test_for_machines_every_line_is_an_object_with_time_level_and_process() -> None:
    err, out = logged("info", "json")
    lines = [json.loads(line) for line in err.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("started", "info"),
        ("from_a_thread", "warning"),
        ("library warns\nin two lines", "warning"),
        ("broke", "error"),
        ("library_broke", "error"),
    ]
    for line in lines:
        assert line["process"] == "run"
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)
    first = lines[0]
    assert (first["customer"], first["amount"], first["nothing"]) == ("上海", 2**60, None)
    assert (first["odd"], first["text"]) == ("<class 'object'>", "a\nb")
    assert "上海" in err
    for line in lines[-2:]:
        assert "ZeroDivisionError: division by zero" in line["exception"]
    # A stream put in the place of stderr gets what is logged from then on.
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["elsewhere", "library_elsewhere"]


def test_for_people_lines_are_plain_text_without_the_values_of_variables() -> None:
    err, out = logged("info", "text")
    assert "started" in err
    assert "customer=上海" in err
    assert "from_a_thread" in err
    assert "library warns" in err
    assert err.count("process=run") == 5
    assert err.count("ZeroDivisionError: division by zero") == 2
    assert "\x1b[" not in err  # no terminal, no colours
    assert "密码-in-a-variable" not in err.replace('secret = "密码-in-a-variable"', "")
    assert "library_elsewhere" in out


def test_the_level_is_the_least_that_is_written() -> None:
    err, _ = logged("debug", "json")
    events = [json.loads(line)["event"] for line in err.splitlines()]
    assert "debug" in events
    assert "library_info" not in events  # of libraries only what is serious
    err, out = logged("error", "json")
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["broke", "library_broke"]
    assert len(out.splitlines()) == 2
