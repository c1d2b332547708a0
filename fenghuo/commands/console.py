"""`fenghuo console`: the web pages and the API."""

import asyncio

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from console.app import create_app
from console.pages.sign_in import DemoUser
from console.ports import Rules
from console.server import ConsoleServer, listen
from fenghuo.embedded import start_services
from fenghuo.ending import stop_on_signals
from fenghuo.registry import artefacts_of
from fenghuo.session_key import session_secret
from fenghuo.settings import Settings, SettingsError, variable
from store.postgres.alert_reader import PostgresAlertReader
from store.postgres.dispositions import DispositionStore
from store.postgres.engine import async_engine, sync_engine
from store.postgres.migrate import migrate
from store.postgres.rules.breakers import Breakers
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.models import ModelStore
from store.postgres.rules.packs import PackStore
from store.postgres.rules.shadows import ShadowCounts
from store.postgres.rules.suppressions import SuppressionStore
from store.postgres.users import PostgresUserReader
from telemetry.log import configure

_log = structlog.get_logger(__name__)


def console(settings: Settings, demo_users: tuple[DemoUser, ...] = ()) -> None:
    """Serve until told to stop.

    Args:
        settings: address, database and secret count.
        demo_users: shown on the sign-in page, for the demo.

    Raises:
        FenghuoError: a setting is wrong, the database can't be reached, or the port is taken.
    """
    if settings.database_url is None:
        raise SettingsError(
            f"`{variable('database_url')}` is not set; name the server, or let `fenghuo demo` start it"
        )
    configure(settings.log_level.value, machine=settings.log_format.value == "json", process="console")
    with start_services(settings, settings.data_dir, need={"database"}) as services:
        migrate(services.database_url)
        engine = async_engine(services.database_url)
        blocking = sync_engine(services.database_url)
        app = create_app(
            alerts=PostgresAlertReader(engine),
            users=PostgresUserReader(engine),
            rules=rules_on(blocking),
            models=ModelStore(blocking, artefacts_of(settings)),
            dispositions=DispositionStore(blocking),
            session_secret=session_secret(settings).get_secret_value(),
            metrics=CollectorRegistry(),
            demo_users=demo_users,
        )
        server = ConsoleServer(app, listen(settings.console_host, settings.console_port))
        _log.info("console_started", url=server.url)
        with stop_on_signals():  # the server hands a signal on when it has stopped: here it ends
            asyncio.run(server.serve())
        blocking.dispose()
        _log.info("console_stopped")


def rules_on(engine: Engine) -> Rules:
    """The life of rules, as the console works on it."""
    return Rules(
        PackStore(engine),
        SuppressionStore(engine),
        Breakers(engine),
        PostgresEditionStore(engine),
        ShadowCounts(engine),
    )
