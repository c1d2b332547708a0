"""What the tables are made of: types of columns and the names of constraints."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, Dialect, Enum, MetaData
from sqlalchemy.types import TypeDecorator

from events.clock import milliseconds, moment
from rules.decision import Tier


class Milliseconds(TypeDecorator[int]):
    """Epoch milliseconds in Python, `timestamptz` in PostgreSQL."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The moment that the database keeps."""
        return None if value is None else moment(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """The milliseconds that the program sees."""
        return None if value is None else milliseconds(value)


def enum(kind: type[StrEnum], name: str) -> Enum:
    """A PostgreSQL enum of the members' values; the database orders it as the members stand."""
    return Enum(kind, name=name, values_callable=lambda members: [member.value for member in members])


TIER = enum(Tier, "tier")

METADATA = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "uq": "%(table_name)s_%(column_0_name)s_key",
    }
)
