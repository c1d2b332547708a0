"""Users: the people who sign in to the console."""

from collections.abc import Sequence

from argon2 import PasswordHasher
from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from alerts.views import User
from store.postgres.errors import translated
from store.postgres.tables import USERS


class PostgresUserReader:
    """Finds people by their sign-in name."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def credentials(self, user_id: str) -> tuple[User, str] | None:
        """The person and the argon2 hash of the password, or None for an unknown name.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        if "\0" in user_id:  # PostgreSQL's text holds no NUL, so nobody has this name
            return None
        with translated("find a user"):
            async with self._engine.connect() as connection:
                found = await connection.execute(select(USERS).where(USERS.c.user_id == user_id))
        row = found.one_or_none()
        if row is None:
            return None
        return User(row.user_id, row.name, frozenset(row.roles)), row.password_hash


def seed_demo_users(engine: Engine, users: Sequence[tuple[User, str]]) -> None:
    """Create or overwrite each user, with the argon2 hash of the password beside it.

    Raises:
        DatabaseUnavailableError: when PostgreSQL does not answer.
    """
    hasher = PasswordHasher()
    rows = [
        {
            "user_id": user.user_id,
            "name": user.name,
            "roles": sorted(user.roles),
            "password_hash": hasher.hash(password),
        }
        for user, password in users
    ]
    statement = insert(USERS)
    changed = {name: statement.excluded[name] for name in ("name", "roles", "password_hash")}
    upsert = statement.on_conflict_do_update(index_elements=[USERS.c.user_id], set_=changed)
    with translated("store the demo users"), engine.begin() as connection:
        connection.execute(upsert, rows)
