"""How a person types a run: for whom settings are a project's own, `deploys/status.py` is `switchback status`.

Messages, those of hosts too, call a run by its file. On the way to the screen, and only there, it gets its other name.
Who asks by a key has words of the gateway's own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from switchback.settings.options import CommandLine

# As a message names a run: by its file, alone or in a whole command; and not a path that ends so.
NAMED = re.compile(r"(?:pyinfra \S+ )?(?<![\w./])deploys/(\w+)\.py\b")
# The folder and the environment for which nothing has to be said.
FOLDER, USUAL = "deploy", "prod"
# The variable of the environment by which a run knows that a key has asked for it, through the gateway.
BY_KEY = "SWITCHBACK_BY_KEY"


def call_runs_as_typed() -> None:
    """Have whatever is said in this process call runs so, where its settings are a project's own."""
    context = click.get_current_context(silent=True)
    environment = own_environment(context.params.get("group_data", ())) if context else None
    if environment:
        vars(click)["echo"] = partial(_echo, click.echo, environment)


def show(text: str, line: CommandLine, err: bool) -> None:
    """Show what a person reads, and calls runs so, also where it goes to standard output, for a pipe to keep it.

    + line: the command line of the run at hand
    """
    environment = own_environment(line.group_data)
    click.echo(as_typed(text, environment) if environment else text, err=err)


def own_environment(group_data: Sequence[str]) -> str | None:
    """The environment whose settings a project has itself, as in `--group-data deploy/prod.yml`; None without one.

    >>> own_environment(["deploy/staging.yml"]), own_environment(["more"])
    ('staging', None)
    """
    found = (Path(one) for one in group_data)
    return next((one.stem for one in found if one.suffix == ".yml" and one.parent.name == FOLDER), None)


def command(line: CommandLine, run: str, *arguments: str) -> list[str]:
    """The words of the command that does another run on the same hosts.

    + line: the command line of the run at hand; run: the other's name; arguments: what it takes besides
    """
    limits = [("--limit", one) for one in line.limit] + [("--exclude", one) for one in line.exclude]
    hosts = [word for limit in limits for word in limit]
    environment = own_environment(line.group_data)
    if environment is None:
        return ["pyinfra", line.inventory, *hosts, f"deploys/{run}.py", *arguments]
    return [*as_typed(f"deploys/{run}.py", environment).split(" "), *hosts, *arguments]


def as_typed(text: str, environment: str) -> str:
    """A text in which each run is called as it is typed.

    >>> as_typed("look: deploys/deploy.py --data version=1", "staging")
    'look: switchback deploy -e staging --data version=1'
    """
    option = "" if environment == USUAL else f" -e {environment}"
    return NAMED.sub(lambda named: f"switchback {named[1]}{option}", text)


def is_by_key() -> bool:
    """Whether whoever reads what this process says has asked by a key."""
    return bool(os.environ.get(BY_KEY))


def plan(file: str) -> str:
    """How exactly what a plan says is asked for.

    >>> plan("plan.json")
    '--data plan=plan.json'
    """
    return f"deploy --plan {Path(file).parent.name}" if is_by_key() else f"--data plan={file}"


def look_again() -> str:
    """How another plan is asked for, where one can't be done."""
    return f"look again: {'plan' if is_by_key() else '--dry --data save_plan=FILE'}"


def _echo(echo: Callable[..., None], environment: str, message: object = None, **how: object) -> None:
    # What goes to standard output is for programs, but for what is shown as by `show`.
    told = as_typed(message, environment) if how.get("err") and isinstance(message, str) else message
    echo(told, **how)
