"""A deploy on a host from its first line to its last: on a real file system, with steps that do what a test says."""

from __future__ import annotations

import errno
import re
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.host.command import CommandFailed
from agent.host.files import text_lines
from agent.runs import beginning, clean, finish
from agent.service import health, systemd
from agent.state import State
from agent.steps.fallback import only_health_is_missing
from agent.transaction import reserve
from agent.transaction.bounds import past_runs
from agent.transaction.lock import lock_holder
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction, how_it_ended, open_transaction
from agent.versions.known import Mark
from agent.versions.layout import Layout
from agent.versions.marks import list_versions, read_mark, write_mark
from agent.words.journal import Intent
from agent.words.outcomes import Refused
from agent.words.requests import Begin, Commit, Go, Recover
from agent.words.seen import Failure
from tests.unit.agent_host import ALL, BEFORE, ID, Host
from tests.unit.examples import HIDDEN, LIVE, NEW, OLD, settings
from tests.unit.journals import begun, says
from tests.unit.steps import UNDOS, really, really_undone


def fails(step: StepContext) -> Any:
    raise StepFailed("it broke")


# --- It goes well


def test_a_deploy_whose_steps_all_go_well_commits_and_frees_the_host(host: Host) -> None:
    host.begin()
    assert all(host.run(*ALL, "commit"))
    assert host.done == list(ALL)
    assert lock_holder(host.state) is None
    assert host.said.splitlines()[-1] == f"committed: {NEW} is live and healthy; {LIVE} was live before"
    assert host.links() == {
        "django-current": NEW,
        "django-previous": LIVE,
        "django-working": NEW,
        "django-previous-working": LIVE,
    }
    assert read_mark(host.state, NEW).working
    assert [run.outcome for run in past_runs(host.state)] == ["committed"]


def test_a_step_that_is_asked_for_twice_is_done_once(host: Host) -> None:
    host.begin(steps=[*ALL, "commit"])
    for _ in range(2):
        asked = host.ask(Go(ID, "code", "code"))
        assert asked.result
        assert asked.result.ok
        assert asked.lines[0].startswith("code: done in ")
    assert host.done == ["code"]


def test_a_commit_that_was_cut_off_is_finished_forward(host: Host) -> None:
    transaction = host.begin()
    host.run(*ALL)
    transaction.journal.append(says("committed"))
    host.start_runner()
    assert host.links()["django-current"] == host.links()["django-working"] == NEW
    assert transaction.progress.outcome == "committed"
    assert lock_holder(host.state) is None
    assert not [name for name in host.done if name.startswith("undo")]


