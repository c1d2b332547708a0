"""The life of rules by the API and the page: four eyes, clear refusals, and buttons for what one may do."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from alerts.views import User
from events.clock import DAY, rfc3339, wall_clock
from events.rights import APPROVER, AUTHOR
from rules.shadow import Key, Seen
from store.postgres.engine import sync_engine
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.shadows import ShadowCounts
from tests.console.running import Console
from tests.store.postgres.rules.making import pack

BOTH = frozenset({"analyst", AUTHOR, APPROVER})
WANTED = {"group": "G1", "rule": "large", "expires_at": "2126-01-01T00:00:00Z", "reason": "project"}


@pytest.fixture(scope="module", autouse=True)
def seeded(console: Console) -> None:
    """The pack `small` in force, two people who may work on rules, and one who may not."""
    engine = sync_engine(console.database_url)
    PostgresEditionStore(engine).seed({"small.yaml": pack(1)})
    engine.dispose()
    for name, roles in (("ann", BOTH), ("ben", BOTH), ("fin", frozenset({"finance"}))):
        console.person(User(name, name, roles))


@contextmanager
def api(console: Console, name: str) -> Iterator[httpx.Client]:
    """A program's client: signed in, with the token of its session."""
    with console.signed_in("en", name) as client:
        client.headers["x-token"] = client.get("/api/session").json()["token"]
        yield client


@pytest.fixture
def ann(console: Console) -> Iterator[httpx.Client]:
    with api(console, "ann") as client:
        yield client


@pytest.fixture
def ben(console: Console) -> Iterator[httpx.Client]:
    with api(console, "ben") as client:
        yield client


def message(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status
    body = answer.json()["error"]
    assert body["status"] == status
    return str(body["message"])


def fresh(client: httpx.Client) -> int:
    """Hands in a version that was never there."""
    known = client.get("/api/rules/packs").json()["versions"]
    version = 1 + max(int(row["version"]) for row in known if row["pack"] == "small")
    assert client.post("/api/rules/packs?name=small.yaml", content=pack(version)).status_code == 201
    return version


def state(client: httpx.Client, version: int) -> str:
    rows = client.get("/api/rules/packs").json()["versions"]
    return next(str(row["state"]) for row in rows if (row["pack"], row["version"]) == ("small", version))


def test_the_session_names_the_user(console: Console, ann: httpx.Client) -> None:
    assert ann.get("/api/session").json()["user"] == "ann"
    with console.client() as nobody:
        assert nobody.get("/api/session").json()["user"] is None
        assert message(nobody.get("/api/rules/packs"), 401)


def test_the_author_cannot_publish_and_a_second_person_can(ann: httpx.Client, ben: httpx.Client) -> None:
    version = fresh(ann)
    before = ann.get("/api/rules/packs").json()["edition"]
    path = f"/api/rules/packs/small/versions/{version}/publish"
    assert "`ann` may not publish their own work; a second person" in message(ann.post(path), 403)
    answer = ben.post(path, json={"reason": "looked at it"})
    assert answer.json() == {"name": f"small@{version}", "state": "active", "edition": before + 1}
    edition = ben.get(f"/api/rules/editions/{before + 1}").json()
    assert [(one["pack"], one["version"]) for one in edition["active"]] == [("small", version)]
    newest = ben.get("/api/rules/history", params={"name": "small"}).json()["changes"][0]
    assert (newest["actor"], newest["approved_by"], newest["reason"]) == ("ben", "ben", "looked at it")
    assert newest["changed_at"].endswith("Z")
    assert ann.get(f"/api/rules/packs/small/versions/{version}").text == pack(version)


def test_who_has_no_role_is_refused(console: Console, ann: httpx.Client) -> None:
    version = fresh(ann)
    with api(console, "fin") as finance:
        path = f"/api/rules/packs/small/versions/{version}"
        assert "needs the role `rule-approver`" in message(finance.post(f"{path}/publish"), 403)
        assert "needs the role" in message(finance.post("/api/rules/packs", content=pack(99)), 403)
        assert "needs the role" in message(finance.post("/api/rules/suppressions", json=WANTED), 403)


def test_a_request_without_the_token_is_refused(ann: httpx.Client) -> None:
    del ann.headers["x-token"]
    assert "token" in message(ann.post("/api/rules/packs", content=pack(98)), 403)


def test_handing_in_again_is_no_second_version(ann: httpx.Client) -> None:
    version = fresh(ann)
    again = ann.post("/api/rules/packs", content=pack(version))
    assert (again.status_code, again.json()["fresh"], again.json()["state"]) == (200, False, "draft")
    other = ann.post("/api/rules/packs?name=x.yaml", content=pack(version, amount=1))
    assert f"x.yaml: `small@{version}` is there with other content" in message(other, 409)


def test_a_wrong_pack_is_told_with_its_line(ann: httpx.Client) -> None:
    wrong = ann.post("/api/rules/packs?name=x.yaml", content=pack(97).replace("tier: high", "tier: hot"))
    assert re.match(r"x\.yaml:\d+: rule `much`, `tier`: unknown tier `hot`", message(wrong, 400))
    assert "not UTF-8" in message(ann.post("/api/rules/packs", content=b"\xff"), 400)
    assert message(ann.post("/api/rules/packs", content=b"#" * 1_100_000), 413)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/rules/packs/small/versions/9999/publish", 404),
        ("/api/rules/packs/small/versions/1/submit", 400),
        ("/api/rules/packs/small/versions/one/publish", 400),
        ("/api/rules/suppressions/nothing/approve", 404),
        ("/api/rules/breakers/large/reset", 409),
    ],
)
def test_what_cannot_be_done_is_told(ben: httpx.Client, path: str, status: int) -> None:
    told = message(ben.post(path), status)
    assert "\n" not in told
    assert "/" not in told


