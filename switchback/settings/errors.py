"""The one error that a person sees when a run is refused: every problem at once, and nothing changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from pyinfra.api.exceptions import PyinfraError

if TYPE_CHECKING:
    from click import ClickException as CliError
else:
    # Importing pyinfra_cli patches threads and sockets for gevent, which breaks whoever imports us elsewhere (pytest's
    # workers do): only where pyinfra's command line runs, and so is loaded already, are we an error of its kind.
    CliError = getattr(sys.modules.get("pyinfra_cli.exceptions"), "CliError", click.ClickException)


class OfHost(str):
    """A problem of one host, as people read it: the host's name, then the rest.

    + host: the name; says: the rest
    """

    host: str
    says: str

    def __new__(cls, host: str, says: str, between: str = ": ") -> OfHost:
        """Make one; `between` stands between the two."""
        problem = super().__new__(cls, f"{host}{between}{says}")
        problem.host, problem.says = host, says
        return problem


class Refused(CliError, PyinfraError):
    """The run is refused before anything is changed.

    It is two of pyinfra's errors at once because pyinfra lets only these through untouched: a PyinfraError out of an
    inventory or a deploy file, a CliError out of its command line.

    + problems: what is wrong, each with what to do about it
    """

    exit_code = 1
    headline = "Refused, nothing was changed:"

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))

    def show(self, file: object = None) -> None:
        """Print the problems for a person; the document of the run has them, too."""
        click.echo(err=True)
        click.echo(f"--> {click.style(self.headline, 'red', bold=True)}", err=True)
        for problem in self.problems:
            click.echo("    - " + problem.replace("\n", "\n      "), err=True)


class Problems:
    """Gathers what is wrong, so that one run names all of it."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}

    def add(self, *problems: str) -> None:
        """Note problems. The same one, found again on another host, is noted once."""
        self._found.update(dict.fromkeys(problems))

    @contextmanager
    def gather(self) -> Iterator[None]:
        """Note the problems of a refusal in this block and go on after it."""
        try:
            yield
        except Refused as refused:
            self.add(*refused.problems)

    def refuse_if_any(self) -> None:
        """Raise Refused with everything that was noted."""
        if self._found:
            raise Refused(*self._found)
