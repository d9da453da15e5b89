"""Deleting versions that nobody needs any more."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agent.host.command import CommandFailed, ours
from agent.host.output import emit, warn
from agent.host.reading import matching
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.runs.deletion import Chore
from agent.service import systemd
from agent.state import LAUNCHER, State
from agent.transaction.end import end
from agent.transaction.transaction import Transaction, begin
from agent.versions import venv_fingerprint, venv_pool
from agent.versions.choice import choose, choose_waiting, why_it_stays
from agent.versions.layout import Layout
from agent.versions.marks import linked_version, list_versions
from agent.words.journal import Begin, Ended
from agent.words.outcomes import Outcome, Refused
from agent.words.requests import Clean
from agent.words.seen import Version
from agent.words.shapes import to_json


@dataclass(frozen=True)
class Cleaned:
    """The versions that were deleted, how many are left, and how much room that makes."""

    deleted: list[str]
    kept: int
    bytes: int = 0

    def says(self) -> list[str]:
        """The same for a person, a line each."""
        total = f"{len(self.deleted)} deleted, {self.kept} kept, {self.bytes / 1e6:.0f} MB freed"
        return [*(f"deleted: {name}" for name in self.deleted), total]


def clean(state: State, request: Clean) -> Cleaned:
    """Delete what the choice says. The host is held only while the versions are moved out of the way.

    Raises Refused when a deploy holds the host, or when a named version has to stay.
    """
    layout, settings, named = Layout.of(request.settings), request.settings, request.named
    versions = _versions(state, layout)
    chosen = choose(versions, request.keep, settings.keep_failed, named)
    idle = [replace(version, in_use="") for version in versions]
    for version in versions:
        if version.name in {*choose(idle, request.keep, settings.keep_failed, named)} - {*chosen}:
            emit(f"kept: {version.name}: {why_it_stays(version)}")
    if not chosen:
        # Nothing to hold the host for, and nothing for the history.
        return Cleaned([], len(versions))
    transaction = Transaction(state, request.deploy)
    begin(transaction, Begin("clean", settings, by=request.by, login=request.login))
    try:
        # Chosen again: only now is it certain that no deploy changes what the links lead to.
        versions = _versions(state, layout)
        doomed = choose(versions, request.keep, settings.keep_failed, named)
    except (Refused, OSError) as problem:
        end(transaction, Ended(Outcome.REFUSED, f"refused: {problem}"))
        raise Refused(f"nothing was deleted: {problem}; look: deploys/status.py") from None
    trash = layout.trash / transaction.deploy
    stuck = _move_away(state, layout, doomed, trash)
    gone = [name for name in doomed if name not in stuck]
    fingerprint = _live_fingerprint(layout)
    _keep_spare(layout, fingerprint, gone, trash)
    left = [f"{name} could not be deleted: {why}" for name, why in stuck.items()]
    sentence = "; ".join(["deleted: " + (", ".join(gone) or "nothing"), *left])
    end(transaction, Ended(Outcome.COMMITTED, sentence))
    sizes = {version.name: version.bytes or 0 for version in versions}
    _tidy(state, layout, fingerprint)
    if stuck:
        raise Refused("; ".join([f"not everything could be deleted: {left[0]}", *left[1:], "look: deploys/status.py"]))
    return Cleaned(gone, len(versions) - len(gone), sum(sizes[name] for name in gone))


def forget_failed(transaction: Transaction) -> None:
    """Delete what failed before a run that has failed as well, and holds the host: no clean comes after that."""
    settings = transaction.begin.settings
    try:
        versions = _versions(transaction.state, transaction.layout)
        doomed = choose(versions, len(versions), settings.keep_failed)
        why = f"which failed before (keep_failed: {settings.keep_failed})"
        _forget(transaction, dict.fromkeys(doomed, why))
    except Exception as problem:  # noqa: BLE001 - the site is as it should be, whatever becomes of this
        warn(f"WARNING: versions that failed before are still there: {problem}")


def forget_waiting(transaction: Transaction) -> None:
    """Delete what was built before a build that has gone well, and was never deployed: a deploy may never come."""
    settings = transaction.begin.settings
    try:
        versions = _versions(transaction.state, transaction.layout)
        keep = len(versions) if settings.keep_versions is None else settings.keep_versions
        doomed = choose_waiting(versions, keep, settings.keep_failed)
        bound = {one.name: f"keep_failed: {settings.keep_failed}" for one in versions if one.failed}
        why = {name: f"which was never live ({bound.get(name, f'keep_versions: {keep}')})" for name in doomed}
        _forget(transaction, why)
    except Exception as problem:  # noqa: BLE001 - the version is built, whatever becomes of this
        warn(f"WARNING: versions that were built before are still there: {problem}")


def _forget(transaction: Transaction, doomed: Mapping[str, str]) -> None:
    """Delete versions while a run holds the host, each with why, but for the run's own: somebody looks at it next."""
    layout, own = transaction.layout, transaction.begin.version
    why = {name: why for name, why in doomed.items() if name != own}
    stuck = _move_away(transaction.state, layout, why, layout.trash / transaction.deploy)
    for name, reason in why.items():
        emit(f"{name} could not be deleted: {stuck[name]}" if name in stuck else f"deleted: {name}, {reason}")
    if why:
        _tidy(transaction.state, layout, None)


