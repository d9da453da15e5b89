"""From what was seen on a host to the preview of a run on it. Pure: facts, settings and the run in, a model out."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.database.choice import decide_fallback
from agent.database.going_back import not_reversible
from agent.migrations.names import label
from agent.migrations.risk import BREAKS, LOSES, UNKNOWN
from agent.runs.clean import choose, choose_waiting
from agent.steps.switch import STAYS
from agent.text.lines import first_line
from agent.text.masking import masked_values
from agent.transaction.step import StepFailed
from agent.versions.layout import Layout
from switchback.checks.layout import main_links, room_needed
from switchback.plan.model import (
    Changes,
    Deletion,
    Disk,
    Fallback,
    HostPreview,
    Link,
    Migrations,
    Names,
    Packages,
    PastWindow,
    Script,
    Service,
    Static,
    Step,
    Summary,
    Window,
)
from switchback.runs.reverts import last_left
from switchback.runs.run import Run
from switchback.settings.model import Settings

Facts = dict[str, Any]

# How many names of files are told; all of them are counted.
SHOWN = 20
# Of a first deploy it is not known yet what is applied, nor what Django and the packages would apply.
FIRST = "in an empty database with all that they have made; what is in it is known when built"
# The step that runs each of the scripts.
SCRIPTS = {
    "build_script": "build_script",
    "backup_before": "backup_script",
    "maintenance_start": "maintenance_start_script",
    "backup": "backup_script",
    "install_script": "install_script",
    "maintenance_stop": "maintenance_stop_script",
}


@dataclass(frozen=True)
class Known:
    """What is known of a host before a run.

    + seen: what `Survey` saw; found: what `Preview` found, empty where it was not asked
    + problems: what would refuse the run; notices: what is worth knowing
    """

    seen: Facts
    found: Facts = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


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
        version=run.version if _is_built(run, seen) or run.idle else None,
        healthy=bool(seen["healthy"]["healthy"]),
        hotfixes={part: tuple(lines) for part, lines in (seen.get("hotfixes") or {}).items()},
        settings=shown_settings(run.settings),
        looked_ahead=bool(found),
    )
    if run.idle:
        return base.model_copy(update={"kept_links": len(seen["links"]), "summary": _idle_summary(seen)})
    migrations = _migrations(found)
    window = _window(run, migrations, found.get("restart") or {})
    steps = _steps(run, migrations, window)
    fallback, refusal = _fallback(run, migrations)
    links, kept = _links(run, seen, found)
    deletions = _deletions(run, seen)
    told = base.model_copy(
        update={
            "problems": (*known.problems, *refusal),
            "code": _changes(run, seen, found, "code"),
            "config": _changes(run, seen, found, "config"),
            "packages": _packages(found),
            "migrations": migrations,
            "static": _static(found),
            "links": links,
            "kept_links": kept,
            "service": _service(run, found),
            "window": window,
            "scripts": _scripts(run, steps, seen),
            "steps": steps,
            "deletions": deletions,
            "kept_versions": len(seen["versions"]) - len(deletions),
            "old_backups": _old_backups(seen, _takes_backup(run, steps)),
            "disk": Disk(needed=room_needed(seen), free=seen["disk"]["free"]) if "code" in run.steps else None,
            "database": run.about.get("database", "") if run.kind == "revert" else "",
            "database_offers": _database_offers(run, seen, migrations),
            "backup": run.about.get("backup", ""),
            "fallback": fallback,
            "windows": tuple(PastWindow(**one) for one in found.get("windows", ())),
        }
    )
    return told.model_copy(update={"summary": _summary(run, told)})


def shown_settings(settings: Settings) -> dict[str, Any]:
    """All settings as they may be shown and kept in a file."""
    values: dict[str, Any] = masked_values(settings.model_dump(mode="json"))
    return values


def _is_built(run: Run, seen: Facts) -> bool:
    return any(one["name"] == run.version for one in seen["versions"])


def _name(run: Run, seen: Facts) -> str:
    """A version's name; the time in that of a new one is when the run begins."""
    return run.version if _is_built(run, seen) else "-".join(["django-<time>", *run.version.split("-")[3:]])


def _version(seen: Facts, name: str | None) -> Facts:
    return next((one for one in seen["versions"] if one["name"] == name), {})


# --- Code, config, packages, static files


