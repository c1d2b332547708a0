"""The command line of models: training, the registry, and their life through the console."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from events.event import EventType
from fenghuo.rules_cli import User, Why, session
from fenghuo.settings import load_settings
from models.lifecycle import ModelAction

app = typer.Typer(help="Train anomaly models, and put them into force.", no_args_is_help=True)

Model = Annotated[str, typer.Argument(help="Id of the model, as `fenghuo model list` shows it.")]


@app.command()
def train(
    events: Annotated[list[Path], typer.Argument(help="Files of the training period.")],
    out: Annotated[Path, typer.Option(help="Folder for the model; must not exist or be empty.")],
    pack: Annotated[
        list[Path] | None, typer.Option(help="Rule pack; repeat for several that judge together.")
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="Column mapping file for CSV and Parquet.")] = None,
    mappings: Annotated[Path | None, typer.Option(help="Folder of mapping tables.")] = None,
    rates: Annotated[Path | None, typer.Option(help="CSV of exchange rates to CNY.")] = None,
    labels: Annotated[Path | None, typer.Option(help="CSV whose `event_id` are known to be bad.")] = None,
    event_type: Annotated[
        list[EventType] | None, typer.Option(help="Type to learn from and score; repeat.")
    ] = None,
    feature: Annotated[
        list[str] | None, typer.Option(help="Feature to read, or a pattern such as `*_72h`; repeat.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed and rows give the same model.")] = 0,
    trees: Annotated[int, typer.Option(min=1, max=10_000, help="Trees of the forest.")] = 100,
    samples: Annotated[int, typer.Option(min=2, help="Rows that each tree sees.")] = 256,
) -> None:
    """Replay a period and fit the anomaly model on the features of its events."""
    from fenghuo.commands.model_train import Training, train  # noqa: PLC0415 -- loads only what runs

    settings = load_settings(
        events=tuple(events),
        pack=pack,
        model="none",
        mapping=mapping,
        mappings=mappings,
        rates=rates,
        speed="max",
    )
    types = tuple(kind.value for kind in event_type or (EventType.ORDER_PLACED,))
    training = Training(labels, types, tuple(feature or ()), seed, trees, samples)
    model = train(settings, training, out, Console(stderr=True))
    manifest = model.manifest
    period = f"{manifest.period.first} to {manifest.period.last}"
    typer.echo(f"{out}: model {model.id}, {manifest.rows:,} rows from {period}")


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
