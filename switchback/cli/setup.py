"""The way to the first page, as a story: provision, what a person has to do is waited for, a deploy."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from switchback.cli import running
from switchback.cli.command import Flags, command
from switchback.cli.place import Place
from switchback.cli.refusal import NotStarted
from switchback.cli.running import at_terminal
from switchback.ended import STOPPED

ANOTHER_USER = "where the host does not let you in as that user yet: switchback setup --ssh-user root (or ubuntu, …)"


def set_up(place: Place, flags: Flags, first_as: str) -> None:
    """Provision, check until nothing is missing, deploy. What is done already is left as it is, so it may be run again.

    + first_as: the user to provision as, where that is not the one who comes later
    """
    _provision(place, flags, first_as)
    _wait_until_ready(place, flags)
    running.become(command(place, "deploy", flags))


def _provision(place: Place, flags: Flags, first_as: str) -> None:
    as_user = (f"ssh_user={first_as}",) if first_as else ()
    code = running.wait_for(command(place, "provision", replace(flags, data=(*as_user, *flags.data))))
    if code and not first_as and code != STOPPED:
        click.echo(f"    Next: {ANOTHER_USER}", err=True)
    if code:
        sys.exit(code)


def _wait_until_ready(place: Place, flags: Flags) -> None:
    """Have the hosts checked until they are ready. Raises NotStarted where nobody is there who could see to that."""
    while code := running.wait_for(command(place, "check", flags)):
        if code == STOPPED:
            sys.exit(code)
        if not at_terminal():
            raise NotStarted(
                "do what is said above (let the host's key in at the repository, say), then run this again"
            )
        _wait_for_enter()


def _wait_for_enter() -> None:
    click.echo(err=True)
    what = "    Do what is said above, and press Enter to look again (Ctrl-C: later, by the same command)"
    try:
        click.prompt(what, default="", show_default=False, prompt_suffix=" ", err=True)
    except click.Abort:
        sys.exit(STOPPED)
