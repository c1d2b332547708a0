"""The page of the life of rules in a real browser: a second person publishes, on a desk and on a phone."""

import pytest
from playwright.sync_api import ViewportSize, expect

from alerts.views import User
from events.rights import APPROVER, AUTHOR, Person
from store.postgres.engine import sync_engine
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.packs import PackStore
from tests.browser.conftest import DESK, PHONE, Opener
from tests.console.running import ANALYST, Console
from tests.store.postgres.rules.making import LIN, pack

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("size", "version"), [(DESK, 2), (PHONE, 3)], ids=["desk", "phone"])
def test_a_second_person_publishes(
    console: Console, open_page: Opener, size: ViewportSize, version: int
) -> None:
    engine = sync_engine(console.database_url)
    PostgresEditionStore(engine).seed({"small.yaml": pack(1)})
    author = Person("somebody-else", LIN.roles)
    PackStore(engine).submit(pack(version), "small.yaml", author)
    engine.dispose()
    console.person(User(ANALYST.user_id, ANALYST.name, frozenset({"analyst", AUTHOR, APPROVER})))
    page = open_page(size=size)
    page.locator(".nav[href='/rules']").click()
    expect(page).to_have_title("规则包的发布与停用 · 烽火")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    line = page.locator(".lives li", has_text=f"v{version}").first
    line.locator("[name=reason]").fill("已核对")
    line.get_by_role("button", name="发布").click()
    expect(page.locator(".state-active")).to_have_count(1)
    expect(page.locator(".life-active")).to_contain_text(f"v{version}")
    expect(page.locator("#history li").first).to_contain_text("已核对")