def _changes(run: Run, seen: Facts, found: Facts, part: str) -> Changes | None:
    if run.kind == "restart":
        return None
    going = run.about.get(part) or {"ref": run.version, "sha": _version(seen, run.version).get(part)}
    if not going["sha"]:
        return None
    was = _version(seen, run.was).get(part)
    read = {key: value for key, value in (found.get(part) or {}).items() if value is not None}
    return Changes(ref=going["ref"], sha=going["sha"], was=was, **read)


def _packages(found: Facts) -> Packages | None:
    if "packages" not in found:
        return None
    told = {key: value for key, value in found["packages"].items() if key != "same_text"}
    told["unsure"] = tuple(one["name"] for one in told.get("unsure", ()))
    told["added"] = tuple({"name": one["name"], "version": one["version"]} for one in told.get("added", ()))
    told["removed"] = tuple({"name": one["name"], "was": one["version"]} for one in told.get("removed", ()))
    return Packages.model_validate(told)


def _migrations(found: Facts) -> Migrations | None:
    if "migrations" not in found:
        return None
    told = {key: value for key, value in found["migrations"].items() if key != "apps"}
    for key in ("applied", "missing", "unknown"):
        if told.get(key) is not None:
            told[key] = tuple(map(label, told[key]))
    return Migrations.model_validate(told)


def _static(found: Facts) -> Static | None:
    if "static" not in found:
        return None
    told = dict(found["static"])
    for key in ("added", "changed", "removed"):
        told[key] = Names(count=len(told.get(key, ())), names=tuple(told.get(key, ())[:SHOWN]))
    return Static.model_validate(told)


# --- What is done


def changes_database(run: Run, migrations: Migrations | None) -> bool | None:
    """Whether the run changes the database; None where only the build can tell."""
    if run.kind == "revert":
        return bool(run.about.get("database", "keep") != "keep")
    if migrations is None or migrations.source == "unknown":
        return None
    if migrations.pending:
        return True
    # Packages that change may bring migrations of their own, which no file of the project's tells of.
    return False if _for_certain(migrations) else None


def _for_certain(migrations: Migrations) -> bool:
    return migrations.source == "django" and not migrations.why


def idle_steps(run: Run, migrations: Migrations | None, window: Window | None) -> dict[str, str]:
    """The steps of a run that are known to have nothing to do, and why."""
    changes = changes_database(run, migrations)
    idle: dict[str, str] = {}
    if run.host != run.primary:
        idle |= dict.fromkeys(("backup_before", "backup", "migrate"), "done by the primary host")
    if changes is False:
        reverts = run.kind == "revert"
        idle.setdefault("migrate", STAYS if reverts else "nothing to migrate")
        idle["backup"] = STAYS if reverts else "taken before the window"
    if window and window.shown is False:
        idle["maintenance_start"] = f"no window is needed: {window.why.removeprefix('maintenance: auto, and ')}"
        idle["maintenance_stop"] = "maintenance was not started"
    if changes:
        idle["backup_before"] = "taken right before the migrations, so that a restore loses as little as can be"
    return {name: why for name, why in idle.items() if name in run.steps}


def _steps(run: Run, migrations: Migrations | None, window: Window | None) -> tuple[Step, ...]:
    idle = idle_steps(run, migrations, window)
    return tuple(Step(name=name, does=name not in idle, why=idle.get(name, "")) for name in run.steps)


def _window(run: Run, migrations: Migrations | None, way: Facts) -> Window | None:
    if "maintenance_start" not in run.steps:
        return None
    if run.settings.maintenance == "always":
        return Window(shown=True, why="maintenance: always")
    if run.settings.restart == "rolling" and way.get("interrupts"):
        return Window(shown=True, why=f"maintenance: auto, and {first_line(way['why']).rstrip(':')}")
    changes = changes_database(run, migrations)
    if changes is None:
        return Window(
            shown=None, why="maintenance: auto; only if what is migrated needs one, which is known when built"
        )
    if not changes:
        return Window(shown=False, why="maintenance: auto, and nothing is migrated")
    why = _needs_window(run, migrations)
    return Window(shown=bool(why), why=f"maintenance: auto, and {why or 'the old code can live with every migration'}")


