"""The step that makes the version's own virtual environment."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from agent.host.command import Runner
from agent.host.output import emit
from agent.host.reading import read_text
from agent.host.users import PATH, acting_as
from agent.inside.lean import dataclass
from agent.steps.kind import BuildStep
from agent.transaction.step import StepContext, StepFailed
from agent.versions import packages, venv_fingerprint, venvs
from agent.words.notes import Note
from agent.words.settings import Settings


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
        requirements = layout.part(step.version, "code") / step.settings.requirements
        if not requirements.is_file():
            raise StepFailed(
                f"{step.settings.requirements} is not in the code: add it, or say where the requirements are: "
                "requirements: pyproject.toml, say, in the settings"
            )
        uv = shutil.which("uv", path="/usr/local/bin:/usr/bin:/bin:" + str(layout.home / ".local/bin"))
        installer, python = "uv" if uv else "pip", shutil.which(step.settings.python, path=PATH)
        with acting_as(layout.app):
            fingerprint = venv_fingerprint.fingerprint(step.settings, requirements, python, installer)
        note = VenvMade(fingerprint=fingerprint or "")
        same = (
            venv_fingerprint.same_as(step.transaction.state, layout, fingerprint) if step.settings.reuse_venv else None
        )
        taken = venvs.take_over(layout, same, step.version, fingerprint) if same else None
        if taken:
            emit(f"venv: the requirements are those of {same}: its packages are linked, not installed again")
            return replace(note, named=taken.named, open=taken.open, bytes=taken.bytes)
        _install(step, runner, uv, requirements)
        named = venvs.files_with_its_name(runner, layout, step.version) if fingerprint else []
        if venvs.any_binary(layout.part(step.version, "venv"), named):
            # It can't become another version's.
            note = replace(note, fingerprint="")
        return replace(note, named=tuple(named))


def _install(step: StepContext, runner: Runner, uv: str | None, requirements: Path) -> None:
    folder = step.layout.part(step.version, "venv")
    commands = _uv(uv, step.settings, folder) if uv else _pip(step.settings, folder)
    runner = replace(runner, secrets=packages.passwords(_texts(step)))
    runner.run(commands[0])
    runner.run([*commands[1], "--requirement", str(requirements)], cwd=requirements.parent)
    # Sealed directories take no bytecode later on: without it here, every start of the app would compile it again. It
    # names no version, so that it can be linked into the next one; Python puts the true path in when it reads it.
    neutral = ["-s", str(folder), "-p", str(step.layout.path("current_venv_dir"))]
    python = str(folder / "bin" / "python")
    # Anew where the installer has written some: that names the version.
    runner.run([python, "-m", "compileall", "-f", "-q", "-j", "0", *neutral, str(folder / "lib")], ok=(0, 1))


def _texts(step: StepContext) -> dict[str, str]:
    """The version's requirements with all that they include."""
    code_folder = step.layout.part(step.version, "code")

    def read(name: str) -> str | None:
        try:
            return read_text(code_folder / name, packages.LARGEST)
        except OSError:
            return None

    with acting_as(step.layout.app):
        return packages.requirement_texts(read, step.settings.requirements)


def _offline(settings: Settings) -> list[str]:
    wheelhouse = settings.wheelhouse
    return ["--no-index", "--find-links", wheelhouse] if wheelhouse else []


def _uv(uv: str, settings: Settings, folder: Path) -> tuple[list[str], list[str]]:
    create = [uv, "venv", "--quiet", "--no-python-downloads", "--python", settings.python, str(folder)]
    install = [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *_offline(settings)]
    return create, install


def _pip(settings: Settings, folder: Path) -> tuple[list[str], list[str]]:
    create = [settings.python, "-m", "venv", str(folder)]
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    return create, [*pip, "install", "--quiet", "--no-compile", *_offline(settings)]
