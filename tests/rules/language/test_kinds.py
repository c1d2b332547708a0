"""Kinds: what a name of unknown kind is follows from what it meets."""

import pytest

from events.columns import Kind
from rules.language import LanguageError, Scope, compile_condition

SCOPE = Scope(
    {"ordered_7d": Kind.MONEY, "orders_7d": Kind.NUMBER}, {"high_risk_regions": frozenset({"650000"})}
)


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("attributes.payment = 'credit'", "attributes.payment", Kind.TEXT),
        ("attributes.quantity > 5", "attributes.quantity", Kind.NUMBER),
        ("attributes.quantity = orders_7d", "attributes.quantity", Kind.NUMBER),
        ("attributes.freight > amount", "attributes.freight", Kind.MONEY),
        ("attributes.freight * 1.5 < amount", "attributes.freight", Kind.MONEY),
        ("COALESCE(attributes.freight, 0) < amount", "attributes.freight", Kind.MONEY),
        ("amount / attributes.parts > ordered_7d", "attributes.parts", Kind.NUMBER),
        ("attributes.parts * attributes.weight > 5", "attributes.weight", Kind.NUMBER),
        ("attributes.parts * amount > ordered_7d", "attributes.parts", Kind.NUMBER),
        ("10 / attributes.parts > 5", "attributes.parts", Kind.NUMBER),
        ("attributes.quota / amount > 0.5", "attributes.quota", Kind.MONEY),
        ("attributes.urgent", "attributes.urgent", Kind.BOOL),
        ("NOT attributes.urgent", "attributes.urgent", Kind.BOOL),
        ("attributes.urgent = TRUE", "attributes.urgent", Kind.BOOL),
        ("attributes.name LIKE 'a%'", "attributes.name", Kind.TEXT),
        ("LISTED(attributes.place, 'high_risk_regions')", "attributes.place", Kind.TEXT),
        ("attributes.place IN ('a', 'b')", "attributes.place", Kind.TEXT),
        ("attributes.x = attributes.y AND attributes.y = 'b'", "attributes.x", Kind.TEXT),
        ("attributes.x IS NULL OR attributes.x = 1", "attributes.x", Kind.NUMBER),
        ("CASE WHEN orders_7d > 1 THEN attributes.x ELSE amount END > 5", "attributes.x", Kind.MONEY),
        ("NULLIF(attributes.x, 'none') IS NULL", "attributes.x", Kind.TEXT),
        ("profile.credit_limit * 1.5 < ordered_7d", "profile.credit_limit", Kind.MONEY),
        ("profile.credit_limit > 1000", "profile.credit_limit", Kind.MONEY),
        ("profile.exposure IS NULL", "profile.exposure", Kind.MONEY),
        ("profile.payment_terms > 30", "profile.payment_terms", Kind.NUMBER),
        ("region <> profile.home_region", "profile.home_region", Kind.TEXT),
        ("anomaly >= 0.99", "anomaly", Kind.NUMBER),
        ("hour < 5 AND weekday >= 5", "weekday", Kind.NUMBER),
    ],
)
def test_kind_of_a_name(text: str, name: str, kind: Kind) -> None:
    assert compile_condition(text, SCOPE).kinds[name] is kind


@pytest.mark.parametrize(
    "text",
    [
        "attributes.x IS NULL",
        "attributes.x = attributes.y",
        "ordered_7d / attributes.x > 0.5",
        "attributes.x * attributes.y > attributes.z",
        "COALESCE(attributes.x, NULL) IS NULL",
    ],
)
def test_a_kind_that_nothing_tells_is_asked_for(text: str) -> None:
    with pytest.raises(LanguageError, match=r"the kind of `attributes\.[xyz]` is not told; compare it"):
        compile_condition(text, SCOPE)


def test_names_stand_in_the_order_of_their_use() -> None:
    compiled = compile_condition("ordered_7d > 1 AND (region = 'a' OR amount > ordered_7d)", SCOPE)
    assert list(compiled.kinds) == ["ordered_7d", "region", "amount"]
    assert compiled.names == {"ordered_7d", "region", "amount"}


@pytest.mark.parametrize(
    "name",
    [
        "event_id", "type", "occurred_at", "subsidiary", "customer", "group", "order", "shipment",
        "amount", "currency", "region", "counterparty", "channel", "hour", "weekday", "anomaly",
    ],
)  # fmt: skip
@pytest.mark.parametrize("quote", ["", '"'])
def test_every_field_can_be_named(name: str, quote: str) -> None:
    assert compile_condition(f"{quote}{name}{quote} IS NOT NULL", SCOPE).names == {name}
