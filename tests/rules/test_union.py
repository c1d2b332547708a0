"""Several packs that judge together."""

from pathlib import Path

import pytest

from rules.errors import RuleError
from rules.pack import Pack, load_pack
from rules.rule import Mode
from rules.union import load_packs, united
from tests.rules.making import SMALL, batch, decisions_on, event, features_of, judged

OTHER = (
    SMALL.replace("pack: small", "pack: other")
    .replace("version: 3", "version: 7")
    .replace("  large:", "  bigger:")
    .replace("  much:", "  more:")
    .replace("amount >= 2000", "amount >= 3000")
)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, "utf-8")
    return path


def together(folder: Path, *texts: str) -> Pack:
    return load_packs([write(folder, str(number), text) for number, text in enumerate(texts)])


def test_one_pack_is_itself(tmp_path: Path) -> None:
    path = write(tmp_path, "small", SMALL)
    assert load_packs([path]).content_hash == load_pack(path).content_hash
    assert load_packs([path]).id == "small@3"


def test_every_rule_keeps_the_version_of_its_pack(tmp_path: Path) -> None:
    pack = together(tmp_path, SMALL, OTHER)
    assert pack.id == "other@7+small@3"
    events = batch(event(amount=400_000))
    judgement = judged(pack, events, features_of(pack, 1, ordered_72h=1, orders_72h=1))
    (decision,) = decisions_on(pack, events, judgement)
    assert decision.pack == "other@7+small@3"
    assert [(one.rule, one.version) for one in decision.rules] == [("bigger", 7), ("large", 3)]


def test_the_order_in_which_they_are_given_does_not_matter(tmp_path: Path) -> None:
    one, other = together(tmp_path, SMALL, OTHER), together(tmp_path, OTHER, SMALL)
    assert (one.id, one.content_hash) == (other.id, other.content_hash)
    assert [rule.name for rule in one.rules] == [rule.name for rule in other.rules]
    assert [rule.rank for rule in one.rules] == [0, 1, 2, 3]
    assert one.rules[0].mode is Mode.ACTIVE
    assert list(one.kinds) == ["ordered_72h", "orders_72h", "mean_72h"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("  bigger:", "  large:"), "packs `other@7` and `small@3` both have a rule `large`; rename one"),
        (
            (
                "count, events: [order.placed], by: customer, window: 72h",
                "count, events: [order.placed], by: customer, window: 71h",
            ),
            "define feature `orders_72h` differently; rename one",
        ),
        (("ordered_72h / orders_72h", "ordered_72h / 2"), "define feature `mean_72h` differently"),
        (("Asia/Shanghai", "UTC"), "timezones `UTC` and `Asia/Shanghai`; give both the same"),
        (("pack: other", "pack: small"), "are versions of one pack; name one of them"),
    ],
)
def test_packs_that_contradict_each_other_are_refused(
    tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    with pytest.raises(RuleError) as error:
        together(tmp_path, SMALL, OTHER.replace(*change))
    assert told in str(error.value)


def test_lists_may_be_shared_but_not_differ(tmp_path: Path) -> None:
    lists = "lists: {far: ['650000']}\n"
    assert together(tmp_path, SMALL + lists, OTHER + lists).lists == {"far": frozenset({"650000"})}
    with pytest.raises(RuleError, match="define list `far` differently"):
        together(tmp_path, SMALL + lists, OTHER + lists.replace("650000", "540000"))


def test_a_union_of_unions(tmp_path: Path) -> None:
    third = OTHER.replace("pack: other", "pack: third").replace("bigger", "huge").replace("more:", "most:")
    packs = [
        load_pack(write(tmp_path, str(number), text)) for number, text in enumerate((SMALL, OTHER, third))
    ]
    assert united([united(packs[:2]), packs[2]]).id == united(packs).id == "other@7+small@3+third@7"
