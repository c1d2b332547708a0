"""The report of a backtest: the content of its JSON file."""

from msgspec import Struct

from backtest.difference import Difference
from backtest.figures import Side
from rules.decision import Text

FORMAT = 1


class Source(Struct, frozen=True, kw_only=True):
    """A file that was read.

    Args:
        file: its name.
        sha256: of its content.
    """

    file: str
    sha256: str


class Input(Struct, frozen=True, kw_only=True):
    """What the packs were tried on.

    Args:
        files: the event files, in the order given.
        messages: how many were read.
        duplicates: messages whose event id was known.
        dead_lettered: messages that break the contract of events.
        outside: events that fed the windows but lie outside the period asked for.
        evaluated: events that were judged and counted.
        late: of these, those that came later than the packs' lateness.
        since: begin of the period asked for, RFC 3339; null for none.
        until: its end, exclusive; null for none.
        first_at: earliest event time that was evaluated, RFC 3339.
        last_at: latest such event time.
    """

    files: list[Source]
    messages: int
    duplicates: int
    dead_lettered: int
    outside: int
    evaluated: int
    late: int
    since: str | None
    until: str | None
    first_at: str
    last_at: str


class Labelled(Struct, frozen=True, kw_only=True):
    """What was known of the events beforehand.

    Args:
        bad: evaluated events that are labelled fraud, bad_debt or dispute, or that a file without a column
            `label` names.
        legitimate: evaluated events that are labelled legitimate.
        unknown: labelled events that were not evaluated; they count nowhere.
        unknown_examples: the first of these, by id.
        repeated: rows of the file that say what another row says.
        unreadable: `label.reported` events without a target or with another label.
        contradicted: events that the file and the stream label differently; the file counts.
        incidents: pairs of group and scenario with a bad event; null where the file names none.
    """

    bad: int
    legitimate: int
    unknown: int
    unknown_examples: list[str]
    repeated: int
    unreadable: int
    contradicted: int
    incidents: int | None


class Timing(Struct, frozen=True, kw_only=True):
    """How long it took; the one part of a report that differs from run to run.

    Args:
        seconds: from the first message read to the last event counted.
        events_per_second: messages read by these seconds.
    """

    seconds: float
    events_per_second: int


class Backtest(Struct, frozen=True, kw_only=True):
    """What a version of a rule pack would have done with past events, and what another would have.

    Args:
        format: of this report.
        input: what the packs were tried on.
        labels: what was known beforehand; null without labels.
        tested: the version in question.
        against: the version that it is compared with; null without one.
        difference: between the two.
        notes: what a reader should know, by language.
        timing: how long it took.
    """

    format: int
    input: Input
    labels: Labelled | None
    tested: Side
    against: Side | None
    difference: Difference | None
    notes: list[Text]
    timing: Timing
