"""The filter of the list, from the address and back."""

import pytest

from alerts.views import AlertFilter
from console.errors import FilterError
from console.filters import link, read_filter
from rules.decision import Tier


def test_empty_fields_ask_for_everything() -> None:
    assert read_filter({}) == AlertFilter()
    assert read_filter({"queue": "", "tier": "", "scenario": " ", "text": "", "limit": ""}) == AlertFilter()


def test_every_field_is_read() -> None:
    given = {
        "queue": "service",
        "tier": "high",
        "scenario": "s",
        "text": " 华东 ",
        "before": "c",
        "limit": "9",
    }
    wanted = AlertFilter(queue="service", tier=Tier.HIGH, scenario="s", text="华东", before="c", limit=9)
    assert read_filter(given) == wanted


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tier": "huge"}, "`tier` is `huge`; give one of low, medium, high, critical"),
        ({"text": "a\0b"}, "`text` holds a control character; give plain text"),
        ({"queue": "q" * 129}, "`queue` has 129 characters; give at most 128"),
        ({"limit": "0"}, "`limit` is `0`; give 1 to 200"),
        ({"limit": "201"}, "`limit` is `201`; give 1 to 200"),
        ({"limit": "²"}, "`limit` is `²`; give 1 to 200"),
        ({"limit": "9" * 5000}, "`limit` is `99999999999999999999`; give 1 to 200"),
    ],
)
def test_what_is_not_usable_is_named(given: dict[str, str], message: str) -> None:
    with pytest.raises(FilterError) as raised:
        read_filter(given)
    assert str(raised.value) == message


def test_a_full_width_space_is_text() -> None:
    assert read_filter({"text": "华东\u3000贸易"}).text == "华东\u3000贸易"


def test_links_start_at_the_first_page_and_keep_the_rest() -> None:
    wanted = AlertFilter(queue="a&b", text="华", before="cursor", limit=7)
    assert link(wanted) == "/?queue=a%26b&text=%E5%8D%8E"
    assert link(wanted, queue=None, tier=Tier.LOW) == "/?tier=low&text=%E5%8D%8E"
    assert link(AlertFilter()) == "/"