@pytest.mark.parametrize("text", ["\0", "\ud800"])
def test_text_that_cannot_be_kept_is_refused(ben: httpx.Client, text: str) -> None:
    wanted = json.dumps(WANTED | {"reason": text})
    headers = {"content-type": "application/json"}
    assert message(ben.post("/api/rules/suppressions", content=wanted, headers=headers), 400)
    assert message(ben.get("/api/rules/history?name=%00"), 400)
    fields = {"pack": "\0", "version": "1", "action": "publish"}
    assert ben.post("/rules/versions", data=fields).status_code == 400


def test_a_suppression_takes_two(ann: httpx.Client, ben: httpx.Client) -> None:
    soon = WANTED | {"expires_at": ann.get("/api/rules/history").json()["changes"][0]["changed_at"]}
    assert "ends after it begins" in message(ann.post("/api/rules/suppressions", json=soon), 400)
    assert "90 days at most" in message(ann.post("/api/rules/suppressions", json=WANTED), 400)
    assert "`body.expires_at`" in message(ann.post("/api/rules/suppressions", json={"group": "G"}), 400)
    in_a_day = WANTED | {"expires_at": rfc3339(wall_clock() + DAY)}
    asked = ann.post("/api/rules/suppressions", json=in_a_day)
    assert (asked.status_code, asked.json()["state"]) == (201, "requested")
    path = f"/api/rules/suppressions/{asked.json()['name']}"
    assert "`ann` may not approve their own work" in message(ann.post(f"{path}/approve"), 403)
    assert ben.post(f"{path}/approve").json()["state"] == "approved"
    [row] = ann.get("/api/rules/suppressions").json()["suppressions"]
    assert row["suppression"]["expires_at"] == in_a_day["expires_at"]
    assert (row["requested_by"], row["approved_by"]) == ("ann", "ben")
    assert "project" in ann.get("/rules").text
    assert ann.post(f"{path}/lift").json()["state"] == "lifted"


def test_the_page_offers_what_the_reader_may_do(
    console: Console, ann: httpx.Client, ben: httpx.Client
) -> None:
    version = fresh(ann)
    form = re.compile(rf'name="version" value="{version}".*?</form>', re.DOTALL)
    assert 'value="publish"' not in form.findall(ann.get("/rules").text)[0]
    assert 'value="publish"' in form.findall(ben.get("/rules").text)[0]
    with console.signed_in("zh", "fin") as finance:
        page = finance.get("/rules").text
        assert "规则包的发布与停用" in page
        assert '<form class="act"' not in page


def test_a_button_moves_a_version_and_tells_a_refusal_in_the_readers_language(
    ann: httpx.Client, ben: httpx.Client
) -> None:
    version = str(fresh(ann))
    fields = {"pack": "small", "version": version, "action": "publish"}
    refused = ann.post("/rules/versions", data=fields)
    assert (refused.status_code, "a second person has to approve it" in refused.text) == (409, True)
    assert ben.post("/rules/versions", data=fields).headers["location"] == "/rules"
    assert state(ann, int(version)) == "active"
    assert ben.post("/rules/versions", data=fields | {"action": "submit"}).status_code == 400
    assert ben.post("/rules/breakers", data={"rule": "large"}).status_code == 409
    assert ben.post("/rules/suppressions", data={"identity": "x", "action": "lift"}).status_code == 409


def test_the_page_shows_what_a_version_said_in_the_shadow(console: Console, ann: httpx.Client) -> None:
    shadow, live = f"small@{fresh(ann)}", "small@1"
    assert 'class="compared"' not in ann.get("/rules").text
    engine = sync_engine(console.database_url)
    ShadowCounts(engine, "one").add(
        {
            Key(live, shadow, "outcome", "approve>approve", ""): Seen(9_980),
            Key(live, shadow, "outcome", "approve>hold", ""): Seen(20, ("O1.placed", "<b>O2")),
            Key(live, shadow, "rule", "large", "shadow"): Seen(20, ("O1.placed", "<b>O2")),
        }
    )
    engine.dispose()
    page = ann.get("/rules").text
    (shown,) = re.findall(r'<details class="compared">.*?</details>', page, re.DOTALL)
    assert "Beside small@1: 10,000 events judged, same outcome 99.80%" in shown
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", shown))
    assert "Approve → Hold 20 O1.placed &lt;b&gt;O2" in text
    assert "large 0 0 20 O1.placed &lt;b&gt;O2" in text
    other = page.index('<details class="compared">')
    assert page.rindex('class="life-', 0, other) == page.rindex('class="life-draft"', 0, other)
