"""An anomaly score in words: right for every value and median, in both languages."""

import re
from itertools import product

import pytest
from msgspec import UNSET, UnsetType

from alerts.explanation import explain
from events.columns import Kind
from rules.decision import Contribution
from rules.feature_label import FeatureLabel, FeatureUnit
from rules.pack import load_pack
from tests.rules.making import TRADE_CORE

KINDS = {"shipped": Kind.MONEY, "orders": Kind.NUMBER, "hour": Kind.NUMBER, "share": Kind.NUMBER}
LABELS = {
    "shipped": FeatureLabel({"zh": "发货额", "en": "Shipped in 72 h"}),
    "orders": FeatureLabel({"zh": "1 小时下单笔数", "en": "Orders in 1 h"}),
    "hour": FeatureLabel({"zh": "当地小时", "en": "Local hour"}, FeatureUnit.HOUR),
    "share": FeatureLabel({"zh": "退货比例", "en": "Share returned"}, FeatureUnit.PERCENT),
    "days": FeatureLabel({"zh": "距上次下单天数", "en": "Days since the last order"}, FeatureUnit.DAYS),
    "urgent": FeatureLabel({"zh": "加急", "en": "Urgent"}),
}
Median = float | int | None | UnsetType


def said(feature: str, value: float | None, own: Median = UNSET, peers: Median = UNSET) -> tuple[str, str]:
    """The sentence in Chinese and in English."""
    kinds = {**KINDS, "urgent": Kind.BOOL}
    (text,) = explain([Contribution(feature, value, 0.1, own, peers)], kinds, LABELS)
    return text["zh"], text["en"]


