"""The command line of models: training, the registry, and their life through the console."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from events.clock import DAY
from events.event import EventType
from fenghuo.ending import RunError
from fenghuo.options import Mapping, Pack, Rates, Tables, moment_of
from fenghuo.rules_cli import User, Why, session
from fenghuo.settings import load_settings
from models.lifecycle import ModelAction
from models.manifest import Algorithm

app = typer.Typer(help="Train anomaly models, and put them into force.", no_args_is_help=True)

Model = Annotated[str, typer.Argument(help="Id of the model, as `fenghuo model list` shows it.")]


@app.command()
def train(
    events: Annotated[list[Path], typer.Argument(help="Files of the training period.")],
    out: Annotated[Path, typer.Option(help="Folder for the model; must not exist or be empty.")],
    pack: Pack = None,
    mapping: Mapping = None,
    mappings: Tables = None,
    rates: Rates = None,
    labels: Annotated[Path | None, typer.Option(help="CSV whose `event_id` are known to be bad.")] = None,
    event_type: Annotated[
        list[EventType] | None, typer.Option(help="Type to learn from and score; repeat.")
    ] = None,
    feature: Annotated[
        list[str] | None, typer.Option(help="Feature to read, or a pattern such as `*_72h`; repeat.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="RFC 3339 time; what came before only fills windows.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="RFC 3339 time; neither events nor labels from then on count.")
    ] = None,
    decisions: Annotated[
        Path | None, typer.Option(help="Recorded decisions.jsonl of these events; else they are replayed.")
    ] = None,
    algorithm: Annotated[
        Algorithm, typer.Option(help="How to score; all but the isolation forest learn from labels.")
    ] = Algorithm.ISOLATION_FOREST,
    settle_days: Annotated[
        int, typer.Option(min=0, help="Days until harm is known; with --until, younger events teach nothing.")
    ] = 7,
    segment: Annotated[
        str | None, typer.Option(help="Feature by which customers are compared with their like.")
    ] = None,
    segments: Annotated[int, typer.Option(min=2, max=20, help="Number of these segments.")] = 3,
    alerts_per_day: Annotated[
        int, typer.Option(min=1, help="Most customers a day at or above `anomaly_limit`.")
    ] = 50,
    seed: Annotated[int, typer.Option(min=0, help="The same seed and rows give the same model.")] = 0,
    trees: Annotated[int, typer.Option(min=1, max=10_000, help="Trees of the forest.")] = 100,
    samples: Annotated[int, typer.Option(min=2, help="Rows that each tree sees.")] = 256,
) -> None:
    """Fit the anomaly model on the features of the events of a period."""
    from fenghuo.commands.model_train import Training  # noqa: PLC0415 -- loads only what runs
    from fenghuo.commands.model_train import train as command  # noqa: PLC0415
    from models.training import Growth  # noqa: PLC0415

    settings = load_settings(
        events=tuple(events),
        pack=pack,
        model="none",
        mapping=mapping,
        mappings=mappings,
        rates=rates,
        speed="max",
    )
    training = Training(
        labels=labels,
        event_types=tuple(event_type or (EventType.ORDER_PLACED,)),
        features=tuple(feature or ()),
        since=moment_of(since),
        until=moment_of(until),
        decisions=decisions,
        algorithm=algorithm,
        settled=settle_days * DAY,
        growth=Growth(seed, trees, samples, segment, segments, alerts_per_day),
    )
    model = command(settings, training, out, Console(stderr=True))
    manifest = model.manifest
    period = f"{manifest.period.first} to {manifest.period.last}"
    typer.echo(f"{out}: model {model.id}, {manifest.rows:,} rows from {period}")
    if (budget := manifest.budget) is not None:
        typer.echo(
            f"anomaly_limit {budget.level:.6f}: {budget.mean:.1f} customers a day, at most {budget.most}"
        )


@app.command()
def retrain(
    if_due: Annotated[  # noqa: FBT002
        bool, typer.Option("--if-due", help="Only where FENGHUO_RETRAIN_EVERY has passed.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="What came of it as JSON, failures too.")] = False,  # noqa: FBT002
) -> None:
    """Train a candidate like the champion on what was decided lately; it is never promoted by itself."""
    from fenghuo.commands import model_retrain as command  # noqa: PLC0415 -- as above

    try:
        outcome = command.retrain(load_settings(), scheduled=if_due)
    except RunError as error:
        if json:
            typer.echo(command.as_json(command.failed(error)))
        raise
    typer.echo(command.as_json(outcome) if json else command.told(outcome))


@app.command()
def evaluate(
    events: Annotated[list[Path], typer.Argument(help="Files that hold the period and what came before.")],
    model: Annotated[list[Path], typer.Option(help="Model directory; repeat to compare.")],
    pack: Pack = None,
    mapping: Mapping = None,
    mappings: Tables = None,
    rates: Rates = None,
    labels: Annotated[
        Path | None, typer.Option(help="CSV: event_id and perhaps label, known_at, scenario, group.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="RFC 3339 time; default: the end of the latest training.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339 time; what comes then does not count.")] = None,
    known_by: Annotated[
        str | None, typer.Option(help="RFC 3339 time; labels that became known later do not count.")
    ] = None,
    k: Annotated[list[int] | None, typer.Option(min=1, help="For precision at k a day; repeat.")] = None,
    json: Annotated[Path | None, typer.Option(help="File for the figures.")] = None,
) -> None:
    """Measure what models find in a period later than they were trained on."""
    from fenghuo.commands import model_evaluate as command  # noqa: PLC0415 -- as above

    settings = load_settings(
        events=tuple(events),
        pack=pack,
        model="none",
        mapping=mapping,
        mappings=mappings,
        rates=rates,
        speed="max",
    )
    asked = command.Asked(
        models=tuple(model),
        labels=labels,
        since=moment_of(since),
        until=moment_of(until),
        known_by=moment_of(known_by),
        ks=tuple(dict.fromkeys(k or (10, 50, 100))),
    )
    report = command.evaluated(settings, asked, Console(stderr=True))
    command.show(report, Console())
    if json is not None:
        command.write(report, json)


@app.command()
def labels(
    out: Annotated[Path, typer.Option(help="CSV to write, for `--labels` of train and evaluate.")],
    user: User = None,
) -> None:
    """Write down what dispositions say of events, with the time since which it is known."""
    from fenghuo.commands import model_labels as command  # noqa: PLC0415 -- as above

    with session(user) as console:
        command.labels(console, out, Console())


@app.command()
def register(
    directory: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Model directory that `train` wrote.")
    ],
    user: User = None,
    reason: Why = "",
) -> None:
    """Put a model into the registry, and make it a candidate."""
    from fenghuo.commands import model_life as command  # noqa: PLC0415 -- as above

    with session(user) as console:
        command.register(console, load_settings(), directory, reason, Console())


@app.command("list")
def list_(
    directory: Annotated[
        Path | None,
        typer.Argument(exists=True, file_okay=False, help="Folder of models; default: the registry."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,  # noqa: FBT002
    user: User = None,
) -> None:
    """Show the models and where they stand; of the registry alone where no console answers."""
    from fenghuo.commands import model_list as command  # noqa: PLC0415 -- as above

    settings = load_settings(user=user)
    rows = command.rows(settings, directory, lambda: session(user), Console(stderr=True))
    if json:
        typer.echo(command.as_json(rows))
    else:
        command.show(rows, Console())


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="Id of a model in the registry, or its directory.")],
    json: Annotated[bool, typer.Option("--json", help="The manifest as it stands there.")] = False,  # noqa: FBT002
) -> None:
    """Check a model and show what it is and what it was trained on."""
    from fenghuo.commands import model_show as command  # noqa: PLC0415 -- as above

    command.show(load_settings(), model, Console(), as_json=json)


@app.command()
def history(
    model: Annotated[str | None, typer.Argument(help="Id of a model; default: all.")] = None,
    user: User = None,
) -> None:
    """Show who changed what, when and why, the newest first."""
    from fenghuo.commands import model_life as command  # noqa: PLC0415 -- as above

    with session(user) as console:
        command.history(console, model, Console())


@app.command()
def compare(model: Model, user: User = None) -> None:
    """Show what a model in the shadow says beside the champion, and how far they agree."""
    from fenghuo.commands import model_compare as command  # noqa: PLC0415 -- as above

    with session(user) as console:
        command.compare(console, model, Console())


@app.command()
def shadow(model: Model, user: User = None, reason: Why = "") -> None:
    """Have a model score beside the champion, without consequence."""
    _move(ModelAction.SHADOW, model, user, reason)


@app.command()
def propose(model: Model, user: User = None, reason: Why = "") -> None:
    """Propose that a model becomes the champion; a second person promotes it."""
    _move(ModelAction.PROPOSE, model, user, reason)


@app.command()
def promote(model: Model, user: User = None, reason: Why = "") -> None:
    """Make a model the champion, as another person than those who registered and proposed it."""
    _move(ModelAction.PROMOTE, model, user, reason)


@app.command()
def retire(model: Model, user: User = None, reason: Why = "") -> None:
    """Put a model away; without a champion there is no anomaly score."""
    _move(ModelAction.RETIRE, model, user, reason)


@app.command()
def rollback(user: User = None, reason: Why = "") -> None:
    """Take the last change of the champion back: the one before scores again."""
    from fenghuo.commands import model_life as command  # noqa: PLC0415 -- as above

    with session(user) as console:
        command.rollback(console, reason, Console())


def _move(action: ModelAction, model: str, user: str | None, reason: str) -> None:
    from fenghuo.commands import model_life as command  # noqa: PLC0415 -- as above

    with session(user) as console:
        command.move(console, action, model, reason, Console())
