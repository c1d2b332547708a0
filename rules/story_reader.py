"""Reads stories from YAML: terse events are filled up to those of the contract."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from events.clock import MINUTE, milliseconds
from events.columns import Kind
from events.event import MONEY_EVENTS, EventType
from rules.deadline import Deadline
from rules.document import Entry, read_document
from rules.errors import PackError, did_you_mean
from rules.language.scope import ATTRIBUTES
from rules.pack import Pack
from rules.rule import Rule
from rules.story import OF_DEADLINES, OF_RULES, Case, Expected, Step, Story

START = "2026-03-04 10:00"
"""Local time of the first event where a story names none: the morning of an ordinary Wednesday."""

_TEXTS = (
    "subsidiary",
    "customer",
    "group",
    "order",
    "shipment",
    "currency",
    "region",
    "counterparty",
    "channel",
)
_KEYS = ("type", "at", "repeat", "amount", "attributes", "profile", "expect", *_TEXTS)
_REPEAT = re.compile(r"(\d{1,5}) every (\d{1,9}[smhd])")
_MOMENT = re.compile(r"at ([+-]) (\d{1,9}[smhd])")
_PROFILE_MONEY = ("credit_limit", "exposure")
_CENT = Decimal("0.01")
_BOOLS = {"true": True, "false": False}


def read_story(path: Path, pack: Pack) -> Story:
    """Read the story of a rule or deadline of a pack.

    Raises:
        PackError: the file cannot be read, or something in it means nothing.
    """
    root = read_document(path)
    fields = root.fields(("cases",), ("rule", "deadline", "start", "given", "always_evaluable"))
    subject = _subject(root, fields, pack)
    start = _start(fields.get("start"), pack)
    reader = _Reader(pack, subject, start, fields["given"].mapping() if "given" in fields else {})
    why = fields.get("always_evaluable")
    return Story(
        str(path),
        subject,
        tuple(reader.case(entry) for entry in fields["cases"].items()),
        why.text() if why else None,
        why.line if why else root.line,
    )


def _subject(root: Entry, fields: Mapping[str, Entry], pack: Pack) -> Rule | Deadline:
    named = [key for key in ("rule", "deadline") if key in fields]
    if len(named) != 1:
        raise root.error("name one `rule` or one `deadline` that the story tries")
    entry = fields[named[0]]
    known: Mapping[str, Rule | Deadline] = (
        pack.rules_by_name if named[0] == "rule" else pack.deadlines_by_name
    )
    name = entry.text()
    if name not in known:
        near = did_you_mean(name, known) or f"; it has {', '.join(known) or 'none'}"
        raise entry.error(f"pack `{pack.id}` has no {named[0]} `{name}`{near}")
    return known[name]


def _start(entry: Entry | None, pack: Pack) -> int:
    text = entry.text() if entry else START
    try:
        local = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(pack.timezone))
    except ValueError:
        assert entry is not None
        raise entry.error(f"`{text[:80]}` is not a local time such as `{START}`") from None
    return milliseconds(local)


_OF_RULES = ("title", "observed", "anomaly", "anomaly_limit", "degraded")


class _Reader:
    """Makes cases of one subject; events follow one another a minute apart unless they say when."""

    def __init__(self, pack: Pack, subject: Rule | Deadline, start: int, given: Mapping[str, Entry]) -> None:
        self._subject = subject
        self._start = start
        self._given = given
        read = {name: kind for rule in pack.rules for name, kind in rule.when.kinds.items()}
        self._money = {
            *(f"{ATTRIBUTES}{name}" for name in _PROFILE_MONEY),
            *(name for name, kind in read.items() if kind is Kind.MONEY and name.startswith(ATTRIBUTES)),
        }
        self._cases = 0

    def case(self, entry: Entry) -> Case:
        """One case."""
        self._cases += 1
        deadline = isinstance(self._subject, Deadline)
        optional = ("title", "until") if deadline else _OF_RULES
        fields = entry.fields(("events", "expect"), optional)
        steps: list[Step] = []
        at = self._start - MINUTE
        for one in fields["events"].items():
            at = self._events(one, at, steps)
        anomaly, limit = fields.get("anomaly"), fields.get("anomaly_limit")
        degraded, until = fields.get("degraded"), fields.get("until")
        return Case(
            title=fields["title"].text() if "title" in fields else f"case {self._cases}",
            steps=tuple(steps),
            expect=self._expected(fields["expect"]),
            observed={name: _plain(cell) for name, cell in _entries(fields.get("observed")).items()},
            anomaly=float(_number(anomaly)) if anomaly else None,
            anomaly_limit=float(_number(limit)) if limit else None,
            degraded=_truth(degraded) if degraded else False,
            until=self._start + until.duration(0) if until else None,
            line=entry.line,
        )

    def _expected(self, entry: Entry) -> Expected:
        found = entry.choice(Expected, "result")
        known = OF_DEADLINES if isinstance(self._subject, Deadline) else OF_RULES
        if found not in known:
            raise entry.error(f"`{found}` is not said of this; use {', '.join(known)}")
        return found

    def _events(self, entry: Entry, before: int, steps: list[Step]) -> int:
        """Add what an entry stands for; the time of its last event."""
        own = entry.fields((), _KEYS)
        fields = {**self._given, **own}
        if "profile" in own:
            fields = {key: one for key, one in fields.items() if key in (*own, *_TEXTS[:3])}
        at = self._start + own["at"].duration(0) if "at" in own else before + MINUTE
        times, gap = _repeated(own.get("repeat"))
        expect = self._expected(own["expect"]) if "expect" in own else None
        for _ in range(times):
            message = self._message(entry, fields, at, len(steps))
            steps.append(Step(message, expect, entry.line))
            at += gap
        return at - gap

    def _message(self, entry: Entry, fields: Mapping[str, Entry], at: int, number: int) -> dict[str, Any]:
        kind = self._type(entry, fields)
        message: dict[str, Any] = {
            "event_id": f"story-{self._cases}-{number}",
            "type": kind.value,
            "occurred_at": at,
            "subsidiary": "SH01",
            "customer": "C1",
        }
        if kind is EventType.ORDER_PLACED:
            message["order"] = f"SO-{number}"
        message |= {key: fields[key].text() for key in _TEXTS if key in fields}
        if "amount" in fields:
            message["amount"] = _fen(fields["amount"])
        elif kind in MONEY_EVENTS:
            message["amount"] = 1_000_00
        cells = {**_entries(fields.get("attributes")), **_entries(fields.get("profile"))}
        if cells:
            message["attributes"] = {name: self._cell(name, cell, at) for name, cell in cells.items()}
        return message

    def _type(self, entry: Entry, fields: Mapping[str, Entry]) -> EventType:
        if "profile" in fields:
            return EventType.CUSTOMER_CHANGED
        if "type" in fields:
            return fields["type"].choice(EventType, "event type")
        judged = {self._subject.after} if isinstance(self._subject, Deadline) else self._subject.on
        if len(judged) == 1:
            return next(iter(judged))
        raise entry.error("`type` is missing; the rule judges several")

    def _cell(self, name: str, entry: Entry, at: int) -> str | int | float | bool:
        """An attribute: a moment (`at - 2h`), money where conditions read money, else as YAML has it."""
        text = entry.text()
        if moment := _MOMENT.fullmatch(text):
            length = _length(entry, moment[2])
            return at - length if moment[1] == "-" else at + length
        if f"{ATTRIBUTES}{name}" in self._money:
            return _fen(entry)
        assert isinstance(entry.node, yaml.ScalarNode)
        if entry.node.tag.endswith(":int"):
            return int(text)
        if entry.node.tag.endswith(":float"):
            return float(text)
        if entry.node.tag.endswith(":bool"):
            return _truth(entry)
        return text


def _entries(entry: Entry | None) -> dict[str, Entry]:
    return entry.mapping() if entry else {}


def _repeated(entry: Entry | None) -> tuple[int, int]:
    """How often, and how many milliseconds apart."""
    if entry is None:
        return 1, 0
    match = _REPEAT.fullmatch(entry.text())
    if match is None or not int(match[1]):
        raise entry.error(f"`{entry.text()[:80]}` is no repetition; write `16 every 2m`")
    return int(match[1]), _length(entry, match[2])


def _length(entry: Entry, text: str) -> int:
    return Entry(
        entry.file, entry.source, yaml.ScalarNode("tag:yaml.org,2002:str", text), entry.where
    ).duration(0)


def _number(entry: Entry) -> Decimal:
    try:
        number = Decimal(entry.text())
    except InvalidOperation:
        raise entry.error(f"a number was expected, got `{entry.text()[:80]}`") from None
    if not number.is_finite():
        raise entry.error(f"a finite number was expected, got `{entry.text()[:80]}`")
    return number


def _fen(entry: Entry) -> int:
    """Money written in yuan."""
    number = _number(entry)
    if number != number.quantize(_CENT):
        raise entry.error(f"`{entry.text()}` is no amount in yuan: it has parts of a fen")
    return int(number * 100)


def _truth(entry: Entry) -> bool:
    text = entry.text()
    if text not in _BOOLS:
        raise entry.error(f"`true` or `false` was expected, got `{text[:80]}`")
    return _BOOLS[text]


def _plain(entry: Entry) -> Decimal | str:
    try:
        return Decimal(entry.text())
    except InvalidOperation:
        return entry.text()


def stories_in(paths: Iterable[Path]) -> list[Path]:
    """The story files that some paths name, folders with all that they hold, in order.

    Raises:
        PackError: a path leads to nothing.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(path.glob("*.yaml"))
        elif path.is_file():
            found.append(path)
        else:
            raise PackError(str(path), None, "there is no such file or folder of stories")
    return found
