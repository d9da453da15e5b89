"""The trial start begins ahead of its step, once the version is whole: it starts where no visitor comes, while the
database is backed up and migrated. It is only a gain in time: what is not certain of it is done again in its turn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.host.output import emit
from agent.restart.by_supervisord import command_of_web
from agent.restart.trial_start import Command, TrialStart, begun, start
from agent.service.startable import led
from agent.service.supervisor_config import Unreadable
from agent.text.masking import masked_urls
from agent.transaction.maintenance import restart_mode
from agent.transaction.step import StepContext, StepFailed
from agent.versions.layout import Layout
from agent.versions.marks import read_seal


def begin(step: StepContext) -> None:
    """Start the new version where no visitor comes, if it will be tried, and none was started before.

    It outlives the step that has begun it, until `take` comes for it or a fallback stops it.
    """
    # A version that is built now is started by the trial, and stays.
    if step.begin.kind != "revert" or not restart_mode(step.progress).rolls:
        return
    if begun(step):
        return
    try:
        command = at_its_own_path(step.layout, command_of_web(step.layout, step.version), step.version)
        if command:
            start(step, command)
    except (StepFailed, Unreadable, OSError) as problem:
        emit(f"the new version is not started ahead of its turn: {masked_urls(str(problem))}")


def take(step: StepContext) -> TrialStart | None:
    """The trial start, if one was begun and is well now that all it waits for has been done; it is the caller's."""
    first = begun(step)
    if first is None or first.is_well():
        return first
    first.end()
    return None


def at_its_own_path(layout: Layout, command: Command, version: str) -> Command | None:
    """A command as it would be if the links led to a version already; None where that can't be told for certain.

    The version has to have shown that it runs at its own path, as its checks did, and nothing may be left that leads to
    what is live now.
    """
    if not read_seal(layout.version(version)).self_contained:
        return None
    places = layout.once_live(version)
    argv = tuple(led(word, places) for word in command.argv)
    env = {key: led(value, places) for key, value in command.env.items()}
    folder, deployment = led(command.folder, places), str(layout.path("deployment_dir"))
    inside = Path(folder) == layout.version(version) or layout.version(version) in Path(folder).parents
    if not inside or any(deployment in text for text in (*argv, *env.values())):
        return None
    return replace(command, argv=argv, env=env, folder=folder)
