"""The console in a real browser: what an analyst does on a desk and on a phone."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from console.pages.sign_in import DemoUser
from rules.decision import Outcome, Tier
from tests.browser.conftest import DESK, PHONE, Opener
from tests.console.running import ANALYST, PASSWORD, Console, hit, running_console

pytestmark = pytest.mark.browser

SIZES = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])


def rows(page: Page) -> list[str]:
    return page.locator("[data-row] .c-who b").all_inner_texts()


def fill(console: Console, count: int, *, first: int = 0, tier: Tier = Tier.MEDIUM) -> None:
    console.store.apply(
        [hit(number, group=f"g{number:03d}", tier=tier) for number in range(first, first + count)]
    )


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@SIZES
def test_sign_in_board_alert_and_back(console: Console, open_page: Opener, size: ViewportSize) -> None:
    console.store.apply([hit(1, group="华东贸易集团", tier=Tier.CRITICAL, outcome=Outcome.HOLD)])
    page = open_page(size=size)
    row = page.locator("[data-row]")
    expect(row).to_contain_text("紧急")
    expect(row).to_contain_text("521.00万")
    expect(row).to_contain_text("冻结")
    expect(row.locator(".c-amount data")).to_have_attribute("title", "¥5,210,000.00")
    assert fits(page)
    row.locator(".c-what").click()
    expect(page.locator("h1")).to_have_text("大额订单")
    expect(page.locator("#alert")).to_contain_text("SO-00000001")
    assert fits(page)
    page.locator("[data-back]").click()
    expect(row).to_be_visible()


@SIZES
def test_a_new_alert_comes_in_by_itself(console: Console, open_page: Opener, size: ViewportSize) -> None:
    page = open_page(size=size)
    expect(page.locator(".empty")).to_contain_text("没有未结预警")
    console.store.apply([hit(1, group="first", tier=Tier.LOW)])
    expect(page.locator("[data-row]")).to_have_count(1, timeout=1_500)
    console.store.apply([hit(2, group="second", tier=Tier.HIGH)])
    expect(page.locator("[data-row]")).to_have_count(2, timeout=1_500)
    assert rows(page) == ["second", "first"]
    expect(page.locator("[data-row].fresh")).to_have_count(1)
    expect(page.locator('[data-count="*.high"]')).to_have_text("1")
    expect(page.locator(".empty")).to_have_count(0)


def test_an_alert_grows_in_place_under_the_cursor(console: Console, open_page: Opener) -> None:
    fill(console, 3)
    page = open_page()
    row = page.locator("[data-row]", has_text="g001")
    row.hover()
    console.store.apply([hit(11, group="g001")])
    expect(row.locator(".c-hits")).to_have_text("2")
    expect(row.locator(".c-amount")).to_have_text("1,042.00万")


def test_nothing_moves_under_the_cursor(console: Console, open_page: Opener) -> None:
    fill(console, 4)
    page = open_page()
    page.locator("[data-row]", has_text="g001").hover()
    before = rows(page)
    console.store.apply([hit(50, group="urgent", tier=Tier.CRITICAL), hit(51, group="other", tier=Tier.LOW)])
    bar = page.locator("#arrived")
    expect(bar).to_have_text("2 条新预警")
    expect(page).to_have_title("(2) 未结预警 · 烽火")
    expect(page.locator('[data-count="*.critical"]')).to_have_text("1")
    assert rows(page) == before
    bar.click()
    expect(page.locator("[data-row]")).to_have_count(6)
    assert rows(page)[0] == "urgent"
    expect(bar).to_be_hidden()
    expect(page).to_have_title("未结预警 · 烽火")


def test_what_waits_comes_in_when_the_list_is_left(console: Console, open_page: Opener) -> None:
    fill(console, 2)
    page = open_page()
    page.locator("[data-row]").first.hover()
    console.store.apply([hit(50, group="urgent", tier=Tier.CRITICAL)])
    expect(page.locator("#arrived")).to_be_visible()
    page.locator("h1").hover()
    expect(page.locator("[data-row]")).to_have_count(3)
    expect(page.locator("#arrived")).to_be_hidden()


def test_a_focused_row_keeps_its_place_and_its_focus(console: Console, open_page: Opener) -> None:
    fill(console, 3)
    page = open_page()
    page.keyboard.press("j")
    focused = page.locator("[data-row]:focus-within")
    name = focused.locator(".c-who b").inner_text()
    console.store.apply([hit(50, group="urgent", tier=Tier.CRITICAL), hit(51, group=name)])
    expect(page.locator("#arrived")).to_have_text("1 条新预警")
    expect(focused.locator(".c-hits")).to_have_text("2")
    expect(focused.locator(".c-who b")).to_have_text(name)
    page.keyboard.press("Escape")
    expect(page.locator("[data-row]")).to_have_count(4)
    assert rows(page)[0] == "urgent"


def test_a_scrolled_list_stays_where_it_is(console: Console, open_page: Opener) -> None:
    fill(console, 40)
    page = open_page()
    page.mouse.move(5, 5)
    page.mouse.wheel(0, 900)
    page.wait_for_function("scrollY > 500")
    top = page.locator("[data-row]").nth(20).bounding_box()
    console.store.apply([hit(500, group="urgent", tier=Tier.CRITICAL)])
    expect(page.locator("#arrived")).to_be_visible()
    assert page.locator("[data-row]").nth(20).bounding_box() == top
    page.locator("#arrived").click()
    expect(page.locator("[data-row]").first).to_contain_text("urgent")
    page.wait_for_function("scrollY === 0")


def test_a_closed_alert_leaves_the_list(console: Console, open_page: Opener) -> None:
    fill(console, 2)
    page = open_page()
    alert_id = page.locator("[data-row]").first.get_attribute("data-row")
    assert alert_id
    console.close(alert_id)
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.locator('[data-count="*.*"]').first).to_have_text("1")


def test_more_of_a_long_list(console: Console, open_page: Opener) -> None:
    fill(console, 120)
    page = open_page()
    expect(page.locator("[data-row]")).to_have_count(50)
    page.locator("[data-more]").click()
    expect(page.locator("[data-row]")).to_have_count(100)
    page.locator("[data-more]").click()
    expect(page.locator("[data-row]")).to_have_count(120)
    expect(page.locator("[data-more]")).to_have_count(0)
    assert sorted(rows(page)) == [f"g{number:03d}" for number in range(120)]


@SIZES
def test_filters_stay_in_the_address(console: Console, open_page: Opener, size: ViewportSize) -> None:
    fill(console, 3, tier=Tier.HIGH)
    fill(console, 3, first=10, tier=Tier.LOW)
    page = open_page(size=size)
    page.locator("select[name=tier]").select_option("low")
    expect(page.locator("[data-row]")).to_have_count(3)
    expect(page).to_have_url(f"{console.url}/?tier=low")
    page.locator("#text").press_sequentially("g011", delay=20)
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page).to_have_url(f"{console.url}/?tier=low&text=g011")
    expect(page.locator("#text")).to_have_value("g011")
    expect(page.locator("#text")).to_be_focused()
    console.store.apply([hit(70, group="g0110", tier=Tier.LOW), hit(71, group="elsewhere", tier=Tier.LOW)])
    expect(page.locator("[data-row]")).to_have_count(2)
    page.reload()
    expect(page.locator("[data-row]")).to_have_count(2)
    expect(page.locator("select[name=tier]")).to_have_value("low")
    page.locator("#clear a").click()
    expect(page.locator("[data-row]")).to_have_count(8)
    page.go_back()
    expect(page.locator("[data-row]")).to_have_count(2)


def test_the_matrix_is_a_filter(console: Console, open_page: Opener) -> None:
    fill(console, 3, tier=Tier.HIGH)
    fill(console, 2, first=10, tier=Tier.LOW)
    page = open_page()
    page.locator('[data-count="queue-low.low"]').click()
    expect(page.locator("[data-row]")).to_have_count(2)
    expect(page.locator('[data-count="queue-low.low"]')).to_have_attribute("aria-current", "true")


def test_keys_lead_through_the_board(console: Console, open_page: Opener) -> None:
    fill(console, 3)
    page = open_page()
    order = rows(page)
    focused = page.locator("[data-row]:focus-within .c-who b")
    for key, expected in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1), ("k", 0), ("k", 0)):
        page.keyboard.press(key)
        expect(focused).to_have_text(order[expected])
    page.keyboard.press("/")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("jgq")
    expect(page.locator("#text")).to_have_value("jgq")
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#alert")).to_contain_text(order[0])
    page.wait_for_load_state()
    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page).to_have_url(f"{console.url}/")


@SIZES
def test_the_language_can_be_switched(console: Console, open_page: Opener, size: ViewportSize) -> None:
    console.store.apply([hit(1, group="g")])
    page = open_page("/?tier=medium", size=size)
    page.get_by_role("button", name="EN").click()
    expect(page.locator("h1")).to_have_text("Open alerts")
    expect(page).to_have_url(f"{console.url}/?tier=medium")
    expect(page.locator("[data-row]")).to_contain_text("Large order")
    expect(page.locator("[data-row]")).to_contain_text("5.21M")
    assert fits(page)
    page.get_by_role("button", name="中文").click()
    expect(page.locator("h1")).to_have_text("未结预警")


def test_an_open_alert_says_that_it_has_grown(console: Console, open_page: Opener) -> None:
    console.store.apply([hit(1, group="g")])
    page = open_page()
    with page.expect_response("**/events"):  # else the next one might be taken for this page's
        page.locator(".c-what").click()
    expect(page.locator("#grown")).to_be_hidden()
    with page.expect_response("**/events"):
        page.reload()
    console.store.apply([hit(2, group="g")])
    expect(page.locator("#grown")).to_be_visible()
    page.locator("#grown a").click()
    expect(page.locator("#hits h2")).to_contain_text("共 2 次")


@SIZES
def test_hostile_and_endless_names_do_no_harm(
    console: Console, open_page: Opener, size: ViewportSize
) -> None:
    hostile = "<img src=x onerror=\"document.title='owned'\">"
    console.store.apply(
        [hit(1, group=hostile, scenario="a"), hit(2, group="无" * 100 + "x" * 100, scenario="b")]
    )
    page = open_page(size=size)
    assert hostile in rows(page)
    assert fits(page)
    console.store.apply([hit(3, group=hostile + "2", scenario="c")])
    expect(page.locator("[data-row]")).to_have_count(3)
    for number in range(3):
        page.goto("/")
        page.locator(".c-what").nth(number).click()
        page.locator("#alert").wait_for()
        assert fits(page)
        assert "owned" not in page.title()


def test_the_page_says_when_the_line_is_cut(console: Console, open_page: Opener) -> None:
    demo = DemoUser(ANALYST.user_id, PASSWORD, ANALYST.name, "analyst")
    with running_console(console.database_url, demo_users=[demo]) as other:
        page = open_page(at=other)
        other.stop()
        expect(page.locator("#live")).to_have_attribute("data-state", "lost")
        expect(page.locator("#live")).to_have_text("连接中断，正在重连")
        page.close()


def test_signing_out(open_page: Opener) -> None:
    page = open_page()
    expect(page.locator(".person-name")).to_contain_text(ANALYST.name)
    page.get_by_role("button", name="退出").click()
    expect(page.locator("#sign-in")).to_be_visible()
    page.goto("/")
    expect(page.locator("#sign-in")).to_be_visible()
