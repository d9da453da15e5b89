"""The command line: a word for each file in deploys/, `plan`, and the two that come before any of them."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import click

from switchback.cli import completion, running
from switchback.cli.command import Flags, command
from switchback.cli.place import DEFAULT, NO_ENVIRONMENT, SHARED, Place, environments, find, of_others
from switchback.cli.words import REF, Argument, Word, words

MORE = "More about one run, as in `--data hotfixes=discard`: docs/settings.md has them all."
# In the order in which one comes to need them; whatever else there is follows.
BEGINNING, DAILY = ("init", "setup", "provision", "check"), ("plan", "deploy", "revert", "status")
FIRST = (*BEGINNING, *DAILY, "history", "why", "logs", "manage", "restart", "recover")


class Runs(click.Group):
    """The words, in an order that helps."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted(self.commands, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))


def _version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    """Say which release this is, and which agent it brings: that tells two of the same number apart."""
    if asked:
        from switchback.wire.payload import agent_fingerprint

        click.echo(f"switchback {version('switchback')}, agent {agent_fingerprint()}")
        ctx.exit()


@click.group(cls=Runs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Which one this is."
)
def cli() -> None:
    """Deploy a Django project to its hosts, and have them take it back by themselves when anything goes wrong.

    The settings are in deploy/prod.yml, here or in a folder above. Each word runs pyinfra, and shows the command.
    """


def in_environment(function: Callable[..., None]) -> Callable[..., None]:
    """Have a word take the environment that it is for."""
    said = "Which settings: deploy/ENVIRONMENT.yml.  [default: prod]"
    complete = completion.environment
    return click.option(
        "-e", "--environment", default=DEFAULT, metavar="ENVIRONMENT", help=said, shell_complete=complete
    )(function)


def with_flags(looks: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Have a word take what goes on to pyinfra.

    + looks: whether it does no more than look in any case
    """
    found = [
        click.option("--diff", is_flag=True, help="Show how files and settings change."),
        click.option("--json", is_flag=True, help="One JSON document on standard output."),
        click.option("--limit", multiple=True, metavar="HOST", help="Only this host or group; may be given again."),
        click.option("-v", "verbosity", count=True, help="More of what is said; -vv and -vvv yet more."),
        click.option("--data", multiple=True, metavar="KEY=VALUE", help=MORE),
    ]
    acts = [
        click.option("--dry", is_flag=True, help="Show what would be done, and change nothing."),
        click.option("-y", "--yes", is_flag=True, help="Ask nobody whether to begin."),
    ]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        for option in reversed([*([] if looks else acts), *found]):
            function = option(function)
        return function

    return decorate


def place_of(environment: str) -> Place:
    """Where the settings of an environment are. Raises NotStarted where there are none, here or above."""
    from switchback.cli.refusal import NotStarted

    if environment == SHARED:
        raise NotStarted(NO_ENVIRONMENT)
    here = Path.cwd()
    found = find(here, environment)
    if found is None:
        there = environments(here)
        named = f" -e {environment}" if environment != DEFAULT else ""
        instead = f"there is {', '.join(f'-e {one}' for one in there)}; " if there else ""
        raise NotStarted(
            f"no deploy/{environment}.yml in {here}, nor in a folder above: {instead}switchback init{named} writes it"
        )
    if theirs := of_others(found):
        raise NotStarted(
            f"{theirs[0]} belongs to another user, who would have you run what is in there: if that is a person you "
            "trust, work in a checkout of your own"
        )
    return found


def _add(word: Word) -> None:
    """Add a word that stands for a run."""

    def start(
        *,
        environment: str,
        data: tuple[str, ...],
        limit: tuple[str, ...],
        verbosity: int,
        argument: str | tuple[str, ...] | None = None,
        option: str | bool | None = None,
        **switches: bool,
    ) -> None:
        place = place_of(environment)
        typed = (argument,) if isinstance(argument, str) else argument or ()
        own = word.data(typed, option, Path.cwd())
        switches = {**switches, **({"dry": True, "diff": True} if word.looks else {})}
        running.become(command(place, word.run, Flags(verbosity, limit, (*own, *data), **switches)))

    function = with_flags(word.looks)(in_environment(start))
    if word.option:
        flags, called = word.option.flags, word.option.called
        kind = click.Path(dir_okay=False) if called else None
        given = click.option(*flags, "option", type=kind, metavar=called, is_flag=not called, help=word.option.said)
        function = given(function)
    if word.argument:
        function = _takes(word.argument)(function)
    # A command's own options are none of ours.
    settings = {"allow_interspersed_args": not (word.argument and word.argument.is_command)}
    short = word.said.partition(":")[0].partition(";")[0]
    cli.command(word.name, help=word.said, short_help=short, context_settings=settings)(function)


def _takes(argument: Argument) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Have a word take its argument."""
    if argument.is_command:
        return click.argument("argument", metavar=f"{argument.called}...", nargs=-1, required=True)
    complete = completion.ref if argument == REF else None
    return click.argument("argument", metavar=f"[{argument.called}]", required=False, shell_complete=complete)


@cli.command()
@in_environment
@click.option("--host", metavar="HOST", help="The host, as ssh takes it.")
@click.option("--website-url", metavar="URL", help="The site's address, as a visitor writes it.")
@click.option("--code-repo-url", metavar="URL", help="The repository, as the host reaches it; the remote, else.")
def init(environment: str, **said: str | None) -> None:
    """Write deploy/ENVIRONMENT.yml with what the project tells, and ask for the rest."""
    from switchback.cli.init import begin

    begin(environment, {key: text for key, text in said.items() if text})


@cli.command()
@in_environment
@click.option("--ssh-user", metavar="USER", default="", help="Provision as this user: root, on a new host.")
@click.option("-y", "--yes", is_flag=True, help="Ask nobody whether to begin.")
@click.option("--limit", multiple=True, metavar="HOST", help="Only this host or group; may be given again.")
@click.option("-v", "verbosity", count=True, help="More of what is said; -vv and -vvv yet more.")
@click.option("--data", multiple=True, metavar="KEY=VALUE", help=MORE)
def setup(
    *, environment: str, ssh_user: str, yes: bool, limit: tuple[str, ...], verbosity: int, data: tuple[str, ...]
) -> None:
    """Provision the hosts, wait for what only a person can do, and deploy.

    What is done already stays as it is, so that it can be run again at any point.
    """
    from switchback.cli.setup import set_up

    set_up(place_of(environment), Flags(verbosity, limit, data, yes=yes), ssh_user)


for _word in words():
    _add(_word)
