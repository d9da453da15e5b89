"""Doing what the plan of a fallback says. Every action can be killed anywhere and done again."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.database import going_back, schema, way_back
from agent.database.restoring import prove_restored, restore
from agent.django import locks, sessions
from agent.django.manage import django
from agent.host.command import LOGGED
from agent.host.links import restore_links
from agent.host.output import say
from agent.host.processes import stop_groups
from agent.host.users import acting_as
from agent.migrations.names import key_of, label
from agent.restart import background, full, rolling
from agent.runs.strays import strays
from agent.service import health, verdicts
from agent.service.last_words import app_logs, end_of_log
from agent.service.supervisor import Unreadable
from agent.steps import switch
from agent.text.lines import bounded, first_line
from agent.text.masking import masked_urls
from agent.transaction.plan import changes_database, database_way, failed_step, rolls_back
from agent.transaction.step import Step, StepFailed
from agent.versions import assets
from agent.versions.marks import change_mark, linked_version
from agent.visitors import site

Note = dict[str, Any]

# An old version that was well will be well again, be the host ever so busy: it is given more time than a new one, since
# all that is left after it is to call a person.
PATIENCE = 3
# How often it is looked for what runs and was never written down: it may start something while it is stopped.
LOOKS = 3


def stop_commands(step: Step) -> Note:
    """Stop what runs for this deploy."""
    written = background.still_running((*step.progress.commands, *step.progress.beside))
    stop_groups(written)
    unwritten = _stop_strays(step)
    background.hide_secrets(step.transaction.output(background.REHEARSAL))
    if changes_database(step.progress) and database_way(step.progress) == "keep":
        # Otherwise right before it is taken back.
        sessions.end_left(step)
    return {"stopped": [*written, *unwritten]}


def _stop_strays(step: Step) -> list[int]:
    """Stop what nobody has lived to write down, and what that has started while it was looked for."""
    stopped = list[int]()
    for _ in range(LOOKS):
        found = strays(step.transaction.deploy, step.begin.get("started"), step.progress.marks)
        if not found:
            break
        stop_groups(found)
        stopped += found
    return stopped


def links(step: Step) -> Note:
    """Put all links back to where they led."""
    with acting_as(step.layout.app):
        before = step.begin["links"]
        laid = step.layout.deployment_links(step.layout.part(step.version, "config"))
        restore_links({**{str(link): None for link in laid}, **before})
    return _keep_assets(step)


def _keep_assets(step: Step) -> Note:
    """Keep what pages of the failed version ask for, if a visitor has got one. The site works without."""
    was = step.begin.get("was")
    try:
        carried = assets.carry(step.layout, step.version, was, step.settings.get("static_keep_days", 0)) if was else 0
    except OSError as problem:
        return {"assets": str(problem)}
    return {"assets": carried}


def database(step: Step) -> Note:
    """Take the database back to what it was before this deploy changed it."""
    sessions.end_left(step)
    if step.begin["kind"] == "revert":
        return going_back.undo(step)
    if way_back.choose(step) == "restore":
        return _restore(step)
    before = step.notes("checks")
    now = django(step, "migrations")
    half = _half_applied(before, now)
    if half:
        raise StepFailed(f"{half} is not atomic and failed on the way: the schema may be half applied")
    done = django(step, "unapply", json.dumps(before["applied"]), *(["emptied"] if before.get("empty") else []))
    locks.tell(step, done)
    if done["wrong"]:
        raise StepFailed("the applied migrations differ from what was recorded: " + json.dumps(done["wrong"]))
    if done.get("tables"):
        raise StepFailed("the database was empty before, and has these tables now: " + ", ".join(done["tables"]))
    return dict(done)


def prove_schema(step: Step) -> Note:
    """Prove that the host which took the database back has done so."""
    schema.prove_back(step)
    return {}


def _half_applied(before: Note, now: Note) -> str | None:
    """The migration that may have failed on its way without a transaction around it, if one did."""
    applied = {tuple(pair) for pair in now["applied"]}
    for migration in before["pending"]:
        if key_of(migration) not in applied:
            return label(migration) if way_back.may_be_half(migration) else None
    return None


def _restore(step: Step) -> Note:
    path = step.notes("backup").get("path")
    if not path:
        # The step that changes the database comes after the backup, so without one nothing was changed.
        return {"skipped": "no backup was taken, so nothing was changed"}
    found = restore(step, path)
    checks = step.notes("checks")
    proven = prove_restored(step, step.version, checks.get("applied"))
    return {**found, **proven, "databases": [one["alias"] for one in checks.get("databases", ())]}


def restart(step: Step) -> Note:
    """Restart the service from the version that was live."""
    was = linked_version(step.layout, step.layout.path("current_main"))
    note: Note = {"way": "restart"}
    if was and _was_tried(step) and health.app_problem(step.layout, was) is None:
        return {"way": "none", "healthy": was}
    if was and rolls_back(step.progress):
        try:
            return {"way": "rolling", **rolling.take_back(step, was)}
        except (StepFailed, health.Unhealthy, Unreadable) as problem:
            # Short of nothing serving at all, whatever it takes: what the service is like then is proven next.
            note["instead"] = masked_urls(str(problem))
            if _serves(step, was):
                say(f"not restarted as a whole, since {was} still serves: {note['instead']}")
                return {**note, "way": "rolling", "serves": was}
    full.restart(step)
    return note


def _was_tried(step: Step) -> bool:
    """Whether this was done before: the app was not well after it."""
    return any(one["event"] == "undo done" and one["action"] == "restart" for one in step.transaction.journal.records())


def _serves(step: Step, version: str) -> bool:
    """Whether a version serves, though not with all of its processes."""
    missing = {one.name for one in verdicts.look(step.layout).ailing}
    return health.app_problem(step.layout, version, known=missing) is None


def stop_service(step: Step) -> Note:
    """Stop the service: there was no version before this one."""
    full.stop(step)
    return {}


def prove_health(step: Step) -> Note:
    """Prove that the version that was live is well again."""
    was = linked_version(step.layout, step.layout.path("current_main"))
    if was is None:
        raise StepFailed("there is no current version")
    was_well, known = step.begin.get("healthy_before", True), step.begin.get("ailing", {})
    try:
        found = health.prove_healthy(step.layout, was, patience=PATIENCE if was_well else 1, known=known)
    except health.Unhealthy as problem:
        if was_well:
            raise
        return {"version": was, "unhealthy": f"as before the deploy: {first_line(str(problem))}"}
    still = [str(one) for one in verdicts.look(step.layout).ailing if one.name in known]
    return {"version": was, **found, **({"as_before": still} if still else {})}


def maintenance(step: Step) -> Note:
    """Let visitors in again."""
    switch.run_script(step, "maintenance_stop_script")
    return site.see_open(step, PATIENCE)


def prove_site(step: Step) -> Note:
    """Prove that visitors get again what they got before the deploy."""
    return site.prove_back(step, PATIENCE)


def keep_evidence(step: Step) -> Note:
    """Keep what the failed version has left to say: the unit's journal, and the app's logs."""
    folder = step.transaction.evidence
    try:
        folder.mkdir(exist_ok=True)
        if step.progress.touched:
            _copy_logs(step, folder)
    except (OSError, subprocess.SubprocessError) as problem:
        # A site that works again must not wait for a person because of this.
        return {"folder": str(folder), "incomplete": str(problem)}
    return {"folder": str(folder)}


def _copy_logs(step: Step, folder: Path) -> None:
    since = "@{}".format(int(step.begin["at"]))
    unit = step.settings["systemd_service"]
    argv = ["journalctl", "--unit", unit, "--since", since, "--lines", "500", "--no-pager"]
    shown = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    (folder / "unit.log").write_text(bounded(masked_urls(shown.stdout + shown.stderr), most=LOGGED))
    for log in app_logs(step.layout, step.version):
        (folder / log.name).write_text(masked_urls(end_of_log(step.layout, log)))


def mark_failed(step: Step) -> Note:
    """Mark the version failed, so that nothing goes back to it, and say where its evidence is."""
    failed = {"step": failed_step(step.progress), "deploy": step.transaction.deploy, "at": int(time.time())}
    state, evidence = step.transaction.state, str(step.transaction.folder)
    if step.begin["kind"] == "revert":
        # It is live again, and works as it did: it is its migrations that could not be reversed.
        change_mark(state, step.begin["was"], failed=failed, evidence=evidence)
        return {}
    built_by = step.transaction.deploy
    change_mark(state, step.version, built_by=built_by, working=None, failed=failed, evidence=evidence)
    return {}


ACTIONS: dict[str, Callable[[Step], Note]] = {
    "stop commands": stop_commands,
    "links": links,
    "database": database,
    "schema": prove_schema,
    "restart": restart,
    "stop service": stop_service,
    "health": prove_health,
    "maintenance": maintenance,
    "site": prove_site,
    "evidence": keep_evidence,
    "mark": mark_failed,
}
