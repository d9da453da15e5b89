"""How an installer is told what a version needs: uv where the host has it, else the version's own pip.

What it is told besides the project's own files is in a file of ours, never on its command line: an index may be
private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agent.host.command import CommandFailed, Runner
from agent.host.files import write_whole
from agent.host.output import emit
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.locks.documents import Unusable
from agent.locks.pins import HERE
from agent.packages.installed import NOT_THE_APPS, Versions, installed
from agent.packages.pythons import Python, folder_of, locate, path_of, uv_of, why_missing
from agent.packages.wanted import Wanted
from agent.words.settings import Settings

# What an environment was made of besides the project's own files, in that environment; and what was there before more
# was added to it.
OWN, LOOSE, ADDED = "switchback-requirements.txt", "switchback-unhashed.txt", "switchback-added.txt"
BEFORE = "switchback-constraints.txt"


def for_installers(pairs: Mapping[str, str]) -> dict[str, str]:
    """What of the app's variables and secrets is for pip or uv: an index, say, with its login.

    >>> for_installers({"PIP_INDEX_URL": "https://…", "DEBUG": "0"})
    {'PIP_INDEX_URL': 'https://…'}
    """
    return {name: value for name, value in pairs.items() if name.startswith(("PIP_", "UV_")) or name == "NETRC"}


@dataclass(frozen=True)
class Installer:
    """What makes environments.

    + uv: its path; None where pip does it
    + python: the one that makes the environment
    + wheelhouse: where all packages come from; None for the network
    + pythons: where uv puts those that it brings
    """

    uv: str | None
    python: Python
    wheelhouse: str | None
    pythons: Path = Path()

    @classmethod
    def of(cls, settings: Settings, home: Path, own: Path) -> Installer:
        """The one that a host has.

        + home: the app's; own: our folder among the versions
        """
        uv = uv_of(home)
        return cls(uv, locate(settings.python, own, uv), settings.wheelhouse, folder_of(own))

    @property
    def name(self) -> str:
        """What it is called."""
        return "uv" if self.uv else "pip"

    def with_python(self, runner: Runner) -> Installer:
        """The same, with its Python at hand: uv brings one that is not there. Raises Unusable, CommandFailed."""
        asked = self.python.asked
        if self.python.to_fetch and self.uv:
            emit(f"venv: uv fetches Python {asked}")
            # Where the app's user can run it, wherever uv itself would have it.
            env = {"UV_PYTHON_INSTALL_DIR": str(self.pythons), "UV_PYTHON_INSTALL_BIN": "0"}
            try:
                runner.run([self.uv, "python", "install", "--quiet", asked], env=env)
            except CommandFailed as problem:
                raise Unusable(f"{why_missing(asked, uv=True)}\nuv could not bring it: {problem}") from None
        found = locate(asked, self.pythons.parent, None)
        if found.path is None:
            raise Unusable(why_missing(asked, uv=self.uv is not None))
        if found.by_uv:
            runner.run([found.path, "-I", "-c", ""])
        return replace(self, python=found)

    @property
    def offline(self) -> list[str]:
        """How it is told not to ask the network."""
        return ["--no-index", "--find-links", self.wheelhouse] if self.wheelhouse else []

    def make(self, runner: Runner, wanted: Wanted, code: Path, venv: Path) -> None:
        """Make an environment and install into it what is wanted. Raises CommandFailed, OSError.

        + code: where the code is, which is the folder's in which the installer works
        """
        runner, user = replace(runner, secrets=wanted.secrets), str(runner.user)
        python = path_of(self.python)
        create = [python, "-m", "venv", str(venv)]
        if self.uv:
            create = [self.uv, "venv", "--quiet", "--no-python-downloads", "--python", python, str(venv)]
        runner.run(create)
        install, folder = self._install(venv), (code / wanted.found.path).parent
        with acting_as(user):
            calls = tell(wanted, code, venv)
        for told in calls:
            runner.run([*install, *told], cwd=folder)
        if wanted.apart and wanted.added:
            with acting_as(user):
                more = add(wanted, installed(venv), venv)
            runner.run([*install, *more], cwd=folder)

    def _install(self, venv: Path) -> list[str]:
        python = str(venv / "bin" / "python")
        if self.uv:
            return [self.uv, "pip", "install", "--quiet", "--python", python, *self.offline]
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        return [*pip, "install", "--quiet", "--no-compile", *self.offline]


def tell(wanted: Wanted, code: Path, room: Path) -> list[list[str]]:
    """What an installer is told of what is wanted, a list for each time that it is called. Raises OSError.

    + room: a folder that is the app's, in which it may be written down
    """
    if wanted.locked is not None:
        # A lock has all that its packages need, and knows better than they do.
        calls = [(OWN, wanted.lines, ["--no-deps", "--require-hashes"]), (LOOSE, wanted.loose, ["--no-deps"])]
        here = str((code / wanted.found.path).parent)
        return [
            [*how, *_written(room / name, [*wanted.indexes, *(line.replace(HERE, here) for line in lines)])]
            for name, lines, how in calls
            if lines
        ]
    told = [word for name in wanted.handed for word in ("--requirement", str(code / name))] + [*wanted.options]
    lines = wanted.lines if wanted.apart else (*wanted.lines, *wanted.added)
    told += _written(room / OWN, lines) if lines else []
    return [told] if told else []


def add(wanted: Wanted, there: Versions, room: Path) -> list[str]:
    """What it is told of what is added to what is locked, of which it may change nothing. Raises OSError.

    + there: what is locked, with its releases
    """
    fixed = [f"{name}=={release}" for name, release in sorted(there.items()) if release and name not in NOT_THE_APPS]
    write_whole(room / BEFORE, "\n".join([*fixed, ""]))
    lines = [*wanted.indexes, *wanted.added]
    return [*_written(room / ADDED, lines), "--constraint", str(room / BEFORE)]


def _written(path: Path, lines: Sequence[str]) -> list[str]:
    # Whoever may read the environment need not read an index's password.
    write_whole(path, "\n".join([*lines, ""]), mode=0o600)
    return ["--requirement", str(path)]
