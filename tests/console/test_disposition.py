"""Saying what an alert was, by the page and the API, and the labels that programs read."""

import csv
import io
from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from alerts.views import User
from tests.console.running import TOKEN, Console, hit

EVENTS = count(1)


@pytest.fixture
def api(console: Console) -> Iterator[httpx.Client]:
    with console.signed_in("en") as client:
        client.headers["x-token"] = client.get("/api/session").json()["token"]
        yield client


def alert_of(console: Console, api: httpx.Client, group: str) -> str:
    """An open alert of two hits."""
    console.store.apply([hit(next(EVENTS), group=group), hit(next(EVENTS), group=group)])
    found = api.get("/api/alerts", params={"text": group}).json()["alerts"]
    return str(next(row["alert_id"] for row in found if row["group"] == group))


def test_the_form_closes_the_alert_and_goes(console: Console, api: httpx.Client) -> None:
    alert = alert_of(console, api, "form")
    page = api.get(f"/alerts/{alert}").text
    assert "What it turned out to be" in page
    fields = {
        "token": TOKEN.findall(page)[0],
        "disposition": "confirmed_risk",
        "harm": "bad_debt",
        "hits": "2",
    }
    assert api.post(f"/alerts/{alert}/disposition", data={**fields, "reason": "left"}).status_code == 303
    page = api.get(f"/alerts/{alert}").text
    assert "What it turned out to be" not in page
    again = api.post(f"/alerts/{alert}/disposition", data={**fields, "reason": "left"})
    assert again.status_code == 409
    assert "It stands elsewhere by now" in again.text


def test_the_form_keeps_to_its_rules(console: Console, api: httpx.Client) -> None:
    alert = alert_of(console, api, "rules")
    token = TOKEN.findall(api.get(f"/alerts/{alert}").text)[0]
    for fields in (
        {"disposition": "confirmed_risk", "hits": "2", "reason": "no harm named"},
        {"disposition": "legitimate", "hits": "1", "reason": "seen before it grew"},
        {"disposition": "legitimate", "hits": "2", "reason": " "},
    ):
        answer = api.post(f"/alerts/{alert}/disposition", data={"token": token, **fields})
        assert answer.status_code == 409
        assert "Nothing was changed" in answer.text
    # What was wrong is asked of a confirmed risk only; a choice left standing says nothing.
    fields = {"disposition": "legitimate", "harm": "fraud", "hits": "2", "reason": "a known project"}
    assert api.post(f"/alerts/{alert}/disposition", data={"token": token, **fields}).status_code == 303


def test_programs_say_it_and_read_the_labels(console: Console, api: httpx.Client) -> None:
    alert = alert_of(console, api, "programs")
    said = {"disposition": "false_positive", "reason": "=cmd()", "hits": 2}
    answer = api.post(f"/api/alerts/{alert}/disposition", json=said)
    assert (answer.status_code, answer.json()["label"], answer.json()["labels"]) == (201, "legitimate", 2)
    labels = api.get("/api/labels")
    assert labels.headers["content-type"] == "text/csv; charset=utf-8"
    rows = [row for row in csv.DictReader(io.StringIO(labels.text)) if row["group"] == "programs"]
    assert len(rows) == 2
    assert {(row["label"], row["source"]) for row in rows} == {("legitimate", f"alert:{alert}")}
    early = api.get("/api/labels", params={"by": "2020-01-01T00:00:00Z"}).text.splitlines()
    assert early == ["event_id,label,known_at,scenario,group,source"]


@pytest.mark.parametrize(
    "said",
    [
        {"disposition": "harmless", "reason": "x", "hits": 1},
        {"disposition": "legitimate", "reason": "", "hits": 1},
        {"disposition": "legitimate", "reason": "a\0b", "hits": 1},
        {"disposition": "legitimate", "reason": "x", "hits": 0},
        {"disposition": "legitimate", "reason": "x" * 2001, "hits": 1},
    ],
    ids=["unknown", "empty", "NUL", "no hits", "long"],
)
def test_unusable_words_are_refused(api: httpx.Client, said: dict[str, object]) -> None:
    assert api.post("/api/alerts/a/disposition", json=said).status_code == 400


def test_others_may_read_and_not_say(console: Console, api: httpx.Client) -> None:
    alert = alert_of(console, api, "others")
    console.person(User("leg", "leg", frozenset({"legal"})))
    with console.signed_in("en", "leg") as client:
        client.headers["x-token"] = client.get("/api/session").json()["token"]
        assert "What it turned out to be" not in client.get(f"/alerts/{alert}").text
        said = {"disposition": "legitimate", "reason": "x", "hits": 2}
        assert client.post(f"/api/alerts/{alert}/disposition", json=said).status_code == 403
    unknown = api.post("/api/alerts/00000000-0000-0000-0000-000000000000/disposition", json=said)
    assert unknown.status_code == 404
    with console.client() as stranger:
        assert stranger.get("/api/labels").status_code == 401
