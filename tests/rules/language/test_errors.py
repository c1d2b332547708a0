"""Every error of the language names the place and the cure; the golden file shows them all."""

import pytest

from events.columns import Kind
from rules.language import LanguageError, Scope, compile_condition
from tests.rules.golden import check_golden

SCOPE = Scope(
    {"shipped_72h": Kind.MONEY, "ordered_72h": Kind.MONEY, "orders_1h": Kind.NUMBER},
    {"high_risk_regions": frozenset({"650000"})},
)

TEXTS = [
    "shiped_72h > 5000000",
    "Amount > 5",
    "amount > 1 AND atributes.payment = 'credit'",
    "attributes.a.b = 1",
    "orders_1h > shipped_72h",
    "shipped_72h > 1 AND amount + orders_1h > 2",
    "amount * ordered_72h > 1",
    "5 / amount > 1",
    "amount > region",
    "region = 310000",
    "region + 1 > 2",
    "region + region = 'ab'",
    "amount",
    "amount AND region",
    "attributes.vip < TRUE",
    "GREATEST(region, channel) = 'x'",
    "LISTED(amount, 'high_risk_regions')",
    "LISTED(region, 'high_risk_region')",
    "LISTED(region)",
    "region LIKE channel",
    "region IN '310000'",
    "region IN (SELECT region FROM orders)",
    "amount > (SELECT 1)",
    "EXISTS (SELECT 1)",
    "COALESE(amount, 0) > 1",
    "COUNT(*) > 1",
    "SUM(amount) OVER () > 1",
    "__import__('os').system('true')",
    "__import__('os') = 1",
    "amount::INTEGER > 1",
    "orders_1h % 2 = 0",
    "region || 'x' = 'y'",
    "region ILIKE 'a%'",
    "region LIKE 'a!%' ESCAPE '!'",
    "amount IS DISTINCT FROM 1",
    "amount BETWEEN SYMMETRIC 1 AND 2",
    "1 < orders_1h < 5",
    "orders_1h > 1 = TRUE",
    "ROUND(amount, orders_1h) > 1",
    "ROUND(amount, 2, 3, 4) > 1",
    "orders_1h > 1 / 3",
    "orders_1h > 1 / 0",
    "orders_1h > 0.0000000001",
    "amount > 99999999999999999999",
    "amount > 999999999999999999",
    "orders_1h > 1e999999999",
    "attributes.x = attributes.y",
    "profile.limit IS NULL",
    "region = 'abc",
    "(amount > 1",
    "amount > 1)",
    "amount >",
    "amount > 1 AND\n  OR region = 'x'",
    "amount > 1\n  AND regoin = 'x'",
    "渠道 = '线上' AND amount > 1",
    "CASE WHEN amount > 1 THEN 2",
    "amount > 1; DROP TABLE orders",
    "amount 1",
    "",
    "-- nothing",
    "?",
    "amount[1] > 1",
    "*",
    "NVL(amount, 0) > 1",
    "COALESCE(amount,, 0) > 1",
    "region IN (, '310000')",
    "COALESCE(amount, 0,) > 1",
    "orders_1h > . 5",
    "amount BETWEEN 1 2",
    "CASE WHEN amount > 1 TRUE END",
    "NOT region NOT IS NULL",
    "orders_1h NOT BETWEEN 1 AND 2 IN (TRUE)",
    "amount > 1 " + "COALESCE（" * 60,
    f"{'long_name_' * 60} > 1",
    "+amount > 1",
    "@amount > 1",
    "amount > 1 /* much */",
    "amount\u00a0> 1",
    "region = '\u202e310000'",
    "LISTED(region, ALL 'high_risk_regions')",
    "region IS `",
    "{,: 1} IN (1)",
    '"a\nb" = 1',
    " OR ".join(f"region LIKE '%{number}%'" for number in range(60)),
]


def test_messages() -> None:
    parts = []
    for text in TEXTS:
        with pytest.raises(LanguageError) as caught:
            compile_condition(text, SCOPE)
        assert "\n" not in str(caught.value)
        assert 0 <= caught.value.start < caught.value.end <= len(text) + 1
        parts.append(f"{text}\n→ {caught.value}\n{caught.value.detail}\n")
    check_golden("language_errors.txt", "\n".join(parts))


def test_names_that_are_hidden_where_a_condition_stands() -> None:
    where = Scope(
        profile=False, anomaly=False, hidden=frozenset({"shipped_72h"}), place="a feature's `where`"
    )
    for name in ("shipped_72h", "profile.rating", "anomaly"):
        with pytest.raises(LanguageError, match=f"`{name}` cannot be read in a feature's `where`"):
            compile_condition(f"{name} = 1", where)


def test_place_of_an_error_in_several_lines() -> None:
    with pytest.raises(LanguageError) as caught:
        compile_condition("amount > 1\n  AND regoin = 'x'", SCOPE)
    error = caught.value
    assert (error.line, error.column, error.text[error.start : error.end]) == (2, 7, "regoin")
