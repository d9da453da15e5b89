"""The steps that build a version. Nothing here touches the live one."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.database import going_back
from agent.database.choice import better_restored, way_back_of
from agent.django.warm import django_that_stays
from agent.host import tree
from agent.host.command import Runner
from agent.host.files import write_whole
from agent.host.links import NotALink, read_link
from agent.host.output import say
from agent.host.reading import read_text
from agent.host.users import PATH, acting_as
from agent.repository import git, lfs, submodules
from agent.restart import rolling
from agent.service import startable
from agent.transaction.maintenance import breaks_old_code
from agent.transaction.step import Step, StepFailed
from agent.versions import packages, venvs
from agent.versions.layout import Layout
from agent.versions.marks import SEAL, outside_of
from agent.visitors import served

Note = dict[str, Any]


def code(step: Step) -> Note:
    """Check out the code at its commit."""
    return _check_out(step, "code")


def config(step: Step) -> Note:
    """Check out the config at its commit."""
    return _check_out(step, "config")


def _check_out(step: Step, part: str) -> Note:
    wanted, url = step.begin[part], step.given["url"]
    runner = step.runner(step.layout.app)
    folder = step.layout.part(step.version, part)
    mirror = step.layout.own / (part + ".git")
    with acting_as(step.layout.app):
        step.layout.own.mkdir(exist_ok=True)
        folder.parent.mkdir(exist_ok=True)
    git.update_mirror(runner, mirror, url, wanted["sha"])
    git.check_out(runner, mirror, folder, wanted["sha"])
    submodules.check_out(runner, folder, wanted["sha"], url)
    for path in ("", *submodules.paths(runner, folder)):
        lfs.fetch(runner, folder / path, "HEAD", url if not path else submodules.url_of(runner, folder / path))
    return {"ref": wanted["ref"], "sha": wanted["sha"]}


def venv(step: Step) -> Note:
    """Make the version's own virtual environment and install its requirements."""
    runner, layout = step.runner(step.layout.app), step.layout
    requirements = layout.part(step.version, "code") / step.settings["requirements"]
    if not requirements.is_file():
        raise StepFailed(
            f"{step.settings['requirements']} is not in the code: add it, or say where the requirements are: "
            "requirements: pyproject.toml, say, in the settings"
        )
    uv = shutil.which("uv", path="/usr/local/bin:/usr/bin:/bin:" + str(layout.home / ".local/bin"))
    installer, python = "uv" if uv else "pip", shutil.which(step.settings["python"], path=PATH)
    with acting_as(layout.app):
        mark = venvs.fingerprint(step.settings, requirements, python, installer)
    note: Note = {"installer": installer, "fingerprint": mark}
    same = venvs.same_as(step.transaction.state, layout, mark) if step.settings.get("reuse_venv", True) else None
    taken = venvs.take_over(layout, same, step.version, mark) if same else None
    if taken:
        say(f"venv: the requirements are those of {same}: its packages are linked, not installed again")
        return {**note, **taken}
    _install(step, runner, uv, requirements)
    named = venvs.files_with_its_name(runner, layout, step.version) if mark else []
    if venvs.any_binary(layout.part(step.version, "venv"), named):
        # It can't become another version's.
        note["fingerprint"] = None
    return {**note, "named": named}


def _install(step: Step, runner: Runner, uv: str | None, requirements: Path) -> None:
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


def _texts(step: Step) -> dict[str, str]:
    """The version's requirements with all that they include."""
    code_folder = step.layout.part(step.version, "code")

    def read(name: str) -> str | None:
        try:
            return read_text(code_folder / name)
        except OSError:
            return None

    with acting_as(step.layout.app):
        return packages.requirement_texts(read, str(step.settings["requirements"]))


def _offline(settings: Mapping[str, Any]) -> list[str]:
    wheelhouse = settings.get("wheelhouse")
    return ["--no-index", "--find-links", wheelhouse] if wheelhouse else []


def _uv(uv: str, settings: Mapping[str, Any], folder: Path) -> tuple[list[str], list[str]]:
    create = [uv, "venv", "--quiet", "--no-python-downloads", "--python", settings["python"], str(folder)]
    install = [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *_offline(settings)]
    return create, install


def _pip(settings: Mapping[str, Any], folder: Path) -> tuple[list[str], list[str]]:
    create = [settings["python"], "-m", "venv", str(folder)]
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    return create, [*pip, "install", "--quiet", "--no-compile", *_offline(settings)]


def build_script(step: Step) -> Note:
    """Run the project's own build script in the new version, and see which packages it installs."""
    folder = step.layout.part(step.version, "venv")
    with acting_as(step.layout.app):
        before = packages.installed(folder)
    note = run_own_script(step, "build_script")
    if "script" not in note:
        return note
    with acting_as(step.layout.app):
        after = packages.installed(folder)
    return {**note, "installed": sorted(name for name in after if before.get(name) != after[name])}