def _needs_window(run: Run, migrations: Migrations | None) -> str:
    """Why visitors must not be in while the database is changed; empty when they may be. As the agent will decide."""
    if run.kind == "revert" or migrations is None:
        return "the database is taken back"
    if run.settings.database_fallback == "restore":
        return "a restore of the database would lose what visitors write"
    stuck = [one.label for one in migrations.pending if not one.reversible]
    if stuck:
        return f"{', '.join(stuck)} can't be reversed"
    if run.settings.database_fallback == "reverse" and _fallback_of_migrations(run, migrations)[0].way == "restore":
        return "a restore of the database would lose what visitors write"
    breaking = _breaking(migrations)
    return f"the old code can't live with {', '.join(breaking)}" if breaking else ""


def _breaking(migrations: Migrations) -> list[str]:
    """Those to be applied that the old code may not be able to live with."""
    return [
        one.label
        for one in migrations.pending
        if any(risk.kind in (BREAKS, UNKNOWN) for operation in one.operations for risk in operation.risks)
    ]


def _service(run: Run, found: Facts) -> Service:
    if "restart" not in run.steps:
        return Service(unit=run.settings.systemd_service, restart="")
    way = found.get("restart") or {"way": run.settings.restart}
    no_trial = str(found.get("no_trial") or "") if "trial" in run.steps else ""
    return Service(unit=run.settings.systemd_service, restart=way["way"], why=way.get("why", ""), no_trial=no_trial)


def _scripts(run: Run, steps: Sequence[Step], seen: Facts) -> tuple[Script, ...]:
    found = []
    layout = _layout(run, seen)
    for step in steps:
        setting = SCRIPTS.get(step.name)
        value = getattr(run.settings, setting) if setting and step.does else None
        if value:
            path = str(layout.expand(value)) if value[0] in "~/" else value
            found.append(Script(step=step.name, path=path))
    if run.kind == "revert" and run.about.get("database") == "restore" and run.settings.restore_script:
        found.append(Script(step="migrate", path=str(layout.expand(run.settings.restore_script))))
    return tuple(found)


def _layout(run: Run, seen: Facts) -> Layout:
    return Layout(run.settings.model_dump(mode="json"), Path(seen["home"]))


# --- Links


def _links(run: Run, seen: Facts, found: Facts) -> tuple[tuple[Link, ...], int]:
    """The links that lead elsewhere afterwards, and how many stay."""
    before = {path: link["target"] for path, link in seen["links"].items() if link["kind"] == "link"}
    after = dict(before)
    if "swap" in run.steps:
        after |= _links_after(run, seen, found)
    paths = [path for path in dict.fromkeys([*before, *after]) if before.get(path) != after.get(path)]
    changed = tuple(Link(path=path, was=before.get(path), now=after.get(path)) for path in paths)
    return changed, sum(1 for path, target in before.items() if after.get(path) == target)


def _links_after(run: Run, seen: Facts, found: Facts) -> dict[str, str | None]:
    layout, main = _layout(run, seen), main_links(seen)
    new = str(layout.version(_name(run, seen)))
    after: dict[str, str | None] = {main["current"]: new}
    working = seen["linked"]["working"]
    if run.was and run.was != run.version:
        after[main["previous"]] = str(layout.version(run.was))
    if working != run.version:
        if working:
            after[main["previous_working"]] = str(layout.version(working))
        after[main["working"]] = new
    config, folder = layout.path("current_config"), layout.path("deployment_dir")
    if found.get("entries") is not None:
        after |= dict.fromkeys(_left_dangling(seen, str(folder), str(config), found["entries"]))
    fixed = {str(path): str(target) for path, target in layout.fixed_links().items()}
    for path, target in {**fixed, **found.get("laid", {})}.items():
        if not _leads_to(seen, path, target):
            after[path] = target
    return after


def _left_dangling(seen: Facts, folder: str, config: str, entries: Sequence[str]) -> list[str]:
    """The links of the deployment directory that lead to what the new config does not have."""
    gone = []
    for path, link in seen["links"].items():
        if posixpath.dirname(path) == folder and link["kind"] == "link":
            target = posixpath.normpath(posixpath.join(folder, link["target"]))
            if posixpath.dirname(target) == config and posixpath.basename(target) not in entries:
                gone.append(path)
    return gone


def _leads_to(seen: Facts, path: str, target: str) -> bool:
    """Whether a link leads to a target already, in its own words or in others."""
    link = seen["links"].get(path) or {}
    if link.get("kind") != "link":
        return False
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link["target"])) == target


