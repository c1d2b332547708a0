"""Security headers stand on everything that is answered, and pages keep to them."""

import re
from base64 import b64encode
from hashlib import sha384

import httpx
import pytest

from console.headers import HEADERS
from tests.console.running import Console, hit

PATHS = ["/", "/sign-in", "/nope", "/api/queues", "/api/nope", "/static/console.css", "/healthz", "/metrics"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_them(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")
    assert "server" not in answer.headers


def test_scripts_and_styles_come_from_this_site_only() -> None:
    policy = dict(part.split(" ", 1) for part in HEADERS["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"


def test_no_page_has_inline_script_or_style(console: Console, browser: httpx.Client) -> None:
    console.store.apply([hit(1)])
    board = browser.get("/").text
    alert = browser.get(re.findall(r'href="(/alerts/[^"]+)"', board)[0]).text
    for page in (board, alert, browser.get("/sign-in").text, browser.get("/nope").text):
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert not re.search(r"<style|\sstyle=|\son\w+=", page)
        for address in re.findall(r'(?:src|href)="([^"]+)"', page):
            assert address.startswith(("/", "#")), address


def test_static_files_are_kept_until_they_change(browser: httpx.Client) -> None:
    first = browser.get("/static/console.css")
    again = browser.get("/static/console.css", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/vendor/"])
def test_static_files_stay_in_their_folder(browser: httpx.Client, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_the_library_is_as_published_and_comes_with_its_licence(browser: httpx.Client) -> None:
    script = re.findall(r'src="(/static/vendor/[^"]+)\.min\.js"', browser.get("/sign-in").text)[0]
    digest = b64encode(sha384(browser.get(f"{script}.min.js").content).digest()).decode()
    assert digest == "Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"
    assert "Zero-Clause BSD" in browser.get(f"{script}.LICENSE.txt").text
