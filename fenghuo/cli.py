"""The command line: reads arguments and settings, calls one command, turns errors into one line."""

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.detection import DetectionSet
from bench.gate import read_gate
from bench.hot import HotPack
from bench.load import Customers
from bench.pipeline import Pipeline
from bench.subject import Subject
from events.errors import FenghuoError
from fenghuo.embedded.errors import EmbeddedError
from fenghuo.ending import RunError
from fenghuo.model_cli import app as model_app
from fenghuo.options import Mapping, ModelDir, Pack, Rates, Speed, Tables, moment_of
from fenghuo.rules_cli import app as rules_app
from fenghuo.settings import load_settings
from rules.errors import PackError
from rules.pack import load_pack

app = typer.Typer(
    name="fenghuo",
    help="Fenghuo (烽火): real-time risk monitor for the orders and shipments of a group company.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
windows_app = typer.Typer(help="Keep the windows.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")
app.add_typer(model_app, name="model")
app.add_typer(windows_app, name="windows")


@app.command()
def replay(
    events: Annotated[list[Path], typer.Argument(help="Files: .jsonl, .csv, .parquet, each also .gz.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; an interrupted replay goes on there.")],
    pack: Pack = None,
    model: ModelDir = None,
    mapping: Mapping = None,
    mappings: Tables = None,
    rates: Rates = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Dataflow workers.")] = None,
    speed: Speed = "max",
) -> None:
    """Run files through the dataflow that judges live, and write what it decided."""
    from fenghuo.commands import replay as command  # noqa: PLC0415 -- loads only what runs

    settings = load_settings(
        events=tuple(events),
        pack=pack,
        model=model,
        mapping=mapping,
        mappings=mappings,
        rates=rates,
        workers=workers,
        speed=speed,
    )
    command.report(command.replay(settings, out, Console(stderr=True)), out, Console())


@app.command()
def demo(
    speed: Speed = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the console.")] = None,
) -> None:
    """Start everything on this machine: embedded servers, dataflow, desk, console, and a stream to watch."""
    from fenghuo.commands.demo import demo as command  # noqa: PLC0415 -- loads only what runs

    command(load_settings(speed=speed, console_port=port), Console(stderr=True))


@app.command()
def run(
    pack: Pack = None,
    model: ModelDir = None,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Dataflow workers.")] = None,
) -> None:
    """Judge the events of Kafka's input topics, until told to stop."""
    from fenghuo.commands.run import run as command  # noqa: PLC0415 -- as above

    command(load_settings(pack=pack, model=model, workers=workers))


@app.command()
def desk() -> None:
    """Turn hits into alerts and cases, until told to stop."""
    from fenghuo.commands.desk import desk as command  # noqa: PLC0415 -- as above

    command(load_settings())


@app.command()
def console(
    demo: Annotated[bool, typer.Option("--demo", help="Show the demo users on the sign-in page.")] = False,  # noqa: FBT002
) -> None:
    """Serve the web pages and the API, until told to stop."""
    from fenghuo.commands.console import console as command  # noqa: PLC0415 -- as above
    from fenghuo.demo_users import USERS  # noqa: PLC0415

    command(load_settings(), USERS if demo else ())


@app.command()
def feed(
    events: Annotated[list[Path] | None, typer.Argument(help="Files; default: FENGHUO_EVENTS.")] = None,
    mapping: Mapping = None,
    mappings: Tables = None,
    speed: Speed = None,
    since: Annotated[str | None, typer.Option(help="RFC 3339 time; leave out what came before.")] = None,
    until: Annotated[
        str | None, typer.Option(help="RFC 3339 time; leave out what came then or later.")
    ] = None,
) -> None:
    """Play files into Kafka's input topics, as the systems that write them would send them."""
    from fenghuo.commands.feed import feed as command  # noqa: PLC0415 -- as above

    settings = load_settings(
        events=tuple(events) if events else None, mapping=mapping, mappings=mappings, speed=speed
    )
    command(settings, moment_of(since), moment_of(until))


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="JSON lines, `.gz` to compress.")],
    labels: Annotated[Path, typer.Option(help="CSV of the injected incidents.")],
    mappings: Annotated[Path | None, typer.Option(help="Folder for the mapping tables.")] = None,
    days: Annotated[int, typer.Option(min=1, help="Days of trade.")] = 14,
    start: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")] = "2026-03-02",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 7,
    customers: Annotated[int, typer.Option(min=1, help="Customers at the start.")] = 800,
    scale: Annotated[float, typer.Option(min=0.0, help="Factor on the number of orders.")] = 1.0,
    broken: Annotated[int, typer.Option(min=0, help="Broken messages to mix in.")] = 0,
) -> None:
    """Write a seeded stream of a simulated group company's trade, with incidents and their labels."""
    from fenghuo.commands.simulate import simulate as command  # noqa: PLC0415 -- as above
    from simulation.stream import Settings  # noqa: PLC0415

    try:
        first = date.fromisoformat(start)
    except ValueError:
        raise typer.BadParameter(f"`{start}` is no day; write YYYY-MM-DD", param_hint="--start") from None
    wanted = Settings(days=days, start=first, seed=seed, customers=customers, scale=scale, broken=broken)
    raise typer.Exit(command(wanted, out, labels, mappings))


