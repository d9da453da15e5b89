"""Commands that a step runs and that are not ours: the host's own scripts, and the project's scripts and hooks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.django.manage import as_the_app_s_own, command_of
from agent.django.scripts import for_databases
from agent.environment.variables import for_app, for_scripts
from agent.host.output import as_said
from agent.host.users import acting_as
from agent.text.lines import first_line
from agent.transaction.step import StepContext, StepFailed
from agent.versions.marks import read_seal

# As the first word of a hook, the version's own.
MANAGE = "manage.py"


def run_script(step: StepContext, key: str) -> str:
    """Run one of the host's own scripts as the app user, in its home."""
    script = step.layout.path(key)
    env = for_databases(step) if key == "backup_script" else for_scripts(step)
    return step.runner(step.layout.app).run([str(script)], cwd=step.layout.home, env=env)


def run_own_script(step: StepContext, key: str) -> str:
    """Run a script of the settings in the version's code, as a hook is run.

    Returns why it was not run; nothing where it was.
    """
    name = getattr(step.settings, key)
    if not name:
        return f"no {key} in the settings"
    script = step.layout.expand(name) if name[0] in "~/" else step.layout.part(step.version, "code") / name
    run_own(step, [str(script)], step.limit, folder=step.layout.part(step.version, "code"))
    return ""


def run_own(
    step: StepContext,
    argv: Sequence[str],
    limit: float,
    version: str | None = "",
    folder: Path | None = None,
) -> None:
    """Run a command of the project's own as the app, in a version's code and in its environment.

    + argv: its words; a first one with a slash is a file in the code, or on the host where it begins with ~/ or /, and
      `manage.py` is the version's own
    + limit: how long it may take, seconds
    + version: the run's own unless it is given; None where there is none, for the app's home and nothing of a version's
    + folder: where it runs; the project's own unless it is given
    """
    version = step.version if version == "" else version
    folder = folder or (project_folder(step, version) if version else step.layout.home)
    runner = step.transaction.runner(step.name, step.layout.app, min(limit, max(0.0, step.until - time.time())))
    env = environment(step, version)
    try:
        if version and argv[0] == MANAGE:
            with as_the_app_s_own(step, version):
                runner.run(command_of(step, version, *argv[1:]), cwd=folder, env=env)
        else:
            runner.run([_program(step, argv[0]), *argv[1:]], cwd=folder, env=env)
    except OSError as problem:
        raise StepFailed(f"{argv[0]} can't be started in {folder}: {problem.strerror or problem}") from None


def is_missing(step: StepContext, argv: Sequence[str]) -> bool:
    """Whether a command is a file in the code that this version does not have."""
    if "/" not in argv[0] or argv[0][0] in "~/":
        return False
    with acting_as(step.layout.app):
        return not (project_folder(step, step.version) / argv[0]).exists()


def project_folder(step: StepContext, version: str) -> Path:
    """Where a project's own commands run: in a version's code, at the place that the config's `django` leads to."""
    code = step.layout.part(version, "code")
    with acting_as(step.layout.app):
        led = (step.layout.part(version, "config") / "django").resolve()
        return led if code.resolve() in led.parents and led.is_dir() else code


def environment(step: StepContext, version: str | None) -> Mapping[str, str]:
    """What a command of the project's own finds in its environment besides a login's: docs/hooks.md has them all.

    + version: the one that it runs in, if it runs in one
    """
    begin, backup, ended = step.begin, step.progress.backup, step.progress.ended
    env = {
        "SWITCHBACK_DEPLOY": step.transaction.deploy,
        "SWITCHBACK_RUN": begin.kind,
        "SWITCHBACK_POINT": step.name,
        "SWITCHBACK_PRIMARY": "true" if begin.primary else "false",
    }
    if version:
        env.update(_of_version(step, version))
    if backup:
        env["SWITCHBACK_BACKUP"] = backup.path
    if ended:
        env["SWITCHBACK_OUTCOME"] = ended.outcome.value
        env["SWITCHBACK_SENTENCE"] = as_said(ended.sentence)
        env["SWITCHBACK_REASON"] = as_said(first_line(step.progress.reason or ""))
    return env


def _of_version(step: StepContext, version: str) -> dict[str, str]:
    layout, begin = step.layout, step.begin
    seal = read_seal(layout.version(version))
    env = {
        **for_app(step, version),
        "SWITCHBACK_VERSION": str(layout.version(version)),
        "SWITCHBACK_STATIC": str(layout.part(version, "static")),
    }
    for part in ("code", "config"):
        # Until it is sealed, a version is what the run says of it.
        commit = seal.commit(part) or (getattr(begin, part) if version == begin.version else None)
        env |= {f"SWITCHBACK_{part.upper()}": commit.sha} if commit else {}
    return env


def _program(step: StepContext, word: str) -> str:
    return str(step.layout.expand(word)) if word[0] in "~/" else word
