"""The Chinese working calendar, against days that the State Council announced."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from events.clock import DAY, HOUR, milliseconds
from rules.calendar import WorkingDays
from rules.errors import PackError
from rules.local_time import LocalTime
from rules.pack import load_pack
from tests.rules.making import SMALL, batch, decisions_on, event, features_of, judged
from tests.rules.waits import pack_with

SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = WorkingDays(LocalTime("Asia/Shanghai"))


def at(text: str) -> int:
    return milliseconds(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-02-13", True),  # Friday
        ("2026-02-14", True),  # Saturday, worked for the Spring Festival
        ("2026-02-15", False),
        ("2026-02-16", False),  # New Year's Eve
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-02-28", True),  # Saturday, worked
        ("2026-03-01", False),
        ("2025-10-01", False),
        ("2025-10-11", True),  # Saturday, worked
        ("2031-10-01", False),  # statutory, though the year is not announced
        ("2031-10-08", True),
    ],
)
@pytest.mark.parametrize("time", ["00:00", "23:59"])
def test_days_of_work_and_rest(day: str, works: bool, time: str) -> None:
    assert CALENDAR.workdays(np.array([at(f"{day}T{time}")])).tolist() == [works]


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-03-02T09:00", 1, "2026-03-04T00:00"),
        ("2026-03-06T23:59", 1, "2026-03-10T00:00"),  # over a weekend
        ("2026-03-02T09:00", 7, "2026-03-12T00:00"),
        ("2026-02-12T10:00", 2, "2026-02-15T00:00"),  # the worked Saturday counts
        ("2026-02-14T10:00", 1, "2026-02-25T00:00"),  # over the Spring Festival
        ("2026-09-30T10:00", 1, "2026-10-09T00:00"),  # over National Day
        ("2026-02-20T10:00", 1, "2026-02-25T00:00"),  # begun on a day of rest
    ],
)
def test_working_days_end_with_their_last_day(start: str, days: int, due: str) -> None:
    assert CALENDAR.due(at(start), days) == at(due)


def test_the_end_of_time_does_not_hang() -> None:
    last = milliseconds(datetime.fromisoformat("9998-12-20T00:00+00:00"))
    assert CALENDAR.due(last, 366) > last
    assert len(CALENDAR.workdays(np.array([last + 30 * DAY, -62_000_000_000_000]))) == 2


def test_workday_in_conditions(tmp_path: Path) -> None:
    text = SMALL.replace("amount >= 2000", "NOT workday AND amount >= 10")
    (tmp_path / "pack.yaml").write_text(text, "utf-8")
    pack = load_pack(tmp_path / "pack.yaml")
    events = batch(
        *(event(n, occurred_at=at(day)) for n, day in enumerate(("2026-02-14T09:00", "2026-02-15T09:00")))
    )
    decisions = decisions_on(
        pack, events, judged(pack, events, features_of(pack, 2, ordered_72h=1, orders_72h=1))
    )
    assert [len(decision.rules) for decision in decisions] == [0, 1]
    assert decisions[1].rules[0].observed["workday"] is False


def test_a_deadline_in_working_days(tmp_path: Path) -> None:
    text = (
        "deadlines:\n  solve: {after: complaint.opened, expect: complaint.resolved, by: order, within: 7wd, "
        "tier: low, outcome: review, queue: q}\n"
    )
    (deadline,) = pack_with(tmp_path, text).deadlines
    assert (deadline.within, deadline.due(at("2026-03-02T09:00"))) == ("7wd", at("2026-03-12T00:00"))
    assert deadline.due(at("2026-03-02T09:00")) - at("2026-03-02T09:00") > 9 * DAY + HOUR
    for wrong in ("0wd", "367wd"):
        with pytest.raises(PackError, match=f"`{wrong}` is out of range; it lies between 1wd and 366wd"):
            pack_with(tmp_path, text.replace("7wd", wrong))
