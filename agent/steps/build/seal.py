"""The step that makes a version unchangeable."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agent.environment import given
from agent.environment.fingerprint import fingerprint
from agent.host.files import close, write_whole
from agent.host.links import NotALink, read_link
from agent.host.users import acting_as
from agent.project.texts import recipe
from agent.steps.build.build_script import BuildScriptRun
from agent.steps.build.shared import SharedLinked
from agent.steps.build.static import Collected
from agent.steps.build.venv import VenvMade
from agent.steps.kind import BuildStep
from agent.transaction.step import StepContext, StepFailed
from agent.versions import venvs
from agent.versions.layout import Layout
from agent.versions.marks import SEAL, outside_of, read_mark, write_mark
from agent.words.notes import Checked, Note
from agent.words.shapes import bare


class SealVersion(BuildStep):
    """Make the version unchangeable, and say so with a marker that is written last."""

    name = "seal"

    def do(self, step: StepContext) -> Note:
        """Make the version unchangeable, and say so with a marker that is written last."""
        from agent.versions.known import Environment, Seal

        layout, folder = step.layout, step.layout.version(step.version)
        _links_are_links(layout)
        runner = step.runner(layout.app)
        python = str(layout.part(step.version, "venv") / "bin" / "python")
        sources = [str(layout.part(step.version, part)) for part in ("code", "config")]
        # A file that is not for this Python (a template, say) does not compile, and need not.
        runner.run([python, "-m", "compileall", "-q", *sources], ok=(0, 1))
        parts = [layout.part(step.version, part) for part in ("code", "config", "static", "venv")]
        made, checked, script = step.note(VenvMade), step.note(Checked), step.note(BuildScriptRun)
        # A spare that was ready is closed already, apart from what was added: thousands of files need no look.
        ready = layout.part(step.version, "venv") if made.open else None
        with acting_as(layout.app):
            size = close(folder, parts, ready) + (venvs.close(ready, made.open, made.bytes) if ready else 0)
        seal = Seal(
            name=step.version,
            code=step.begin.code,
            config=step.begin.config,
            built=int(time.time()),
            deploy=step.transaction.deploy,
            bytes=size,
            venv=Environment(made.fingerprint or None, made.named),
            migrations=checked.known,
            self_contained=_is_self_contained(folder, checked.code),
            static_url=step.note(Collected).url or None,
            by_script=script.installed if script.ran else None,
            env=fingerprint(given.of(step.transaction).env),
            recipe="" if step.begin.config else recipe(layout.settings, step.begin.single),
            shared=step.note(SharedLinked).paths,
        )
        if step.settings.schedule:
            # Not in the version: what root starts by it is not the app's to write.
            known = read_mark(step.transaction.state, step.version)
            write_mark(step.transaction.state, step.version, replace(known, schedule=step.settings.schedule))
        runner.run(["sync", "--file-system", str(folder)])
        with acting_as(layout.app):
            write_whole(folder / SEAL, json.dumps(bare(seal), indent=2) + "\n", 0o444)
            folder.chmod(0o555)
        return Note()


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


def _is_self_contained(version: Path, code: Sequence[str]) -> bool:
    """Whether the version has run from itself at its own path, by where its own code was imported from."""
    return bool(code) and not outside_of(version, code)
