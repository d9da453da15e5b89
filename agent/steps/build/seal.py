"""The step that makes a version unchangeable."""

from __future__ import annotations

import json
import time
from pathlib import Path

from agent.host import tree
from agent.host.files import write_whole
from agent.host.links import NotALink, read_link
from agent.host.users import acting_as
from agent.steps.kind import BuildStep, Note
from agent.transaction.step import Step, StepFailed
from agent.versions import venvs
from agent.versions.layout import Layout
from agent.versions.marks import SEAL, outside_of


class SealVersion(BuildStep):
    """Make the version unchangeable, and say so with a marker that is written last."""

    name = "seal"

    def do(self, step: Step) -> Note:
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
