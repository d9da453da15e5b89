"""Runs that must change nothing: those that a person doesn't agree to, and dry ones; and what programs read of them."""

from __future__ import annotations

import re
import subprocess

import pytest

from switchback.document.model import Problem, Versions
from switchback.ended import Ended
from tests.bed.hosts import Host
from tests.bed.places import ROOT
from tests.hosts.footprint import assert_refused, untouched
from tests.runs import LIMIT, PYINFRA, Runs

# How those that only look end where the host is well.
ENDS = {"check": Ended.READY, "status": Ended.DONE, "history": Ended.DONE, "recover": Ended.NOTHING_TO_DO}


# Where somebody says no, test_preview proves it of all of the host.
def test_without_yes_a_deploy_asks_and_does_nothing_unless_told_so(host: Host, run: Runs) -> None:
    argv = [PYINFRA, str(run.inventory(host)), "deploys/deploy.py", "--data", "code=good-2"]
    with untouched(host):
        done = subprocess.run(argv, cwd=ROOT, input="", capture_output=True, text=True, timeout=LIMIT, check=False)
    said = done.stdout + done.stderr
    # What is shown is the last thing before the question.
    question = r"Press Enter to deploy \w{7} \(good-2\) to \S+, Ctrl-C to leave it: \n"
    assert re.search(rf"\n    more of it .*\n\n    {question}", said)
    assert "--> Starting operation" not in said
    assert "Traceback" not in said


# Of the others test_preview proves it, of all of the host.
@pytest.mark.parametrize("deploy", ("check", "status", "history", "recover"))
def test_a_dry_run_changes_nothing(deploy: str, host: Host, run: Runs) -> None:
    with untouched(host):
        assert run(deploy, host, args=["--dry", "--diff"]).worked().stdout == ""
        result = run(deploy, host, args=["--dry", "--json"]).worked()
    assert result.document.outcome == ENDS[deploy]


def test_the_document_says_what_a_run_would_do(host: Host, run: Runs) -> None:
    live = host.run("basename $(readlink /home/app/django-current)").stdout.strip()
    for kind in ("build", "clean", "restart"):
        preview = run(kind, host, args=["--dry", "--json"]).worked().document.preview
        assert preview
        assert (preview.kind, [(one.host, one.was) for one in preview.hosts]) == (kind, [(host.name, live)])
    (ground,) = run("provision", host, args=["--dry", "--json"]).worked().document.hosts
    assert "Packages: those that are missing" in [one.name for one in ground.operations]
    idle = run("deploy", host).worked().document
    assert (idle.outcome, idle.hosts[0].versions) == (Ended.NOTHING_TO_DO, Versions(was=live, now=live, wanted=live))


def test_the_document_of_a_refused_deploy_is_its_problems(host: Host, run: Runs) -> None:
    result = run("deploy", host, data={"code": "no-such-ref"})
    assert_refused(result, "no-such-ref")
    problem = "code: no-such-ref is no branch, no tag and no commit of the repository"
    assert result.document.problems == (Problem(host=host.name, says=problem),)


def test_a_limit_that_matches_no_host_is_refused(host: Host, run: Runs) -> None:
    with untouched(host):
        result = run("deploy", host, args=["--limit", "nobody"])
    assert_refused(result, "--limit nobody: no such host or group")


@pytest.mark.parametrize("flag", ("--no-wait", "--serial"))
def test_flags_that_would_hide_a_failure_are_refused(flag: str, host: Host, run: Runs) -> None:
    with untouched(host):
        result = run("deploy", host, args=[flag])
    assert_refused(result, f"{flag}: ")