# --- What is deleted


def _deletions(run: Run, seen: Facts) -> tuple[Deletion, ...]:
    """The versions that a deploy deletes once it has committed, or a build."""
    after = versions_after(run, seen)
    if run.kind == "build" and run.steps:
        # No link moves, and what is built has not been live.
        new = {**next(one for one in after if one["name"] == run.version), "working": False, "links": []}
        after = [new, *(one for one in seen["versions"] if one["name"] != run.version)]
        doomed = choose_waiting(after, run.settings.keep_versions, run.settings.keep_failed)
    elif run.kind == "deploy" and "swap" in run.steps:
        doomed = choose(after, run.settings.keep_versions, run.settings.keep_failed)
    else:
        return ()
    return tuple(Deletion(name=one["name"], bytes=one["bytes"]) for one in after if one["name"] in doomed)


def _takes_backup(run: Run, steps: Sequence[Step]) -> bool:
    return run.host == run.primary and any(step.does for step in steps if step.name in ("backup_before", "backup"))


def _old_backups(seen: Facts, takes_one: bool) -> tuple[str, ...]:
    """The backups of earlier deploys that are deleted as a run ends: its own one makes them one more."""
    kept = seen.get("kept") or {}
    most = (kept.get("keep_backups") or 0) - takes_one
    return tuple(path for newer, path in kept.get("going", ()) if newer >= most)


def versions_after(run: Run, seen: Facts) -> list[Facts]:
    """The versions as they will be known once a run has committed, the newest first."""
    links: dict[str, list[str]] = {run.version: ["current", "working"]}
    working = seen["linked"]["working"]
    before = (("previous", run.was), ("previous_working", working if working != run.version else None))
    kept = seen["linked"]
    for word, name in before:
        target = name if name and name != run.version else kept[word]
        if target:
            links.setdefault(target, []).append(word)
    new: Facts = {"name": run.version, "ours": True, "sealed": True, "pinned": False, "bytes": None}
    known = [dict(one) for one in seen["versions"] if one["name"] != run.version]
    mine = _version(seen, run.version) or new
    everything = [*known, {**mine, "working": True, "failed": None}]
    everything = [{**one, "links": links.get(one["name"], [])} for one in everything]
    return sorted(everything, key=lambda one: str(one["name"]), reverse=True)


def foresee_cleaning(host: str, settings: Settings, known: Known, doomed: Sequence[str]) -> HostPreview:
    """The preview of a clean on one host.

    + doomed: the names of the versions to be deleted
    """
    seen = known.seen
    deletions = tuple(
        Deletion(name=one["name"], bytes=one["bytes"]) for one in seen["versions"] if one["name"] in doomed
    )
    kept = len(seen["versions"]) - len(deletions)
    return HostPreview(
        host=host,
        primary=False,
        idle="" if deletions else "nothing to delete",
        problems=known.problems,
        notices=known.notices,
        was=seen["linked"]["current"],
        version=None,
        healthy=bool(seen["healthy"]["healthy"]),
        deletions=deletions,
        kept_versions=kept,
        old_backups=_old_backups(seen, False) if deletions else (),
        settings=shown_settings(settings),
        summary=Summary(delete=len(deletions), unchanged=kept),
    )


# --- The way back


def _fallback(run: Run, migrations: Migrations | None) -> tuple[Fallback | None, tuple[str, ...]]:
    """What a fallback would do to the database; and why the build would refuse the run, if it would."""
    if run.kind == "revert":
        return _fallback_of_revert(run), _refusal_of_revert(run, migrations)
    if "checks" not in run.steps:
        return None, ()
    fallback, refusal = _fallback_of_deploy(run, migrations)
    # A build changes no database, and is checked all the same.
    if "migrate" not in run.steps:
        return None, refusal
    if run.host != run.primary and fallback.way in ("reverse", "restore"):
        fallback = fallback.model_copy(update={"why": "by the primary host"})
    return fallback, refusal


def _fallback_of_deploy(run: Run, migrations: Migrations | None) -> tuple[Fallback, tuple[str, ...]]:
    if migrations is None or migrations.source == "unknown":
        return Fallback(way=run.settings.database_fallback, why="what is migrated is known when built"), ()
    if migrations.conflicts:
        return Fallback(way="refused"), (f"migrations conflict: {_conflicts(migrations.conflicts)}",)
    if migrations.inconsistent:
        return Fallback(way="refused"), migrations.inconsistent
    if run.was is None and migrations.applied is None and run.settings.database_fallback == "reverse":
        return Fallback(way="reverse", why=FIRST), ()
    if not migrations.pending:
        return Fallback(
            way="none", why="" if _for_certain(migrations) else "as far as the project's own files tell"
        ), ()
    return _fallback_of_migrations(run, migrations)


