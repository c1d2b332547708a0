"""`fenghuo replay`: files through the dataflow that judges live, into files."""

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from alerts.alert import AlertRecord
from alerts.growth import alerts_of
from alerts.hit import Hit
from alerts.overdue import Withdrawal
from events.errors import FenghuoError
from fenghuo.embedded import start_services
from fenghuo.ending import RunError, stop_on_signals
from fenghuo.settings import Settings
from fenghuo.wiring import REPLAY_LIFETIME, REPLAY_PATIENCE, Risk, build_flow, build_risk, run_flow
from rules.decision import Tier
from store.redis.journal import connect, forget
from wire.column_mapping import read_mapping
from wire.file_source import FileSource
from wire.input_files import InputFiles
from wire.replay_sink import HITS, OVERDUE, WITHDRAWN, ReplaySink, Totals

STATE, SUMMARY, ALERTS = ".state", "summary.json", "alerts.jsonl"
SNAPSHOT_SECONDS = 1.0

S = TypeVar("S")


class ReplayError(FenghuoError):
    """Raised when a folder can't take this replay."""


@dataclass(frozen=True)
class Result:
    """What a replay came to: the content of summary.json."""

    summary: dict[str, Any]
    repeated: bool


def replay(settings: Settings, out: Path, console: Console) -> Result:
    """Replay `settings.events` into the folder `out`, or finish what was begun there.

    Args:
        settings: events, mapping, pack, model, workers and speed count.
        out: gets decisions.jsonl, alerts.jsonl, dead_letters.jsonl and summary.json.
        console: for progress.

    Raises:
        FenghuoError: an input is wrong, the folder holds another replay, or the work failed.
    """
    started = time.monotonic()
    mapping = read_mapping(settings.mapping) if settings.mapping is not None else None
    files = InputFiles(list(settings.events or ()), mapping)
    risk = build_risk(settings, sample=True)
    state = out / STATE
    identity = _identity(risk, files)
    namespace, summary = _enter(out, state, identity)
    if summary is not None:
        return Result(summary, repeated=True)
    totals = Totals()
    with (
        start_services(settings, state, need={"redis"}) as services,
        stop_on_signals() as stop,
        progress(console, files, "replay") as on_read,
    ):
        flow = build_flow(
            risk,
            FileSource(files, settings.speed, on_read=on_read, stop=stop),
            ReplaySink(out, state, totals),
            redis_url=services.redis_url,
            namespace=namespace,
            patience=REPLAY_PATIENCE,
            degrade=False,
            lifetime=REPLAY_LIFETIME,
        )
        run_flow(flow, workers=settings.workers, recovery=state / "recovery", interval=SNAPSHOT_SECONDS)
        if stop.is_set():
            raise RunError(f"stopped; the same command goes on where it was, with --out {out}")
        if settings.redis_url is not None:
            forget(connect(services.redis_url, 10), namespace, REPLAY_PATIENCE)
    alerts = _write_alerts(state, out / ALERTS)
    summary = _summary(identity, totals, alerts, time.monotonic() - started)
    write_whole(out / SUMMARY, json.dumps(summary, ensure_ascii=False, indent=2).encode() + b"\n")
    write_whole(state / "run.json", json.dumps({"identity": identity, "finished": True}).encode())
    for left in (state / "recovery", state / "valkey"):
        shutil.rmtree(left, ignore_errors=True)
    for name in (HITS, OVERDUE, WITHDRAWN):
        (state / name).unlink(missing_ok=True)
    return Result(summary, repeated=False)


def _identity(risk: Risk, files: InputFiles) -> dict[str, Any]:
    """What must be equal for an interrupted replay to go on."""
    settings = risk.settings
    tables = sorted(settings.mappings.glob("*.csv")) if settings.mappings else []
    return {
        "events": [[path.name, sha256_of(path)] for path in files.paths],
        "mapping": sha256_of(settings.mapping) if settings.mapping else None,
        "tables": [[path.name, sha256_of(path)] for path in tables],
        "rates": sha256_of(settings.rates) if settings.rates else None,
        "pack": risk.pack.id,
        "pack_content": risk.pack.content_hash,
        "model": risk.model.id if risk.model is not None else None,
        "shards": settings.shards,
        "max_message_bytes": settings.max_message_bytes,
    }


