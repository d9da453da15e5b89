"""The document of a run: one on standard output, whatever the run, and however it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from agent.words.history import Cost
from agent.words.notes import Asked
from agent.words.outcomes import Outcome
from agent.words.result import Result, StepTold
from switchback.document import of_process
from switchback.document.model import Problem, Versions
from switchback.document.process import Process
from switchback.ended import ASKED_FOR, Ended, worst
from switchback.wire.payload import agent_fingerprint
from tests.unit.examples import HIDDEN, LIVE, NEW, OLD, host_facts, version
from tests.unit.fake_runs import HOSTS, NOWHERE, FakeRuns, says
from tests.unit.healthy import open_run, untouched

ALL = tuple(f"@fake/{name}" for name in HOSTS)
STUCK = host_facts(agent=agent_fingerprint(), transaction=open_run("deploy x", Outcome.NEEDS_A_PERSON))
IS_LIVE = host_facts(version(NEW), version(OLD), current=NEW, agent=agent_fingerprint())
REFUSED = says(Result(False, Outcome.REFUSED, "refused at code: the live site was never touched", ("no room",)))


def everywhere(one: Any) -> dict[str, Any]:
    return dict.fromkeys(HOSTS, one)


# --- Runs


def test_a_deploy_that_commits_says_where_it_went_on_each_host(start: FakeRuns) -> None:
    told = (StepTold("code", 1.5, ("code: done in 1.5 s",)),)
    answers = {"web1": {r" begin'?$": says(Result(True, steps=told))}}
    done = start("deploy", "-y", "--json", answers=answers)
    document = done.document
    assert (done.code, document.kind, document.outcome, document.exit_code) == (0, "deploy", Ended.COMMITTED, 0)
    assert document.id
    assert document.id.endswith(document.id.rpartition("-deploy-")[2])
    assert [one.host for one in document.hosts] == list(ALL)
    assert [one.primary for one in document.hosts] == [True, False, False]
    first = document.hosts[0]
    assert first.sentence == f"committed: {NEW} is live and healthy"
    assert first.versions
    assert (first.versions.was, first.versions.now) == (LIVE, first.versions.wanted)
    assert [(one.name, one.seconds) for one in first.steps] == [("code", 1.5)]
    assert document.preview
    assert document.preview.kind == "deploy"
    assert HIDDEN not in done.stdout


def test_what_visitors_noticed_and_the_backup_are_data_where_the_host_tells_of_them(start: FakeRuns) -> None:
    cost = Cost(site=Asked(112, 110, 5.771), app=Asked(57, 6, 1.073), pieces=1, maintenance=5.8, steps={"code": 0.1})
    ended = Result(True, Outcome.COMMITTED, "committed: x is live", spent=cost, backup="/home/app/backups/a.dump")
    document = start("deploy", "-y", "--json", answers={"web1": {r" commit\b": says(ended)}}).document
    assert (document.hosts[0].cost, document.hosts[0].backup) == (cost, "/home/app/backups/a.dump")
    assert (document.hosts[1].cost, document.hosts[1].backup) == (None, None)


def test_a_build_that_is_refused_says_why_and_what_is_live(start: FakeRuns) -> None:
    done = start("build", "-y", "--json", answers=everywhere({r" begin'?$": REFUSED}))
    assert (done.code, done.document.outcome, done.document.exit_code) == (1, Ended.REFUSED, 10)
    for one in done.document.hosts:
        assert one.reason == ("no room",)
        assert one.versions
        assert (one.versions.was, one.versions.now) == (LIVE, LIVE)
        assert one.versions.wanted not in (LIVE, None)


def test_a_run_that_ends_otherwise_on_each_host_has_ended_as_on_the_worst(start: FakeRuns) -> None:
    fell = Result(False, Outcome.FELL_BACK, "fell back", ("it broke",), failed="restart", evidence=True)
    person = Result(False, Outcome.NEEDS_A_PERSON, "needs a person at restart", failed="restart", evidence=True)
    answers = {
        "web1": {r" fall-back\b": says(Result(False, Outcome.FELL_BACK, "fell back", followed=True))},
        "web2": {r" go restart'?$": says(fell)},
        "web3": {r" go restart'?$": says(person)},
    }
    done = start("deploy", "-y", "--json", answers=answers)
    document = done.document
    assert (done.code, document.outcome, document.exit_code) == (1, Ended.NEEDS_A_PERSON, 30)
    assert document.sentence == "deploy: fell back on @fake/web1, @fake/web2; needs a person on @fake/web3"
    first, second, third = document.hosts
    assert (first.followed, second.followed, second.failed) == (True, False, "restart")
    wanted = first.versions.wanted if first.versions else None
    assert second.evidence == f"/var/lib/switchback/django/transactions/{document.id}"
    assert (second.versions, third.versions) == (
        Versions(was=LIVE, now=LIVE, wanted=wanted),
        Versions(was=LIVE, now=None, wanted=wanted),
    )


def test_a_host_that_has_not_told_how_it_ended_is_unknown(start: FakeRuns) -> None:
    done = start("deploy", "-y", "--json", answers={"web2": {r" commit\b": {"stdout": []}}})
    assert done.document.outcome == Ended.UNKNOWN
    assert done.document.exit_code == 30
    assert done.document.hosts[1].sentence.startswith("no word from the host: it falls back by itself, at the latest")


@pytest.mark.parametrize("deploy", ["revert", "restart", "build"])
def test_each_other_transaction_has_one_too(deploy: str, start: FakeRuns) -> None:
    done = start(deploy, "-y", "--json")
    assert (done.code, done.document.kind, done.document.outcome) == (0, deploy, Ended.COMMITTED)


@pytest.mark.parametrize(
    ("deploy", "facts"),
    [("deploy", everywhere(IS_LIVE)), ("recover", {}), ("clean", {})],
)
@pytest.mark.parametrize("flag", ["-y", "--dry"])
def test_a_run_with_nothing_to_do_says_so(deploy: str, facts: Mapping[str, Any], flag: str, start: FakeRuns) -> None:
    done = start(deploy, flag, "--json", facts=facts)
    assert done.code == 0, done.output
    assert (done.document.outcome, done.document.exit_code) == (Ended.NOTHING_TO_DO, 0)
    assert [one.outcome for one in done.document.hosts] == [Ended.NOTHING_TO_DO] * 3
    assert done.document.id is None
    if deploy == "deploy":
        assert [one.versions for one in done.document.hosts] == [Versions(was=NEW, now=NEW, wanted=NEW)] * 3
        assert {one.sentence for one in done.document.hosts} == {
            f"{NEW} is live and healthy already: nothing to do (--data force=true deploys it again)"
        }


def test_a_run_that_is_no_transaction_tells_of_its_operations(start: FakeRuns) -> None:
    told = {r" recover'?$": {"success": False, "stdout": ["live now: NEW", "needs a person at migrate"]}}
    done = start("recover", "-y", "--json", facts={"web1": STUCK}, answers={"web1": told})
    first = done.document.hosts[0]
    (operation,) = first.operations
    assert (done.document.outcome, first.outcome) == (Ended.FAILED, Ended.FAILED)
    assert (operation.name, operation.well) == ("Recover: finish the fallback, free the host", False)
    assert operation.says == ("live now: NEW", "needs a person at migrate")


# --- Looks


@pytest.mark.parametrize("flags", [("--dry",), ()], ids=["dry", "without-yes"])
def test_a_look_is_the_preview_and_nothing_is_begun(flags: tuple[str, ...], start: FakeRuns) -> None:
    done = start("deploy", "--json", *flags)
    assert done.code == 0, done.output
    document = done.document
    assert (document.only_looked, document.outcome, document.id) == (True, Ended.WOULD_CHANGE, None)
    assert document.preview
    assert [one.host for one in document.preview.hosts] == list(ALL)
    assert done.asked("web1") == []


def test_a_look_says_what_would_refuse_the_run_beside_what_it_would_do(start: FakeRuns) -> None:
    hotfixed = host_facts(agent=agent_fingerprint(), hotfixes={"code": ("changed: a.py",)})
    done = start("deploy", "--dry", "--json", facts={"web2": hotfixed})
    assert (done.code, done.document.outcome, done.document.exit_code) == (1, Ended.REFUSED, 10)
    (problem,) = done.document.problems
    assert problem.host == "@fake/web2"
    assert "changed: a.py" in problem.says
    assert done.document.preview


def test_a_look_whose_exit_code_is_to_say_whether_there_is_anything_to_do_has_that_in_its_document(
    start: FakeRuns,
) -> None:
    detailed = ("--dry", "--json", "--data", "detailed_exitcode=true")
    assert (start("deploy", *detailed).document.exit_code, start("deploy", *detailed).code) == (2, 2)
    idle = start("deploy", *detailed, facts=everywhere(IS_LIVE))
    assert (idle.code, idle.document.exit_code) == (0, 0)


@pytest.mark.parametrize("flags", [("--dry",), ()], ids=["dry", "without-yes"])
def test_a_look_at_recover_says_what_is_open_and_what_is_tried(flags: tuple[str, ...], start: FakeRuns) -> None:
    done = start("recover", "--json", *flags, facts={"web1": STUCK})
    assert done.code == 0, done.output
    assert done.document.outcome == Ended.WOULD_CHANGE
    stuck, *others = done.document.hosts
    assert stuck.sentence.startswith("deploy x; tries: what could not be undone, once more")
    assert [(one.outcome, one.sentence) for one in others] == [(Ended.NOTHING_TO_DO, "")] * 2


def test_the_status_of_hosts_has_the_same_keys_whether_there_is_a_site_or_not(start: FakeRuns) -> None:
    done = start("status", "--json", facts={"web2": untouched()})
    assert (done.code, done.document.outcome) == (0, Ended.DONE)
    first, second, _ = (host.status for host in done.document.hosts)
    assert first
    assert first.linked
    assert first.linked.current == LIVE
    assert first.healthy
    assert first.healthy.healthy
    assert second
    assert set(second.model_dump().values()) == {None}


def test_check_says_of_each_host_whether_it_is_ready_and_what_to_do(start: FakeRuns) -> None:
    done = start("check", "--json", facts={"web2": None})
    assert (done.code, done.document.outcome, done.document.exit_code) == (1, Ended.NOT_READY, 10)
    assert done.document.hosts[1].outcome == Ended.NOT_READY
    assert [one.says for one in done.document.problems if one.host == "@fake/web2"] == [
        "the host can't be looked at: admin needs sudo without a password (or run with --use-sudo-password), "
        "and the host needs python3"
    ]


def test_hosts_that_are_not_alike_are_told_apart_by_status(start: FakeRuns) -> None:
    done = start("status", "--json", facts={"web3": IS_LIVE})
    what, how = done.document.differences
    assert what.startswith("the hosts differ: ")
    assert "deploys/deploy.py" in how


# --- Refusals


@pytest.mark.parametrize(
    ("deploy", "arguments", "more", "problem"),
    [
        ("deploy", ("-y", "--data", "cod=x"), {}, (None, '--data: unknown key "cod" — did you mean "code"?')),
        ("deploy", ("-y", "--data", "cod"), {}, (None, "--data cod: write it as --data KEY=VALUE")),
        ("deploy", ("-y", "--limit", "web9"), {}, (None, "--limit web9: no such host or group")),
        ("deploy", ("-y", "--serial"), {}, (None, "--serial: hosts must go step by step together")),
        ("status", (), {"settings": {"websiteurl": "x"}}, (None, 'unknown key "websiteurl"')),
        ("deploy", ("-y",), {"facts": NOWHERE}, ("127.0.0.1", "can't be reached: is it up")),
        ("provision", ("-y",), {"facts": NOWHERE}, ("127.0.0.1", "can't be reached: is it up")),
        ("deploy", ("--dry",), {"facts": {"web2": host_facts(agent=None)}}, (ALL[1], "the agent is not installed")),
        ("deploy", ("-y",), {"facts": {"web3": STUCK}}, (ALL[2], "deploy x")),
        ("provision", ("-y",), {"facts": {"web1": STUCK}}, (ALL[0], "deploy x")),
        ("clean", ("-y", "--data", "version=nosuch"), {}, (ALL[0], "nosuch")),
        ("deploy", ("-y", "--data", "version=nosuch"), {}, (ALL[0], "there is no version nosuch")),
        ("restart", ("-y",), {"facts": {"web1": untouched()}}, (ALL[0], "there is no user app")),
    ],
)
def test_a_refusal_is_a_document_with_each_problem_and_its_host(
    deploy: str, arguments: tuple[str, ...], more: dict[str, Any], problem: tuple[str | None, str], start: FakeRuns
) -> None:
    host, said = problem
    done = start(deploy, "--json", *arguments, **more)
    assert done.code == 1
    assert (done.document.kind, done.document.outcome, done.document.exit_code) == (deploy, Ended.REFUSED, 10)
    assert {one.outcome for one in done.document.hosts} <= {Ended.REFUSED}
    assert [one for one in done.document.problems if one.host == host and said in one.says], done.stdout
    assert "Traceback" not in done.output


def test_several_deploy_files_are_refused_for_a_document_is_of_one_run(start: FakeRuns) -> None:
    done = start("check", "deploys/deploy.py", "--json", "-y")
    assert done.document.problems == (Problem(host=None, says="--json speaks of one run: name one deploy file"),)


def test_what_an_inventory_prints_goes_to_people(start: FakeRuns) -> None:
    own = start.folder / "own.py"
    own.write_text("print('hello')\nfrom switchback.hosts.inventory import inventory\n\napp = inventory(__file__)\n")
    done = start("status", "--json", inventory=own)
    assert "hello" in done.output
    assert "no settings for" in done.document.problems[0].says


def test_an_error_in_somebody_s_own_inventory_is_told_in_the_document_too(start: FakeRuns) -> None:
    own = start.folder / "own.py"
    own.write_text("1 / 0\n")
    done = start("status", "--json", inventory=own)
    assert (done.document.outcome, done.document.exit_code) == (Ended.FAILED, 1)
    assert done.document.problems


# --- Exit codes


@pytest.mark.parametrize(
    ("deploy", "arguments", "more", "code"),
    [
        ("deploy", ("-y",), {}, 0),
        ("deploy", ("-y",), {"facts": everywhere(IS_LIVE)}, 0),
        ("deploy", ("-y",), {"answers": everywhere({r" begin'?$": REFUSED})}, 10),
        ("deploy", ("-y",), {"answers": {"web2": {r" commit\b": {"stdout": []}}}}, 30),
        ("check", (), {"facts": {"web2": None}}, 10),
        ("deploy", ("-y", "--data", "cod=x"), {}, 10),
    ],
)
def test_a_process_that_is_asked_to_ends_with_the_exit_code_of_its_document(
    deploy: str, arguments: tuple[str, ...], more: dict[str, Any], code: int, start: FakeRuns
) -> None:
    done = start(deploy, *arguments, variables={ASKED_FOR: "1"}, **more)
    assert done.code == code, done.output
    assert done.stdout == ""


def test_the_worst_of_several_ends_is_what_a_person_has_to_know_of() -> None:
    assert worst([Ended.NOTHING_TO_DO, Ended.COMMITTED]) == Ended.COMMITTED
    assert worst([Ended.COMMITTED, Ended.FELL_BACK, Ended.REFUSED]) == Ended.FELL_BACK
    assert worst([Ended.FELL_BACK, Ended.NEEDS_A_PERSON]) == Ended.NEEDS_A_PERSON
    codes = [ended.exit_code for ended in Ended]
    assert sorted(set(codes)) == [0, 1, 10, 20, 30, 130]


def test_what_a_host_can_say_of_its_end_has_an_exit_code() -> None:
    assert {str(one) for one in Outcome} <= {str(one) for one in Ended}


def test_an_error_of_the_document_s_own_is_a_document_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(of_process, "document_of", fails)
    made = of_process.made(Process())
    assert (made.outcome, made.exit_code) == (Ended.UNKNOWN, 30)
    assert made.problems[0].says.endswith("of its document alone: ValueError: no such thing")
