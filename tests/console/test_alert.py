"""The page of one alert: evidence, score, features, documents, timeline."""

import re
from collections.abc import Callable

import httpx
import pytest
from msgspec.structs import replace

from console.pages.alert import BAR, bars
from rules.decision import Contribution, ModelScore, Outcome, RuleResult, RuleStatus, Threshold, Tier
from tests.console.running import Console, hit

Opener = Callable[[str], str]
TURNS = (
    Threshold("shipped_72h > 5000000", "5000000", "5210000", "money"),
    Threshold("customer_age_days <= 3", "3", "1.98", "number"),
)
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def address(browser: httpx.Client) -> Opener:
    """Finds the address of the page of a scenario's only alert."""

    def find(scenario: str) -> str:
        found = re.findall(r'href="(/alerts/[^"]+)"', browser.get(f"/?scenario={scenario}").text)
        assert len(found) == 1
        return str(found[0])

    return find


def test_it_says_what_happened(console: Console, browser: httpx.Client, address: Opener) -> None:
    made = hit(1, scenario="said", tier=Tier.CRITICAL, outcome=Outcome.HOLD, queue="credit-control")
    observed: dict[str, float | str | bool | None] = {
        "shipped_72h": 521_000_000,
        "region": "310000",
        "gap": None,
    }
    made = replace(
        made,
        shipment="DN-77",
        counterparty="华东一号仓",
        rules=[
            RuleResult("first-customer", 3, RuleStatus.HIT, observed, counterfactual=TURNS),
            RuleResult("credit-limit", 1, RuleStatus.NOT_EVALUABLE, {}, "no profile came yet"),
        ],
    )
    console.store.apply([made])
    page = browser.get(address("said")).text
    text = re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", page))
    for part in (
        "大额订单订单1",
        "涉及金额521.00万¥5,210,000.00",
        "紧急",
        "冻结",
        "信用控制",
        "停止发货",
        "待处理",
    ):
        assert part in text, part
    for part in (
        "first-customer第3版命中",
        "72小时发货金额521.00万",
        "收货地区上海310000",
        "gap—",
        "credit-limit第1版无法判断",
        "noprofilecameyet",
        "不会触发的最近阈值shipped_72h&gt;5000000→5,210,000元且customer_age_days&lt;=3→1.98",
    ):
        assert part in text, part
    for part in (
        "SO-00000001",
        "DN-77",
        "上海310000",
        "华东一号仓",
        "华东贸易",
        made.decision_id,
        "trade-core@1",
    ):
        assert part in text, part
    for part in ("97.0%", "forest-1", "0.6100", "+0.400", "512.35万"):
        assert part in text, part


def test_a_hit_without_model_or_shipment_says_so(
    console: Console, browser: httpx.Client, address: Opener
) -> None:
    console.store.apply(
        [replace(hit(2, scenario="bare"), model=None, anomaly=None, features={}, degraded=True)]
    )
    page = browser.get(address("bare")).text
    assert "模型未对这类事件评分" in page
    assert "这次命中没有特征值" in page
    assert "降级判断" in page


def test_the_strongest_hit_is_shown_and_another_can_be_chosen(
    console: Console, browser: httpx.Client, address: Opener
) -> None:
    low = hit(10, scenario="chosen", tier=Tier.LOW)
    high = hit(11, scenario="chosen", tier=Tier.HIGH)
    latest = hit(12, scenario="chosen", tier=Tier.MEDIUM)
    console.store.apply([low, high, latest])
    path = address("chosen")
    assert f"<code>{high.decision_id}</code>" in browser.get(path).text
    assert f"<code>{low.decision_id}</code>" in browser.get(f"{path}?hit={low.hit_id}").text
    assert f"<code>{high.decision_id}</code>" in browser.get(f"{path}?hit=unknown").text


