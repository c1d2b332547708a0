"""Plans the incidents of a day: which, when, by whom, and what investigators report of them later."""

from dataclasses import dataclass

import numpy as np

from events.clock import DAY, HOUR, MINUTE
from rules.calendar import WorkingDays
from rules.local_time import LocalTime
from simulation.casting import LEAD, Casting
from simulation.customers import Customer, newcomer
from simulation.dice import Dice
from simulation.masterdata import profile
from simulation.rhythm import in_working_hours
from simulation.scenarios import SCENARIOS
from simulation.scene import Cast, Office, Scenario, Scene, Tier, Turning, When

_MORNING = (9.6, 10.9)  # between half past nine and eleven every tier is seen
_REST_OF_DAY = (11.0, 18.0)
_NIGHT = (2.0, 4.5)
_ODD_HOURS = ((1.0, 4.6),)
_REPORTED = 0.8  # share of incidents of which investigators report a verdict
_NEWCOMERS_AHEAD = 2  # days from the account's opening to the stop


@dataclass(frozen=True, slots=True)
class Incident:
    """An injected incident, as the labels file lists it; times in epoch milliseconds."""

    scenario: Scenario
    turning: Turning
    begins: int
    decisive_at: int


class Director:
    """Stages the scenarios day by day.

    Args:
        seed: seed of the simulation.
        start: epoch milliseconds of the first midnight.
        newcomers: position of the first newcomer behind all other customers.
    """

    def __init__(self, seed: int, start: int, newcomers: int, casting: Casting, office: Office) -> None:
        self._seed = seed
        self._start = start
        self._newcomers = newcomers
        self._casting = casting
        self._office = office
        self._calendar = WorkingDays(LocalTime("Asia/Shanghai"))

    def stage(self, day: int) -> list[Incident]:
        """The incidents of `day`; all their messages are sent, from `LEAD` days before on."""
        dice = Dice(self._seed, "incidents", day)
        midnight = self._start + day * DAY
        incidents = []
        for scenario, hour in _timetable(self._played(day, midnight), day, dice):
            actors = self._actors(scenario, day)
            if actors is None:
                continue
            at = midnight + int(hour * HOUR)
            scene = Scene(actors, midnight, at, dice, self._office)
            turning = scenario.play(scene)
            incidents.append(Incident(scenario, turning, scene.begins, at))
            self._report(incidents[-1], dice)
        return incidents

    def _played(self, day: int, midnight: int) -> list[Scenario]:
        """The scenarios of the day."""
        works = bool(self._calendar.workdays(np.array([midnight], np.int64))[0])
        return [
            scenario
            for place, scenario in enumerate(SCENARIOS)
            if (day + place) % scenario.every == 0
            and day >= scenario.first_day
            and not (works and scenario.when is When.REST)
        ]

    def _actors(self, scenario: Scenario, day: int) -> tuple[Customer, ...] | None:
        if scenario.cast is not Cast.NEWCOMER:
            return self._casting.cast(scenario, day)
        stranger = newcomer(self._seed, self._newcomers + day - LEAD, day - _NEWCOMERS_AHEAD)
        opened = self._start + stranger.joined * DAY + 8 * HOUR + 30 * MINUTE
        self._office.feed.send(profile(stranger, opened, self._office.clerk), opened, prompt=True)
        return (stranger,)

    def _report(self, incident: Incident, dice: Dice) -> None:
        if not dice.chance(_REPORTED):
            return
        turning = incident.turning
        at = in_working_hours(incident.decisive_at + int(dice.uniform(1, 5) * DAY), dice)
        verdict = incident.scenario.verdict
        self._office.feed.send(
            self._office.clerk.labelled(turning.customer, turning.event_id, at, verdict), at
        )


def newcomers(seed: int, first: int, days: int) -> list[Customer]:
    """The accounts that incidents of a run of `days` open, for the mapping table."""
    return [newcomer(seed, first + day - LEAD, day - _NEWCOMERS_AHEAD) for day in range(LEAD, days)]


def _timetable(played: list[Scenario], day: int, dice: Dice) -> list[tuple[Scenario, float]]:
    """Every scenario of the day with the hour of its decisive event.

    One of each tier falls into the morning: the stop of a newcomer, and by turns one of each other tier. The
    others are spread over the rest of the business day in random order.
    """
    daily = [scenario for scenario in played if scenario.when in (When.BUSINESS, When.REST)]
    early = []
    for tier in Tier:
        of_tier = [scenario for scenario in daily if scenario.tier is tier]
        if of_tier:
            early.append(of_tier[0] if tier is Tier.CRITICAL else of_tier[day % len(of_tier)])
    later = dice.shuffled([scenario for scenario in daily if scenario not in early])
    first, last = _REST_OF_DAY
    slot = (last - first) / len(later)
    hours = [(scenario, dice.uniform(*_MORNING)) for scenario in early]
    hours += [(scenario, first + slot * (i + dice.uniform())) for i, scenario in enumerate(later)]
    for scenario in played:
        if scenario.when is When.NIGHT:
            hours.append((scenario, dice.uniform(*_NIGHT)))
        elif scenario.when is When.ODD:
            hours.append((scenario, dice.uniform(*dice.pick(_ODD_HOURS))))
    return sorted(hours, key=lambda pair: pair[1])
