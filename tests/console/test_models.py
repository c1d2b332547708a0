"""The life of models by the API and the page: two people, clear refusals, and buttons for what one may do."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from alerts.views import User
from events.rights import APPROVER, AUTHOR, OPERATOR
from store.postgres.engine import sync_engine
from store.postgres.rules.editions import PostgresEditionStore
from tests.console.running import Console
from tests.console.test_rules import api, message
from tests.models.keeping import kept_model, tamper
from tests.store.postgres.rules.making import pack

BOTH = frozenset({"analyst", AUTHOR, APPROVER})


@pytest.fixture(scope="module", autouse=True)
def seeded(console: Console) -> None:
    """The pack `small` in force, two people who may work on models, one who operates, one who may not."""
    engine = sync_engine(console.database_url)
    PostgresEditionStore(engine).seed({"small.yaml": pack(1)})
    engine.dispose()
    for name, roles in (
        ("ann", BOTH),
        ("ben", BOTH),
        ("ops", frozenset({OPERATOR})),
        ("fin", frozenset({"finance"})),
    ):
        console.person(User(name, name, roles))


@pytest.fixture
def ann(console: Console) -> Iterator[httpx.Client]:
    with api(console, "ann") as client:
        yield client


@pytest.fixture
def ben(console: Console) -> Iterator[httpx.Client]:
    with api(console, "ben") as client:
        yield client


@pytest.fixture
def model(console: Console, tmp_path: Path, unique: str) -> str:
    """Id of a model of the test's own that lies in the registry."""
    found, directory = kept_model(tmp_path, int(unique[1:8], 16))
    console.artefacts.put(directory)
    return found


def state(client: httpx.Client, model: str) -> str:
    return str(client.get(f"/api/models/{model}").json()["state"])


def promoted(ann: httpx.Client, ben: httpx.Client, model: str) -> None:
    assert ann.post("/api/models", json={"id": model}).status_code == 201
    assert ann.post(f"/api/models/{model}/propose").status_code == 200
    assert ben.post(f"/api/models/{model}/promote").json()["state"] == "champion"


def test_a_promotion_takes_two_people(ann: httpx.Client, ben: httpx.Client, model: str) -> None:
    registered = ann.post("/api/models", json={"id": model, "reason": "of May"})
    assert (registered.status_code, registered.json()["state"]) == (201, "candidate")
    again = ben.post("/api/models", json={"id": model})
    assert (again.status_code, again.json()["fresh"]) == (200, False)
    path = f"/api/models/{model}"
    assert "is not proposed" in message(ben.post(f"{path}/promote"), 409)
    assert ann.post(f"{path}/propose", json={"reason": "catches more"}).json()["edition"] is None
    assert "`ann` may not promote their own work" in message(ann.post(f"{path}/promote"), 403)
    answer = ben.post(f"{path}/promote", json={"reason": "looked at it"}).json()
    assert (answer["name"], answer["state"]) == (model, "champion")
    edition = ben.get(f"/api/rules/editions/{answer['edition']}").json()
    one = ben.get(path).json()
    assert edition["champion"] == {"id": model, "sha256": one["sha256"]}
    assert [(row["action"], row["actor"], row["reason"]) for row in one["changes"]] == [
        ("promote", "ben", "looked at it"),
        ("propose", "ann", "catches more"),
        ("register", "ann", "of May"),
    ]
    assert one["manifest"]["id"] == model
    assert one["registered_at"].endswith("Z")
    listed = ann.get("/api/models").json()
    assert listed["champions"][-1] == model
    row = next(row for row in listed["models"] if row["id"] == model)
    assert (row["summary"]["rows"], row["summary"]["pack"], row["lacking"]) == (300, "small@1", [])
    assert ann.get("/api/models/history").json()["changes"][0]["action"] == "promote"


def test_one_command_goes_back(
    console: Console, ann: httpx.Client, ben: httpx.Client, model: str, tmp_path: Path
) -> None:
    promoted(ann, ben, model)
    other, directory = kept_model(tmp_path, 1)
    console.artefacts.put(directory)
    promoted(ann, ben, other)
    assert (state(ann, model), state(ann, other)) == ("retired", "champion")
    with api(console, "fin") as finance:
        assert "needs the role" in message(finance.post("/api/models/rollback"), 403)
    with api(console, "ops") as operator:
        answer = operator.post("/api/models/rollback", json={"reason": "too many alerts"}).json()
    assert (answer["name"], answer["state"]) == (model, "champion")
    assert (state(ann, model), state(ann, other)) == ("champion", "retired")


