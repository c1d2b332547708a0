"""The command line of rules that goes through the console, from `submit` to `reset-breaker`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fenghuo.commands import rules_publish as command
from fenghuo.commands.rules_compare import as_json, comparisons, show
from fenghuo.console_client import ConsoleClient, signed_in
from fenghuo.settings import load_settings
from rules.lifecycle import Action

app = typer.Typer(help="Check and try rule packs, and put them into force.", no_args_is_help=True)

User = Annotated[str | None, typer.Option(help="Sign-in name; default: FENGHUO_USER.")]
Why = Annotated[str, typer.Option(help="Kept in the history.")]
PackName = Annotated[str, typer.Argument(help="Name of the pack.")]
Version = Annotated[int, typer.Argument(min=1, help="Its number.")]
Identity = Annotated[str, typer.Argument(help="Of the suppression, as `fenghuo rules list` shows it.")]


@contextmanager
def session(user: str | None) -> Iterator[ConsoleClient]:
    """A session with the console, of the named user or that of the settings; asks for the password.

    Raises:
        FenghuoError: nobody is named, or the console does not let them in.
    """
    settings = load_settings(user=user)
    if settings.password is not None:
        password = settings.password.get_secret_value()
    else:
        password = typer.prompt("password", hide_input=True, err=True) if settings.user else ""
    with signed_in(settings, password) as console:
        yield console


def _move(action: Action, pack: str, version: int, user: str | None, reason: str) -> None:
    with session(user) as console:
        command.move(console, action, pack, version, reason, Console())


@app.command()
def submit(
    pack: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="File of the pack.")],
    user: User = None,
    reason: Why = "",
) -> None:
    """Hand in a version of a pack as a draft."""
    with session(user) as console:
        command.submit(console, pack, reason, Console())


@app.command()
def publish(
    pack: Annotated[str, typer.Argument(help="Name of a pack with its version, or a file to hand in.")],
    version: Annotated[int | None, typer.Argument(min=1, help="Number of the version.")] = None,
    user: User = None,
    reason: Why = "",
) -> None:
    """Put a version into force, as another person than its author; an older one to roll back."""
    if version is not None:
        _move(Action.PUBLISH, pack, version, user, reason)
        return
    if not Path(pack).is_file():
        raise typer.BadParameter(f"`{pack}` is no file; give a file, or a name and a version")
    with session(user) as console:
        command.submit(console, Path(pack), reason, Console())


@app.command()
def shadow(pack: PackName, version: Version, user: User = None, reason: Why = "") -> None:
    """Evaluate a version beside those in force, without consequence."""
    _move(Action.SHADOW, pack, version, user, reason)


@app.command()
def pause(pack: PackName, version: Version, user: User = None, reason: Why = "") -> None:
    """Stop the rules and deadlines of a version that is in force; its windows go on."""
    _move(Action.PAUSE, pack, version, user, reason)


@app.command()
def resume(pack: PackName, version: Version, user: User = None, reason: Why = "") -> None:
    """Let a paused version judge again, as another person than its author."""
    _move(Action.RESUME, pack, version, user, reason)


@app.command()
def retire(pack: PackName, version: Version, user: User = None, reason: Why = "") -> None:
    """Take a version out of force or out of the shadow, or put a draft away."""
    _move(Action.RETIRE, pack, version, user, reason)


@app.command()
def compare(
    pack: PackName,
    version: Annotated[int | None, typer.Option(min=1, help="In the shadow; default: the newest.")] = None,
    against: Annotated[
        int | None, typer.Option(min=1, help="In force; default: each one it ran beside.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,  # noqa: FBT002
    user: User = None,
) -> None:
    """Show what a version in the shadow said beside the one in force."""
    with session(user) as console:
        reports = comparisons(console, pack, version, against)
    if json:
        typer.echo(as_json(reports))
    else:
        show(reports, Console())


@app.command("list")
def list_(user: User = None) -> None:
    """Show every version with its state, the suppressions and the limited rules."""
    with session(user) as console:
        command.listed(console, Console())


@app.command()
def history(
    name: Annotated[str | None, typer.Argument(help="Of a pack, rule or suppression; default: all.")] = None,
    user: User = None,
) -> None:
    """Show who changed what, when and why, the newest first."""
    with session(user) as console:
        command.history(console, name, Console())


@app.command()
def suppress(
    group: Annotated[str, typer.Argument(help="The unified customer.")],
    until: Annotated[str, typer.Option(help="RFC 3339 time at which it ends.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")],
    rule: Annotated[str | None, typer.Option(help="Name of a rule.")] = None,
    scenario: Annotated[str | None, typer.Option(help="Name of a scenario.")] = None,
    tier: Annotated[str, typer.Option(help="The highest tier that it covers.")] = "high",
    user: User = None,
) -> None:
    """Ask that hits of a rule or scenario stay without consequence for a customer for a while."""
    if (rule is None) == (scenario is None):
        raise typer.BadParameter("give `--rule` or `--scenario`, and one of them only")
    try:
        offset = datetime.fromisoformat(until).tzinfo
    except ValueError:
        offset = None
    if offset is None:
        raise typer.BadParameter(f"`{until}` is no time with an offset; write 2026-03-10T09:30:00+08:00")
    target = {"rule": rule} if rule else {"scenario": scenario or ""}
    wanted = {"group": group, "tier": tier, "expires_at": until, "reason": reason} | target
    with session(user) as console:
        command.suppress(console, wanted, Console())


@app.command()
def approve(suppression: Identity, user: User = None, reason: Why = "") -> None:
    """Put a suppression into force, as another person than the one who asked for it."""
    with session(user) as console:
        command.settle(console, Action.APPROVE, suppression, reason, Console())


@app.command()
def lift(suppression: Identity, user: User = None, reason: Why = "") -> None:
    """End a suppression, or withdraw what was asked for."""
    with session(user) as console:
        command.settle(console, Action.LIFT, suppression, reason, Console())


@app.command("reset-breaker")
def reset_breaker(
    rule: Annotated[str, typer.Argument(help="Name of the rule.")], user: User = None, reason: Why = ""
) -> None:
    """Free a rule that its breaker limited; its counts begin anew."""
    with session(user) as console:
        command.reset(console, rule, reason, Console())
