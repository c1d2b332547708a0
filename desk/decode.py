"""Decoding: a message becomes a hit or a withdrawal, or an error that names the field."""

import re
from typing import TypeVar

import msgspec

from alerts.hit import Hit
from alerts.overdue import Withdrawal
from desk.errors import MessageError

_HITS, _WITHDRAWALS = msgspec.json.Decoder(Hit), msgspec.json.Decoder(Withdrawal)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


M = TypeVar("M", Hit, Withdrawal)


def decode(value: bytes | None) -> Hit:
    """The hit in the value of a message.

    What only the database can judge, such as a time out of its range, is left to it.

    Raises:
        MessageError: when the value is none, no JSON in UTF-8, or no hit.
    """
    return _decoded(value, _HITS, "hit")


def decode_withdrawal(value: bytes | None) -> Withdrawal:
    """The withdrawal in the value of a message; see `decode`.

    Raises:
        MessageError: when the value is none, no JSON in UTF-8, or no withdrawal.
    """
    return _decoded(value, _WITHDRAWALS, "withdrawal")


def _decoded(value: bytes | None, decoder: msgspec.json.Decoder[M], what: str) -> M:
    if value is None:
        raise MessageError(f"the message has no value; send a {what} as JSON")
    try:
        found = decoder.decode(value)
    except RecursionError as error:
        raise MessageError(f"the JSON is nested too deeply; send a {what}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageError(f"the message is no {what}: {error}") from error
    for name, text in (("hit_id", found.hit_id), ("decision_id", found.decision_id)):
        if not _UUID.fullmatch(text):
            raise MessageError(f"`{name}` is `{text}`; send a UUID in lower case with hyphens")
    return found