def _versions(state: State, layout: Layout) -> list[Version]:
    used = systemd.versions_in_use(layout.settings.systemd_service, layout.app, layout.versions)
    return list_versions(state, layout, used)


def _move_away(state: State, layout: Layout, doomed: Iterable[str], trash: Path) -> dict[str, str]:
    """Take versions off the list at once; what they hold is deleted later. Returns why some could not be, by name."""
    stuck = {}
    for name in doomed:
        try:
            with acting_as(layout.app):
                trash.mkdir(parents=True, exist_ok=True)
                layout.version(name).chmod(0o755)
                os.rename(str(layout.version(name)), str(trash / name))
            state.mark(name).unlink(missing_ok=True)
        except OSError as problem:
            stuck[name] = str(problem)
    return stuck


def _keep_spare(layout: Layout, fingerprint: str | None, gone: Iterable[str], trash: Path) -> None:
    """Keep the environment of a version that was moved away, if the next deploy may want it.

    + fingerprint: the live version's, as `_live_fingerprint` has it
    """
    alike = [
        trash / name for name in gone if fingerprint and venv_fingerprint.fingerprint_of(trash / name) == fingerprint
    ]
    try:
        venv_pool.keep(layout, fingerprint, [version / layout.settings.venv_subdir for version in alike], trash)
    except OSError as problem:
        emit(f"no environment is kept for the next version: {problem}")


def _live_fingerprint(layout: Layout) -> str | None:
    """The fingerprint of the live version's environment; None where the next version does not take one over."""
    live = linked_version(layout, layout.path("current_main"))
    return venv_fingerprint.fingerprint_of(layout.version(live)) if live and layout.settings.reuse_venv else None


def _tidy(state: State, layout: Layout, fingerprint: str | None) -> None:
    """Have deleted what was moved away, now or by an earlier run that was cut short: nobody waits for that."""
    with acting_as(layout.app):
        left = [str(folder) for folder in matching(layout.trash, "*")]
    if left:
        what = to_json(_chore(state, layout, fingerprint, left))
        how = ["--quiet", "--collect", f"--uid={layout.app}", "--nice=10", "--property=IOSchedulingClass=idle"]
        # By its own path: the app's user may not look into the site's folder.
        agent = os.path.join(os.path.realpath(str(state.agent)), LAUNCHER)
        argv = ["systemd-run", f"--unit=switchback-tidy-{state.site}-{os.getpid()}", *how, "--", agent, "tidy", what]
        try:
            ours(argv, 60)
        except (OSError, CommandFailed) as problem:
            emit(f"their room is freed by the next clean: {problem}")


def _chore(state: State, layout: Layout, fingerprint: str | None, left: Sequence[str]) -> Chore:
    """What is left to delete, and the spare with the version whose environment the next deploy takes over, if any."""
    with acting_as(layout.app):
        folder = venv_pool.at(layout, fingerprint)
    like = venv_fingerprint.same_as(state, layout, fingerprint)
    if like is None or folder is None:
        return Chore(tuple(left))
    return Chore(tuple(left), str(folder), str(layout.version(like)), str(layout.part(like, "venv")))
