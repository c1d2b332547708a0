"""People who sign in."""

import asyncio

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import Engine

from alerts.views import User
from console.ports import UserReader
from store.postgres.engine import async_engine
from store.postgres.users import PostgresUserReader, seed_demo_users

LI = User("li", "李雷", frozenset({"analyst"}))
HAN = User("han", "韩梅梅", frozenset({"finance", "legal"}))


def port(reader: PostgresUserReader) -> UserReader:
    return reader  # the type checker's business: the store fits the console's port


def credentials(engine: Engine, user_id: str) -> tuple[User, str] | None:
    async def reading() -> tuple[User, str] | None:
        reading_engine = async_engine(engine.url.render_as_string(hide_password=False))
        try:
            return await port(PostgresUserReader(reading_engine)).credentials(user_id)
        finally:
            await reading_engine.dispose()

    return asyncio.run(reading())


def test_a_seeded_user_is_found_with_a_hash_of_the_password(engine: Engine) -> None:
    seed_demo_users(engine, [(LI, "烽火-1"), (HAN, "烽火-2")])
    found = credentials(engine, "han")
    assert found is not None
    user, password_hash = found
    assert user == HAN
    assert password_hash.startswith("$argon2id$")
    assert PasswordHasher().verify(password_hash, "烽火-2")
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(password_hash, "烽火-1")


def test_seeding_again_overwrites(engine: Engine) -> None:
    seed_demo_users(engine, [(LI, "old")])
    promoted = User("li", "李雷", frozenset({"analyst", "admin"}))
    seed_demo_users(engine, [(promoted, "new")])
    found = credentials(engine, "li")
    assert found is not None
    assert found[0] == promoted
    assert PasswordHasher().verify(found[1], "new")


@pytest.mark.parametrize("user_id", ["nobody", "LI", "", "li\0", "' OR ''='"])
def test_an_unknown_name_is_none(engine: Engine, user_id: str) -> None:
    seed_demo_users(engine, [(LI, "x")])
    assert credentials(engine, user_id) is None
