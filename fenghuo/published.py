"""Published versions of packs, from the database that the settings name."""

from fenghuo.pack_source import Versions
from fenghuo.settings import Settings
from rules.pack import Pack, read_pack
from store.postgres.engine import sync_engine
from store.postgres.rules.packs import PackStore


def published(settings: Settings) -> Versions | None:
    """Gives versions by name and number; None where no database is named."""
    url = settings.database_url
    if url is None:
        return None

    def version(name: str, number: int) -> Pack:
        engine = sync_engine(url)
        try:
            return read_pack(PackStore(engine).text(name, number), f"{name}@{number}")
        finally:
            engine.dispose()

    return version
