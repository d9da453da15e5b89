"""The pyinfra command that a word of ours stands for, as data."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from switchback.cli.place import Place
from switchback.ended import ASKED_FOR

TREE = Path(__file__).resolve().parents[2]
# The inventory of whoever has none of their own.
ELSEWHERE = TREE / "inventories" / "elsewhere.py"
# What would have pyinfra import from somebody else's environment, when ours is not the one that is active.
NOT_OURS = "VIRTUAL_ENV"


@dataclass(frozen=True)
class Flags:
    """pyinfra's own flags that go along as they are.

    + data: the text of each --data
    """

    verbosity: int = 0
    limit: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    dry: bool = False
    diff: bool = False
    yes: bool = False
    json: bool = False

    def words(self) -> list[str]:
        """As they are written."""
        switches = {"--dry": self.dry, "--diff": self.diff, "-y": self.yes, "--json": self.json}
        found = [flag for flag, given in switches.items() if given]
        if self.verbosity:
            found.append("-" + "v" * self.verbosity)
        for flag, texts in (("--limit", self.limit), ("--data", self.data)):
            found += [word for text in texts for word in (flag, text)]
        return found


@dataclass(frozen=True)
class Command:
    """A command, and the folder that it is run in."""

    argv: tuple[str, ...]
    folder: Path

    def shown(self, here: Path, environ: Mapping[str, str]) -> str:
        """The line that does the same in a shell.

        + here: where that shell is; environ: what its environment has
        """
        goes = [] if here == self.folder else ["cd", shlex.quote(str(self.folder)), "&&"]
        without = [] if NOT_OURS in environment(environ) or NOT_OURS not in environ else ["env", "-u", NOT_OURS]
        return " ".join([*goes, *without, shlex.join(self.argv)])


def command(place: Place, run: str, flags: Flags) -> Command:
    """The command of a run.

    + run: its name, which its file in deploys/ has
    """
    config, deploy = TREE / "config.py", TREE / "deploys" / f"{run}.py"
    where = ("--config", str(config), "--group-data", str(place.settings))
    words = (_pyinfra(), *where, str(place.inventory or ELSEWHERE), str(deploy), *flags.words())
    return Command(words, place.root)


def _pyinfra() -> str:
    """The pyinfra that came with us: beside our Python, or beside our own command."""
    beside = (Path(one).resolve().parent for one in sys.argv[:1])
    folders = [Path(sys.executable).parent, *beside]
    return shutil.which("pyinfra", path=os.pathsep.join(map(str, folders))) or "pyinfra"


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that pyinfra is to have: of an active virtual one that is not ours, it would import packages."""
    active = environ.get(NOT_OURS)
    ours = active is None or os.path.realpath(active) == os.path.realpath(sys.prefix)
    return {**{name: value for name, value in environ.items() if ours or name != NOT_OURS}, ASKED_FOR: "1"}
