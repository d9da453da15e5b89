"""What a run decides before anything is changed, from what was seen on all hosts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.project.texts import recipe
from agent.words.facts import FoundRef, Health
from agent.words.history import PastRun
from agent.words.journal import Commit
from agent.words.outcomes import Outcome
from agent.words.seen import Version
from switchback.runs.deploys import agreed_commits, plan_build, plan_deploy
from switchback.runs.fleet import Fleet
from switchback.runs.restarts import plan_restart
from switchback.runs.reverts import further_than_alone, plan_revert
from switchback.runs.run import Run
from switchback.settings.errors import Refused
from tests.unit import healthy
from tests.unit.examples import (
    ALL_STEPS,
    CODE,
    FAILED,
    HIDDEN,
    LIVE,
    NEW,
    OLD,
    asked,
    fleet,
    host_facts,
    refs,
    settings,
    site,
    version,
)
from tests.unit.steps import BUILD, OPTIONAL, SWITCH

OLDER = "django-20261030-100000-9999999-fffffff"
# Scripts that the settings do not name are no steps.
STEPS = tuple(step for step in ALL_STEPS if step not in OPTIONAL)


def refusal(plan: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as refused:
        plan()
    return "\n".join(refused.value.problems)


def only(runs: dict[str, Run]) -> Run:
    (run,) = runs.values()
    return run


# --- Deploy


ONE = {"config_repo_url": None, "config_branch": "HEAD"}
GENERATED = "django-20261103-100000-ccccccc"


def one_repository(*versions: Version, current: str | None = LIVE, **changes: Any) -> Fleet:
    """A host whose versions have a config that was made of the code."""
    seen = replace(host_facts(), site=site(*versions, current=current, refs={"code": FoundRef("HEAD", CODE)}))
    return Fleet({"web": settings(**ONE, **changes)}, {"web": seen}, "web")


def made(name: str = GENERATED, **changes: Any) -> Version:
    """A version whose config was made of the code."""
    return healthy.version(name, code=CODE, config=None, recipe=recipe(settings(**ONE).for_host(), True), **changes)


def test_without_a_config_repository_a_version_is_named_after_the_code_alone() -> None:
    run = only(plan_deploy(one_repository(), asked()))
    assert re.fullmatch(r"django-\d{8}-\d{6}-ccccccc", run.version)
    assert run.request().config is None
    assert run.begins().urls.keys() == {"code"}


def test_without_one_what_is_live_is_what_the_settings_would_make_again() -> None:
    assert only(plan_deploy(one_repository(made(), current=GENERATED), asked())).idle
    assert only(plan_deploy(one_repository(made(), current=GENERATED, health_timeout=7), asked())).idle
    other = one_repository(made(), current=GENERATED, website_url="https://other.example.com/")
    assert only(plan_deploy(other, asked())).version != GENERATED
    with_config = healthy.version(LIVE, code=CODE)
    steps = only(plan_deploy(one_repository(with_config, current=LIVE), asked())).steps
    assert tuple(name for name in steps if name != "release") == STEPS


def test_a_version_that_other_settings_have_made_is_not_taken_for_one_that_is_built() -> None:
    built = made(working=False)
    assert only(plan_deploy(one_repository(version(LIVE), built), asked())).version == GENERATED
    other = one_repository(version(LIVE), built, project_dir="backend")
    assert only(plan_deploy(other, asked())).version != GENERATED


def test_what_runs_on_one_host_of_all_stays_there_where_that_takes_no_part() -> None:
    both = fleet(web1=host_facts(), web2=host_facts())
    runs = plan_deploy(both, asked())
    assert {name: run.request().single for name, run in runs.items()} == {"web1": True, "web2": False}
    alone = Fleet({"web2": both.settings["web2"]}, {"web2": both.facts["web2"]}, "web2", single="web1")
    run = only(plan_deploy(alone, asked()))
    assert (run.request().primary, run.request().single) == (True, False)


def test_a_host_that_becomes_the_one_that_has_what_runs_once_gets_another_version() -> None:
    seen = one_repository(made(), current=GENERATED)
    assert only(plan_deploy(seen, asked())).idle
    assert not only(plan_deploy(replace(seen, single="another"), asked())).idle


def test_hosts_of_which_only_some_have_a_config_repository_are_refused() -> None:
    one, both = one_repository(), fleet(other=host_facts())
    mixed = Fleet({**one.settings, **both.settings}, {**one.facts, **both.facts}, "web")
    assert "config_repo_url is set for some of the hosts" in refusal(lambda: plan_deploy(mixed, asked()))


def test_a_deploy_builds_a_new_version_that_is_named_after_its_commits_and_switches_to_it() -> None:
    run = only(plan_deploy(fleet(web=host_facts()), asked()))
    assert run.steps == STEPS
    assert run.version.endswith("-ccccccc-fffffff")
    assert run.was == LIVE
    assert run.about.code == Commit("main", CODE)


def test_what_is_live_and_healthy_is_not_deployed_again() -> None:
    seen = host_facts(version(NEW), version(OLD), current=NEW)
    run = only(plan_deploy(fleet(web=seen), asked()))
    assert run.steps == ()
    assert run.idle == f"{NEW} is live and healthy already: nothing to do (--data force=true deploys it again)"


def test_what_is_live_is_deployed_again_when_it_is_asked_for_by_force() -> None:
    seen = host_facts(version(NEW), version(OLD), current=NEW)
    run = only(plan_deploy(fleet(web=seen), asked(force="true")))
    assert run.steps == STEPS
    assert run.version != NEW


def test_what_is_live_and_not_healthy_is_deployed_again() -> None:
    seen = host_facts(version(NEW), current=NEW, health=Health("it answers 500"))
    assert only(plan_deploy(fleet(web=seen), asked())).steps


def test_a_version_that_is_built_already_is_not_built_again() -> None:
    built = version(NEW, working=False)
    run = only(plan_deploy(fleet(web=host_facts(version(LIVE), built)), asked()))
    assert run.version == NEW
    # The database may have changed since it was built.
    assert run.steps == ("checks", "trial", *(step for step in SWITCH if step not in OPTIONAL), "commit")


def test_of_two_built_versions_of_the_same_commits_the_newer_one_is_taken() -> None:
    newer = NEW.replace("20261103", "20261104")
    seen = host_facts(version(LIVE), version(NEW, working=False), version(newer, working=False))
    assert only(plan_deploy(fleet(web=seen), asked())).version == newer


def test_a_version_that_has_failed_is_not_used_again() -> None:
    run = only(plan_deploy(fleet(web=host_facts(version(LIVE), version(NEW, **FAILED))), asked()))
    assert run.version != NEW
    assert run.steps == STEPS


def test_a_version_that_has_failed_on_one_host_is_used_on_none() -> None:
    seen = {
        "web1": host_facts(version(LIVE), version(NEW, working=False)),
        "web2": host_facts(version(LIVE), version(NEW, **FAILED)),
    }
    assert {run.version for run in plan_deploy(fleet(**seen), asked()).values()} & {NEW} == set()


def test_a_version_that_was_never_finished_is_not_used() -> None:
    run = only(plan_deploy(fleet(web=host_facts(version(LIVE), version(NEW, sealed=False, working=False))), asked()))
    assert run.version != NEW


def test_all_hosts_go_to_the_same_version_and_those_that_have_it_do_not_build_it() -> None:
    seen = {"web1": host_facts(version(LIVE), version(NEW, working=False)), "web2": host_facts(version(LIVE))}
    runs = plan_deploy(fleet(**seen), asked())
    assert {run.version for run in runs.values()} == {NEW}
    assert {run.deploy for run in runs.values()} == {runs["web1"].deploy}
    assert "code" not in runs["web1"].steps
    assert "code" in runs["web2"].steps


def test_a_host_that_was_lost_when_the_others_committed_is_brought_to_their_version_alone() -> None:
    # Its own guard has taken it back, and marked the version.
    lagging = host_facts(version(LIVE), version(NEW, **FAILED))
    seen = {"web1": host_facts(version(NEW), current=NEW), "web2": lagging}
    runs = plan_deploy(fleet(**seen), asked())
    assert runs["web1"].steps == ()
    assert runs["web1"].idle == f"{NEW} is live and healthy already: only the other hosts are brought to it"
    assert runs["web2"].version == NEW
    assert runs["web2"].hosts == ("web2",)
    # Somebody has to migrate and back up.
    assert runs["web2"].primary == "web2"


def test_a_first_deploy_starts_from_no_version() -> None:
    run = only(plan_deploy(fleet(web=host_facts(current=None)), asked()))
    assert run.was is None
    assert run.request().bare
    assert run.steps == STEPS


def test_a_version_that_was_built_earlier_is_deployed_by_its_name() -> None:
    run = only(plan_deploy(fleet(web=host_facts(version(LIVE), version(NEW, working=False))), asked(version=NEW)))
    assert run.version == NEW
    assert "code" not in run.steps
    assert "swap" in run.steps


def test_a_version_that_is_asked_for_by_name_and_live_already_is_left_alone() -> None:
    run = only(plan_deploy(fleet(web=host_facts()), asked(version=LIVE)))
    assert run.steps == ()


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ([], f"web: there is no version {NEW}; deploys/status.py lists those that are there"),
        ([version(NEW, sealed=False, working=False)], f"web: {NEW} was never finished"),
        ([version(NEW, **FAILED, sealed=False)], f"web: {NEW} was never finished"),
    ],
)
def test_a_named_version_that_is_not_whole_is_refused(there: list[Version], words: str) -> None:
    seen = fleet(web=host_facts(version(LIVE), *there))
    assert refusal(lambda: plan_deploy(seen, asked(version=NEW))) == words
    assert refusal(lambda: plan_revert(seen, asked(version=NEW))) == words


# --- Refs


def test_the_commits_are_those_that_every_host_sees() -> None:
    commits = agreed_commits(fleet(web1=host_facts(), web2=host_facts()))
    assert {part: (commit.ref, commit.sha) for part, commit in commits.items()} == {
        "code": ("main", CODE),
        "config": ("main", "f" * 40),
    }


def test_hosts_that_see_different_commits_are_refused() -> None:
    seen = fleet(web1=host_facts(), web2=host_facts(refs=refs(code="d" * 40)))
    words = "code: the hosts see different commits: ccccccc on web1, ddddddd on web2; try again in a moment"
    assert refusal(lambda: agreed_commits(seen)) == words


def test_an_unknown_ref_and_an_unreachable_repository_are_refused_together() -> None:
    seen = fleet(
        web1=host_facts(refs=refs(code=None, problem="v9 is no branch, no tag and no commit of the repository")),
        web2=host_facts(refs=refs(config=None, problem="git ls-remote ended with exit code 128")),
    )
    assert refusal(lambda: plan_deploy(seen, asked())).splitlines() == [
        "web1: code: v9 is no branch, no tag and no commit of the repository",
        "web2: config: git ls-remote ended with exit code 128",
    ]


# --- Build


def test_a_build_switches_nothing() -> None:
    run = only(plan_build(fleet(web=host_facts()), asked()))
    assert not set(run.steps) & set(SWITCH)
    assert run.steps == (*(step for step in BUILD if step not in OPTIONAL), "commit")


def test_what_is_built_already_is_not_built_again() -> None:
    seen = host_facts(version(LIVE), version(NEW, working=False))
    run = only(plan_build(fleet(web=seen), asked()))
    assert run.steps == ()
    assert run.idle.startswith(f"{NEW} is built already")
    assert only(plan_build(fleet(web=seen), asked(force="true"))).steps


# --- Revert


def test_a_revert_goes_to_the_newest_healthy_version_before_the_live_one() -> None:
    seen = host_facts(version(NEW), version(LIVE), version(OLD), version(OLDER), current=LIVE)
    assert only(plan_revert(fleet(web=seen), asked())).version == OLD


@pytest.mark.parametrize(
    "fields", [FAILED, {"failed": FAILED["failed"]}, {"sealed": False, "working": False}, {"working": False}]
)
def test_a_revert_passes_over_what_has_failed_or_was_not_finished_or_was_never_live(fields: dict[str, Any]) -> None:
    seen = host_facts(version(LIVE), version(OLD, **fields), version(OLDER))
    assert only(plan_revert(fleet(web=seen), asked())).version == OLDER


def test_a_second_revert_goes_further_back_and_not_to_and_fro() -> None:
    versions = [version(LIVE), version(OLD), version(OLDER)]
    first = only(plan_revert(fleet(web=host_facts(*versions)), asked()))
    assert first.version == OLD
    versions = [version(LIVE), version(OLD), version(OLDER)]
    second = only(plan_revert(fleet(web=host_facts(*versions, current=OLD)), asked()))
    assert second.version == OLDER


def test_a_revert_with_nothing_to_go_back_to_is_refused() -> None:
    seen = fleet(web=host_facts(version(LIVE), version(NEW)))
    assert f"there is no healthy version before {LIVE}" in refusal(lambda: plan_revert(seen, asked()))


def test_a_revert_of_a_host_without_a_version_is_refused() -> None:
    seen = fleet(web=host_facts(current=None))
    assert refusal(lambda: plan_revert(seen, asked())) == "no version is live, so there is nothing to revert"


@pytest.mark.parametrize("options", [{}, {"version": OLD}])
def test_a_host_without_a_live_version_is_named_and_keeps_no_other_from_going_back(options: dict[str, str]) -> None:
    seen = fleet(web1=host_facts(current=None), web2=host_facts(), web3=host_facts())
    runs = plan_revert(seen, asked(**options))
    assert list(runs) == ["web1", "web2", "web3"]
    assert (runs["web1"].steps, runs["web1"].idle.partition(":")[0]) == (
        (),
        "no version is live here, so there is nothing to revert",
    )
    assert {runs[name].version for name in ("web2", "web3")} == {OLD}
    assert (runs["web3"].hosts, runs["web3"].primary) == (("web2", "web3"), "web2")


def test_a_host_that_has_nothing_older_is_named_with_how_the_others_can_go_back() -> None:
    seen = fleet(web1=host_facts(), web2=host_facts(version(LIVE)), web3=host_facts())
    says = refusal(lambda: plan_revert(seen, asked()))
    assert says.startswith(f"there is no healthy version before {LIVE} that can be started on web2: deploy the older ")
    assert says.endswith("--limit web1,web3")


def test_a_revert_that_reverses_is_refused_before_it_begins_where_another_host_is_further_than_the_primary() -> None:
    ahead = host_facts(version(NEW), version(LIVE), current=NEW)
    seen = fleet(web1=host_facts(version(LIVE), lineage=(LIVE,)), web2=ahead)
    newer, nothing = refusal(lambda: plan_revert(seen, asked(database="reverse"))).splitlines()
    assert newer.startswith(f"web2: {NEW} is live there, and web1, which takes the database back, has the older {LIVE}")
    assert nothing.startswith("there is no healthy version before")
    assert plan_revert(fleet(web1=ahead, web2=host_facts(version(LIVE))), asked(version=LIVE, database="reverse"))


def test_hosts_that_have_no_older_version_in_common_are_told_who_lacks_which() -> None:
    seen = fleet(
        web1=host_facts(version(LIVE), version(OLD)),
        web2=host_facts(version(LIVE), version(OLD, **FAILED), version(OLDER)),
    )
    assert refusal(lambda: plan_revert(seen, asked())) == (
        f"there is no healthy version before {LIVE} that can be started on all hosts: {OLD} is not, or not healthy, on "
        f"web2; {OLDER} is not, or not healthy, on web1. Deploy the commits of one of them, which builds it where it "
        "is missing"
    )


def test_a_version_that_another_host_has_is_built_where_it_is_missing_by_the_command_that_is_said() -> None:
    seen = fleet(web1=host_facts(), web2=host_facts(version(LIVE)), web3=host_facts(version(LIVE)))
    command = f"deploys/deploy.py --data code={'a' * 12} --data config={'f' * 12}"
    assert refusal(lambda: plan_revert(seen, asked(version=OLD))).splitlines() == [
        f"{name}: there is no version {OLD}; {command} builds it" for name in ("web2", "web3")
    ]


def test_a_revert_that_goes_further_because_of_one_host_says_so() -> None:
    seen = fleet(
        web1=host_facts(version(LIVE), version(OLD), version(OLDER)), web2=host_facts(version(LIVE), version(OLDER))
    )
    assert further_than_alone(seen, plan_revert(seen, asked())) == [
        f"{OLD} is not there, or not healthy, on web2: so all go back to {OLDER}"
    ]
    apart = fleet(web1=host_facts(version(NEW), version(LIVE), version(OLD), current=NEW), web2=host_facts())
    (says,) = further_than_alone(apart, plan_revert(apart, asked()))
    assert says.startswith(f"{LIVE}, to which web1 would go alone, is live on web2: all go back beyond it, to {OLD}")
    assert further_than_alone(fleet(web=host_facts()), plan_revert(fleet(web=host_facts()), asked())) == []


def test_a_revert_takes_only_what_is_healthy_on_every_host() -> None:
    seen = fleet(
        web1=host_facts(version(LIVE), version(OLD), version(OLDER)),
        web2=host_facts(version(LIVE), version(OLD, **FAILED), version(OLDER)),
    )
    assert {run.version for run in plan_revert(seen, asked()).values()} == {OLDER}


def test_a_revert_keeps_the_database_and_builds_nothing() -> None:
    run = only(plan_revert(fleet(web=host_facts()), asked()))
    assert run.about.database == "keep"
    assert set(run.steps) & set(BUILD) == {"checks"}
    assert run.steps[:4] == ("checks", "maintenance_start", "pause", "backup")


def test_a_restore_takes_the_backup_from_when_its_version_was_last_replaced() -> None:
    history = (
        PastRun("x", Outcome.COMMITTED, was=OLD, version=LIVE, backup="/backups/first"),
        PastRun("x", Outcome.FELL_BACK, was=OLD, version=LIVE, backup="/backups/failed"),
        PastRun("x", Outcome.COMMITTED, was=OLD, version=LIVE, backup="/backups/last"),
        PastRun("x", Outcome.COMMITTED, was=LIVE, version=NEW, backup="/backups/other"),
    )
    seen = fleet(web=host_facts(history=history))
    seen.settings["web"] = settings(restore_script="/srv/restore.sh")
    run = only(plan_revert(seen, asked(database="restore")))
    assert run.about.backup == "/backups/last"


def test_a_restore_without_a_backup_from_that_time_is_refused() -> None:
    history = (PastRun("x", Outcome.FELL_BACK, was=OLD, version=LIVE, backup="/backups/failed"),)
    seen = fleet(web=host_facts(history=history))
    assert refusal(lambda: plan_revert(seen, asked(database="restore"))) == (
        f"no backup is known from when {OLD} was replaced; use --data database=keep or reverse"
    )


def test_an_older_backup_is_not_restored_where_a_revert_that_took_none_replaced_the_version_since() -> None:
    history = (
        PastRun("x", Outcome.COMMITTED, was=OLD, version=LIVE, backup="/backups/first", kind="deploy"),
        PastRun("x", Outcome.COMMITTED, was=OLD, version=LIVE, backup=None, kind="revert"),
        PastRun("x", Outcome.COMMITTED, was=OLD, version=OLD, backup=None, kind="restart"),
    )
    seen = fleet(web=host_facts(history=history))
    assert refusal(lambda: plan_revert(seen, asked(database="restore"))) == (
        f"no backup is known from when {OLD} was replaced: that was a revert, which kept the database; "
        "use --data database=keep or reverse"
    )


NAMES = [f"django-202611{day:02}-100000-{letter * 7}-fffffff" for day, letter in enumerate("abcdef", 1)]


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["working", "failed", "unfinished"])), st.data())
def test_repeated_reverts_always_go_further_back_until_there_is_nothing_left(
    states: dict[str, str], data: st.DataObject
) -> None:
    fields: dict[str, dict[str, Any]] = {
        "working": {},
        "failed": FAILED,
        "unfinished": {"working": False, "sealed": False},
    }
    live = data.draw(st.sampled_from(NAMES))
    seen: list[str] = []
    for _ in range(len(NAMES) + 1):
        versions = [version(name, **fields[states[name]]) for name in sorted(states, reverse=True)]
        facts = host_facts(*(versions or [version(live)]), current=live)
        try:
            target = only(plan_revert(fleet(web=facts), asked())).version
        except Refused:
            break
        assert states[target] == "working"
        assert target < live
        seen.append(target)
        live = target
    assert len(seen) == len(set(seen))
    assert not any(states[name] == "working" for name in states if name < live)


# --- Restart, and what a host is told


def test_a_restart_changes_no_link() -> None:
    run = only(plan_restart(fleet(web=host_facts()), asked()))
    assert run.steps == ("trial", "restart", "health", "site", "watch", "commit")
    assert run.version == run.was == LIVE


def test_a_restart_without_a_live_version_is_refused() -> None:
    seen = fleet(web1=host_facts(), web2=host_facts(current=None))
    assert refusal(lambda: plan_restart(seen, asked())) == "web2: no version is live, so there is nothing to restart"


def test_the_first_host_migrates_and_the_others_are_told_that_they_do_not() -> None:
    runs = plan_deploy(fleet(web1=host_facts(), web2=host_facts()), asked())
    assert [run.request().primary for run in runs.values()] == [True, False]
    assert runs["web2"].request().hosts == ("web1", "web2")


def test_what_a_host_is_told_when_a_run_begins_holds_no_password() -> None:
    for plan in (plan_deploy, plan_build, plan_revert):
        assert HIDDEN not in repr(only(plan(fleet(web=host_facts()), asked())).request())


def test_a_revert_goes_back_along_the_way_that_the_site_has_come_not_by_the_age_of_the_build() -> None:
    older, newer = "django-20260101-000000-aaaaaaa-ccccccc", "django-20260102-000000-bbbbbbb-ccccccc"
    facts = host_facts(version(newer), version(older), current=older, lineage=(newer, older))
    assert only(plan_revert(fleet(web=facts), asked())).version == newer


@pytest.mark.parametrize(
    ("way", "to"),
    [
        ((OLD, NEW, OLDER, LIVE), OLDER),
        ((NEW, OLDER, OLD, LIVE), OLD),
        ((OLDER, OLD, NEW, LIVE), NEW),
    ],
)
def test_of_all_that_the_way_has_passed_a_revert_goes_to_the_last_one_before(way: tuple[str, ...], to: str) -> None:
    facts = host_facts(*(version(name) for name in sorted(way, reverse=True)), current=LIVE, lineage=[*way])
    assert only(plan_revert(fleet(web=facts), asked())).version == to


def test_a_version_that_has_failed_is_not_reverted_to_not_even_by_its_name() -> None:
    failed = version(OLD, failed=FAILED["failed"])
    seen = fleet(web=host_facts(version(LIVE), failed, version(OLDER), lineage=[OLDER, OLD, LIVE]))
    assert only(plan_revert(seen, asked())).version == OLDER
    assert refusal(lambda: plan_revert(seen, asked(version=OLD))) == (
        f"web: {OLD} failed at health, and a revert goes to what has worked; "
        f"deploys/deploy.py --data version={OLD} tries it again"
    )
    assert only(plan_deploy(seen, asked(version=OLD))).version == OLD
