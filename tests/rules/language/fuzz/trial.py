"""A trial: many random and hostile conditions, each refused in one line or equal to DuckDB."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import numpy.ma
import sqlglot.optimizer.annotate_types  # these are imported by others when they are first needed
import sqlglot.optimizer.simplify  # noqa: F401

from events.columns import Column, Kind
from rules.errors import LanguageError
from rules.language import Compiled, Frame, Scope, compile_condition
from tests.rules.language.fuzz.duck import Answer, Duck
from tests.rules.language.fuzz.edges import on_edge
from tests.rules.language.fuzz.grammar import Grammar
from tests.rules.language.fuzz.hostile import Hostile
from tests.rules.language.fuzz.tables import KINDS, ROWS, Table, draw, scope, yuan_scope

SECONDS = 1.0
"""Processor time that one condition may take; the dearest take a tenth of it on an idle machine."""

_PER_TABLE = 400
_NO_SQL = ("Parser", "Binder", "Catalog")
_HOSTILE, _EXPRESSIONS = 0.45, 0.1
_RUNNING = {
    "exec",
    "compile",
    "import",
    "open",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "subprocess.Popen",
    "socket.connect",
}


@dataclass
class Trial:
    """Conditions of one seed.

    Args:
        seed: of everything that is drawn.
        count: of conditions.
        told: how many were accepted, refused, compared …
        wrong: what should not have happened, one line each.
    """

    seed: int
    count: int
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # it has to be repeatable

    def run(self) -> None:
        """Draw and judge all of them."""
        watch.start()
        with Duck() as duck:
            left = self.count
            while left > 0:
                self._round(duck, min(_PER_TABLE, left))
                left -= _PER_TABLE

    def _round(self, duck: Duck, count: int) -> None:
        table, hostile = draw(self._random), round(count * _HOSTILE)
        duck.fill("fen", table.fen)
        duck.fill("yuan", table.yuan)
        self._honest(duck, table, count - hostile)
        self._hostile(duck, table, hostile)

    def _honest(self, duck: Duck, table: Table, count: int) -> None:
        grammar, allowed, frame = Grammar(self._random), scope(), Frame(table.ours)
        asked: list[tuple[str, str, Kind | None, Column]] = []
        for _ in range(count):
            depth = self._random.choice((1, 2, 2, 3, 3, 4))
            expect = None if self._random.random() < _EXPRESSIONS else Kind.BOOL
            said = grammar.condition(depth) if expect else grammar.expression(depth)
            compiled = self._compiled(said.ours, allowed, expect)
            result = self._evaluated(compiled, frame) if compiled is not None else None
            if result is not None:
                asked.append((said.ours, said.theirs, expect, result))
        self.told["honest"] += count
        answers = duck.answers("fen", [theirs for _, theirs, _, _ in asked])
        for (text, theirs, expect, mine), answer in zip(asked, answers, strict=True):
            self._compare(f"{text}  ⇔  {theirs}", text, allowed, expect, table, mine, answer)

    def _hostile(self, duck: Duck, table: Table, count: int) -> None:
        grammar, hostile, allowed, frame = (
            Grammar(self._random),
            Hostile(self._random),
            yuan_scope(),
            Frame(table.ours),
        )
        asked: list[tuple[str, Column]] = []
        for _ in range(count):
            text = hostile.text(grammar.condition(self._random.choice((1, 2, 3))).ours)
            compiled = self._compiled(text, allowed, Kind.BOOL)
            if compiled is None:
                continue
            if any(KINDS.get(name) is not kind for name, kind in compiled.kinds.items()):
                self.told["not compared: reads what the oracle lacks"] += 1
                continue
            result = self._evaluated(compiled, frame)
            if result is not None:
                asked.append((text, result))
        self.told["hostile"] += count
        answers = duck.answers("yuan", [f"TRY({text}\n)" for text, _ in asked])
        for (text, mine), answer in zip(asked, answers, strict=True):
            if not isinstance(answer, str) and _differs(mine, *answer).any() and duck.raises("yuan", text):
                answer = "OutOfRange"  # noqa: PLW2901  # TRY made more of it NULL than what failed
            self._compare(text, text, allowed, Kind.BOOL, table, mine, answer)

    def _compiled(self, text: str, allowed: Scope, expect: Kind | None) -> Compiled | None:
        """The condition, or None where it was refused as it should be."""
        started = time.thread_time()
        try:
            with watch.watching():
                compiled = compile_condition(text, allowed, expect)
        except LanguageError as error:
            self._refused(text, error)
            return None
        except Exception as error:  # noqa: BLE001  # whatever it is, it is wrong
            self.wrong.append(f"{type(error).__name__}: {error}: {text!r}")
            return None
        finally:
            self._timed(text, started)
            if watch.seen:
                self.wrong.append(f"runs {watch.seen.pop()}: {text!r}")
        self.told["accepted"] += 1
        return compiled

    def _timed(self, text: str, started: float) -> None:
        if (took := time.thread_time() - started) > SECONDS:
            self.wrong.append(f"takes {took:.1f} s: {text!r}")

    def _refused(self, text: str, error: LanguageError) -> None:
        self.told["refused"] += 1
        message = str(error)
        within = 0 <= error.start <= len(text) and error.start < error.end <= max(len(text), 1) + 1
        if "\n" in message or len(message) > 400 or len(error.detail) > 600 or not within:
            self.wrong.append(f"told as {message!r} at {error.start}–{error.end}: {text!r}")

    def _evaluated(self, compiled: Compiled, frame: Frame) -> Column | None:
        started = time.thread_time()
        try:
            result = compiled.evaluate(frame)
        except Exception as error:  # noqa: BLE001  # as above
            self.wrong.append(f"{type(error).__name__}: {error}: {compiled.text!r}")
            return None
        self._timed(compiled.text, started)
        return result

    def _compare(
        self,
        shown: str,
        text: str,
        allowed: Scope,
        expect: Kind | None,
        table: Table,
        mine: Column,
        answer: Answer,
    ) -> None:
        if isinstance(answer, str):
            self.told["not compared: DuckDB raises"] += 1
            if answer.startswith(_NO_SQL):
                self.wrong.append(f"DuckDB does not know it, {answer}: {shown!r}")
            return
        self.told["compared"] += 1
        self.told["compared rows"] += ROWS
        for row in np.flatnonzero(_differs(mine, *answer)).tolist():
            cells = {name: column[row] for name, column in table.cells.items()}
            if on_edge(text, allowed, expect, cells, wide=shown == text):
                self.told["rows on a knife's edge"] += 1
                continue
            other = answer[0][row] if answer[1][row] else None
            read = {name: cells[name] for name in cells if name in text}
            self.wrong.append(f"{mine.at(row)!r} is {other!r} to DuckDB: {shown}: {read}")
            return


def _differs(mine: Column, values: Any, valid: Any) -> Any:
    """Rows in which two columns differ; floats within a billionth are alike."""
    if mine.kind is Kind.BOOL:
        return (mine.valid != valid) | (mine.valid & valid & (mine.values != values.astype(np.bool_)))
    a = np.where(mine.valid, mine.values, 0).astype(np.float64)
    b = np.where(valid, values, 0).astype(np.float64)
    return (mine.valid != valid) | ~np.isclose(a, b, rtol=1e-9, atol=1e-9)


class _Watch:
    """Sees what Python itself reports when something is run, imported or opened."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._hooked = self._watching = False

    def start(self) -> None:
        """Hook in, once for the process; such a hook stays."""
        if not self._hooked:
            self._hooked = True
            sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._watching and event in _RUNNING:
            self.seen.append(f"{event} {arguments!r:.80}")

    @contextmanager
    def watching(self) -> Iterator[None]:
        self._watching = True
        try:
            yield
        finally:
            self._watching = False


watch = _Watch()
