"""Runs that must change nothing: those that a person doesn't agree to, and dry ones; and what programs read of them."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.bed.hosts import Host
from tests.bed.places import ROOT
from tests.hosts.footprint import assert_refused, untouched
from tests.runs import LIMIT, PYINFRA, Runs


@pytest.mark.parametrize("answer", ("n\n", ""))
def test_without_yes_a_deploy_asks_and_does_nothing_unless_told_so(answer: str, host: Host, run: Runs) -> None:
    argv = [PYINFRA, str(run.inventory(host)), "deploys/deploy.py", "--data", "code=good-2"]
    with untouched(host):
        done = subprocess.run(argv, cwd=ROOT, input=answer, capture_output=True, text=True, timeout=LIMIT, check=False)
    said = done.stdout + done.stderr
    assert "Detected changes:" in said
    assert "--> Starting operation" not in said
    assert "Traceback" not in said
    assert "--> Disconnecting" in said


# Of the others test_preview proves it, of all of the host.
@pytest.mark.parametrize("deploy", ("check", "status", "recover"))
def test_a_dry_run_changes_nothing(deploy: str, host: Host, run: Runs) -> None:
    with untouched(host):
        assert run(deploy, host, args=["--dry", "--diff"]).worked().stdout == ""
        result = run(deploy, host, args=["--dry", "--json"]).worked()
    assert isinstance(json.loads(result.stdout), dict)


@pytest.mark.parametrize("deploy", ("provision", "build", "clean", "restart"))
def test_the_json_of_a_dry_run_is_all_that_is_on_stdout(deploy: str, host: Host, run: Runs) -> None:
    result = run(deploy, host, args=["--dry", "--json"]).worked()
    assert isinstance(json.loads(result.stdout), dict)


def test_a_deploys_json_is_all_that_is_on_stdout(host: Host, run: Runs) -> None:
    result = run("deploy", host, args=["--json"]).worked()
    assert isinstance(json.loads(result.stdout), dict)


def test_the_json_of_a_refused_deploy_is_no_half_of_one(host: Host, run: Runs) -> None:
    result = run("deploy", host, data={"code": "no-such-ref"}, args=["--json"])
    assert_refused(result, "no-such-ref")
    assert result.stdout == "" or isinstance(json.loads(result.stdout), dict)


def test_a_limit_that_matches_no_host_is_refused(host: Host, run: Runs) -> None:
    with untouched(host):
        result = run("deploy", host, args=["--limit", "nobody"])
    assert_refused(result, "--limit nobody: no such host or group")


@pytest.mark.parametrize("flag", ("--no-wait", "--serial"))
def test_flags_that_would_hide_a_failure_are_refused(flag: str, host: Host, run: Runs) -> None:
    with untouched(host):
        result = run("deploy", host, args=[flag])
    assert_refused(result, f"{flag}: ")
