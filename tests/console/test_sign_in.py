"""Signing in: who gets in, what the cookie is, what a guesser learns."""

from http.cookies import SimpleCookie

import httpx
import pytest

from alerts.views import User
from console.errors import SettingError
from console.pages.sign_in import DemoUser, local
from console.sessions import COOKIE
from console.throttle import PER_PAIR
from tests.console.running import ANALYST, PASSWORD, TOKEN, Console, post, running_console, sign_in


def test_pages_lead_to_sign_in_and_back(console: Console) -> None:
    with console.client() as client:
        refused = client.get("/?queue=credit-control")
        assert refused.status_code == 303
        assert refused.headers["location"] == "/sign-in?next=/%3Fqueue%3Dcredit-control"
        assert "/?queue=credit-control" in client.get(refused.headers["location"]).text
        answer = sign_in(client, wanted="/?queue=credit-control")
        assert (answer.status_code, answer.headers["location"]) == (303, "/?queue=credit-control")
        page = client.get("/")
        assert page.status_code == 200
        assert ANALYST.name in page.text


@pytest.mark.parametrize("path", ["/api/alerts", "/api/alerts/x", "/api/queues", "/events"])
def test_programs_are_told_401(console: Console, path: str) -> None:
    with console.client() as client:
        answer = client.get(path)
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == 401


def test_a_fetch_of_a_page_is_sent_to_sign_in_as_a_whole(console: Console) -> None:
    with console.client() as client:
        answer = client.get("/", headers={"hx-request": "true", "hx-current-url": f"{console.url}/?tier=low"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=/%3Ftier%3Dlow"


def test_a_wrong_password_and_an_unknown_name_read_the_same(console: Console) -> None:
    console.person(User("known", "知", frozenset()))
    with console.client() as client:
        wrong = sign_in(client, name="known", password="guess")
        unknown = sign_in(client, name="nobody", password="guess")
    assert wrong.status_code == unknown.status_code == 401
    assert "用户名或密码不正确。" in wrong.text
    assert wrong.text.replace("known", "nobody") == unknown.text
    assert "guess" not in wrong.text


def test_the_cookie_is_for_this_site_and_no_script(console: Console) -> None:
    with console.client() as client:
        answer = sign_in(client)
    cookie = SimpleCookie(answer.headers["set-cookie"])[COOKIE]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "lax"
    assert not cookie["secure"]
    assert cookie["max-age"] == str(12 * 3600)


def test_the_cookie_is_secure_behind_https(console: Console) -> None:
    with running_console(console.database_url, secure_cookies=True) as secure, secure.client() as client:
        assert SimpleCookie(client.get("/sign-in").headers["set-cookie"])[COOKIE]["secure"] is True


def test_a_changed_cookie_signs_nobody_in(console: Console, analyst: httpx.Client) -> None:
    value = analyst.cookies[COOKIE]
    with console.client() as other:
        other.cookies.set(COOKIE, value[:-2] + ("aa" if value[-2:] != "aa" else "bb"))
        assert other.get("/").status_code == 303


def test_signing_in_starts_a_fresh_session(console: Console) -> None:
    with console.client() as client:
        before = TOKEN.findall(client.get("/sign-in").text)[0]
        sign_in(client)
        assert before not in client.get("/").text


def test_signing_out_takes_a_post(analyst: httpx.Client) -> None:
    assert analyst.get("/sign-out").status_code == 405
    assert analyst.get("/").status_code == 200
    assert post(analyst, "/sign-out").headers["location"] == "/sign-in"
    assert analyst.get("/").status_code == 303


@pytest.mark.parametrize("path", ["/sign-out", "/sign-in", "/language"])
@pytest.mark.parametrize("token", [None, "", "another's"])
def test_a_form_without_the_sessions_token_is_refused(
    analyst: httpx.Client, path: str, token: str | None
) -> None:
    fields = {} if token is None else {"token": token}
    answer = analyst.post(path, data={**fields, "language": "en", "name": "lin", "password": PASSWORD})
    assert answer.status_code == 403
    assert "没有权限" in answer.text
    assert analyst.get("/").status_code == 200


def test_the_token_may_come_as_a_header(analyst: httpx.Client) -> None:
    token = TOKEN.findall(analyst.get("/").text)[0]
    assert analyst.post("/sign-out", headers={"x-token": token}).status_code == 303


def test_guessing_is_slowed_down_for_the_guesser_only(console: Console) -> None:
    console.person(User("target", "目标", frozenset()))
    with console.client() as client:
        for _ in range(PER_PAIR):
            assert sign_in(client, name="target", password="guess").status_code == 401
        refused = sign_in(client, name="target")
        assert refused.status_code == 429
        assert "尝试次数过多，请在 5 分钟后再试。" in refused.text
        assert 0 < int(refused.headers["retry-after"]) <= 300
        assert sign_in(client, name="another", password="guess").status_code == 401


def test_a_new_password_ends_the_sessions_of_the_old_one(console: Console) -> None:
    person = User("mei", "梅", frozenset())
    console.person(person)
    with console.signed_in(name="mei") as client:
        assert client.get("/").status_code == 200
        console.person(person, "a new password")
        assert client.get("/").status_code == 303


def test_a_changed_role_shows_at_once(console: Console) -> None:
    console.person(User("qiu", "秋", frozenset({"analyst"})))
    with console.signed_in(name="qiu") as client:
        assert "风险分析" in client.get("/").text
        console.sql("UPDATE users SET roles = '{finance}' WHERE user_id = 'qiu'")
        page = client.get("/").text
    assert "财务" in page
    assert "风险分析" not in page


def test_names_that_no_database_can_hold_are_unknown(console: Console) -> None:
    with console.client() as client:
        for name in ("li\0n", "'; DROP TABLE users; --", "名" * 500):
            assert sign_in(client, name=name, password="x").status_code == 401
        assert sign_in(client).status_code == 303


def test_a_long_password_is_wrong_even_where_its_start_is_right(console: Console) -> None:
    console.person(User("wei", "魏", frozenset()), "p" * 256)
    with console.client() as client:
        assert sign_in(client, "wei", "p" * 257).status_code == 401
        assert sign_in(client, "wei", "p" * 256).status_code == 303


def test_demo_users_stand_on_the_page_of_a_demonstration_only(console: Console) -> None:
    demo = DemoUser("lin", PASSWORD, "林晓", "analyst")
    with console.client() as client:
        assert PASSWORD not in client.get("/sign-in").text
    with running_console(console.database_url, demo_users=[demo]) as shown, shown.client() as client:
        page = client.get("/sign-in").text
    assert PASSWORD in page
    assert "风险分析" in page


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "", None, "javascript:x"]
)
def test_nobody_is_sent_elsewhere(path: str | None) -> None:
    assert local(path) == "/"


def test_a_short_secret_is_refused(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.console.running.SECRET", "short")
    with (
        pytest.raises(SettingError, match=r"`session_secret` has 5 characters; give 32"),
        running_console(console.database_url),
    ):
        pass
