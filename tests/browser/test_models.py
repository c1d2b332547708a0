"""The page of the life of models in a real browser: one proposes, another promotes and goes back."""

from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize, expect

from alerts.views import User
from events.rights import APPROVER, AUTHOR, Person
from models.lifecycle import ModelAction
from store.postgres.engine import sync_engine
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.models import ModelStore
from tests.browser.conftest import DESK, PHONE, Opener
from tests.console.running import ANALYST, Console
from tests.models.keeping import kept_model
from tests.store.postgres.rules.making import LIN, pack

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("size", "seed"), [(DESK, 1), (PHONE, 2)], ids=["desk", "phone"])
def test_a_second_person_promotes_and_goes_back(
    console: Console, open_page: Opener, tmp_path: Path, size: ViewportSize, seed: int
) -> None:
    engine = sync_engine(console.database_url)
    PostgresEditionStore(engine).seed({"small.yaml": pack(1)})
    model, directory = kept_model(tmp_path, seed)
    console.artefacts.put(directory)
    models = ModelStore(engine, console.artefacts)
    author = Person("somebody-else", LIN.roles)
    models.register(model, author)
    models.move(ModelAction.PROPOSE, model, author)
    engine.dispose()
    console.person(User(ANALYST.user_id, ANALYST.name, frozenset({"analyst", AUTHOR, APPROVER})))
    page = open_page(size=size)
    page.locator(".nav[href='/models']").click()
    expect(page).to_have_title("异常模型的启用与停用 · 烽火")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    line = page.locator("#candidate li", has_text=model)
    line.locator("summary").click()
    expect(line).to_contain_text("score_max")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    line.locator("[name=reason]").fill("已核对")
    line.get_by_role("button", name="启用", exact=True).click()
    expect(page.locator("#champion li")).to_contain_text(model)
    expect(page.locator("#history li").first).to_contain_text("已核对")
    page.locator("#champion").get_by_role("button", name="回退").click()
    expect(page.locator("#retired")).to_contain_text(model)
    expect(page.locator("#champion .nothing")).to_be_visible()
