"""Changes: follows the notifications that tell of alerts raised or grown."""

import asyncio
from collections.abc import AsyncGenerator

import psycopg
import structlog
from psycopg import AsyncConnection, sql
from sqlalchemy.ext.asyncio import AsyncEngine

from events.clock import MINUTE, Clock, moment
from store.postgres.engine import NETWORK

CHANNEL = "fenghuo_alerts"
"""PostgreSQL channel that carries the id of each alert that was raised or grew."""

_HEARTBEAT = 10.0  # seconds of silence after which the connection is tried
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between attempts to connect
_MARGIN = MINUTE  # a transaction commits after the moment that it writes as `changed_at`

_CHANGED = "SELECT alert_id::text FROM alerts WHERE changed_at >= %s"

_log = structlog.get_logger(__name__)


async def alert_changes(engine: AsyncEngine, clock: Clock) -> AsyncGenerator[str, None]:
    """Ids of alerts as they are raised or grow, without end.

    After a lost connection it connects again, and first gives the ids of what changed meanwhile: an id may
    come twice, none is left out.
    """
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    alive_at, lost, pause = clock(), False, _FIRST_PAUSE
    while True:
        try:
            async with await AsyncConnection.connect(address, autocommit=True, **NETWORK) as connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
                if lost:
                    since = moment(alive_at - _MARGIN)
                    for (alert_id,) in await (await connection.execute(_CHANGED, (since,))).fetchall():
                        yield alert_id
                pause = _FIRST_PAUSE
                while True:
                    await connection.execute("SELECT 1")
                    alive_at, lost = clock(), False
                    async for notify in connection.notifies(timeout=_HEARTBEAT):
                        yield notify.payload
        except psycopg.Error as error:
            lost = True
            _log.warning("alert_changes_lost", error=type(error).__name__, again_in=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