def test_who_has_no_role_or_no_token_is_refused(console: Console, ann: httpx.Client, model: str) -> None:
    ann.post("/api/models", json={"id": model})
    with api(console, "fin") as finance:
        for path in ("", f"/{model}/shadow", f"/{model}/propose", f"/{model}/retire"):
            assert "needs the role" in message(finance.post(f"/api/models{path}", json={"id": model}), 403)
        del finance.headers["x-token"]
        assert "token" in message(finance.post(f"/api/models/{model}/retire"), 403)
    with console.client() as nobody:
        assert message(nobody.get("/api/models"), 401)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("", {"id": "abc"}, 404),
        ("", {"id": "../abc"}, 400),
        ("", {}, 400),
        ("/abc/promote", {}, 404),
        ("/abc/register", {}, 400),
        ("/a%2Fb/promote", {}, 404),
        ("/.hidden/promote", {}, 400),
    ],
)
def test_what_cannot_be_done_is_told(ben: httpx.Client, path: str, body: dict[str, str], status: int) -> None:
    assert "\n" not in message(ben.post(f"/api/models{path}", json=body), status)


def test_what_is_not_registered_is_not_found(ann: httpx.Client) -> None:
    assert "`abc`: not registered" in message(ann.get("/api/models/abc"), 404)


def test_a_tampered_model_is_refused_with_what_is_wrong(
    console: Console, ann: httpx.Client, ben: httpx.Client, model: str
) -> None:
    ann.post("/api/models", json={"id": model})
    ann.post(f"/api/models/{model}/propose")
    tamper(Path(console.artefacts.place) / model)
    told = message(ben.post(f"/api/models/{model}/promote"), 409)
    assert f"model `{model}`" in told
    assert "`model.skops` has SHA-256" in told
    page = ben.post("/models/moves", data={"model": model, "action": "promote"})
    assert page.status_code == 409
    assert "is not what was registered." in page.text
    assert "model.skops" in page.text
    assert state(ann, model) == "candidate"


def item(page: str, model: str) -> str:
    """The part of the page about a model."""
    (found,) = (
        one for one in re.findall(r"<li class=\"life-.*?</li>", page, re.DOTALL) if f">{model}<" in one
    )
    return str(found)


def test_the_page_offers_what_the_reader_may_do_and_says_who_has_to(
    console: Console, ann: httpx.Client, ben: httpx.Client, model: str
) -> None:
    ann.post("/api/models", json={"id": model})
    assert 'value="propose"' in item(ann.get("/models").text, model)
    assert 'value="promote"' not in item(ben.get("/models").text, model)
    ann.post(f"/api/models/{model}/propose")
    own = item(ann.get("/models").text, model)
    assert 'value="promote"' not in own
    assert "proposed by ann" in own
    assert "a second person has to" in own
    other = item(ben.get("/models").text, model)
    assert 'value="promote"' in other
    assert "a second person has to" not in other
    with console.signed_in("zh", "fin") as finance:
        page = finance.get("/models").text
        assert "异常模型的启用与停用" in page
        assert '<form class="act"' not in page
        assert "孤立森林" in item(page, model)


def test_buttons_move_a_model_and_tell_a_refusal_in_the_readers_language(
    ann: httpx.Client, ben: httpx.Client, model: str
) -> None:
    ann.post("/api/models", json={"id": model})
    fields = {"model": model, "action": "propose", "reason": "<b>better"}
    assert ann.post("/models/moves", data=fields).headers["location"] == "/models"
    refused = ann.post("/models/moves", data=fields | {"action": "promote"})
    assert (refused.status_code, "a second person has to approve it" in refused.text) == (409, True)
    assert ben.post("/models/moves", data=fields | {"action": "promote"}).status_code == 303
    page = ben.get("/models").text
    assert "&lt;b&gt;better" in page
    assert 'action="/models/rollback"' in page
    assert ben.post("/models/rollback", data={"reason": "no"}).headers["location"] == "/models"
    assert state(ann, model) == "retired"
    assert ben.post("/models/moves", data=fields | {"action": "register"}).status_code == 400