def _fallback_of_migrations(run: Run, migrations: Migrations) -> tuple[Fallback, tuple[str, ...]]:
    pending = [
        {
            **one.model_dump(include={"app", "name", "database", "loses", "halfway"}),
            "reversible": one.reversible is not False,
        }
        for one in migrations.pending
    ]
    settings = run.settings.model_dump(mode="json")
    try:
        accepted, breaks = str(run.about.get("irreversible", "refuse")), bool(_breaking(migrations))
        provisioned = bool(run.about.get("provisioned"))
        way = decide_fallback(settings, accepted, pending, breaks=breaks, provisioned=provisioned)
    except StepFailed as problem:
        return Fallback(way="refused", cannot_undo=_cannot_undo("refused", migrations)), (str(problem),)
    return Fallback.model_validate({"way": way, "cannot_undo": _cannot_undo(way, migrations)}), ()


def _conflicts(conflicts: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{app}: {', '.join(names)}" for app, names in conflicts.items())


def _database_offers(run: Run, seen: Facts, migrations: Migrations | None) -> tuple[str, ...]:
    """The ways for a revert to take the database back that would not be refused."""
    if run.kind != "revert" or run.about.get("database", "keep") != "keep":
        return ()
    stuck = migrations is not None and any(one.reversible is False for one in migrations.leaving)
    backup = last_left(seen["history"], run.version).get("backup")
    return tuple(
        way for way, can in (("reverse", not stuck), ("restore", bool(run.settings.restore_script and backup))) if can
    )


def _fallback_of_revert(run: Run) -> Fallback:
    way = run.about.get("database", "keep")
    if way == "keep":
        return Fallback(way="none")
    if run.settings.restore_script:
        written = "once visitors are let in again, what they write keeps the fresh backup from being restored"
        return Fallback(way="restore", why="from the backup that is taken first", cannot_undo=(written,))
    if way == "restore":
        return Fallback(way="keep", cannot_undo=("the restored rows stay as they are",))
    return Fallback(
        way="reapply",
        cannot_undo=("what reversing them has dropped does not come back",),
    )


def _refusal_of_revert(run: Run, migrations: Migrations | None) -> tuple[str, ...]:
    if run.about.get("database") != "reverse" or migrations is None or migrations.source == "unknown":
        return ()
    leaving = [one.model_dump(include={"app", "name", "database", "reversible"}) for one in migrations.leaving]
    problem = not_reversible(leaving, migrations.why)
    return (problem,) if problem else ()


def _cannot_undo(way: str, migrations: Migrations) -> tuple[str, ...]:
    sentences = []
    stuck = [one.label for one in migrations.pending if one.reversible is False]
    if way == "restore":
        sentences.append(
            "once visitors are let in again, the backup is not restored any more: it lacks what they wrote"
        )
    if stuck:
        verb = "can't be reversed" if way != "keep" else "stay: they can't be reversed"
        sentences.append(f"{', '.join(stuck)} {verb}")
    if way == "keep" and not stuck:
        sentences.append("every migration stays applied")
    if way == "reverse":
        lost = [one.label for one in migrations.pending if _loses(one)]
        sentences += [f"{', '.join(lost)}: what is dropped does not come back with reversing"] if lost else []
        half = [one.label for one in migrations.pending if one.halfway or not one.atomic]
        sentences += [f"{', '.join(half)}: if it fails half-way, a person is needed"] if half else []
        unsure = [one.label for one in migrations.pending if one.reversible is None]
        sentences += [f"{', '.join(unsure)}: whether it can be reversed is known when built"] if unsure else []
    return tuple(sentences)


def _loses(migration: Any) -> bool:
    return any(risk.kind == LOSES for operation in migration.operations for risk in operation.risks)


# --- The summary


def _idle_summary(seen: Facts) -> Summary:
    there = [link for link in seen["links"].values() if link["kind"] == "link"]
    return Summary(unchanged=len(there) + len(seen["versions"]) + 1)


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
