"""A console that really runs: uvicorn in a thread, over PostgreSQL, with hits to fill it."""

import asyncio
import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from alerts.cases import CaseStatus
from alerts.hit import Hit
from alerts.views import User
from console.app import create_app
from console.pages.sign_in import DemoUser
from console.server import ConsoleServer, listen
from events.clock import Clock, wall_clock
from fenghuo.commands.console import rules_on
from rules.decision import Outcome, RuleResult, RuleStatus, Text, Tier
from store.artefacts import Artefacts
from store.postgres.alert_reader import PostgresAlertReader
from store.postgres.alerts import AlertStore
from store.postgres.cases import CaseStore
from store.postgres.dispositions import DispositionStore
from store.postgres.engine import async_engine, sync_engine
from store.postgres.migrate import migrate
from store.postgres.rules.models import ModelStore
from store.postgres.users import PostgresUserReader, seed_demo_users
from tests.alerts.making import make_hit

SECRET = "a secret of more than thirty-two characters"
PASSWORD = "beacon-2026"
ANALYST = User("lin", "林晓", frozenset({"analyst"}))
TOKEN = re.compile(r'name="token" value="([^"]+)"')


@dataclass(frozen=True)
class Console:
    """A running console and the writing side of its store."""

    url: str
    database_url: str
    store: AlertStore
    artefacts: Artefacts
    server: ConsoleServer
    thread: threading.Thread

    def client(self, language: str = "zh") -> httpx.Client:
        """A browser's worth of HTTP, signed out."""
        return httpx.Client(base_url=self.url, headers={"accept-language": language}, timeout=10)

    @contextmanager
    def signed_in(self, language: str = "zh", name: str = "lin") -> Iterator[httpx.Client]:
        """The HTTP client of someone who signed in, the analyst unless another is named."""
        with self.client(language) as client:
            assert sign_in(client, name).status_code == 303
            yield client

    def person(self, user: User, password: str = PASSWORD) -> None:
        """Have this user, with this password."""
        with _writing(self.database_url) as engine:
            seed_demo_users(engine, [(user, password)])

    def close(self, alert_id: str) -> None:
        """Close the alert's case, and the alert with it."""
        # In a thread of its own: a browser test has an event loop in this one.
        with ThreadPoolExecutor(1) as threads:
            threads.submit(asyncio.run, _close(self.database_url, alert_id)).result()

    def clear(self) -> None:
        """Remove every alert."""
        self.sql("TRUNCATE alerts CASCADE")

    def cut_connections(self) -> None:
        """End every connection to the database, as a restart of PostgreSQL does."""
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def sql(self, statement: str) -> None:
        """Run a statement on the database, past the store."""
        with _writing(self.database_url) as engine, engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def stop(self) -> None:
        """Ask the server to stop, as a signal does."""
        self.server.should_exit = True


def sign_in(
    client: httpx.Client, name: str = ANALYST.user_id, password: str = PASSWORD, wanted: str = "/"
) -> httpx.Response:
    """Send the sign-in form as a browser would."""
    token = TOKEN.findall(client.get("/sign-in").text)[0]
    return client.post("/sign-in", data={"token": token, "name": name, "password": password, "next": wanted})


def post(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Send a form of the current page with its token."""
    token = TOKEN.findall(client.get("/sign-in").text)[0]
    return client.post(path, data={"token": token, **fields})


def migrated(database_url: str) -> str:
    """The URL, with tables and the analyst in the database."""
    migrate(database_url)
    with _writing(database_url) as engine:
        seed_demo_users(engine, [(ANALYST, PASSWORD)])
    return database_url


@contextmanager
def running_console(
    database_url: str,
    *,
    demo_users: Sequence[DemoUser] = (),
    banner: Text | None = None,
    clock: Clock = wall_clock,
    secure_cookies: bool = False,
) -> Iterator[Console]:
    """Run the console over the tables of `database_url`, and a registry of its own, until the block ends."""
    with TemporaryDirectory(prefix="fenghuo-console-") as home:
        metrics = CollectorRegistry()
        Counter("fenghuo_events_decided", "Events decided.", registry=metrics).inc(7)
        engine = async_engine(database_url)
        blocking = sync_engine(database_url)
        artefacts = Artefacts(f"{home}/models", Path(home) / "cache")
        app = create_app(
            alerts=PostgresAlertReader(engine),
            users=PostgresUserReader(engine),
            rules=rules_on(blocking),
            models=ModelStore(blocking, artefacts),
            dispositions=DispositionStore(blocking),
            session_secret=SECRET,
            metrics=metrics,
            demo_users=demo_users,
            banner=banner,
            clock=clock,
            secure_cookies=secure_cookies,
        )
        # Listening before the thread starts: clients wait in the backlog, nobody has to poll.
        server = ConsoleServer(app, listen("127.0.0.1", 0))
        thread = threading.Thread(target=asyncio.run, args=(_serve(server, engine),))
        thread.start()
        with _writing(database_url) as writing:
            console = Console(server.url, database_url, AlertStore(writing), artefacts, server, thread)
            try:
                yield console
            finally:
                console.stop()
                thread.join(timeout=10)
                assert not thread.is_alive()
                blocking.dispose()


@contextmanager
def _writing(database_url: str) -> Iterator[Engine]:
    engine = sync_engine(database_url)
    try:
        yield engine
    finally:
        engine.dispose()


async def _close(database_url: str, alert_id: str) -> None:
    engine = async_engine(database_url)
    try:
        detail = await PostgresAlertReader(engine).alert(alert_id, 1)
        assert detail is not None
        await CaseStore(engine).move(detail.row.case_id, CaseStatus.CLOSED)
    finally:
        await engine.dispose()


async def _serve(server: ConsoleServer, engine: AsyncEngine) -> None:
    await server.serve()
    await engine.dispose()


def hit(
    event: int,
    *,
    group: str = "华东贸易集团",
    scenario: str = "large-amount",
    tier: Tier = Tier.MEDIUM,
    amount: int = 521_000_000,
    outcome: Outcome = Outcome.REVIEW,
    title: str = "大额订单",
    queue: str | None = None,
    rules: Sequence[RuleResult] = (),
) -> Hit:
    """A hit, of which a test names what it is about; money in fen."""
    made = make_hit(event, group=group, scenario=scenario, tier=tier, amount=amount, outcome=outcome)
    results = list(rules) or [RuleResult("large", 1, RuleStatus.HIT, {"amount": amount, "ordered_72h": 3})]
    return replace(made, title={"zh": title, "en": "Large order"}, rules=results, queue=queue or made.queue)
