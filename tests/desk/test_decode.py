"""What counts as a hit."""

import msgspec
import pytest

from desk.decode import decode
from desk.errors import MessageError
from tests.alerts.making import make_hit

HIT = msgspec.json.encode(make_hit(1))


def with_field(name: str, value: object) -> bytes:
    return msgspec.json.encode({**msgspec.json.decode(HIT), name: value})


def test_an_encoded_hit_comes_back() -> None:
    assert decode(HIT) == make_hit(1)


def test_a_field_of_a_later_version_does_no_harm() -> None:
    assert decode(with_field("added_later", 1)) == make_hit(1)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "the message has no value; send a hit as JSON"),
        (b"", "the message is no hit: Input data was truncated"),
        (b"\x00" * 100, "the message is no hit: JSON is malformed"),
        (b"{", "the message is no hit: Input data was truncated"),
        (b"[]", "the message is no hit: Expected `object`, got `array`"),
        (b'{"hit_id": "1"}', "Object missing required field `decision_id`"),
        (HIT[:-5], "the message is no hit: Input data was truncated"),
        (HIT.replace("订单".encode(), b"\xff\xfe"), "the message is no hit: 'utf-8' codec can't decode"),
        (HIT.replace("订单".encode(), "订单".encode("gb18030")), "the message is no hit: 'utf-8' codec"),
        (with_field("amount", 1.5), r"Expected `int \| null`, got `float` - at `\$.amount`"),
        (with_field("tier", "worst"), r"Invalid enum value 'worst' - at `\$.tier`"),
        (with_field("hit_id", "one"), "`hit_id` is `one`; send a UUID"),
        (
            with_field("decision_id", make_hit(1).decision_id.upper()),
            "`decision_id` is `.*`; send a UUID in lower",
        ),
        (HIT[:-1] + b',"deep":' + b"[" * 100_000, "the JSON is nested too deeply; send a hit"),
    ],
)
def test_anything_else_is_an_error_that_says_why(value: bytes | None, reason: str) -> None:
    with pytest.raises(MessageError, match=reason):
        decode(value)
