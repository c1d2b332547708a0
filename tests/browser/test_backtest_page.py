"""The page of a backtest in a real browser: whole without a network, in both languages, on desk and phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from backtest.page import page as page_of
from tests.backtest.making import PACK, Row, pack_of, tried
from tests.browser.conftest import DESK, PHONE

pytestmark = pytest.mark.browser

HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def opened(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page of two versions over events of a customer with a hostile name; anything asked for fails."""
    size: ViewportSize = request.param
    text = PACK.replace("version: 1", "version: 2").replace("amount >= 1000", "amount >= 3000")
    packs = [pack_of(tmp_path, text), pack_of(tmp_path)]
    rows = [Row(n, amount=n * 1000_00, orders=n, minutes=n * 900, group=HOSTILE) for n in range(8)]
    file = tmp_path / "backtest.html"
    file.write_bytes(page_of(tried(packs, rows)))
    problems: list[str] = []
    context = browser.new_context(viewport=size, is_mobile=size is PHONE, color_scheme="dark")
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text))
    page.on("request", lambda asked: problems.append(asked.url) if asked.url != file.as_uri() else None)
    page.goto(file.as_uri())
    yield page
    context.close()
    assert not problems


def test_hostile_names_are_shown_and_not_run(opened: Page) -> None:
    opened.locator("details").first.locator("summary").click()
    expect(opened.locator(".examples li").first).to_contain_text("<script>")
    assert opened.title().startswith("回测 Backtest")


def test_the_language_changes_without_a_script(opened: Page) -> None:
    expect(opened.get_by_role("heading", name="规则重叠")).to_be_visible()
    opened.locator("label[for=en]").click()
    expect(opened.get_by_role("heading", name="Overlap of rules")).to_be_visible()
    expect(opened.get_by_role("heading", name="规则重叠")).to_have_count(0)


def test_only_tables_scroll_sideways(opened: Page) -> None:
    for one in opened.locator("details > summary").all():
        one.click()
    assert opened.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
