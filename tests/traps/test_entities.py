"""One entity never sees another's events, whatever their names look like."""

import unicodedata

import pytest

from tests.properties.replays import LEFT_OPEN, Place, Way
from tests.traps.making import NOON, FeaturesOf, Message, feature, order, pack

pytestmark = LEFT_OPEN

NAMES = (
    *("a", "A", "a ", " a", " ", "\t", "a\n", "0", "00", "-", "null", "None", "NaN", "true"),
    *(
        "a:b",
        "a:b:",
        "b:c",
        "a|b",
        "a\x1fb",
        "a/b",
        "a{b}",
        "{s00}",
        "{}",
        "*",
        "a*",
        "?",
        "[a]",
        "\\",
        '"',
        "'",
    ),
    *(
        "caf\u00e9",
        unicodedata.normalize("NFD", "caf\u00e9"),
        "\u0430",
        "\uff41",
        "a\u200b",
        "\ufeffa",
        "ⅰ",
        "i",
        "ı",
        "İ",
    ),
    *("上海", "上 海", "😀", "x" * 63, "x" * 64, "x" * 63 + "y"),
)
"""Names that one could take for one another: separators, wildcards, blanks, look-alikes, long ones."""
ROUNDS = 3


def rounds(messages: list[dict[str, object]]) -> list[Message]:
    """Every message of the list three times, the list by list."""
    return [
        order(f"{turn}-{number}", NOON + turn, **fields)
        for turn in range(ROUNDS)
        for number, fields in enumerate(messages)
    ]


def check_apart(features_of: FeaturesOf, messages: list[dict[str, object]], *by: str) -> None:
    """In each round, every entity has as many events as rounds there were."""
    declared = {f"{name}_{one}": feature(name, one) for one in by for name in ("count", "sum")}
    declared |= {f"last_{one}": feature("days_since_last", one, None) for one in by}
    found = features_of(rounds(messages), pack(declared))
    for place, features in enumerate(found):
        turn = place // len(messages) + 1
        fields = messages[place % len(messages)]
        for one in by:
            assert features[f"count_{one}"] == turn, (one, fields)
            assert features[f"sum_{one}"] == 100 * turn, (one, fields)
            last = None if turn == 1 else pytest.approx(1 / 86_400_000, rel=1e-9)
            assert features[f"last_{one}"] == last, (one, fields)


def test_customers_with_names_alike_are_apart(features_of: FeaturesOf) -> None:
    check_apart(features_of, [{"customer": name} for name in NAMES], "customer")


def test_customers_of_one_group_are_apart(features_of: FeaturesOf) -> None:
    check_apart(features_of, [{"customer": name, "group": "g"} for name in NAMES], "customer")


def test_subsidiaries_with_names_alike_are_apart(features_of: FeaturesOf) -> None:
    check_apart(features_of, [{"subsidiary": name, "order": "1"} for name in NAMES], "customer", "order")


def test_the_border_between_subsidiary_and_customer_counts(features_of: FeaturesOf) -> None:
    # Their default groups have the same name, so only customer and order keep them apart.
    pairs = [
        ("a:b", "c"),
        ("a", "b:c"),
        ("a:", "b:c"),
        ("a", ":b:c"),
        ("ab", "c"),
        ("a", "bc"),
        ("a\x1fb", "c"),
        ("a", "b\x1fc"),
    ]
    messages: list[dict[str, object]] = [{"subsidiary": s, "customer": c, "order": c} for s, c in pairs]
    check_apart(features_of, messages, "customer", "order")


def test_one_customer_code_in_two_subsidiaries_is_two_customers(features_of: FeaturesOf) -> None:
    messages: list[dict[str, object]] = [{"subsidiary": "SH"}, {"subsidiary": "GD"}]
    check_apart(features_of, messages, "customer", "group")


def test_one_customer_code_in_two_subsidiaries_of_one_group_is_two_customers(features_of: FeaturesOf) -> None:
    messages: list[dict[str, object]] = [
        {"subsidiary": "SH", "group": "g"},
        {"subsidiary": "GD", "group": "g"},
    ]
    check_apart(features_of, messages, "customer")