def test_a_commit_that_was_cut_off_halfway_is_not_done_twice(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    transaction = host.begin()
    host.run(*ALL)

    def cut(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut_off:
        cut_off.setattr(finish, "end", cut)
        with pytest.raises(KeyboardInterrupt):
            host.run("commit")
    host.start_runner()
    assert transaction.progress.outcome == "committed"
    assert host.links()["django-previous-working"] == LIVE
    assert host.events[-1] == "ended"


def test_a_version_that_failed_once_and_works_now_has_no_mark_of_it_left(host: Host) -> None:
    host.state.create()
    write_mark(host.state, NEW, Mark(failed=Failure("health"), evidence="/somewhere"))
    host.begin()
    host.run(*ALL, "commit")
    mark = read_mark(host.state, NEW)
    assert mark == Mark(working=mark.working)
    assert mark.working


# --- It fails


def test_a_version_that_failed_is_marked_with_the_step_the_deploy_and_where_the_evidence_is(host: Host) -> None:
    host.begin()
    host.step("restart", fails)
    before = int(time.time())
    host.run(*ALL[: ALL.index("restart") + 1])
    mark = read_mark(host.state, NEW)
    assert mark.failed
    assert before <= mark.failed.at <= time.time()
    evidence = str(host.state.root / "transactions" / ID)
    assert mark == Mark(built_by=ID, failed=Failure("restart", ID, mark.failed.at), evidence=evidence)


def test_a_version_that_has_worked_and_fails_now_is_no_working_one_any_more(host: Host) -> None:
    host.state.create()
    write_mark(host.state, NEW, Mark(working=1))
    host.begin()
    host.step("health", fails)
    host.run(*ALL[: ALL.index("health") + 1])
    mark = read_mark(host.state, NEW)
    assert mark.failed
    assert mark.working is None


def test_of_a_revert_whose_migrations_cant_be_reversed_the_version_that_is_left_is_marked(host: Host) -> None:
    host.begin(kind="revert", version=OLD, database="reverse")
    host.step("migrate", fails)
    host.run("maintenance_start", "backup", "migrate")
    mark = read_mark(host.state, LIVE)
    assert mark.failed
    assert mark.failed.step == "migrate"
    assert mark.evidence == str(host.state.root / "transactions" / ID)
    assert read_mark(host.state, OLD) == Mark()


@pytest.mark.parametrize("name", ALL)
def test_a_step_that_fails_takes_the_host_back_by_itself(host: Host, name: str) -> None:
    host.begin()
    host.step(name, fails)
    steps_before = ALL[: ALL.index(name)]
    assert all(host.run(*steps_before))
    assert host.run(name) == [False]
    assert host.links() == BEFORE
    assert lock_holder(host.state) is None
    outcome = "fell back" if "maintenance_start" in (*steps_before, name) else "refused"
    assert f"{outcome} at {name}: " in host.said.splitlines()[-1]
    assert past_runs(host.state)[-1].outcome == outcome
    failed = read_mark(host.state, NEW).failed
    assert failed
    assert failed.step == name


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (StepFailed("it broke"), "it broke"),
        (
            CommandFailed("pip ended with exit code 1", "no such package"),
            "pip ended with exit code 1\n  no such package",
        ),
        (health.Unhealthy("it answers 500"), "it answers 500"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (ZeroDivisionError("oops"), "an error in the agent:\nTraceback"),
    ],
)
def test_whatever_a_step_fails_with_the_host_falls_back_and_says_why(
    host: Host, trouble: Exception, words: str
) -> None:
    def breaks(step: StepContext) -> Any:
        raise trouble

    host.begin()
    host.step("restart", breaks)
    assert host.run("maintenance_start", "swap", "restart") == [True, True, False]
    assert f"falling back: restart failed: {words}" in host.said
    assert host.links() == BEFORE


def test_a_password_in_what_a_step_says_is_not_written_down(host: Host) -> None:
    def breaks(step: StepContext) -> Any:
        raise StepFailed(f"fatal: could not read https://me:{HIDDEN}@git.example.com/code.git")

    transaction = host.begin()
    host.step("code", breaks)
    host.run("code")
    written = "".join(path.read_text() for path in host.state.root.rglob("*") if path.is_file())
    assert HIDDEN not in written + host.said
    assert "https://***@git.example.com/code.git" in transaction.journal.path.read_text()


def test_the_way_back_is_in_order(host: Host) -> None:
    host.begin()
    host.step("site", fails)
    host.run("maintenance_start", "migrate", "swap", "restart", "health", "site")
    assert [name for name in host.done if name.startswith("undo")] == [
        "undo stop commands",
        "undo evidence",
        "undo links",
        "undo database",
        "undo restart",
        "undo health",
        "undo maintenance",
        "undo watch",
        "undo mark",
    ]


def test_room_that_was_set_aside_is_given_back_when_it_is_needed_and_not_to_whatever_fills_the_disk(host: Host) -> None:
    transaction = host.begin()
    links = host.home / ".switchback" / "reserve"
    reserve.set_aside(links, reserve.Room(bytes=1, files=1))
    assert (transaction.folder / "spare" / "evidence").exists()
    left: dict[str, tuple[bool, bool]] = {}

    def look(step: StepContext) -> Any:
        left[host.done[-1]] = (links.exists(), (transaction.folder / "spare" / "mark").exists())
        return {}

    host.step("health", fails)
    for name in UNDOS:
        host.action(name, look)
    host.run("swap", "health")
    assert left["undo evidence"] == (True, True)
    assert not (transaction.folder / "spare" / "evidence").exists()
    assert left["undo links"] == (False, True)
    assert left["undo health"] == (False, True)
    assert left["undo mark"] == (False, False)


def test_an_error_on_the_way_back_needs_a_person_and_the_rest_is_undone_all_the_same(host: Host) -> None:
    transaction = host.begin()
    host.step("restart", fails)
    host.action("health", fails)
    host.run("maintenance_start", "swap", "restart")
    assert host.links() == BEFORE
    assert host.done[-2:] == ["undo maintenance", "undo mark"]
    last = host.said.splitlines()[-1]
    assert last.startswith(f"needs a person at restart: {LIVE} is live, maintenance is off; what could not be undone: ")
    assert "health: it broke" in last
    assert last.endswith("next: deploys/recover.py")
    # Nobody may deploy over it.
    assert lock_holder(host.state) == ID
    assert transaction.progress.outcome == "needs a person"


@pytest.mark.parametrize(
    ("script", "command"),
    [
        (None, "with your database's own tools, since restore_script is not set"),
        ("/srv/restore.sh", "sudo -u app /srv/restore.sh '/srv/back ups/a.dump'"),
    ],
)
def test_who_is_needed_is_told_how_to_restore_the_backup(script: str | None, command: str, host: Host) -> None:
    told = replace(settings().for_host(), restore_script=script)
    host.begin(settings=told)
    host.step("backup", lambda _: {"path": "/srv/back ups/a.dump"})
    host.step("migrate", fails)
    host.action("database", fails)
    host.run("maintenance_start", "backup", "migrate")
    assert f"; to restore it: {command}; evidence: " in host.said.splitlines()[-1]


def test_an_error_of_ours_on_the_way_back_does_not_stop_the_way_back(host: Host) -> None:
    def breaks(step: StepContext) -> Any:
        raise ZeroDivisionError

    host.begin()
    host.step("restart", fails)
    host.action("links", breaks)
    host.run("maintenance_start", "swap", "restart")
    assert host.done[-1] == "undo mark"
    assert "could not undo links: an error in the agent" in host.said


def test_a_database_that_can_not_be_taken_back_keeps_maintenance_on(host: Host) -> None:
    host.begin()
    host.step("migrate", fails)
    host.action("database", fails)
    host.run("maintenance_start", "migrate")
    assert "undo maintenance" not in host.done
    assert "maintenance stays ON" in host.said.splitlines()[-1]


def test_links_that_can_not_go_back_leave_the_new_version_its_schema_and_keep_maintenance_on(host: Host) -> None:
    host.begin()
    host.step("health", fails)
    host.action("links", fails)
    host.run("maintenance_start", "migrate", "swap", "restart", "health")
    undone = [name for name in host.done if name.startswith("undo")]
    assert undone == ["undo stop commands", "undo evidence", "undo links", "undo mark"]
    assert "maintenance stays ON" in host.said.splitlines()[-1]


def test_a_person_who_recovers_has_the_way_back_finished_and_the_host_freed(host: Host) -> None:
    host.begin()
    host.step("migrate", fails)
    host.action("database", fails)
    host.run("maintenance_start", "migrate")
    host.action("database", lambda _: {})
    host.done.clear()
    assert host.recover() is True
    assert host.done == ["undo stop commands", "undo database", "undo health", "undo maintenance", "undo watch"]
    assert lock_holder(host.state) is None
    assert "could not undo database: it broke" in host.said


@pytest.mark.parametrize(("state", "starts"), [("inactive", True), ("failed", True), ("active", False)])
@pytest.mark.parametrize("linked", [True, False])
def test_a_service_that_does_not_run_is_started_where_the_way_back_would_not(
    host: Host, monkeypatch: pytest.MonkeyPatch, state: str, starts: bool, linked: bool
) -> None:
    transaction = host.begin()
    host.step("migrate", fails)
    host.action("health", fails)
    host.run("maintenance_start", "migrate")
    host.action("health", lambda _: {})
    started: list[str] = []
    was = transaction.begin.was
    monkeypatch.setattr("agent.runs.recover.linked_version", lambda *_: was if linked else "another")
    shown = {"LoadState": "loaded", "ActiveState": state}
    monkeypatch.setattr("agent.runs.recover.systemd.unit_properties", lambda unit: shown)
    monkeypatch.setattr("agent.runs.recover.systemd.restart", lambda runner, unit: started.append(unit))
    assert host.recover() is True
    assert bool(started) == (starts and linked)
    assert ("does not run: it is started" in host.said) == bool(started)


def test_a_person_can_not_recover_from_a_deploy_that_still_runs(host: Host) -> None:
    host.begin()
    result = host.ask(Recover()).result
    assert result
    assert re.search(r"a deploy is still running: deploy .* at step begin", result.sentence)
    assert lock_holder(host.state) == ID


# --- A runner that goes on with what another one has left


def killed_in(host: Host, name: str, **begun: Any) -> Transaction:
    """A deploy whose runner was killed in a step, before that has done anything."""

    def cut(step: StepContext) -> Any:
        raise KeyboardInterrupt

    transaction = host.begin(**begun)
    host.step(name, cut)
    with pytest.raises(KeyboardInterrupt):
        host.run(*ALL[: ALL.index(name) + 1])
    return transaction


def test_a_runner_falls_back_at_once_when_the_one_before_it_was_killed_in_a_step(host: Host) -> None:
    transaction = killed_in(host, "swap")
    really("swap")(StepContext("swap", transaction, 10))
    host.start_runner()
    assert transaction.progress.reason == "the runner was killed during swap"
    assert host.links() == BEFORE
    assert transaction.progress.outcome == "fell back"


@pytest.mark.parametrize("name", ALL)
def test_a_runner_never_goes_forward_with_what_another_has_begun(host: Host, name: str) -> None:
    transaction = killed_in(host, name)
    done = len(host.done)
    run = host.start_runner()
    assert not [one for one in host.done[done:] if not one.startswith("undo")]
    assert host.links() == BEFORE
    outcome = "fell back" if ALL.index(name) >= ALL.index("maintenance_start") else "refused"
    assert (transaction.progress.outcome, lock_holder(host.state), run.transaction) == (outcome, None, None)


def test_a_runner_that_is_started_between_two_steps_falls_back_as_well(host: Host) -> None:
    transaction = host.begin()
    host.run("code", "swap")
    host.start_runner()
    assert transaction.progress.reason == "the runner was killed after swap"
    assert host.links() == BEFORE


def test_a_runner_lets_the_host_start_the_app_once_it_has_nothing_to_do_before_that(host: Host) -> None:
    host.start_runner()
    assert host.loop.is_ready
    seen: list[bool] = []
    killed_in(host, "restart")

    def looks(_: StepContext) -> Any:
        seen.append(host.loop.is_ready)
        return {}

    for name in ("links", "restart"):
        host.action(name, looks)
    host.start_runner()
    assert seen == [False, True]


def test_a_lock_whose_deploy_has_no_first_line_is_freed(host: Host) -> None:
    transaction = host.begin()
    transaction.journal.path.write_text('{"at": 1, "event": "be')
    host.start_runner()
    assert lock_holder(host.state) is None
    assert host.done == []


def needs_a_person(host: Host, *actions: str) -> Transaction:
    """A deploy that was taken back, but for some actions."""
    transaction = host.begin()
    host.run("maintenance_start", "swap")

    def fails(step: StepContext) -> Any:
        raise health.Unhealthy("it answers 500")

    for action in actions:
        host.action(action, fails)
    assert host.fall_back("it broke") == "needs a person"
    return transaction


def test_a_host_that_needs_a_person_for_its_health_alone_frees_itself_once_the_site_is_well(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = needs_a_person(host, "health")
    assert "it is freed by itself once it is healthy; next: deploys/recover.py" in how_it_ended(transaction)
    seen: list[str | None] = ["it answers 500", None]
    monkeypatch.setattr(health, "app_problem", lambda *_, **__: seen.pop(0))
    proofs: list[str | Exception] = [health.Unhealthy("did not stay up"), ""]

    def prove(*_: Any, **__: Any) -> str:
        proof = proofs.pop(0)
        if isinstance(proof, Exception):
            raise proof
        return proof

    monkeypatch.setattr("agent.runs.ending.prove_healthy", prove)
    for _ in range(2):
        host.later()
        assert transaction.progress.outcome == "needs a person"
        assert lock_holder(host.state) == ID
    seen.append(None)
    host.later()
    assert transaction.progress.outcome == "fell back"
    assert "is live and proven healthy, maintenance is off" in how_it_ended(transaction)
    assert lock_holder(host.state) is None
    assert [run.outcome for run in past_runs(host.state)] == ["needs a person", "fell back"]


def test_a_host_that_needs_a_person_for_more_than_its_health_waits_for_that_person(host: Host) -> None:
    transaction = needs_a_person(host, "health", "database", "maintenance")
    assert "freed by itself" not in how_it_ended(transaction)
    assert not only_health_is_missing(transaction.progress)


def test_a_runner_goes_on_with_a_way_back_that_was_cut_off(host: Host) -> None:
    transaction = host.begin()
    host.run("maintenance_start", "swap")

    def cut(step: StepContext) -> Any:
        raise KeyboardInterrupt

    host.action("health", cut)
    with pytest.raises(KeyboardInterrupt):
        host.fall_back("it broke")
    host.action("health", lambda _: {})
    host.done.clear()
    host.start_runner()
    # What is done stays done.
    assert "undo links" not in host.done
    assert host.done[-4:] == ["undo health", "undo maintenance", "undo watch", "undo mark"]
    assert transaction.progress.outcome == "fell back"


def test_where_nothing_can_be_written_the_way_back_is_gone_once_all_the_same_and_it_ends_when_it_can_be(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = host.begin()
    host.run("maintenance_start", "swap")

    def refuse(*_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as read_only:
        read_only.setattr("agent.transaction.journal.append_line", refuse)
        host.run("restart")
        assert host.links() == BEFORE
        assert f"fell back at restart: {LIVE} is live and proven healthy" in host.said
        assert lock_holder(host.state) == ID
        for _ in range(3):
            host.later()
    assert host.done.count("undo links") == host.done.count("undo health") == 1
    host.later()
    assert transaction.progress.outcome == "fell back"
    assert lock_holder(host.state) is None


def test_a_runner_that_finds_nothing_open_does_nothing_and_is_over_soon(host: Host) -> None:
    transaction = host.begin()
    host.step("swap", fails)
    host.run("swap")
    events = [*host.events]
    run = host.start_runner()
    assert host.events == events
    assert run.transaction is None
    assert host.loop.waits is not None
    host.later()
    assert host.loop.waits is None
    assert transaction.progress.outcome == "fell back"


# --- Too late, too many


def test_a_step_that_comes_after_the_end_changes_nothing_and_is_told_how_it_ended(host: Host) -> None:
    host.begin()
    host.step("code", fails)
    host.run("code")
    events = host.events
    result = host.ask(Go(ID, "swap", "swap")).result
    assert result
    assert (result.ok, result.outcome) == (False, "refused")
    assert result.sentence.startswith("refused at code: the live site was never touched")
    assert host.events == events
    assert host.links() == BEFORE


def test_a_commit_that_comes_after_a_fallback_does_not_commit(host: Host) -> None:
    host.begin()
    host.step("site", fails)
    host.run("swap", "site")
    result = host.ask(Commit(ID)).result
    assert result
    assert (result.ok, result.outcome) == (False, "fell back")
    assert host.links() == BEFORE


def test_a_step_of_a_deploy_that_never_began_is_refused(host: Host) -> None:
    host.begin()
    result = host.ask(Go("20261123-120001-deploy-other", "swap", "swap")).result
    assert result
    assert result.sentence == "refused: this deploy was never begun here; nothing was changed"
    assert host.done == []
    assert lock_holder(host.state) == ID


def test_an_app_that_has_booted_from_the_new_version_keeps_its_schema_and_is_restarted_once_the_links_are_back(
    host: Host,
) -> None:
    transaction = host.begin(boot="another")
    host.run(*ALL[: ALL.index("swap") + 1])

    def only_then(step: StepContext) -> Any:
        assert "undo database" not in host.done
        return really_undone("links")(step) if host.loop.is_ready else fails(step)

    host.action("links", only_then)
    host.start_runner()
    assert transaction.progress.outcome == "fell back"
    undone = [name for name in host.done if name.startswith("undo")]
    assert undone[-6:] == [f"undo {one}" for one in ("database", "restart", "health", "maintenance", "watch", "mark")]


def test_a_second_deploy_is_refused_and_told_who_and_since_when_and_at_which_step(host: Host) -> None:
    host.begin()
    host.run("code", "config")
    with pytest.raises(Refused, match=rf"^deploy {ID} by ann@desk holds this host since 20.* UTC, at step config$"):
        host.begin("20261123-120001-deploy-other")
    assert lock_holder(host.state) == ID
    assert [path.name for path in (host.state.root / "transactions").iterdir()] == [ID]


def test_a_second_deploy_is_told_that_the_first_one_needs_a_person(host: Host) -> None:
    host.begin()
    host.step("swap", fails)
    host.action("health", fails)
    host.run("maintenance_start", "swap")
    with pytest.raises(Refused, match=r"needs a person: run deploys/recover\.py"):
        host.begin("20261123-120001-deploy-other")


def test_a_deploy_begins_after_another_has_ended(host: Host) -> None:
    host.begin()
    host.step("code", fails)
    host.run("code")
    host.begin("20261123-120001-deploy-other")
    opened = open_transaction(host.state)
    assert opened is not None
    assert opened.deploy == "20261123-120001-deploy-other"


# --- What is kept


def test_old_transactions_are_forgotten_unless_a_version_has_its_evidence_there(host: Host) -> None:
    first = host.begin("20261122-000000-deploy-0000")
    keep = first.begin.settings.keep_runs
    host.step("code", fails)
    host.run("code")
    for number in range(keep + 5):
        deploy = f"20261123-{number:06}-deploy-{number:04}"
        host.begin(deploy, version=OLD)
        host.run("code")
    kept = {path.name for path in (host.state.root / "transactions").iterdir()}
    assert first.deploy in kept
    assert "20261123-000000-deploy-0000" not in kept
    assert len(kept) == keep + 1


def test_a_run_that_fails_deletes_what_failed_long_before_it(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    tidied: list[object] = []
    monkeypatch.setattr(clean, "_tidy", lambda *told: tidied.append(told))
    monkeypatch.setattr(systemd, "versions_in_use", lambda *_: {})
    host.state.create()
    failed = [f"django-202610{number:02}-100000-ddddddd-fffffff" for number in range(10, 16)]
    for name in failed:
        (host.home / name).mkdir()
        write_mark(host.state, name, Mark(built_by="x", failed=Failure("checks", "x", 1)))
    write_mark(host.state, failed[0], replace(read_mark(host.state, failed[0]), pinned=True))
    host.begin()
    host.step("checks", fails)
    host.run("code", "checks")
    # The newest three, of which this run's own is one; and what is pinned.
    left = [name for name in failed if (host.home / name).exists()]
    assert left == [failed[0], *failed[-2:]]
    assert not any(host.state.mark(name).exists() for name in failed[1:-2])
    assert (host.home / NEW).exists()
    assert len(tidied) == 1
    said = host.said
    assert f"deleted: {failed[1]}, which failed before (keep_failed: 3)" in said
    assert said.splitlines()[-1].startswith("refused at checks: ")


def test_a_build_that_goes_well_deletes_what_was_built_long_before_it_and_never_deployed(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clean, "_tidy", lambda *_: None)
    monkeypatch.setattr(systemd, "versions_in_use", lambda *_: {})
    host.state.create()
    built = [f"django-202609{number:02}-100000-ddddddd-fffffff" for number in range(10, 14)]
    for name in built:
        (host.home / name).mkdir()
        (host.home / name / ".switchback.json").write_text('{"bytes": 1}')
        write_mark(host.state, name, Mark(built_by="x"))
    # One of them was live once: it may be gone back to.
    write_mark(host.state, built[1], Mark(built_by="x", working=1))
    settings = host.begin("earlier", kind="build").begin.settings
    host.run("code", "commit")
    assert all((host.home / name).exists() for name in built)
    host.begin(kind="build", settings=replace(settings, keep_versions=2))
    host.run("code", "commit")
    left = [name for name in built if (host.home / name).exists()]
    assert left == built[1:]
    assert f"deleted: {built[0]}, which was never live (keep_versions: 2)" in host.said


def test_a_version_that_failed_is_listed_with_the_step_and_the_folder_of_its_evidence(host: Host) -> None:
    transaction = host.begin()
    host.step("seal", fails)
    host.run("code", "seal")
    listed = {one.name: one for one in list_versions(host.state, transaction.layout)}
    failed = listed[NEW].failed
    assert failed
    assert failed.step == "seal"
    assert listed[NEW].evidence == str(transaction.folder)
    assert listed[LIVE].failed is None


@pytest.fixture
def order(host: Host, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done as a deploy begins, on a host with this checkout's agent."""
    done: list[str] = []
    set_aside = reserve.set_aside_for_links

    def sets_aside(layout: Layout) -> None:
        done.append("room for the links")
        set_aside(layout)

    monkeypatch.setattr("agent.service.verdicts.look", lambda _: SimpleNamespace(ailing=()))
    monkeypatch.setattr(health, "app_problem", lambda *_, **__: None)
    monkeypatch.setattr(beginning, "installed_agent", lambda _: "a1b2")
    monkeypatch.setattr(reserve, "set_aside_for_links", sets_aside)
    return done


def asked_to_begin(**changes: Any) -> Intent:
    told = settings().for_host()
    return replace(Intent("deploy", told, "ann", "a1b2", version=NEW, was=LIVE), **changes)


def test_a_deploy_begins_with_room_for_its_way_back(host: Host, order: list[str]) -> None:
    transaction = beginning.begin_deploy(host.state, ID, asked_to_begin())
    assert order == ["room for the links"]
    room = host.home / ".switchback" / "reserve" / "room"
    assert room.stat().st_blocks * 512 >= reserve.LINKS.bytes
    assert lock_holder(host.state) == ID
    assert transaction.begin.links[str(host.home / "django-current")] == str(host.home / LIVE)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"was": OLD}, f"{LIVE} is live now, not {OLD}: somebody else has deployed since you looked"),
        ({"was": None}, f"{LIVE} is live now, not none: somebody else has deployed"),
        ({"agent": "c3d4"}, "another checkout has put its own agent on this host just now"),
        ({"agent": ""}, "another checkout has put its own agent on this host just now"),
    ],
)
def test_a_deploy_that_is_refused_as_it_begins_frees_the_host(
    host: Host, order: list[str], changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        beginning.begin_deploy(host.state, ID, asked_to_begin(**changes))
    assert order == []
    assert lock_holder(host.state) is None
    assert Transaction(host.state, ID).progress.outcome == "refused"
    assert not (host.home / ".switchback" / "reserve").exists()
    assert host.links() == BEFORE


def test_what_builds_with_another_site_s_user_is_refused_as_it_begins_and_the_way_back_is_not(
    host: Host, order: list[str]
) -> None:
    other = Transaction(State("shop", host.state.base), ID)
    other.state.create()
    other.folder.mkdir()
    other.journal.append(begun(kind="deploy", deploy=ID, settings=settings(systemd_service="shop").for_host()))
    for kind in ("deploy", "build"):
        with pytest.raises(Refused, match="the user app is the site shop's as well: give this site a user of its own"):
            beginning.begin_deploy(host.state, f"{ID}-{kind}", asked_to_begin(kind=kind))
        assert lock_holder(host.state) is None
    beginning.begin_deploy(host.state, f"{ID}-revert", asked_to_begin(kind="revert"))
    assert lock_holder(host.state) == f"{ID}-revert"


def test_a_deploy_over_no_version_is_refused_where_one_is_live_by_now_and_not_where_none_is(
    host: Host, order: list[str]
) -> None:
    (host.home / "django-current").unlink()
    with pytest.raises(Refused, match=f"no version is live now, not {LIVE}"):
        beginning.begin_deploy(host.state, ID, asked_to_begin())
    assert order == []
    beginning.begin_deploy(host.state, "20261123-120001-deploy-next", asked_to_begin(was=None, bare=True))
    assert lock_holder(host.state) == "20261123-120001-deploy-next"


def test_what_keeps_a_deploy_from_beginning_is_told_in_words_and_with_what_is_live(
    host: Host, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Layout) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(reserve, "set_aside_for_links", fail)
    asked = host.ask(Begin(ID, asked_to_begin()))
    folder = Transaction(host.state, ID).folder
    why = "what a way back needs could not be set aside: No space left on device"
    says = f"refused: {why}; nothing was changed ({LIVE} is live); evidence: {folder}"
    assert asked.result
    assert (asked.result.outcome, asked.result.sentence) == ("refused", says)
    assert how_it_ended(Transaction(host.state, ID)) == says
    assert lock_holder(host.state) is None
    assert order == []


def test_the_journal_is_read_once_for_all_steps(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    transaction = host.begin()
    reads: list[Path] = []

    def counted(path: Path) -> list[str]:
        reads.append(path)
        return text_lines(path)

    monkeypatch.setattr("agent.transaction.journal.text_lines", counted)
    host.run(*ALL, "commit")
    assert reads == [transaction.journal.path]


def test_what_a_step_writes_is_known_to_it_at_once(host: Host) -> None:
    host.begin()

    def writes(step: StepContext) -> Any:
        step.transaction.journal.append(says("note", step="code", note={"by": "itself"}))
        assert step.transaction.progress.notes["code"] == {"by": "itself"}
        return {}

    host.step("code", writes)
    assert host.run("code") == [True]
    assert Transaction(host.state, ID).progress.done == ("code",)
