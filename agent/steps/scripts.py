"""Scripts that a step runs: the host's own, and those of the project."""

from __future__ import annotations

from agent.django import locks
from agent.transaction.step import StepContext


def run_script(step: StepContext, key: str) -> str:
    """Run one of the host's own scripts as the app user, in its home."""
    script = step.layout.path(key)
    env = locks.for_scripts(step) if key == "backup_script" else None
    return step.runner(step.layout.app).run([str(script)], cwd=step.layout.home, env=env)


def run_own_script(step: StepContext, key: str) -> str:
    """Run a script of the settings in the version's code, with the version's Python first on the path.

    Returns why it was not run; nothing where it was.
    """
    name = getattr(step.settings, key)
    if not name:
        return f"no {key} in the settings"
    code_folder = step.layout.part(step.version, "code")
    script = step.layout.expand(name) if name[0] in "~/" else code_folder / name
    venv_folder = step.layout.part(step.version, "venv")
    env = {
        "VIRTUAL_ENV": str(venv_folder),
        "PATH": "{}:{}".format(venv_folder / "bin", "/usr/local/bin:/usr/bin:/bin"),
        "SWITCHBACK_VERSION": str(step.layout.version(step.version)),
    }
    step.runner(step.layout.app).run([str(script)], cwd=code_folder, env=env)
    return ""
