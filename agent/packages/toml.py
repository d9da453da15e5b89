"""Reading TOML, which the host's own Python may not know yet: before 3.11 another one is asked that does."""

from __future__ import annotations

import json
from collections.abc import Callable

from agent.host.command import CommandFailed, Runner, in_memory
from agent.locks.documents import Document, Unusable

try:
    import tomllib
except ImportError:
    tomllib = None  # type: ignore[assignment]

# Of what pip brings along, what reads TOML has been there for long.
_READ = """
import json, os, sys
try:
    import tomllib
except ImportError:
    try:
        import tomli as tomllib
    except ImportError:
        from pip._vendor import tomli as tomllib
with open(int(sys.argv[1]), encoding="utf-8") as file:
    print(json.dumps(tomllib.loads(file.read()), default=str))
"""


def parser(runner: Runner, *pythons: str) -> Callable[[str, str], Document]:
    """What reads a document of TOML: a function of the file's name, for what it says, and of its text. Raises Unusable.

    + pythons: the interpreters that are asked where our own can't read it
    """

    def read(name: str, text: str) -> Document:
        try:
            return tomllib.loads(text) if tomllib else _by_another(runner, pythons, text)
        except (ValueError, RecursionError) as problem:
            raise Unusable(f"{name} is no TOML that can be read: {problem}") from None
        except CommandFailed as problem:
            raise Unusable(
                f"{name} can't be read by a Python as old as this host's ({problem.args[0]}): install Python 3.11 or "
                "later, or uv, or write requirements: FILE.txt in the settings"
            ) from None

    return read


def _by_another(runner: Runner, pythons: tuple[str, ...], text: str) -> Document:
    problem = CommandFailed("there is no other", "")
    for python in pythons:
        with in_memory() as file:
            file.write(text.encode())
            file.seek(0)
            handed = file.fileno()
            try:
                started = runner.start([python, "-c", _READ, str(handed)], handed=[handed])
                said = json.loads(runner.finish(started))
            except (OSError, CommandFailed) as failed:
                problem = failed if isinstance(failed, CommandFailed) else CommandFailed(str(failed), "")
                continue
        if isinstance(said, dict):
            return said
    raise problem
