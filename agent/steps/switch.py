"""The steps that touch the live site, from the backup to the proof that a visitor gets the new version."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from agent.database import going_back, way_back
from agent.database.backup import examine
from agent.django import locks, warm
from agent.host.links import replace_link
from agent.host.output import say
from agent.host.users import acting_as
from agent.migrations.names import label, labels
from agent.restart import early, full, rolling
from agent.service import health
from agent.service.last_words import LastWords
from agent.steps import build
from agent.text.lines import lines_of
from agent.transaction.maintenance import changes_database, decide, restart_way
from agent.transaction.step import Step, StepFailed
from agent.versions import assets
from agent.visitors import served, site

Note = dict[str, Any]

STAYS = "the database stays as it is"


def backup_before(step: Step) -> Note:
    """Back the database up before the window, when nothing in the window will change it."""
    if changes_database(step.progress):
        return {"skipped": "taken right before the migrations, so that a restore loses as little as can be"}
    return _back_up(step)


def backup(step: Step) -> Note:
    """Back the database up inside the window, when it is about to be changed."""
    if not changes_database(step.progress):
        return {"skipped": STAYS if step.begin["kind"] == "revert" else "taken before the window"}
    return _back_up(step)


def _back_up(step: Step) -> Note:
    if not step.begin.get("primary", True):
        return {"skipped": "done by the primary host"}
    return examine(step, run_script(step, "backup_script"))


def run_script(step: Step, key: str) -> str:
    """Run one of the host's own scripts as the app user, in its home."""
    script = step.layout.path(key)
    env = locks.for_scripts(step) if key == "backup_script" else None
    return step.runner(step.layout.app).run([str(script)], cwd=step.layout.home, env=env)


def maintenance_start(step: Step) -> Note:
    """Show visitors the maintenance page."""
    window = decide(step.progress)
    # As long as visitors are let in.
    files = served.before(step)
    if not window.needed:
        return {"skipped": f"no window is needed: {window.why}", **files}
    if step.settings["maintenance"] == "auto":
        say(f"maintenance_start: a window is needed: {window.why}")
    before = site.look(step.settings)
    run_script(step, "maintenance_start_script")
    return {"why": window.why, **files, **site.see_shut(step, before)}


def maintenance_stop(step: Step) -> Note:
    """Let visitors in again."""
    if step.notes("maintenance_start").get("skipped"):
        return {"skipped": "maintenance was not started"}
    run_script(step, "maintenance_stop_script")
    return site.see_open(step)


def migrate(step: Step) -> Note:
    """Bring the database to where the version needs it."""
    if not step.begin.get("primary", True):
        return {"skipped": "done by the primary host"}
    if not changes_database(step.progress):
        return {"skipped": STAYS if step.begin["kind"] == "revert" else "nothing to migrate"}
    if step.begin["kind"] == "revert":
        return going_back.take_back(step)
    way_back.look_again(step)
    found = warm.migrate(step)
    locks.tell(step, found)
    left = found["pending"]
    if left:
        raise StepFailed("still to be migrated afterwards: " + labels(left))
    return {"applied": [label(one) for one in step.notes("checks")["pending"]]}


def swap(step: Step) -> Note:
    """Make the version the current one: every link by itself in one step, the one that decides last."""
    layout, was = step.layout, step.begin.get("was")
    carried = assets.carry(layout, was, step.version, float(step.settings.get("static_keep_days", 0))) if was else 0
    with acting_as(layout.app):
        links = {**layout.deployment_links(layout.part(step.version, "config")), **layout.fixed_links()}
        layout.path("deployment_dir").mkdir(exist_ok=True)
        for link, target in links.items():
            _link_if_needed(link, target)
        replace_link(layout.path("current_main"), str(layout.version(step.version)))
        gone = [name for name in step.begin["links"] if _left_dangling(Path(name), layout.path("deployment_dir"))]
        for name in gone:
            Path(name).unlink()
    return {"current": step.version, "older_assets": carried}


def _link_if_needed(link: Path, target: Path) -> None:
    """Lay a fixed link, unless one is there that a person has laid to lead to the same place in another way."""
    if link.is_symlink() and Path(os.path.normpath(link.parent / os.readlink(str(link)))) == target:
        return
    replace_link(link, str(target))


def _left_dangling(link: Path, folder: Path) -> bool:
    """Whether a link of the deployment directory leads to a name that the new config no longer has."""
    return link.parent == folder and link.is_symlink() and not link.exists()


def install_script(step: Step) -> Note:
    """Run the project's own install script, before the app is restarted."""
    return build.run_own_script(step, "install_script")


def restart(step: Step) -> Note:
    """Restart the service, so that every process runs from the version."""
    decided = restart_way(step.progress)
    # Written down before anything is touched: a fallback goes back the same way.
    step.transaction.journal.append("note", step="restart", note={"way": decided["way"]})
    if decided["way"] == "rolling":
        return {"way": "rolling", **rolling.replace_all(step, early.take(step))}
    if decided.get("why"):
        first, *lines = lines_of(str(decided["why"]))
        say(f"restart: in full, not one process after the other: {first}")
        for line in lines:
            say(f"restart:   {line}")
    full.restart(step)
    return {"way": "restart"}


def prove_health(step: Step) -> Note:
    """Prove that the app answers, from the version, and stays up."""
    # A rolling restart has watched it for that long already.
    stable = 0 if step.notes("restart").get("way") == "rolling" else None
    return health.prove_healthy(step.layout, step.version, stable)


def prove_site(step: Step) -> Note:
    """Ask the website as a visitor would."""
    words = LastWords(step.layout, step.version)
    return {**health.prove_site(step.settings, words), **served.prove(step)}
