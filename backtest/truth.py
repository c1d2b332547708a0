"""The truth about events as far as labels tell it: which are bad, and in which incidents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backtest.figures import Found, Quality, ScenarioQuality
from backtest.known import KnownIds
from backtest.labels import Label, LabelFile, Reports
from backtest.report import Labelled
from backtest.tally import PackTally
from rules.rule import Mode

_SHOWN = 5

Incident = tuple[str, str]
"""Group and scenario."""


@dataclass(frozen=True)
class Truth:
    """What labels say of the evaluated events.

    Args:
        bad: scenarios that each bad event is labelled with; none where that is not told.
        legitimate: events that are labelled legitimate.
        incidents: bad pairs of group and scenario; None where the file names none.
        labelled: what the report says of the labels.
    """

    bad: Mapping[str, frozenset[str]]
    legitimate: frozenset[str]
    incidents: frozenset[Incident] | None
    labelled: Labelled

    def bad_of(self, scenario: str) -> set[str]:
        """Bad events of a scenario; one whose label names none counts for every scenario."""
        return {event for event, scenarios in self.bad.items() if not scenarios or scenario in scenarios}


def truth(file: LabelFile | None, reports: Reports, known: KnownIds) -> Truth | None:
    """The truth about what was evaluated; None where there is no label at all.

    What the file says of an event counts more than what the stream says of it.
    """
    reported = reports.labels
    given: Mapping[str, Label] = file.labels if file is not None else {}
    if file is None and not reported and not reports.unreadable:
        return None
    verdicts = {**reported, **{event: label.bad for event, label in given.items()}}
    there = known.known(verdicts)
    scenarios = {
        event: frozenset(scenario for _, scenario in given[event].incidents if scenario)
        if event in given
        else frozenset[str]()
        for event, is_bad in verdicts.items()
        if is_bad and event in there
    }
    incidents = None
    if file is not None and file.scenarios and file.groups:
        incidents = frozenset(
            incident
            for event in scenarios
            if event in given
            for incident in given[event].incidents
            if all(incident)
        )
    legitimate = frozenset(event for event, is_bad in verdicts.items() if not is_bad and event in there)
    unknown = sorted(event for event in verdicts if event not in there)
    labelled = Labelled(
        bad=len(scenarios),
        legitimate=len(legitimate),
        unknown=len(unknown),
        unknown_examples=unknown[:_SHOWN],
        repeated=file.repeated if file is not None else 0,
        unreadable=reports.unreadable,
        contradicted=sum(
            event in reported and reported[event] is not label.bad for event, label in given.items()
        ),
        incidents=len(incidents) if incidents is not None else None,
    )
    return Truth(scenarios, legitimate, incidents, labelled)


def quality(bad: Iterable[object], hits: Iterable[object], legitimate: Iterable[object] = ()) -> Quality:
    """How well `hits` find `bad`.

    >>> quality({"a", "b"}, {"b", "c"}).f1
    0.5
    """
    wanted, got = set(bad), set(hits)
    found = len(wanted & got)
    return Quality(
        bad=len(wanted),
        found=found,
        missed=len(wanted) - found,
        hits=len(got),
        legitimate=len(got.intersection(legitimate)),
        precision=found / len(got) if got else None,
        recall=found / len(wanted) if wanted else None,
        f1=2 * found / (len(wanted) + len(got)) if wanted or got else None,
    )


def rule_quality(known: Truth, tally: PackTally, place: int) -> Quality:
    """How well a rule finds the bad events of its scenario."""
    rule = tally.book.rules[place]
    return quality(known.bad_of(rule.scenario), tally.rules[place].events, known.legitimate)


def found(known: Truth, tally: PackTally) -> Found:
    """How well a pack finds what is bad."""
    book, raised = tally.book, set(tally.alerts.raised)
    named = {scenario for scenarios in known.bad.values() for scenario in scenarios}
    scenarios = sorted({one.scenario for one in book.subjects} | named)
    return Found(
        events=quality(known.bad, _events(tally, None), known.legitimate),
        incidents=quality(known.incidents, raised) if known.incidents is not None else None,
        scenarios=[
            ScenarioQuality(
                scenario=scenario,
                events=quality(known.bad_of(scenario), _events(tally, scenario), known.legitimate),
                incidents=_incidents(known, raised, scenario),
            )
            for scenario in scenarios
        ],
    )


def _events(tally: PackTally, scenario: str | None) -> set[str]:
    """The events that active rules hit or active deadlines missed, of a scenario or of all."""
    told = [one.events for one in tally.rules]
    told += [tally.duties.missed(deadline.name) for deadline in tally.book.deadlines]
    return {
        event
        for subject, events in zip(tally.book.subjects, told, strict=True)
        if subject.mode is Mode.ACTIVE and scenario in (None, subject.scenario)
        for event in events
    }


def _incidents(known: Truth, raised: set[Incident], scenario: str) -> Quality | None:
    if known.incidents is None:
        return None
    wanted = {one for one in known.incidents if one[1] == scenario}
    return quality(wanted, {one for one in raised if one[1] == scenario})
