"""The steps in the order of a run, and what follows from it. A new step has its place here, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from agent.steps.beside.pause import Pause
from agent.steps.beside.schedule import Schedule
from agent.steps.build.build_script import BuildScript
from agent.steps.build.checks import Checks
from agent.steps.build.code import Code
from agent.steps.build.config import Config
from agent.steps.build.seal import SealVersion
from agent.steps.build.shared import Shared
from agent.steps.build.static import Static
from agent.steps.build.trial import Trial
from agent.steps.build.venv import Venv
from agent.steps.hooks import AFTER, BuildHook, Hook, MigrationHook, PrimaryHook, ReleaseHook, SwitchHook
from agent.steps.kind import Phase, RunAsKnown, StepKind
from agent.steps.switch.backup import Backup
from agent.steps.switch.backup_before import BackupBefore
from agent.steps.switch.health import Health
from agent.steps.switch.install_script import InstallScript
from agent.steps.switch.maintenance_start import MaintenanceStart
from agent.steps.switch.maintenance_stop import MaintenanceStop
from agent.steps.switch.migrate import Migrate
from agent.steps.switch.restart import Restart
from agent.steps.switch.site import Site
from agent.steps.switch.swap import Swap
from agent.steps.switch.watch import Watch
from agent.transaction.consequences import watched_shut
from agent.transaction.maintenance import Window, changes_database, decide, has_no_database, restart_mode
from agent.transaction.progress import Progress
from agent.words.settings import Settings

STEPS: tuple[StepKind, ...] = (
    Code(),
    Config(),
    Shared(),
    BuildHook("before_build"),
    Venv(),
    BuildScript(),
    Static(),
    BuildHook("after_static"),
    Checks(),
    BuildHook("after_build"),
    SealVersion(),
    Trial(),
    BackupBefore(),
    MaintenanceStart(),
    Pause(),
    Backup(),
    PrimaryHook("after_backup"),
    MigrationHook("before_migrate"),
    Migrate(),
    MigrationHook("after_migrate"),
    ReleaseHook("release"),
    Swap(),
    InstallScript(),
    SwitchHook("after_switch"),
    Restart(),
    Health(),
    MaintenanceStop(),
    Schedule(),
    Site(),
    Watch(),
)
# Where commands of the project's own may run.
HOOKS = {kind.name: kind for kind in (*STEPS, *AFTER) if isinstance(kind, Hook)}
HOOK_POINTS = tuple(HOOKS)
# What ends each of them; it has a way of its own.
COMMIT = "commit"


def named(name: str) -> StepKind | None:
    """The step of a name; None for `begin` and `commit`, which are none."""
    return next((kind for kind in (*STEPS, *AFTER) if kind.name == name), None)


def names(phase: Phase) -> tuple[str, ...]:
    """The steps of a phase, in order."""
    return tuple(kind.name for kind in STEPS if kind.phase is phase)


def steps_of(run: str, settings: Settings, build: bool) -> tuple[str, ...]:
    """The steps of a run, in order.

    + run: deploy, build, revert or restart
    + build: whether its version has to be built

        >>> steps_of("restart", {}, build=False)
        ('trial', 'restart', 'health', 'site', 'watch', 'commit')
    """
    chosen = [
        kind.name
        for kind in STEPS
        if run in kind.runs and (build or kind.again or kind.phase is not Phase.BUILD) and kind.wanted(settings)
    ]
    return (*chosen, COMMIT)


def with_those_at_once(name: str, steps: Sequence[str]) -> str:
    """The last step that the word for one is enough for: those after it may not have to wait for other hosts.

    + steps: of the run, in order
    """
    for later in steps[steps.index(name) + 1 :]:
        kind = named(later)
        if kind is None or not kind.at_once:
            break
        name = later
    return name


def limit_of(name: str, settings: Settings) -> float:
    """How long a step may take, seconds."""
    kind = named(name)
    return kind.limit(settings) if kind else settings.script_timeout


def limit_of_way_back(settings: Settings) -> float:
    """How long it may take to undo everything, seconds: as long as what is undone, more or less."""
    return sum(kind.limit(settings) for kind in STEPS if kind.undos)


def touched(progress: Progress) -> bool:
    """Whether the live site may have been changed."""
    return any(kind.touches for kind in STEPS if kind.name in progress.started)


def visitors_may_notice(progress: Progress, name: str) -> bool:
    """Whether a step that is due changes what visitors get, or may."""
    kind = named(name)
    return bool(kind and progress.begun and not progress.outcome and kind.noticed(progress))


def known_from(progress: Progress) -> RunAsKnown:
    """What is known of a run while it goes on, by its journal: of the window as it was decided, once it was."""
    begin = progress.begin
    if "maintenance_start" in progress.done:
        why = progress.skipped("maintenance_start")
        window = Window(not why, why)
    else:
        window = decide(progress)
    return RunAsKnown(
        begin.kind,
        begin.settings,
        begin.primary,
        changes_database(progress),
        window,
        rolls=restart_mode(progress).rolls,
        watched_shut=watched_shut(progress),
        timed=begin.timed,
        has_no_database=has_no_database(progress),
    )
