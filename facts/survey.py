"""Everything that a run needs to know of a host, read in one command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar

from pyinfra.api import FactBase, StringCommand

from agent.words.facts import HostFacts
from agent.words.shapes import Unreadable, from_elsewhere
from switchback.wire.calls import PYTHON, from_here


@dataclass(frozen=True)
class Unread:
    """A host that could not be looked at.

    + why: what is wrong with its answer; nothing where it gave none
    """

    why: str = ""
    transaction: ClassVar[None] = None
    site: ClassVar[None] = None


Surveyed = HostFacts | Unread
T = TypeVar("T")


class Asked(FactBase[T | Unread]):
    """
    Returns what the agent of this checkout answers, which comes along on standard input; nothing is written.

    + verb: what it is asked; shape: what it answers
    """

    verb: ClassVar[str]
    shape: type[T]

    def requires_command(self) -> str:
        """Without Python on the host there is nothing to look with."""
        return PYTHON

    def command(self) -> StringCommand:
        """The agent of this checkout, asked."""
        return from_here(self.verb)

    @staticmethod
    def default() -> Unread:
        """What a host that can't be read is."""
        return Unread()

    def process(self, output: list[str]) -> T | Unread:
        """Read the last line; a shell may greet its user before it, or say that there is no Python."""
        if not output or not output[-1].startswith("{"):
            return Unread()
        try:
            return from_elsewhere(self.shape, output[-1])
        except Unreadable as problem:
            return Unread(str(problem))


class Survey(Asked[HostFacts]):
    """
    Returns what the agent sees of a host: users, folders, links, scripts, service, versions, disk, open transaction,
    hotfixes, and the commits that refs stand for.

    **Example:**

    .. code:: python

        facts = host.get_fact(Survey, _sudo=True, _stdin=stdin_for(site, requests.Survey(settings)))
        facts.site.linked.current  # 'django-20261123-203000-1a2b3c4-5d6e7f8'
    """

    verb = "survey"
    shape = HostFacts
