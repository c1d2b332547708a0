"""The JSON API: the same alerts as on the pages, in plain values."""

import httpx
import pytest

from alerts.hit import Hit
from rules.decision import Tier
from tests.alerts.making import START
from tests.console.running import Console, hit

TIERS = [Tier.LOW, Tier.HIGH, Tier.CRITICAL]


@pytest.fixture(scope="module", autouse=True)
def made(console: Console) -> list[Hit]:
    """Six alerts in three tiers, two hits each."""
    hits = [
        hit(number, group=f"g{number % 6}", tier=TIERS[number % 3], amount=123, queue="trade-risk")
        for number in range(12)
    ]
    console.store.apply(hits)
    return hits


def test_queues(browser: httpx.Client) -> None:
    answer = browser.get("/api/queues")
    assert answer.headers["content-type"] == "application/json"
    assert {(row["queue"], row["tier"], row["open"]) for row in answer.json()["queues"]} == {
        ("trade-risk", tier.value, 2) for tier in TIERS
    }


def test_alerts_page_by_page(browser: httpx.Client) -> None:
    rows = []
    following: str | None = None
    while True:
        body = browser.get(
            "/api/alerts", params={"limit": "4"} | ({"before": following} if following else {})
        ).json()
        rows += body["alerts"]
        following = body["next"]
        if following is None:
            break
    assert [row["tier"] for row in rows] == ["critical", "critical", "high", "high", "low", "low"]
    assert {row["group"] for row in rows} == {f"g{number}" for number in range(6)}
    assert all((row["hits"], row["amount"]) == (2, 246) for row in rows)


def test_one_alert_with_its_hits(browser: httpx.Client, made: list[Hit]) -> None:
    row = browser.get("/api/alerts?text=g2").json()["alerts"][0]
    body = browser.get(f"/api/alerts/{row['alert_id']}").json()
    assert START == 1_735_689_600_000
    assert body["first_hit_at"] == "2025-01-01T00:00:02.000Z"
    assert body["last_hit_at"] == "2025-01-01T00:00:08.000Z"
    assert [hit["hit_id"] for hit in body["hits"]] == [made[8].hit_id, made[2].hit_id]
    assert body["title"] == {"zh": "大额订单", "en": "Large order"}
    assert len(browser.get(f"/api/alerts/{row['alert_id']}?hits=1").json()["hits"]) == 1


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/api/alerts?tier=x", 400, "`tier` is `x`; give one of low, medium, high, critical"),
        (
            "/api/alerts?before=x",
            400,
            "`before`: got `x`; give the `cursor` of a row, or nothing for the first page",
        ),
        ("/api/alerts/x", 404, "no alert `x`"),
        ("/api/nothing", 404, "Not Found"),
    ],
)
def test_failures_have_one_shape(browser: httpx.Client, path: str, status: int, message: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == status
    assert answer.json() == {"error": {"status": status, "message": message}}


def test_the_api_changes_nothing(analyst: httpx.Client) -> None:
    assert analyst.post("/api/alerts").status_code in {403, 405}
    assert analyst.delete("/api/alerts/x").status_code in {403, 405}
