"""`fenghuo rules new`: what it writes is a good pack whose story holds; nothing is overwritten."""

from pathlib import Path

import pytest

from fenghuo.commands.rules_new import NewPackError, new
from fenghuo.commands.rules_test import try_pack
from fenghuo.settings import load_settings

SCHEMA = Path("rule-pack.json")


def test_a_new_pack_passes_its_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("packs") / "my-pack.yaml"
    assert new(path, SCHEMA) == [path, Path("packs/stories/my-pack/large-day.yaml")]
    (tried,) = try_pack(load_settings(model="none"), path, ())
    assert tried.passed
    assert sum(tried.shown.values()) == 3


@pytest.mark.parametrize("name", ["My_Pack.yaml", "pack.yml", "pack", "-.yaml"])
def test_a_name_that_is_none_of_a_pack_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NewPackError, match="lower-case letters"):
        new(tmp_path / name, SCHEMA)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    story = Path("stories/mine/large-day.yaml")
    story.parent.mkdir(parents=True)
    story.write_text("mine", "utf-8")
    with pytest.raises(NewPackError, match="is there already"):
        new(Path("mine.yaml"), SCHEMA)
    assert story.read_text("utf-8") == "mine"
    assert not Path("mine.yaml").exists()
