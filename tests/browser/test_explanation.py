"""The explanation of a score on the alert's page: a bar and a sentence in the reader's language."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import ViewportSize, expect

from alerts.explanation import explain
from alerts.hit import Hit
from console.render import LANGUAGE_COOKIE
from rules.decision import Contribution, ModelScore
from rules.pack import load_pack
from tests.browser.conftest import DESK, PHONE, Opener
from tests.console.running import Console, hit
from tests.rules.making import TRADE_CORE

pytestmark = pytest.mark.browser

TOP = [
    Contribution("ordered_24h", 520_000_000, 0.182, 31_000_000, 28_000_000),
    Contribution("days_since_order", 0.04, 0.071, None, 1.9),
    Contribution("local_hour", 3, -0.0125, 14.0, 13.0),
]
FIRST = {
    "zh": "24 小时下单金额 5,200,000 元，"
    "是该客户中位数 310,000 元的 16.8 倍、同类客户中位数 280,000 元的 18.6 倍",
    "en": "Ordered in 24 h: CNY 5,200,000, 16.8 times this customer's median of CNY 310,000"
    " and 18.6 times its peers' CNY 280,000",
}


def explained() -> Hit:
    """A hit whose score is explained as the dataflow does it."""
    pack = load_pack(TRADE_CORE)
    sentences = explain(TOP, pack.kinds, pack.labels)
    return replace(
        hit(1, scenario="anomaly"),
        model=ModelScore("b7e061be0df6", 0.7312, TOP),
        anomaly=0.9991,
        features={one.feature: one.value for one in TOP},
        units=pack.units,
        explanation=sentences,
    )


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_bar_has_its_sentence(
    console: Console, open_page: Opener, tmp_path: Path, language: str, size: ViewportSize
) -> None:
    made = explained()
    console.store.apply([made])
    page = open_page(size=size)
    page.context.add_cookies([{"name": LANGUAGE_COOKIE, "value": language, "url": console.url}])
    page.goto(page.locator("[data-row] a").first.get_attribute("href") or "")
    said = page.locator(".said")
    expect(said).to_have_count(len(TOP))
    expect(said.first).to_have_text(FIRST[language])
    expect(page.locator(".bars rect.up")).to_have_count(2)
    page.screenshot(path=tmp_path / "alert.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box, card = said.first.bounding_box(), page.locator(".bars").bounding_box()
    assert box is not None
    assert card is not None
    assert box["x"] >= card["x"]
    assert box["x"] + box["width"] <= card["x"] + card["width"] + 1
