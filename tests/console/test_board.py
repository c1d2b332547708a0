"""The board: counts, order, filters, pages, and names that try to be markup."""

import re
from html.parser import HTMLParser

import httpx
import pytest

from rules.decision import Outcome, Tier
from tests.console.running import Console, hit

HOSTILE = "<script>alert('x')</script>\" onmouseover=\"alert(1)"
TIERS = [Tier.LOW, Tier.MEDIUM, Tier.HIGH, Tier.CRITICAL]
FIRST = 12  # alerts, three of each tier


@pytest.fixture(scope="module", autouse=True)
def filled(console: Console) -> None:
    """Twelve alerts, three groups in each tier, in two queues; and one with a hostile name."""
    console.store.apply(
        [
            hit(
                number,
                group=f"group-{number:02d}",
                tier=TIERS[number % 4],
                amount=number * 1_000_000,
                outcome=Outcome.HOLD if number % 4 == 3 else Outcome.REVIEW,
                queue="credit-control" if number % 2 else "service",
            )
            for number in range(FIRST)
        ]
    )
    console.store.apply([hit(99, group=HOSTILE, scenario="hostile", title=HOSTILE, queue=HOSTILE)])


class Elements(HTMLParser):
    """Collects the start tags of a page, with attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def values(self, name: str) -> list[str | None]:
        return [attributes[name] for _, attributes in self.found if name in attributes]


def groups(page: str) -> list[str]:
    return re.findall(r"<b>(group-\d+)</b>", page)


def count(page: str, key: str) -> str:
    found = re.search(rf'data-count="{re.escape(key)}"[^>]*>([\d,]+)<', page)
    assert found, key
    return found[1]


def test_the_matrix_counts_queues_and_tiers(browser: httpx.Client) -> None:
    page = browser.get("/").text
    assert count(page, "*.critical") == "3"
    assert count(page, "credit-control.critical") == "3"
    assert count(page, "service.critical") == "0"
    assert count(page, "service.*") == "6"
    totals = re.findall(r'data-count="[^"]+\.\*"[^>]*>([\d,]+)<', page)
    assert int(totals[0]) == sum(int(total) for total in totals[1:]) > FIRST


def test_the_most_urgent_come_first_and_say_so_in_words(browser: httpx.Client) -> None:
    page = browser.get("/?scenario=large-amount").text
    tiers = re.findall(r'class="row edge-(\w+)"', page)
    assert tiers == [tier.value for tier in reversed(TIERS) for _ in range(3)]
    assert "紧急" in page
    assert "冻结" in page


def test_money_is_short_with_the_exact_sum_beside_it(browser: httpx.Client) -> None:
    page = browser.get("/?text=group-11").text
    assert 'title="¥110,000.00">11.00<i class="unit">万</i>' in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("queue=service&tier=high", {2, 6, 10}),
        ("tier=critical", {3, 7, 11}),
        ("text=GROUP-07", {7}),
        ("text=SO-00000005", {5}),
        ("text=customer-of-group-01", {1}),
        ("scenario=none", set()),
        ("text=%25", set()),
    ],
)
def test_filters(browser: httpx.Client, query: str, expected: set[int]) -> None:
    page = browser.get(f"/?{query}").text
    assert set(groups(page)) == {f"group-{number:02d}" for number in expected}


def test_the_filter_stays_in_links_and_fields(browser: httpx.Client) -> None:
    page = browser.get("/?queue=service&text=group").text
    assert 'value="group"' in page
    assert '<option value="service" selected>' in page
    assert 'href="/?queue=service&amp;tier=high&amp;text=group"' in page


def test_the_form_leaves_a_clean_address(browser: httpx.Client) -> None:
    answer = browser.get("/?text=&queue=service&tier=&scenario=", headers={"hx-source": "form#filters"})
    assert answer.headers["hx-push-url"] == "/?queue=service"


def test_pages_show_every_alert_once(browser: httpx.Client) -> None:
    seen: list[str] = []
    following = "/?scenario=large-amount&limit=5"
    while following:
        page = browser.get(following).text
        seen += groups(page)
        more = re.search(r'href="([^"]+before=[^"]+)"', page)
        following = more[1].replace("&amp;", "&") + "&limit=5" if more else ""
    assert sorted(seen) == [f"group-{number:02d}" for number in range(FIRST)]


def test_a_group_that_grows_stays_one_row(console: Console, browser: httpx.Client) -> None:
    for event in (200, 201, 202):
        console.store.apply([hit(event, group="grower", scenario="growing", amount=100_000_000)])
    page = browser.get("/?scenario=growing").text
    assert page.count("<b>grower</b>") == 1
    assert "300.00" in page


def test_hostile_names_are_text(browser: httpx.Client) -> None:
    page = browser.get("/?scenario=hostile").text
    elements = Elements(page)
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page
    assert HOSTILE in elements.values("title")
    assert [
        attributes for tag, attributes in elements.found if tag == "script" and "src" not in attributes
    ] == []
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]


def test_no_link_leads_anywhere_but_here(browser: httpx.Client) -> None:
    for page in ("/?scenario=hostile", "/?queue=javascript:alert(1)", "/?text=javascript:alert(1)"):
        elements = Elements(browser.get(page).text)
        for link in elements.values("href") + elements.values("action") + elements.values("hx-get"):
            assert link is not None
            assert re.match(r"/(?!/)|#", link), link


@pytest.mark.parametrize(
    "query", ["tier=huge", "limit=x", "before=nonsense", "text=%00", f"queue={'q' * 200}"]
)
def test_a_filter_that_is_not_known_is_said_so(browser: httpx.Client, query: str) -> None:
    answer = browser.get(f"/?{query}")
    assert answer.status_code == 400
    assert "地址里的筛选条件无法识别" in answer.text


def test_an_empty_list_says_why(browser: httpx.Client) -> None:
    assert "没有符合筛选条件的预警" in browser.get("/?queue=nobody").text


def test_english_by_header_and_by_choice(console: Console) -> None:
    with console.signed_in(language="en-GB,en;q=0.9") as client:
        page = client.get("/").text
        assert '<html lang="en">' in page
        assert "Large order" in page
        token = re.findall(r'name="token" value="([^"]+)"', page)[0]
        answer = client.post("/language", data={"token": token, "language": "zh", "next": "/?tier=low"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/?tier=low")
        page = client.get("/").text
    assert '<html lang="zh-CN">' in page
    assert "大额订单" in page
    assert "Large order" not in page
