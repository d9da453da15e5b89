"""The step that makes the version's own virtual environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from agent.environment.variables import for_app
from agent.host.command import Runner
from agent.host.output import emit
from agent.host.reading import read_text
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.locks.documents import Unusable
from agent.packages.installing import Installer, for_installers
from agent.packages.interpreter import Interpreter
from agent.packages.requirements import LARGEST
from agent.packages.wanted import Wanted, wanted
from agent.project.needs import asked_of
from agent.repository.git import names_of
from agent.steps.kind import BuildStep
from agent.transaction.step import StepContext, StepFailed
from agent.versions import venv_fingerprint, venvs
from agent.words.notes import Note


@dataclass(frozen=True)
class VenvMade(Note):
    """How the environment was made.

    + fingerprint: what tells it from others, where it can become another version's
    + named: the files that have the version's name in them
    + open: where a spare was ready, the only folders in which anybody can write; bytes: what it takes without them
    """

    step: ClassVar[str] = "venv"
    fingerprint: str = ""
    named: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    bytes: int = 0


class Venv(BuildStep):
    """Install the version's requirements, or take those of an earlier version over."""

    name = "venv"

    def do(self, step: StepContext) -> VenvMade:
        """Make the version's own virtual environment and install its requirements."""
        runner, layout = step.runner(step.layout.app), step.layout
        runner = replace(runner, also={**runner.also, **for_installers(for_app(step))})
        code = layout.part(step.version, "code")
        try:
            installer = Installer.of(step.settings, layout.home, layout.own).with_python(runner)
            told = _wanted(step, runner, installer, code)
        except Unusable as problem:
            raise StepFailed(str(problem)) from None
        with acting_as(layout.app):
            fingerprint = venv_fingerprint.fingerprint(step.settings, installer, told, code)
        note = VenvMade(fingerprint=fingerprint or "")
        same = (
            venv_fingerprint.same_as(step.transaction.state, layout, fingerprint) if step.settings.reuse_venv else None
        )
        taken = venvs.take_over(layout, same, step.version, fingerprint) if same else None
        if taken:
            emit(f"venv: the requirements are those of {same}: its packages are linked, not installed again")
            return replace(note, named=taken.named, open=taken.open, bytes=taken.bytes)
        folder = layout.part(step.version, "venv")
        installer.make(runner, told, code, folder)
        _compile(step, runner, folder)
        named = venvs.files_with_its_name(runner, layout, step.version) if fingerprint else []
        if venvs.any_binary(folder, named):
            # It can't become another version's.
            note = replace(note, fingerprint="")
        return replace(note, named=tuple(named))


def _wanted(step: StepContext, runner: Runner, installer: Installer, code: Path) -> Wanted:
    """What the version's code needs of packages. Raises Unusable."""

    def read(name: str) -> str | None:
        try:
            with acting_as(step.layout.app):
                return read_text(code / name, LARGEST)
        except OSError:
            return None

    files = names_of(runner, code, "HEAD")
    asked = asked_of(step.settings, step.begin.config is not None, installer.uv is not None, files, read)
    return wanted(asked, files, read, Interpreter(runner, installer.python))


def _compile(step: StepContext, runner: Runner, folder: Path) -> None:
    """Compile what is installed: in a sealed folder nothing is, and each start of the app would do it again."""
    # It names no version, so that it can be linked into the next one; Python puts the true path in when it reads it.
    neutral = ["-s", str(folder), "-p", str(step.layout.path("current_venv_dir"))]
    python = str(folder / "bin" / "python")
    # Anew where the installer has written some: that names the version.
    runner.run([python, "-m", "compileall", "-f", "-q", "-j", "0", *neutral, str(folder / "lib")], ok=(0, 1))
