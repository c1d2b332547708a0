"""Decoding: a message of `risk.alerts` becomes a hit, or an error that names the field."""

import re

import msgspec

from alerts.hit import Hit
from desk.errors import MessageError

_DECODER = msgspec.json.Decoder(Hit)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def decode(value: bytes | None) -> Hit:
    """The hit in the value of a message.

    What only the database can judge, such as a time out of its range, is left to it.

    Raises:
        MessageError: when the value is none, no JSON in UTF-8, or no hit.
    """
    if value is None:
        raise MessageError("the message has no value; send a hit as JSON")
    try:
        hit = _DECODER.decode(value)
    except RecursionError as error:
        raise MessageError("the JSON is nested too deeply; send a hit") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageError(f"the message is no hit: {error}") from error
    for name, text in (("hit_id", hit.hit_id), ("decision_id", hit.decision_id)):
        if not _UUID.fullmatch(text):
            raise MessageError(f"`{name}` is `{text}`; send a UUID in lower case with hyphens")
    return hit