def _enter(out: Path, state: Path, identity: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """The namespace of this replay's windows, and its summary where it is finished."""
    run = state / "run.json"
    if not run.exists():
        if out.exists() and any(path for path in out.iterdir() if path != state):
            raise ReplayError(f"{out}: not empty and no replay; choose another folder for --out")
        state.mkdir(parents=True, exist_ok=True)
        namespace = f"replay:{secrets.token_hex(8)}"
        write_whole(run, json.dumps({"identity": identity, "namespace": namespace}).encode())
        return namespace, None
    held = json.loads(run.read_bytes())
    for name, value in identity.items():
        if held["identity"].get(name) != value:
            raise ReplayError(
                f"{out}: holds a replay with other {name.replace('_', ' ')}; choose another folder for --out "
                "or delete it"
            )
    if held.get("finished"):
        return "", json.loads((out / SUMMARY).read_bytes())
    return held["namespace"], None


def sha256_of(path: Path) -> str:
    """SHA-256 of the content of a file, as hexadecimal text."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there as a whole or not at all."""
    draft = path.with_name(path.name + ".part")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


@contextmanager
def progress(console: Console, files: InputFiles, what: str) -> Iterator[Callable[[int], None]]:
    """A bar that tells how much of the files was read; gives what to call with the number of messages."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[read]:,} messages"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=files.total_bytes, read=0)
        yield lambda read: bar.update(task, completed=files.read_bytes, read=read)


def _write_alerts(state: Path, target: Path) -> list[AlertRecord]:
    """Let alerts grow: hits of rules in the order of arrival, then those of deadlines by due moment."""
    decoder, encoder = msgspec.json.Decoder(Hit), msgspec.json.Encoder()
    overdue = sorted(_lines(state / OVERDUE, Hit), key=lambda hit: (hit.occurred_at, hit.hit_id))
    withdrawn = sorted(_lines(state / WITHDRAWN, Withdrawal), key=lambda one: (one.occurred_at, one.hit_id))
    with (state / HITS).open("rb") as stream:
        hits = chain((decoder.decode(line) for line in stream), overdue)
        alerts = list(alerts_of(hits, withdrawn))
    write_whole(target, b"".join(encoder.encode(alert) + b"\n" for alert in alerts))
    return alerts


def _lines(path: Path, kind: type[S]) -> list[S]:
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as stream:
        return [decoder.decode(line) for line in stream]


def _summary(
    identity: dict[str, Any], totals: Totals, alerts: list[AlertRecord], seconds: float
) -> dict[str, Any]:
    counts = totals.counts
    tiers: dict[str, int] = {}
    scenarios: dict[str, int] = {}
    for alert in alerts:
        tiers[alert.tier.value] = tiers.get(alert.tier.value, 0) + 1
        scenarios[alert.scenario] = scenarios.get(alert.scenario, 0) + 1
    rules: dict[str, dict[str, int]] = {}
    deadlines: dict[str, dict[str, int]] = {}
    for name, count in sorted(counts.items()):
        kind, _, rest = name.partition(" ")
        if kind in ("rule", "deadline"):
            one, result = rest.split(" ")
            (rules if kind == "rule" else deadlines).setdefault(one, {})[result] = count
    whole = {
        name: counts[name]
        for name in ("input", "decided", "duplicate", "dead_lettered", "late", "degraded", "partial")
    }
    return {
        **whole,
        "balanced": whole["input"] == whole["decided"] + whole["duplicate"] + whole["dead_lettered"],
        "outcomes": {
            n.removeprefix("outcome "): c for n, c in sorted(counts.items()) if n.startswith("outcome ")
        },
        "rules": rules,
        "deadlines": deadlines,
        "alerts": {"total": len(alerts), "tiers": tiers, "scenarios": dict(sorted(scenarios.items()))},
        "of": identity,
        "seconds": round(seconds, 3),
        "events_per_second": round(whole["input"] / seconds),
    }


def report(result: Result, out: Path, console: Console) -> None:
    """Print what a replay came to."""
    summary = result.summary
    if result.repeated:
        console.print(f"{out}: this replay was finished before; nothing to do", soft_wrap=True)
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    for name in ("input", "decided", "duplicate", "dead_lettered", "late"):
        table.add_row(name.replace("_", "-"), f"{summary[name]:,}")
    table.add_row("alerts", f"{summary['alerts']['total']:,}")
    for tier in reversed(Tier):
        table.add_row(f"  {tier.value}", f"{summary['alerts']['tiers'].get(tier.value, 0):,}")
    table.add_row("events/s", f"{summary['events_per_second']:,}")
    console.print(table)
    balance = (
        "input = decided + duplicate + dead-lettered" if summary["balanced"] else "THE BALANCE DOES NOT HOLD"
    )
    console.print(f"{balance}; results in {out}", soft_wrap=True)
