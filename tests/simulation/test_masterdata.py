from collections import Counter, defaultdict

from tests.simulation.run import Run

FULL = {"rating", "credit_limit", "home_region", "payment_terms", "level"}


def test_every_account_begins_with_a_full_profile_and_no_trade_before_it(run: Run) -> None:
    known = set()
    for event in run.events:
        account = event["subsidiary"], event["customer"]
        if account not in known:
            assert event["type"] == "customer.changed"
            assert set(event["attributes"]) == FULL
            known.add(account)


def test_profiles_hold_known_ratings_whole_fen_and_region_codes(run: Run) -> None:
    for event in run.events:
        if event["type"] == "customer.changed":
            profile = event["attributes"]
            assert profile.get("rating", "green") in {"red", "yellow", "green"}
            assert isinstance(profile.get("credit_limit", 0), int)
            assert profile.get("home_region", "310000") in set(run.regions.values())


def test_later_changes_name_only_what_changed(run: Run) -> None:
    changes = [event for event in run.events if event["type"] == "customer.changed"]
    later = [event["attributes"] for event in changes if not event["event_id"].endswith(".v1")]
    kinds = Counter(key for attributes in later for key in attributes)
    assert all(len(attributes) < len(FULL) for attributes in later)
    assert {"rating", "credit_limit", "home_region"} <= set(kinds)


def test_a_new_limit_reaches_every_account_of_the_group(run: Run) -> None:
    limits: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for event in run.events:
        if event["type"] == "customer.changed" and "credit_limit" in event["attributes"]:
            group = run.groups[event["subsidiary"], event["customer"]]
            limits[group][event["subsidiary"]] = event["attributes"]["credit_limit"]
    assert all(len(set(of_group.values())) == 1 for of_group in limits.values())


def test_red_customers_order_on_credit_only_where_an_incident_says_so(run: Run) -> None:
    rating: dict[tuple[str, str], str] = {}
    red = []
    for event in run.events:
        account = event["subsidiary"], event["customer"]
        if event["type"] == "customer.changed":
            rating[account] = event["attributes"].get("rating", rating.get(account))
        elif event["type"] == "order.placed" and rating[account] == "red":
            red.append(event)
    offences = [event["event_id"] for event in red if event["attributes"]["payment"] == "credit"]
    assert len(red) > 100
    listed = [row["event_id"] for row in run.labels if row["scenario"] == "credit-red"]
    assert sorted(offences) == sorted(listed)
