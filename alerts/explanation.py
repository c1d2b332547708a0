"""An anomaly score in words: one sentence for each feature that moved it, in every language.

72 小时发货金额 5,200,000 元，是该客户中位数 310,000 元的 16.8 倍、同类客户中位数 280,000 元的 18.6 倍
Shipped in 72 h: CNY 5,200,000, 16.8 times this customer's median of CNY 310,000 and 18.6 times its
peers' CNY 280,000
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from msgspec import UnsetType

from events.columns import Kind
from rules.decision import Contribution, Text
from rules.feature_label import FeatureLabel, FeatureUnit
from rules.reason import compact, yuan

NEAR = 0.05
"""How far a value may lie from a median, as a share of it, to be called about the same."""

_LEAST_RATIO = 1e-4  # smaller ones say no more than the two numbers
_MANY_TIMES = 100  # from here on ratios are told without decimals
_WHOLE_YUAN = 10_000  # fen; from here on sums are told without them
_BETWEEN_CHARACTERS = re.compile("(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")

Number = float | int


class Relation(Enum):
    """How a value stands to a median."""

    TIMES = "times"  # more than it, of the same sign
    PART = "part"  # less than it, of the same sign
    ABOUT = "about"  # nearly the same
    BESIDE = "beside"  # a ratio would say nothing
    UNKNOWN = "unknown"  # no median is known


@dataclass(frozen=True)
class Language:
    """What the sentences of one language are made of.

    Args:
        opening: from title and value.
        owners: whose the medians are: the customer's, and its peers'.
        first: by relation, from whose, median and ratio.
        again: the same where the other median has the same relation, so that its words need not come twice.
        unknown: for a value that is NULL.
        truths: of true, false, and of as many true as false.
        yuan: money.
        days: one day, and several.
        hour: of the day.
    """

    opening: str
    owners: tuple[str, str]
    first: Mapping[Relation, str]
    again: Mapping[Relation, str]
    unknown: str
    truths: tuple[str, str, str]
    yuan: str
    days: tuple[str, str]
    hour: str


LANGUAGES = {
    "zh": Language(
        opening="{title} {value}",
        owners=("该客户", "同类客户"),
        first={
            Relation.TIMES: "，是{whose}中位数 {median} 的 {ratio} 倍",
            Relation.PART: "，仅为{whose}中位数 {median} 的 {ratio}",
            Relation.ABOUT: "，与{whose}中位数 {median} 相当",
            Relation.BESIDE: "，{whose}中位数为 {median}",
            Relation.UNKNOWN: "，{whose}中位数未知",
        },
        again={
            Relation.TIMES: "、{whose}中位数 {median} 的 {ratio} 倍",
            Relation.PART: "、{whose}中位数 {median} 的 {ratio}",
            Relation.ABOUT: "，也与{whose}中位数 {median} 相当",
            Relation.BESIDE: "，{whose}为 {median}",
            Relation.UNKNOWN: "，{whose}中位数也未知",
        },
        unknown="未知",
        truths=("是", "否", "是否各半"),
        yuan="{} 元",
        days=("{} 天", "{} 天"),
        hour="{} 时",
    ),
    "en": Language(
        opening="{title}: {value}",
        owners=("this customer's", "its peers'"),
        first={
            Relation.TIMES: ", {ratio} times {whose} median of {median}",
            Relation.PART: ", only {ratio} of {whose} median of {median}",
            Relation.ABOUT: ", about {whose} median of {median}",
            Relation.BESIDE: ", where {whose} median is {median}",
            Relation.UNKNOWN: "; {whose} median is not known",
        },
        again={
            Relation.TIMES: " and {ratio} times {whose} {median}",
            Relation.PART: " and {ratio} of {whose} {median}",
            Relation.ABOUT: " and {whose} {median}",
            Relation.BESIDE: " and {whose} {median}",
            Relation.UNKNOWN: ", nor is {whose}",
        },
        unknown="not known",
        truths=("yes", "no", "as often yes as no"),
        yuan="CNY {}",
        days=("{} day", "{} days"),
        hour="{}:00",
    ),
}


def explain(
    top: Sequence[Contribution], kinds: Mapping[str, Kind], labels: Mapping[str, FeatureLabel]
) -> tuple[Text, ...]:
    """One sentence for each contribution, in their order.

    Args:
        top: contributions to one score.
        kinds: kind of the pack's features by name.
        labels: their titles and units.
    """
    return tuple(
        _sentence(one, kinds.get(one.feature, Kind.NUMBER), labels.get(one.feature, FeatureLabel()))
        for one in top
    )


def _sentence(one: Contribution, kind: Kind, label: FeatureLabel) -> Text:
    said = {}
    comparisons = _comparisons(one, kind, label)
    repeats = [False, *(first[1] is second[1] for first, second in pairwise(comparisons))]
    for code, language in LANGUAGES.items():
        title = label.title[code] if label.title else one.feature
        text = language.opening.format(title=title, value=_written(one.value, kind, label, language))
        for (owner, relation, median), repeat in zip(comparisons, repeats, strict=False):
            text += (language.again if repeat else language.first)[relation].format(
                whose=language.owners[owner],
                median=_written(median, kind, label, language),
                ratio=_ratio(one.value, median, relation),
            )
        said[code] = _BETWEEN_CHARACTERS.sub("", text)
    return said


def _comparisons(
    one: Contribution, kind: Kind, label: FeatureLabel
) -> list[tuple[int, Relation, Number | None]]:
    """Whose median (0 the customer's, 1 its peers'), relation and median; what is unknown comes last."""
    found = [
        (owner, _relation(one.value, median, kind, label), median)
        for owner, median in enumerate((one.customer_median, one.peers_median))
        if not isinstance(median, UnsetType)  # the model knows no medians at all
    ]
    return sorted(found, key=lambda each: each[1] is Relation.UNKNOWN)


def _relation(value: Number | None, median: Number | None, kind: Kind, label: FeatureLabel) -> Relation:
    if median is None:
        return Relation.UNKNOWN
    if value is not None and value == median:
        return Relation.ABOUT
    alike = kind is not Kind.BOOL and label.unit is not FeatureUnit.HOUR
    if value is None or not alike or value * median <= 0 or value / median < _LEAST_RATIO:
        return Relation.BESIDE
    ratio = value / median
    if abs(ratio - 1) <= NEAR:
        return Relation.ABOUT
    return Relation.TIMES if ratio > 1 else Relation.PART


def _ratio(value: Number | None, median: Number | None, relation: Relation) -> str:
    if value is None or not median:
        return ""
    ratio = value / median
    if relation is Relation.PART:
        return compact(float(f"{ratio * 100:.2g}")) + " %"
    return compact(round(ratio) if ratio >= _MANY_TIMES else round(ratio, 1))


def _written(value: Number | None, kind: Kind, label: FeatureLabel, language: Language) -> str:
    if value is None:
        return language.unknown
    if kind is Kind.MONEY:
        return language.yuan.format(_sum(value))
    if kind is Kind.BOOL:
        return language.truths[0 if value == 1 else 1 if value == 0 else 2]
    return _number(value, label.unit, language)


def _number(value: Number, unit: FeatureUnit | None, language: Language) -> str:
    number = _short(value * 100 if unit is FeatureUnit.PERCENT else value)
    form = {
        None: "{}",
        FeatureUnit.PERCENT: "{} %",
        FeatureUnit.DAYS: language.days[0 if number == 1 else 1],
        FeatureUnit.HOUR: language.hour,
    }[unit]
    return form.format(compact(number))


def _sum(fen: Number) -> str:
    text = yuan(round(fen))
    return yuan(round(fen / 100) * 100)[:-3] if abs(fen) >= _WHOLE_YUAN else text.removesuffix(".00")


def _short(value: Number) -> Number:
    """A number without the digits that say nothing: three of a fraction, all of a whole number."""
    if isinstance(value, int) or value.is_integer():
        return value
    return float(f"{value:.3g}") if abs(value) < _MANY_TIMES else round(value)