@app.command()
def doctor() -> None:
    """Show every setting with its source and check every service."""
    from fenghuo.commands.doctor import doctor as command  # noqa: PLC0415 -- as above

    raise typer.Exit(command(load_settings()))


@app.command()
def bench(
    subjects: Annotated[
        list[Subject] | None, typer.Argument(help="What; default: everything in a short form.")
    ] = None,
    pipeline: Annotated[list[Pipeline] | None, typer.Option(help="Of `pipeline`; repeat.")] = None,
    spread: Annotated[list[Customers] | None, typer.Option(help="How events meet customers; repeat.")] = None,
    pack: Annotated[list[HotPack] | None, typer.Option(help="Features of `hot`; repeat.")] = None,
    events: Annotated[
        int | None, typer.Option(min=1000, help="Events in a load; of `hot`: of the hot customer.")
    ] = None,
    customers: Annotated[int, typer.Option(min=1, help="Customers in a load.")] = 50_000,
    rounds: Annotated[int | None, typer.Option(min=1, help="How often each run is repeated at most.")] = None,
    seconds: Annotated[float, typer.Option(min=10, help="For all of it; then fewer rounds.")] = 180.0,
    seed: Annotated[int, typer.Option(min=1, max=499, help="The same seed gives the same loads.")] = 1,
    rate: Annotated[float, typer.Option(min=1, help="Events per second of `latency`.")] = 10_000.0,
    naive_rate: Annotated[
        float, typer.Option(min=0, help="The same of the naive version; 0 leaves it out.")
    ] = 50.0,
    late: Annotated[float, typer.Option(min=0, max=1, help="Share of late events of `hot`.")] = 0.0,
    stall: Annotated[
        float, typer.Option(min=0, max=4, help="Hold the store up in `latency` for so many seconds.")
    ] = 0.0,
    data: Annotated[
        Path | None, typer.Option(envvar="FENGHUO_DATA", help="Folder of the published sets of `detection`.")
    ] = None,
    sets: Annotated[list[DetectionSet] | None, typer.Option("--set", help="Of `detection`; repeat.")] = None,
    json: Annotated[Path | None, typer.Option(help="File for the figures; default: printed.")] = None,
    gate: Annotated[
        Path | None, typer.Option(help="File of limits; exit 1 when a figure falls short of one.")
    ] = None,
) -> None:
    """Measure speed, latency, memory, rules and detection, beside a naive version or published figures."""
    from fenghuo.commands.bench import Bench, check_gate, print_report  # noqa: PLC0415 -- as above
    from fenghuo.commands.bench import bench as command  # noqa: PLC0415

    wanted = Bench(
        subjects=tuple(dict.fromkeys(subjects or ())),
        pipelines=tuple(pipeline or Pipeline),
        spreads=tuple(spread or Customers),
        packs=tuple(pack or HotPack),
        events=events,
        customers=customers,
        rounds=rounds,
        seconds=seconds,
        seed=seed,
        rate=rate,
        naive_rate=naive_rate,
        late=late,
        stall=stall,
        data=data,
        sets=tuple(sets or ()),
    )
    limits = read_gate(gate) if gate is not None else None
    report = command(wanted, Console(stderr=True))
    print_report(report, Console(), json)
    if gate is not None and limits is not None:
        check_gate(report, gate, limits, Console(stderr=True))


@app.command()
def docs() -> None:
    """Write the generated part of docs/: reference pages and JSON Schemas."""
    from fenghuo.commands.docs import write_docs  # noqa: PLC0415 -- as above

    for path in write_docs(Path(__file__).resolve().parents[1]):
        typer.echo(path)


@rules_app.command("check")
def rules_check(pack: Annotated[Path, typer.Argument(help="Rule pack to check.")]) -> None:
    """Check a rule pack and show what is in it."""
    from fenghuo.commands.rules_check import check  # noqa: PLC0415 -- as above

    check(pack)


@rules_app.command("new")
def rules_new(
    pack: Annotated[Path, typer.Argument(help="YAML file to write; its name is the pack's.")],
) -> None:
    """Write a rule pack to begin with, and a story that tries it."""
    from fenghuo.commands.rules_new import new  # noqa: PLC0415 -- as above

    for path in new(pack, Path(__file__).resolve().parents[1] / "docs" / "schemas" / "rule-pack.json"):
        typer.echo(path)