def test_the_timeline_is_paged_newest_first(console: Console, browser: httpx.Client, address: Opener) -> None:
    console.store.apply([hit(event, scenario="long") for event in range(100, 170)])
    path = address("long")
    shown = []
    while path:
        page = browser.get(path).text
        shown.append([int(number) for number in re.findall(r"timeline-doc\">SO-(\d+)", page)])
        more = re.search(r'<a class="button" href="([^"]+)" hx-get', page)
        path = more[1].replace("&amp;", "&") if more else ""
    assert [len(numbers) for numbers in shown] == [20, 60, 70]
    assert shown[-1] == list(range(169, 99, -1))
    assert "最近 70 次，共 70 次" in page


@pytest.mark.parametrize("hits", ["0", "-1", "x", "999999", "²", ""])
def test_a_nonsensical_number_of_hits_does_no_harm(
    console: Console, browser: httpx.Client, address: Opener, hits: str
) -> None:
    console.store.apply([hit(300, scenario="number")])
    assert browser.get(address("number"), params={"hits": hits}).status_code == 200


def test_a_closed_alert_can_still_be_read(console: Console, browser: httpx.Client, address: Opener) -> None:
    console.store.apply([hit(310, scenario="closed")])
    path = address("closed")
    console.close(path.removeprefix("/alerts/"))
    page = browser.get(path)
    assert page.status_code == 200
    assert "已关闭" in page.text
    assert path not in browser.get("/").text


@pytest.mark.parametrize(
    "alert_id",
    [
        NOBODY,
        "no-uuid",
        "%00",
        "a%2Fb",
        "..%2f",
        "é",
        "x" * 5000,
        f"urn:uuid:{NOBODY}",
        f"{{{NOBODY}}}",
        NOBODY.replace("-", ""),
    ],
)
def test_an_unknown_alert_is_not_found(browser: httpx.Client, alert_id: str) -> None:
    answer = browser.get(f"/alerts/{alert_id}")
    assert answer.status_code == 404
    assert "没有找到" in answer.text


def test_hostile_texts_are_text(console: Console, browser: httpx.Client, address: Opener) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    made = replace(
        hit(320, scenario="hostile"),
        group=hostile,
        customer=hostile,
        order=hostile,
        counterparty=hostile,
        region=hostile,
        reason={"zh": hostile, "en": hostile},
        features={hostile: hostile},
        rules=[RuleResult(hostile, 1, RuleStatus.HIT, {hostile: hostile}, hostile)],
        explanation=({"zh": hostile, "en": hostile},),
    )
    console.store.apply([made])
    page = browser.get(address("hostile")).text
    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= 9


def test_a_contribution_stands_in_words_below_its_bar(
    console: Console, browser: httpx.Client, address: Opener
) -> None:
    said = {"zh": "72 小时发货金额 5,123,456 元，是该客户中位数 310,000 元的 16.5 倍", "en": "Shipped: 16.5"}
    console.store.apply([replace(hit(1, scenario="words"), explanation=(said,)), hit(2, scenario="silent")])
    assert f'<tr class="said"><td colspan="4">{said["zh"]}</td></tr>' in browser.get(address("words")).text
    english = browser.get(address("words"), headers={"accept-language": "en"}).text
    assert (said["en"] in english, said["zh"] in english) == (True, False)
    silent = browser.get(address("silent")).text
    assert 'class="bars"' in silent
    assert "said" not in silent


def test_bars_are_drawn_to_the_scale_of_the_largest() -> None:
    tops = [Contribution("a", 1, 0.4), Contribution("b", 1, -0.2), Contribution("c", 1, 0.0001)]
    drawn = bars(ModelScore("m", 0.5, tops))
    assert [(bar.x, bar.width) for bar in drawn] == [(BAR, BAR), (BAR // 2, BAR // 2), (BAR, 1)]
    assert [bar.sentence for bar in drawn] == [None] * 3
    first = {"zh": "甲", "en": "a"}
    assert [bar.sentence for bar in bars(ModelScore("m", 0.5, tops), [first])] == [first, None, None]
    assert bars(ModelScore("m", 0.5, [])) == []
    assert [bar.width for bar in bars(ModelScore("m", 0.5, [Contribution("a", 1, 0.0)]))] == [1]
