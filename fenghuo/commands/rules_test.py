"""`fenghuo rules test`: whether the rules of a pack say what their stories expect."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fenghuo.settings import Settings
from fenghuo.stage import Fault, Stage, open_stage
from rules.deadline import Deadline
from rules.errors import PackError
from rules.pack import Pack, load_pack
from rules.rule import EVALUATED, Rule
from rules.story import Expected, Story
from rules.story_reader import read_story, stories_in

FOLDER = Path("tests/scenarios")
"""Where the stories of a pack lie unless they are named, in a folder with the pack's name."""

_HEADS = {Expected.NOT_EVALUABLE: "not evaluable", Expected.IN_TIME: "in time"}


@dataclass
class Tried:
    """What came of the stories of one rule or deadline.

    Args:
        name: of the rule or deadline.
        shown: how many cases expect each result.
        faults: what came out otherwise, each with its file.
        lacking: what has no case although it should.
    """

    name: str
    shown: dict[Expected, int] = field(default_factory=dict)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.faults and not self.lacking


def try_pack(settings: Settings, path: Path, stories: Sequence[Path]) -> list[Tried]:
    """Play all stories of a pack.

    Raises:
        PackError: the pack or a story cannot be read.
        StoryError: an event of a story breaks the contract of events.
    """
    pack = load_pack(path)
    folder = FOLDER / pack.name
    if not stories and not folder.is_dir():
        raise PackError(
            str(path), None, f"no stories: there is no folder `{folder}`; name files or folders of stories"
        )
    read = [read_story(one, pack) for one in stories_in(stories or [folder])]
    with open_stage(settings, pack) as stage:
        return tried(pack, read, stage)


def tried(pack: Pack, stories: Iterable[Story], stage: Stage) -> list[Tried]:
    """What came of stories, for each evaluated rule and deadline of the pack."""
    everything: tuple[Rule | Deadline, ...] = (*pack.rules, *pack.deadlines)
    subjects = [one for one in everything if one.mode in EVALUATED]
    of: dict[str, list[Story]] = {one.name: [] for one in subjects}
    for story in stories:
        of.setdefault(story.subject.name, []).append(story)
    return [_tried(name, found, stage) for name, found in of.items()]


def _tried(name: str, stories: list[Story], stage: Stage) -> Tried:
    done = Tried(name)
    if not stories:
        done.lacking.append("no story")
    for story in stories:
        done.lacking += [f"no case that expects {one}" for one in story.missing]
        done.lacking += _contradictions(story)
        for case in story.cases:
            done.shown[case.expect] = done.shown.get(case.expect, 0) + 1
            done.faults += [(story.file, fault) for fault in stage.play(story, case)]
    return done


def _contradictions(story: Story) -> list[str]:
    """A rule that is said to be always evaluable reads nothing that can be unknown."""
    if story.always_evaluable is None or isinstance(story.subject, Deadline):
        return []
    rule = story.subject
    if rule.needs_windows:
        return ["`always_evaluable`, but it reads windows, which can be away (`degraded: true`)"]
    doubtful = [name for name in rule.when.names if name.startswith("attributes.")]
    return [f"`always_evaluable`, but `{name}` may be missing" for name in doubtful]


def report(tests: Sequence[Tried], out: Console, errors: Console) -> bool:
    """Print what came of all stories; whether everything is as expected."""
    columns = [one for one in Expected if any(one in tried.shown for tried in tests)]
    table = Table("规则 rule", *(_HEADS.get(one, one) for one in columns), "结果 result", box=box.SIMPLE_HEAD)
    table.columns[0].no_wrap = True
    for one in tests:
        verdict = Text("ok", "green") if one.passed else Text("failed", "bold red")
        table.add_row(one.name, *(str(one.shown.get(column, "")) for column in columns), verdict)
    out.print(table)
    for one in tests:
        for what in one.lacking:
            errors.print(Text(f"{one.name}: {what}", "bold red"))
        for file, fault in one.faults:
            errors.print(Text(f"{file}:{fault.line}: {one.name}: {fault.case}", "bold red"))
            errors.print(Text(f"    expected {fault.expected}\n    got      {fault.got}"))
    good = sum(one.passed for one in tests)
    cases = sum(sum(one.shown.values()) for one in tests)
    out.print(f"{good} of {len(tests)} rules and deadlines as expected, {cases} cases", highlight=False)
    return good == len(tests)