def test_one_order_number_in_two_subsidiaries_is_two_orders(features_of: FeaturesOf) -> None:
    messages: list[dict[str, object]] = [
        {"subsidiary": subsidiary, "group": "g", "order": name}
        for subsidiary in ("SH", "GD")
        for name in NAMES
    ]
    check_apart(features_of, messages, "order")


def test_groups_with_names_alike_are_apart(features_of: FeaturesOf) -> None:
    names = (*NAMES, "x" * 128, "x" * 129)
    check_apart(features_of, [{"group": name} for name in names], "group")


def test_counterparties_with_names_alike_are_apart(features_of: FeaturesOf) -> None:
    check_apart(features_of, [{"counterparty": name} for name in NAMES], "counterparty")


def test_a_counterparty_meets_its_events_of_every_subsidiary_and_group(features_of: FeaturesOf) -> None:
    spread = [
        order(n, NOON + n, subsidiary=f"S{n % 7}", customer=f"c{n % 11}", counterparty="w")
        for n in range(100)
    ]
    found = features_of(spread, pack({"count": feature("count", "counterparty")}))
    assert [features["count"] for features in found] == list(range(1, 101))


def test_an_entity_of_one_kind_is_none_of_another_kind(features_of: FeaturesOf) -> None:
    # Each of the first four names `x` as another thing; the next four are the same once more.
    names = ("group", "counterparty", "order", "customer")
    messages = [
        order(number, NOON, **{name: ("x" if name == one else f"{name}-{number % 4}") for name in names})
        for number, one in enumerate([*names, *names])
    ]
    found = features_of(messages, pack({f"n_{by}": feature("count", by) for by in names}))
    for number, features in enumerate(found):
        assert features == {f"n_{by}": 1 + number // 4 for by in names}, number


def test_an_entity_that_is_not_named_has_no_windows(features_of: FeaturesOf) -> None:
    entities = ("order", "counterparty")
    messages = [order(1), order(2, order="o", counterparty="w"), order(3)]
    aggregates = ("count", "sum", "distinct", "avg", "min", "days_since_first")
    declared = {f"{name}_{by}": feature(name, by) for name in aggregates for by in entities}
    found = features_of(messages, pack(declared))
    assert set(found[0].values()) == set(found[2].values()) == {None}
    assert (found[1]["count_order"], found[1]["count_counterparty"]) == (1, 1)


def test_values_of_different_kinds_are_distinct(features_of: FeaturesOf) -> None:
    values: list[object] = ["1", 1, 1.0, True, "true", "1.0", "True", 0, False, "", "0", 1e0, -0.0]
    messages = [order(n, attributes={"v": value}) for n, value in enumerate(values)]
    found = features_of(messages, pack({"n": feature("distinct", field="attributes.v")}))
    assert [features["n"] for features in found] == [1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]


def test_names_alike_are_distinct(features_of: FeaturesOf) -> None:
    messages = [order(n, region=name, channel=name) for n, name in enumerate(("", *NAMES, *NAMES))]
    declared = {f"n_{field}": feature("distinct", field=field) for field in ("region", "channel")}
    found = features_of(messages, pack(declared))
    assert found[-1] == {"n_region": len(NAMES) + 1, "n_channel": len(NAMES) + 1}


def test_shards_and_restarts_keep_entities_apart(place: Place) -> None:
    messages = rounds(
        [{"customer": name, "order": name, "group": f"g{n % 5}"} for n, name in enumerate(NAMES)]
    )
    declared = {f"n_{by}": feature("count", by) for by in ("customer", "order", "group")}
    lines = [one.line for one in messages]
    runs = [
        place.replay(lines, pack(declared), Way(shards=shards, batch=batch)).raw
        for shards, batch in ((1, 1000), (64, 7), (3, 50))
    ]
    assert runs[0] == runs[1] == runs[2]
