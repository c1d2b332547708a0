"""A pack is named by its file, or by name and version where versions are kept."""

from pathlib import Path

import pytest

from events.rights import AUTHOR, LifecycleError, Person
from fenghuo.pack_source import pack_source
from fenghuo.published import published
from fenghuo.settings import load_settings
from rules.errors import PackError, RuleError
from rules.pack import Pack
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.rules.packs import PackStore
from tests.backtest.making import PACK, pack_of
from tests.rules.making import SMALL, TRADE_CORE


def test_a_file_is_read() -> None:
    assert pack_source(str(TRADE_CORE)).id == "trade-core@3"


def test_a_version_comes_from_where_versions_are_kept(tmp_path: Path) -> None:
    asked: list[tuple[str, int]] = []

    def versions(name: str, version: int) -> Pack:
        asked.append((name, version))
        return pack_of(tmp_path)

    assert pack_source("tried@12", versions).id == "tried@1"
    assert asked == [("tried", 12)]


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tried@7").write_text(PACK, "utf-8")
    assert pack_source("tried@7").id == "tried@1"


def test_without_a_database_a_version_is_an_error() -> None:
    with pytest.raises(RuleError, match="`tried@7`: versions by name are kept in the life-cycle database"):
        pack_source("tried@7")


@pytest.mark.parametrize("reference", ["nothing.yaml", "Tried@7", "tried@", "tried@1.0", ""])
def test_what_is_neither_is_told(reference: str) -> None:
    with pytest.raises(PackError, match="cannot be read"):
        pack_source(reference)


def test_a_published_version_is_read_from_the_database(database_url: str) -> None:
    migrate(database_url)
    engine = sync_engine(database_url)
    PackStore(engine).submit(SMALL, "small.yaml", Person("ann", frozenset({AUTHOR})), "")
    engine.dispose()
    versions = published(load_settings(database_url=database_url))
    assert pack_source("small@3", versions).id == "small@3"
    with pytest.raises(LifecycleError, match="small@4"):
        pack_source("small@4", versions)
    assert published(load_settings()) is None