def run_own_script(step: Step, key: str) -> Note:
    """Run a script of the settings in the version's code, with the version's Python first on the path."""
    name = step.settings.get(key)
    if not name:
        return {"skipped": f"no {key} in the settings"}
    code_folder = step.layout.part(step.version, "code")
    script = step.layout.expand(name) if name[0] in "~/" else code_folder / name
    venv_folder = step.layout.part(step.version, "venv")
    env = {
        "VIRTUAL_ENV": str(venv_folder),
        "PATH": "{}:{}".format(venv_folder / "bin", "/usr/local/bin:/usr/bin:/bin"),
        "SWITCHBACK_VERSION": str(step.layout.version(step.version)),
    }
    step.runner(step.layout.app).run([str(script)], cwd=code_folder, env=env)
    return {"script": str(script)}


def static(step: Step) -> Note:
    """Collect the static files into the version."""
    folder = step.layout.part(step.version, "static")
    with acting_as(step.layout.app):
        folder.mkdir(exist_ok=True)
    found = django_that_stays(step, "static", str(folder))
    return {**found, **served.lead_app_there(step, found)}


def checks(step: Step) -> Note:
    """Run Django's checks, read the migrations to come, and decide how the database would go back."""
    if step.begin["kind"] == "revert":
        return going_back.check(step)
    found = step.notes("static").get("checks") or django_that_stays(step, "checks")
    if found["errors"]:
        raise StepFailed("Django's system checks found:\n" + "\n".join(found["errors"]))
    if found["conflicts"]:
        raise StepFailed("migrations conflict: " + json.dumps(found["conflicts"]))
    if found["inconsistent"]:
        raise StepFailed("\n".join(found["inconsistent"]))
    problems = [*startable.written_inside(step, found.pop("writes", {})), *startable.would_not_start(step)]
    if problems:
        raise StepFailed("the version can't be started as it is:\n" + "\n".join(problems))
    found["empty"] = all(one["empty"] for one in found["databases"])
    found["fallback"] = way_back_of(step, found["pending"], found["empty"])
    found.update(going_back.older_code(step, found, [*_unwritten(found), *_without_restore(step, found)]))
    found["restart"] = rolling.way(step.layout, step.begin.get("was"), step.version)
    return found


def _unwritten(found: Note) -> list[str]:
    """What to say of models that no migration has made: where they are asked for, the app fails."""
    changes = found.get("unwritten") or []
    return [f"models have what no migration makes (manage.py makemigrations): {'; '.join(changes)}"] if changes else []


def _without_restore(step: Step, found: Note) -> list[str]:
    """What to say of migrations that would better be undone by a restore, where there is no script for it."""
    if found["fallback"] != "reverse" or found["empty"]:
        return []
    worse = better_restored(step.settings, found["pending"], bool(breaks_old_code(found["pending"])))
    return [f"{why}; restore_script is not set" for why in worse]


def seal(step: Step) -> Note:
    """Make the version unchangeable, and say so with a marker that is written last."""
    layout, folder = step.layout, step.layout.version(step.version)
    _links_are_links(layout)
    runner = step.runner(layout.app)
    python = str(layout.part(step.version, "venv") / "bin" / "python")
    sources = [str(layout.part(step.version, part)) for part in ("code", "config")]
    # A file that is not for this Python (a template, say) does not compile, and need not.
    runner.run([python, "-m", "compileall", "-q", *sources], ok=(0, 1))
    parts = [layout.part(step.version, part) for part in ("code", "config", "static", "venv")]
    made = step.notes("venv")
    # A spare that was ready is closed already, apart from what was added: thousands of files need no look.
    ready = layout.part(step.version, "venv") if made.get("open") else None
    with acting_as(layout.app):
        size = tree.close(folder, parts, ready) + (venvs.close(ready, made) if ready else 0)
    marker = {
        "name": step.version,
        "code": step.begin["code"],
        "config": step.begin["config"],
        "built": int(time.time()),
        "deploy": step.transaction.deploy,
        "bytes": size,
        "venv": {key: made.get(key) for key in ("fingerprint", "named")},
        "migrations": step.notes("checks").get("known", []),
        "self_contained": _is_self_contained(folder, step.notes("checks").get("code", [])),
        "static_url": step.notes("static").get("url"),
        "by_script": step.notes("build_script").get("installed"),
    }
    runner.run(["sync", "--file-system", str(folder)])
    with acting_as(layout.app):
        write_whole(folder / SEAL, json.dumps(marker, indent=2) + "\n", 0o444)
        folder.chmod(0o555)
    return {"bytes": size}


def _links_are_links(layout: Layout) -> None:
    """See to it that the build has put nothing where a link will be: a script that collects into STATIC_ROOT, say."""
    try:
        for path in (*layout.main_links().values(), *layout.fixed_links()):
            read_link(path)
    except NotALink as problem:
        raise StepFailed(
            f"{problem}. It was put there during this build: have the project's scripts write "
            "below $SWITCHBACK_VERSION only: the static files are collected there without a script"
        ) from None


def _is_self_contained(version: Path, code: list[str]) -> bool:
    """Whether the version has run from itself at its own path, by where its own code was imported from."""
    return bool(code) and not outside_of(version, code)
