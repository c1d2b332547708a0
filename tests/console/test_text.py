"""The catalogues: complete in every language, and everything that a template asks for is there."""

import re
from pathlib import Path
from string import Formatter

import pytest
import yaml

import console
from alerts.cases import CaseStatus
from alerts.dispositions import Disposition, Harm
from console.errors import SettingError
from console.text import LANGUAGES, catalogues, negotiate
from events.event import EventType
from events.rights import Refusal
from models.drift import Steadiness
from models.lifecycle import ModelAction, ModelState
from rules.decision import Outcome, RuleStatus, Tier
from rules.lifecycle import Action, Standing
from rules.pack import load_pack
from rules.rule import Mode

PACKAGE = Path(console.__file__).parent
PACKS = PACKAGE.parent / "rules" / "packs"
TEXTS = {language: catalogue.texts for language, catalogue in catalogues().items()}
ASKED = re.compile(r"""\bt(?:exts)?\(\s*["']([a-z_.]+)["']\s*[,)]""")

BY_NAME = {
    *("tier", "outcome", "status", "result", "event", "queue", "playbook", "scenario", "feature", "role"),
    *("region", "failure", "documents", "age", "mode", "action", "standing", "refusal"),
    *("model_state", "model_state_hint", "algorithm", "disposition", "harm", "steadiness"),
}
"""Kinds of texts that are looked up by the name of a thing."""


def places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_language_has_the_same_texts_with_the_same_places() -> None:
    first = TEXTS[LANGUAGES[0]]
    for texts in TEXTS.values():
        assert texts.keys() == first.keys()
        assert {key: places(text) for key, text in texts.items()} == {k: places(t) for k, t in first.items()}
        assert all(text.strip() for text in texts.values())


def test_everything_asked_for_is_there() -> None:
    files = [*PACKAGE.glob("templates/*.html"), *PACKAGE.glob("**/*.py")]
    asked = {key for file in files for key in ASKED.findall(file.read_text(encoding="utf-8"))}
    assert len(asked) > 50
    assert asked <= TEXTS["zh"].keys()


def test_no_text_is_left_over() -> None:
    files = [*PACKAGE.glob("templates/*.html"), *PACKAGE.glob("**/*.py")]
    source = "".join(file.read_text(encoding="utf-8") for file in files)
    fixed = {key for key in TEXTS["zh"] if key.split(".")[0] not in BY_NAME}
    assert len(fixed) > 50
    left = [key for key in fixed if f'"{key}"' not in source and f"'{key}'" not in source]
    assert left == []


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("tier", Tier),
        ("tier.short", Tier),
        ("outcome", Outcome),
        ("status", CaseStatus),
        ("result", RuleStatus),
        ("event", EventType),
        ("mode", Mode),
        ("action", Action),
        ("action", ModelAction),
        ("model_state", ModelState),
        ("model_state_hint", ModelState),
        ("standing", Standing),
        ("refusal", Refusal),
        ("disposition", Disposition),
        ("harm", Harm),
        ("steadiness", Steadiness),
    ],
)
def test_every_member_has_a_name(kind: str, names: list[str]) -> None:
    for texts in TEXTS.values():
        assert {f"{kind}.{name}" for name in names} <= texts.keys()


def test_everything_that_a_shipped_pack_names_has_a_name() -> None:
    for file in (PACKAGE.parent / "rules" / "packs").glob("*.yaml"):
        pack = yaml.safe_load(file.read_text(encoding="utf-8"))
        cases = [*pack["rules"].values(), *pack.get("deadlines", {}).values()]
        named = {f"feature.{name}" for name in pack["features"]}
        for kind in ("queue", "playbook", "scenario"):
            named |= {f"{kind}.{case[kind]}" for case in cases if case.get(kind)}
        assert len(named) > 15
        assert sorted(named - TEXTS["zh"].keys()) == [], file.name


def test_a_missing_text_or_value_says_which() -> None:
    texts = catalogues()["en"]
    with pytest.raises(SettingError, match=r"console/text/en\.json: `nope` needs 'nope'"):
        texts("nope")
    with pytest.raises(SettingError, match=r"`board\.shown` needs 'n'"):
        texts("board.shown")


@pytest.mark.parametrize(
    ("cookie", "accept", "language"),
    [
        (None, None, "zh"),
        (None, "", "zh"),
        (None, "fr-FR,de;q=0.9", "zh"),
        (None, "en-GB,en;q=0.9,zh;q=0.8", "en"),
        (None, "zh-TW,en;q=0.9", "zh"),
        (None, "en;q=0.1,zh-CN;q=0.2", "zh"),
        (None, "en;q=nonsense", "zh"),
        (None, "en;q=0", "zh"),
        ("en", "zh-CN", "en"),
        ("zh", "en", "zh"),
        ("fr", "en", "en"),
    ],
)
def test_the_language_is_the_readers(cookie: str | None, accept: str | None, language: str) -> None:
    assert negotiate(cookie, accept) == language


def test_a_text_of_an_alert_falls_back_to_what_there_is() -> None:
    english = catalogues()["en"]
    assert english.pick({"zh": "大额", "en": "large"}) == "large"
    assert english.pick({"zh": "大额"}) == "大额"
    assert english.pick({"de": "groß"}) == "groß"
    assert english.pick({}) == ""


@pytest.mark.parametrize("path", sorted(PACKS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_features_are_called_alike_in_packs_and_on_pages(path: Path) -> None:
    pack = load_pack(path)
    for name in pack.feature_names:
        title = pack.labels[name].title
        assert title is not None, name
        for language, catalogue in catalogues().items():
            assert title[language] == catalogue.name("feature", name)
