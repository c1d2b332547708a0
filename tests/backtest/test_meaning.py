"""Windows are shared where packs mean the same, and kept apart where they do not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from backtest.meaning import same_features
from flows.rulings import Rulings
from rules.pack import Pack
from tests.backtest.making import pack_of
from windows.feature import Entity

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


def shared(*packs: Pack) -> tuple[list[str], list[Mapping[str, str]]]:
    """Names of the features that the windows compute, and each pack's names for them."""
    rulings = Rulings()
    names = [rulings.enter(pack) for pack in packs]
    return [feature.name for feature in rulings.ground(Entity.GROUP).plan.features], names


def test_what_means_the_same_is_computed_once(first: Pack, tmp_path: Path) -> None:
    features, names = shared(first, made(tmp_path, "second"))
    assert features == ["orders", "listed", "night"]
    assert names[0] == names[1]


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
    features, (mine, others) = shared(first, made(tmp_path, "second", **other))
    assert features == ["orders", "listed", "night", *(f"{name}~2" for name in apart)]
    assert mine == {name: name for name in ("orders", "listed", "night")}
    assert others == {name: f"{name}~2" if name in apart else name for name in mine}


def test_expressions_mean_what_they_read(first: Pack, tmp_path: Path) -> None:
    other = made(tmp_path, "second", window="48h")
    assert same_features([first, other], ["listed", "night"])
    assert not same_features([first, other], ["twice"])
    assert same_features([first, made(tmp_path, "third")], ["twice", "orders"])
    assert not same_features([first, other], ["orders"])
