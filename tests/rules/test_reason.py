"""Reasons: money in yuan, numbers short, NULL as a dash."""

import pytest

from events.columns import Kind
from rules.reason import PlaceholderError, Reason, compact, parse_reason, yuan

KINDS = {"amount": Kind.MONEY, "share": Kind.NUMBER, "region": Kind.TEXT, "vip": Kind.BOOL}


def render(text: str, **values: float | str | bool | None) -> dict[str, str]:
    parts = parse_reason(text, KINDS.__getitem__)
    return Reason({"zh": parts, "en": parts}).render(values.get)


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (523_000_000, "5,230,000.00"),
        (1, "0.01"),
        (0, "0.00"),
        (-150, "-1.50"),
        (2**62, "46,116,860,184,273,879.04"),
        (100.5, "1.00"),
        (101.5, "1.02"),
        (123_456.7, "1,234.57"),
    ],
)
def test_money(fen: float, text: str) -> None:
    assert yuan(fen) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (17, "17"),
        (12_345, "12,345"),
        (0.5, "0.5"),
        (0.99953, "0.9995"),
        (2.0, "2"),
        (7.126, "7.13"),
        (-0.00001, "0"),
        (1234.5, "1,234.5"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert compact(value) == text


def test_values_stand_in_the_sentence() -> None:
    assert render(
        "发往 {region}：{amount} 元，占 {share:%}。", region="上海", amount=100_000, share=0.625
    ) == {
        "zh": "发往 上海：1,000.00 元，占 62.5 %。",
        "en": "发往 上海：1,000.00 元，占 62.5 %。",
    }
    assert render("{vip}", vip=True) == {"zh": "是", "en": "yes"}
    assert render("{amount} {region}")["en"] == "— —"
    assert render("{{{share}}}", share=1)["en"] == "{1}"


@pytest.mark.parametrize("text", ["{", "}", "a {amount", "{amount:.2f}", "{{}"])
def test_braces_without_meaning(text: str) -> None:
    with pytest.raises(PlaceholderError):
        parse_reason(text, KINDS.__getitem__)
    with pytest.raises(KeyError):
        parse_reason("{nothing}", KINDS.__getitem__)