@rules_app.command("diff")
def rules_diff(
    before: Annotated[Path, typer.Argument(help="Rule pack.")],
    after: Annotated[Path, typer.Argument(help="The pack that is compared with it.")],
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,  # noqa: FBT002
) -> None:
    """Show what two rule packs do not have in common, by meaning and not by layout."""
    from fenghuo.commands.rules_check import report as report_error  # noqa: PLC0415 -- as above
    from fenghuo.commands.rules_diff import as_json, diff, show  # noqa: PLC0415

    try:
        packs = load_pack(before), load_pack(after)
    except PackError as error:
        report_error(error, Console(stderr=True, soft_wrap=True, highlight=False))
        raise typer.Exit(2) from None
    found = diff(*packs)
    if json:
        typer.echo(as_json(found))
    else:
        show(*packs, found, Console(soft_wrap=True, highlight=False))


@rules_app.command("test")
def rules_test(
    pack: Annotated[Path, typer.Argument(help="Rule pack whose rules are tried.")],
    stories: Annotated[
        list[Path] | None,
        typer.Argument(help="Files or folders of stories; default: `stories/<pack>` beside it."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,  # noqa: FBT002
) -> None:
    """Play the stories of a pack, and see that its rules say what they expect."""
    from fenghuo.commands.rules_check import report as report_error  # noqa: PLC0415 -- as above
    from fenghuo.commands.rules_test import as_json, report, try_pack  # noqa: PLC0415

    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        tests = try_pack(load_settings(model="none"), pack, stories or ())
    except PackError as error:
        report_error(error, errors)
        raise typer.Exit(2) from None
    if json:
        typer.echo(as_json(tests))
    else:
        report(tests, Console(), errors)
    if not all(one.passed for one in tests):
        raise typer.Exit(1)


@rules_app.command("backtest")
def rules_backtest(
    pack: Annotated[str, typer.Argument(help="Rule pack to try: a file, or NAME@VERSION.")],
    more: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILES]...", help="More event files, as `--events *` gives."),
    ] = None,
    events: Annotated[
        list[Path] | None, typer.Option(help="Event file: .jsonl, .csv, .parquet, each also .gz; repeat.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="CSV: event_id and, where known, label, scenario, group.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Pack to compare with: a file, or NAME@VERSION.")
    ] = None,
    model: ModelDir = None,
    mapping: Mapping = None,
    mappings: Tables = None,
    rates: Rates = None,
    since: Annotated[
        str | None, typer.Option(help="RFC 3339 time; what came before only fills windows.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="RFC 3339 time; what comes then or later does not count.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="File for the figures.")] = None,
    html: Annotated[Path | None, typer.Option(help="File for a page with charts.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for backtest.json and backtest.html.")] = None,
) -> None:
    """Try a rule pack on past events, and compare it with another version."""
    from fenghuo.commands import rules_backtest as command  # noqa: PLC0415 -- as above
    from fenghuo.commands.backtest_tables import show  # noqa: PLC0415
    from fenghuo.published import published  # noqa: PLC0415

    files = (*(events or ()), *(more or ()))
    if not files:
        raise typer.BadParameter("name at least one file of events", param_hint="--events")
    settings = load_settings(
        events=files, model=model, mapping=mapping, mappings=mappings, rates=rates, speed="max"
    )
    wanted = command.Wanted(pack, against, labels, moment_of(since), moment_of(until))
    written = command.targets(json, html, out)
    report = command.backtest(settings, wanted, Console(stderr=True), published(settings))
    show(report, Console())
    command.write(report, written)
    for path, _ in written:
        typer.echo(path)


@windows_app.command("rebuild")
def windows_rebuild(
    since: Annotated[str, typer.Option(help="RFC 3339 time, or `beginning`; read what was produced since.")],
    pack: Pack = None,
    mappings: Tables = None,
    rates: Rates = None,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Dataflow workers.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Also replace what Redis holds.")] = False,  # noqa: FBT002
) -> None:
    """Learn the windows that Redis lost anew from Kafka, up to where a stopped `fenghuo run` had read."""
    from fenghuo.commands.windows_rebuild import rebuild, report  # noqa: PLC0415 -- as above

    settings = load_settings(pack=pack, mappings=mappings, rates=rates, workers=workers)
    moment = None if since == "beginning" else moment_of(since)
    report(rebuild(settings, moment, Console(stderr=True), force=force), Console())


def main() -> None:
    """Run the command line; exit code 0 ok, 1 the work failed, 2 wrong use."""
    try:
        app(standalone_mode=True)
    except FenghuoError as error:
        print(f"fenghuo: {error}", file=sys.stderr)  # noqa: T201 -- the one place where errors are shown
        sys.exit(1 if isinstance(error, RunError | EmbeddedError) else 2)
    except KeyboardInterrupt:
        print("fenghuo: stopped", file=sys.stderr)  # noqa: T201
        sys.exit(130)
