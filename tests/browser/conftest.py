"""Fixtures: Chromium in front of a running console."""

import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright
from psycopg import sql

from console.pages.sign_in import DemoUser
from fenghuo.embedded.probe import libpq_url
from tests.console.running import ANALYST, PASSWORD, Console, migrated, running_console

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 800}

Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A running Chromium; ended with the module, as its event loop would be in the way of other tests."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def full_console(postgres_url: str) -> Iterator[Console]:
    """A console with a database of its own, and the analyst as demo user."""
    name = f"b{uuid.uuid4().hex[:12]}"
    demo = DemoUser(ANALYST.user_id, PASSWORD, ANALYST.name, "analyst")
    with psycopg.connect(libpq_url(postgres_url), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = migrated(f"{postgres_url.rpartition('/')[0]}/{name}")
        with running_console(url, demo_users=[demo]) as running:
            yield running
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def console(full_console: Console) -> Console:
    """The console without any alert."""
    full_console.clear()
    return full_console


@pytest.fixture
def open_page(browser: Browser, console: Console) -> Iterator[Opener]:
    """Opens the board, signed in; any error in the page fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def opened(path: str = "/", *, size: ViewportSize = DESK, at: Console | None = None) -> Page:
        context = browser.new_context(
            viewport=size,
            locale="zh-CN",
            base_url=(at or console).url,
            is_mobile=size is PHONE,
            has_touch=size is PHONE,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.goto(path)
        page.locator(".demo-user").first.click()
        page.locator(".primary").click()
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not problems
