"""Windows are shared where packs mean the same, and kept apart where they do not."""

from pathlib import Path

import pytest

from backtest.meaning import same_features, union
from rules.pack import Pack
from tests.backtest.making import pack_of

TEXT = """\
pack: {name}
version: 1
timezone: {zone}
lists:
  near: [{near}]
features:
  orders: {{aggregate: count, events: [order.placed], by: customer, window: {window}}}
  listed:
    {{aggregate: count, events: [order.placed], by: customer, window: 24h, where: "LISTED(region, 'near')"}}
  night: {{aggregate: count, events: [order.placed], by: customer, window: 24h, where: hour < 5}}
  twice: {{expression: orders * 2}}
rules:
  often:
    title: {{zh: 频繁, en: Often}}
    scenario: pace
    on: [order.placed]
    when: twice >= 3 AND listed >= 1 AND night >= 1
    tier: high
    outcome: reject
    queue: desk
    reason: {{zh: "多", en: "Many"}}
"""


def made(
    folder: Path, name: str, *, window: str = "24h", zone: str = "Asia/Shanghai", near: str = "'310000'"
) -> Pack:
    return pack_of(folder, TEXT.format(name=name, window=window, zone=zone, near=near))


@pytest.fixture
def first(tmp_path: Path) -> Pack:
    return made(tmp_path, "first")


def test_what_means_the_same_is_computed_once(first: Pack, tmp_path: Path) -> None:
    together = union([first, made(tmp_path, "second")])
    assert [feature.name for feature in together.features] == ["orders", "listed", "night"]
    assert together.names[0] == together.names[1]


@pytest.mark.parametrize(
    ("other", "apart"),
    [
        ({"window": "48h"}, ["orders"]),
        ({"near": "'310000', '320000'"}, ["listed"]),
        ({"zone": "Europe/Berlin"}, ["night"]),
        ({"window": "48h", "zone": "UTC"}, ["orders", "night"]),
    ],
)
def test_one_name_with_two_meanings_is_two_features(
    first: Pack, tmp_path: Path, other: dict[str, str], apart: list[str]
) -> None:
    second = made(tmp_path, "second", **other)
    together = union([first, second])
    assert [feature.name for feature in together.features] == [
        "orders",
        "listed",
        "night",
        *(f"second@1:{name}" for name in apart),
    ]
    assert together.names[0] == {name: name for name in ("orders", "listed", "night")}
    for name, held in together.names[1].items():
        assert held == (f"second@1:{name}" if name in apart else name)
    by_name = {feature.name: feature for feature in together.features}
    for feature in second.features:
        assert by_name[together.names[1][feature.name]].window == feature.window


def test_two_versions_of_one_id_are_kept_apart_too(first: Pack, tmp_path: Path) -> None:
    names = [feature.name for feature in union([first, made(tmp_path, "first", window="1h")]).features]
    assert names == ["orders", "listed", "night", "first@1:orders"]


def test_expressions_mean_what_they_read(first: Pack, tmp_path: Path) -> None:
    other = made(tmp_path, "second", window="48h")
    assert same_features([first, other], ["listed", "night"])
    assert not same_features([first, other], ["twice"])
    assert same_features([first, made(tmp_path, "third")], ["twice", "orders"])
    assert not same_features([first, other], ["orders"])