@pytest.mark.parametrize(
    ("feature", "value", "own", "peers", "chinese", "english"),
    [
        (
            "shipped", 520_000_000, 31_000_000, 28_000_000,
            "发货额 5,200,000 元，是该客户中位数 310,000 元的 16.8 倍、同类客户中位数 280,000 元的 18.6 倍",
            ("Shipped in 72 h: CNY 5,200,000, 16.8 times this customer's median of CNY 310,000"
            " and 18.6 times its peers' CNY 280,000"),
        ),
        (
            "shipped", 520_000_000, None, 28_000_000,
            "发货额 5,200,000 元，是同类客户中位数 280,000 元的 18.6 倍，该客户中位数未知",
            ("Shipped in 72 h: CNY 5,200,000, 18.6 times its peers' median of CNY 280,000;"
            " this customer's median is not known"),
        ),
        (
            "shipped", 520_000_000, 0, 0,
            "发货额 5,200,000 元，该客户中位数为 0 元，同类客户为 0 元",
            "Shipped in 72 h: CNY 5,200,000, where this customer's median is CNY 0 and its peers' CNY 0",
        ),
        (
            "shipped", 5_250, 31_000_000, 5_250,
            "发货额 52.50 元，仅为该客户中位数 310,000 元的 0.017 %，与同类客户中位数 52.50 元相当",
            ("Shipped in 72 h: CNY 52.50, only 0.017 % of this customer's median of CNY 310,000,"
            " about its peers' median of CNY 52.50"),
        ),
        (
            "shipped", -50_000, 100_000, -25_000,
            "发货额 -500 元，该客户中位数为 1,000 元，是同类客户中位数 -250 元的 2 倍",
            ("Shipped in 72 h: CNY -500, where this customer's median is CNY 1,000,"
            " 2 times its peers' median of CNY -250"),
        ),
        (
            "orders", 12, 3.0, 2.5,
            "1 小时下单笔数 12，是该客户中位数 3 的 4 倍、同类客户中位数 2.5 的 4.8 倍",
            "Orders in 1 h: 12, 4 times this customer's median of 3 and 4.8 times its peers' 2.5",
        ),
        (
            "orders", 3, 3.0, 3.1,
            "1 小时下单笔数 3，与该客户中位数 3 相当，也与同类客户中位数 3.1 相当",
            "Orders in 1 h: 3, about this customer's median of 3 and its peers' 3.1",
        ),
        (
            "orders", 1234, 1.0, None,
            "1 小时下单笔数 1,234，是该客户中位数 1 的 1,234 倍，同类客户中位数未知",
            "Orders in 1 h: 1,234, 1,234 times this customer's median of 1; its peers' median is not known",
        ),
        ("orders", 12, UNSET, UNSET, "1 小时下单笔数 12", "Orders in 1 h: 12"),
        (
            "orders", None, None, None,
            "1 小时下单笔数未知，该客户中位数未知，同类客户中位数也未知",
            "Orders in 1 h: not known; this customer's median is not known, nor is its peers'",
        ),
        (
            "hour", 3, 14.0, 13.0,
            "当地小时 3 时，该客户中位数为 14 时，同类客户为 13 时",
            "Local hour: 3:00, where this customer's median is 14:00 and its peers' 13:00",
        ),
        (
            "share", 0.85, 0.1, 0.05,
            "退货比例 85 %，是该客户中位数 10 % 的 8.5 倍、同类客户中位数 5 % 的 17 倍",
            "Share returned: 85 %, 8.5 times this customer's median of 10 % and 17 times its peers' 5 %",
        ),
        (
            "days", 1.0, 11.123, 1.9,
            "距上次下单天数 1 天，仅为该客户中位数 11.1 天的 9 %、同类客户中位数 1.9 天的 53 %",
            ("Days since the last order: 1 day, only 9 % of this customer's median of 11.1 days"
            " and 53 % of its peers' 1.9 days"),
        ),
        (
            "urgent", True, 0.0, 0.5,
            "加急是，该客户中位数为否，同类客户为是否各半",
            "Urgent: yes, where this customer's median is no and its peers' as often yes as no",
        ),
        (
            "unnamed_7d", 1234.5678, None, 2000,
            "unnamed_7d 1,235，仅为同类客户中位数 2,000 的 62 %，该客户中位数未知",
            "unnamed_7d: 1,235, only 62 % of its peers' median of 2,000; this customer's median is not known",
        ),
    ],
)  # fmt: skip
def test_sentences(
    feature: str, value: float | None, own: Median, peers: Median, chinese: str, english: str
) -> None:
    assert said(feature, value, own, peers) == (chinese, english)


def test_every_combination_reads_well() -> None:
    numbers = [None, 0, 1, -1, 0.5, 3, 1e-9, 123_456_789, 10**15]
    for feature, value, own, peers in product([*LABELS, "other"], numbers, [*numbers, UNSET], numbers):
        for text in said(feature, value, own, peers):
            assert "None" not in text
            assert "nan" not in text
            assert "  " not in text
            assert not re.search("[一-鿿] [一-鿿]", text)
            assert not re.search(r"\d{4}", text.replace("unnamed", "")), text  # thousands are parted


def test_sentences_come_in_the_order_of_the_contributions() -> None:
    top = [Contribution("orders", 1, 0.1), Contribution("shipped", 100, -0.2)]
    first, second = explain(top, KINDS, LABELS)
    assert (first["en"], second["en"]) == ("Orders in 1 h: 1", "Shipped in 72 h: CNY 1")


def test_a_blend_is_explained_by_the_titles_of_rules_as_well() -> None:
    pack = load_pack(TRADE_CORE)
    rule = pack.rules[0]
    top = [Contribution(rule.name, 1, 0.3, 0, 0), Contribution("orders_1h", 4, 0.1, 2.0, 1.0)]
    first, second = explain(top, pack.readable, pack.labels)
    assert first["en"] == f"{rule.title['en']}: yes, where this customer's median is no and its peers' no"
    assert second["zh"] == "1 小时下单笔数 4，是该客户中位数 2 的 2 倍、同类客户中位数 1 的 4 倍"
