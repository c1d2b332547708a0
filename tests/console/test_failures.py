"""When the store is gone: an incident number for people, nothing of the cause."""

import re
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.console.running import Console, running_console, sign_in

NOWHERE = "postgresql://nobody:hush@127.0.0.1:1/nothing"


@pytest.fixture(scope="module")
def lost() -> Iterator[Console]:
    """A console whose PostgreSQL does not answer."""
    with running_console(NOWHERE) as running:
        yield running


def test_an_unexpected_error_is_an_incident(lost: Console) -> None:
    with capture_logs() as logs, lost.client() as client:
        answer = sign_in(client)
    assert answer.status_code == 500
    assert "系统遇到意外错误" in answer.text
    incident = re.findall(r"事故编号 <code>(\w{8})</code>", answer.text)[0]
    logged = [entry for entry in logs if entry["event"] == "incident"]
    assert [(entry["incident"], entry["path"]) for entry in logged] == [(incident, "/sign-in")]
    assert logged[0]["exc_info"]
    for secret in ("hush", "127.0.0.1:1", "Traceback", "psycopg", "Unavailable"):
        assert secret not in answer.text
    assert "content-security-policy" in answer.headers


def test_health_says_that_the_store_is_gone(lost: Console) -> None:
    with lost.client() as client:
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"store": "unreachable"})


def test_health_and_metrics_need_no_sign_in(console: Console) -> None:
    with console.client() as client:
        health = client.get("/healthz")
        assert client.head("/healthz").status_code == 200
        metrics = client.get("/metrics")
    assert (health.status_code, health.json()) == (200, {"store": "ok"})
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "fenghuo_events_decided_total 7.0" in metrics.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("GET", "/sign-out", 405)])
def test_failures_are_pages_for_people(console: Console, method: str, path: str, status: int) -> None:
    with console.client() as client:
        answer = client.request(method, path)
    assert answer.status_code == status
    assert f'<p class="failure-code">{status}</p>' in answer.text


def test_a_body_that_is_too_large_is_refused(console: Console) -> None:
    with console.client() as client:
        answer = client.post("/sign-in", data={"name": "x" * 100_000})
        assert answer.status_code == 413
        assert client.get("/sign-in").status_code == 200


def test_a_body_that_is_no_form_is_refused(console: Console) -> None:
    with console.client() as client:
        for kind, body in (
            ("application/json", b"{"),
            ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
            ("application/x-www-form-urlencoded", b"\xff\xfe%ff&&=="),
        ):
            answer = client.post("/sign-in", content=body, headers={"content-type": kind})
            assert answer.status_code in {400, 403}, kind
