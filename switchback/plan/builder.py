"""From what was seen on a host to the preview of a run on it. Pure: facts, settings and the run in, a model out."""

from __future__ import annotations

from collections.abc import Sequence

from agent.steps.kind import RunAsKnown
from agent.steps.order import named
from agent.text.masking import MASK, masked_values
from agent.transaction import maintenance
from agent.words.facts import Site
from agent.words.foreseen import Foreseen
from switchback.checks.layout import room_needed
from switchback.plan.after import deletions_of, links_of, old_backups
from switchback.plan.contents import (
    changes_of,
    config_of,
    environment_of,
    hooks_of,
    packages_of,
    schedule_of,
    schedules_of,
    shared_of,
    static_of,
)
from switchback.plan.database import (
    changes_database,
    fallback_of,
    ways_back_offered,
)
from switchback.plan.known import Known, is_built, layout_of
from switchback.plan.model import (
    Deletion,
    Disk,
    HostPreview,
    PastWindow,
    Script,
    Service,
    Step,
    Summary,
)
from switchback.plan.parts import Migrations
from switchback.plan.window import window_of
from switchback.runs.run import Run
from switchback.settings.model import Settings


def foresee(run: Run, known: Known) -> HostPreview:
    """The preview of a run on one host."""
    seen, found = known.seen, known.found
    base = HostPreview(
        host=run.host,
        primary=run.host == run.primary,
        idle=run.idle,
        problems=known.problems,
        notices=known.notices,
        was=run.was,
        version=(run.version or None) if is_built(run, seen) or run.idle else None,
        healthy=seen.health.healthy,
        hotfixes=seen.hotfixes,
        settings=shown_settings(run.settings),
        looked_ahead=bool(found),
    )
    if run.idle:
        return base.model_copy(update={"kept_links": len(seen.links), "summary": _idle_summary(seen)})
    migrations = Migrations.model_validate(found.app.migrations) if found else None
    fallback, refusal = fallback_of(run, migrations)
    base = base.model_copy(
        update={
            "migrations": migrations,
            "service": _service(run, found),
            "window": window_of(run, migrations, found.restart if found else None),
            "fallback": fallback,
        }
    )
    steps = _steps(run, base, timed=any(schedules_of(run, seen)))
    links, kept = links_of(run, seen, found.top if found else None)
    deletions = deletions_of(run, seen)
    told = base.model_copy(
        update={
            "problems": (*known.problems, *refusal, *_unshared(found)),
            "code": changes_of(run, seen, found.code if found else None, "code"),
            "config": config_of(run, seen, found),
            "packages": packages_of(found.packages) if found else None,
            "static": static_of(found.app.static) if found else None,
            "shared": shared_of(found.shared) if found else (),
            "links": links,
            "schedule": schedule_of(run, seen),
            "environment": environment_of(run, seen, found.env if found else {}),
            "kept_links": kept,
            "scripts": _scripts(run, steps, seen),
            "hooks": hooks_of(run, steps),
            "steps": steps,
            "deletions": deletions,
            "kept_versions": len(seen.versions) - len(deletions),
            "old_backups": old_backups(seen, _takes_backup(run, steps)),
            "disk": Disk(needed=room_needed(seen), free=seen.disk.free) if "code" in run.steps else None,
            "database": run.about.database if run.kind == "revert" else "",
            "database_offers": ways_back_offered(run, seen, migrations),
            "backup": run.about.backup or "",
            "windows": tuple(map(PastWindow.model_validate, found.windows)) if found else (),
        }
    )
    return told.model_copy(update={"summary": _summary(run, told)})


def _unshared(found: Foreseen | None) -> list[str]:
    """What keeps something that outlives the versions from being linked."""
    return [one.problem for one in found.shared if one.problem] if found else []


def shown_settings(settings: Settings) -> dict[str, object]:
    """All settings as they may be shown and kept in a file."""
    values: dict[str, object] = masked_values(settings.model_dump(mode="json"))
    values["env"] = dict.fromkeys(settings.env, MASK)
    return values


