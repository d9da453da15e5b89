"""The words of the command `switchback` that stand for a run: one for each file in deploys/, and `plan`."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from switchback.cli.command import TREE


@dataclass(frozen=True)
class Argument:
    """What a word takes without a name.

    + key: of the --data that it stands for; called: by help
    + is_command: whether it is all the rest, as a command has it
    """

    key: str
    called: str
    is_command: bool = False


@dataclass(frozen=True)
class Option:
    """What a word takes by a name of its own.

    + flags: as they are typed; key: of the --data that it stands for; said: what it does
    + called: by help, where it takes a file, which is found from where one is; else it is a switch
    """

    flags: tuple[str, ...]
    key: str
    said: str
    called: str | None = None


@dataclass(frozen=True)
class Word:
    """A word.

    + run: its file in deploys/; said: what it does
    + looks: whether it shows a run, with all its changes, and does not begin it
    """

    name: str
    run: str
    said: str
    argument: Argument | None = None
    option: Option | None = None
    looks: bool = False

    def data(self, words: Sequence[str], option: str | bool | None, here: Path) -> tuple[str, ...]:
        """The texts of --data that were typed as its argument and its option.

        + words: the argument's; option: the file that was named, or whether the switch was given
        """
        found = []
        if self.argument and words:
            text = shlex.join(words) if self.argument.is_command else words[0]
            found.append(f"{self.argument.key}={text}")
        if self.option and option:
            found.append(f"{self.option.key}={'true' if option is True else here / option}")
        return tuple(found)


REF = Argument("code", "REF")
VERSION = Argument("version", "VERSION")
ARGUMENTS = {
    "deploy": REF,
    "build": REF,
    "revert": VERSION,
    "clean": VERSION,
    "history": Argument("runs", "N"),
    "why": Argument("deploy", "RUN"),
    "logs": Argument("process", "PROCESS"),
    "manage": Argument("command", "COMMAND", is_command=True),
}
OPTIONS = {
    "deploy": Option(("--plan",), "plan", "Do exactly what this plan says, or nothing.", "FILE"),
    "logs": Option(("-f", "--follow"), "follow", "Go on with what comes."),
}
SAVE = Option(("--save",), "save_plan", "A file to keep the plan in, for `deploy --plan`.", "FILE")
PLAN = "Show what a deploy would do, and change nothing: commits, packages, migrations with their SQL, risks."


def words() -> list[Word]:
    """All of them; each file says itself what it does."""
    found = [Word("plan", "deploy", PLAN, REF, SAVE, looks=True)]
    for file in sorted((TREE / "deploys").glob("*.py")):
        said = str(ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))).partition("\n")[0]
        found.append(Word(file.stem, file.stem, said, ARGUMENTS.get(file.stem), OPTIONS.get(file.stem)))
    return found