def _steps(run: Run, told: HostPreview, timed: bool) -> tuple[Step, ...]:
    """The steps of a run, and why those that are known to have nothing to do have none.

    + told: what the preview says of its window, its database and its service
    + timed: whether anything runs at times, before the run or after it
    """
    kept_out, window, changes = None, told.window, changes_database(run, told.migrations)
    if window and window.shown is not None:
        kept_out = maintenance.Window(window.shown, window.why.removeprefix("maintenance: auto, and "))
    known = RunAsKnown(
        kind=run.kind,
        settings=run.settings.for_host(),
        primary=run.host == run.primary,
        changes_database=changes,
        window=kept_out,
        rolls=told.looked_ahead and told.service is not None and told.service.restart == "rolling",
        watched_shut=bool(changes and window and window.shown and told.fallback and told.fallback.way == "restore"),
        timed=timed,
    )
    idle = {name: kind.idle(known) for name in run.steps if (kind := named(name))}
    return tuple(Step(name=name, does=not idle.get(name), why=idle.get(name) or "") for name in run.steps)


def _service(run: Run, found: Foreseen | None) -> Service:
    if "restart" not in run.steps:
        return Service(unit=run.settings.systemd_service, restart="")
    if found is None:
        return Service(unit=run.settings.systemd_service, restart=run.settings.restart or "restart")
    no_trial = found.no_trial if "trial" in run.steps else ""
    return Service(
        unit=run.settings.systemd_service, restart=found.restart.mode, why=found.restart.why, no_trial=no_trial
    )


def _scripts(run: Run, steps: Sequence[Step], seen: Site) -> tuple[Script, ...]:
    found = []
    layout = layout_of(run, seen)
    for step in steps:
        kind = named(step.name)
        setting = kind.script_setting if kind else ""
        value = getattr(run.settings, setting) if setting and step.does else None
        if value:
            path = str(layout.expand(value)) if value[0] in "~/" else value
            found.append(Script(step=step.name, path=path))
    if run.kind == "revert" and run.about.database == "restore" and run.settings.restore_script:
        found.append(Script(step="migrate", path=str(layout.expand(run.settings.restore_script))))
    return tuple(found)


def _takes_backup(run: Run, steps: Sequence[Step]) -> bool:
    return run.host == run.primary and any(step.does for step in steps if step.name in ("backup_before", "backup"))


def foresee_cleaning(host: str, settings: Settings, known: Known, doomed: Sequence[str]) -> HostPreview:
    """The preview of a clean on one host.

    + doomed: the names of the versions to be deleted
    """
    seen = known.seen
    deletions = tuple(Deletion(name=one.name, bytes=one.bytes) for one in seen.versions if one.name in doomed)
    kept = len(seen.versions) - len(deletions)
    return HostPreview(
        host=host,
        primary=False,
        idle="" if deletions else "nothing to delete",
        problems=known.problems,
        notices=known.notices,
        was=seen.linked.current,
        version=None,
        healthy=seen.health.healthy,
        deletions=deletions,
        kept_versions=kept,
        old_backups=old_backups(seen, False) if deletions else (),
        settings=shown_settings(settings),
        summary=Summary(delete=len(deletions), unchanged=kept),
    )


def _idle_summary(seen: Site) -> Summary:
    there = [link for link in seen.links.values() if link.kind == "link"]
    return Summary(unchanged=len(there) + len(seen.versions) + 1)


def _summary(run: Run, told: HostPreview) -> Summary:
    """Count what is created, changed and deleted: versions, links, migrations, and the service's processes."""
    new = [link for link in told.links if link.was is None]
    gone = [link for link in told.links if link.now is None]
    moved = len(told.links) - len(new) - len(gone)
    pending = len(told.migrations.shown) if told.migrations and told.primary and "migrate" in run.steps else 0
    reversed_ = len(told.migrations.leaving) if told.migrations and told.database == "reverse" and told.primary else 0
    restarts = 1 if told.service and told.service.restart else 0
    return Summary(
        create=len(new) + pending + (1 if told.version is None else 0),
        change=moved + restarts,
        delete=len(gone) + len(told.deletions) + reversed_,
        unchanged=told.kept_links + told.kept_versions + (1 - restarts),
    )
