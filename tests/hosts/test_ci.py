"""A deploy from a CI by the very files of docs/ci: plan, comment, and a deploy that is bound to the plan."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import yaml

from agent.words.history import PastRun
from switchback.document.model import Document
from switchback.ended import Ended
from tests.bed.hosts import Host
from tests.bed.keys import HOST, LOGIN, public
from tests.bed.places import ROOT
from tests.hosts.ci_machines import (
    Comments,
    Machine,
    kept_on_github,
    kept_on_gitlab,
    on_github,
    on_gitlab,
    taking_comments,
)
from tests.hosts.footprint import untouched
from tests.invariants import look
from tests.runs import SETTINGS, Runs

TOKEN = "of-this-job"  # noqa: S105 - for a server of the test's own


@pytest.fixture
def repository(host: Host, tmp_path: Path) -> Path:
    """A site's repository with the settings of its host, and the host's key pinned."""
    folder = tmp_path / "site" / "deploy"
    folder.mkdir(parents=True)
    connection = {"host": "127.0.0.1", "ssh_port": host.ssh_port, "ssh_key": "~/.ssh/id_ed25519"}
    settings = {**SETTINGS, "health_timeout": 15, "site_timeout": 10, "website_url": host.website_url, **connection}
    (folder / "prod.yml").write_text(yaml.safe_dump(settings))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{host.ssh_port} {public(HOST).read_text()}")
    return folder.parent


@pytest.fixture
def comments() -> Iterator[Comments]:
    """A server that takes comments."""
    with taking_comments() as taking:
        yield taking


def source() -> dict[str, str]:
    """Where Switchback comes from."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {"SWITCHBACK_URL": f"file://{ROOT}", "SWITCHBACK_REF": head.stdout.strip()}


def document(machine: Machine, name: str) -> Document:
    return Document.model_validate_json((machine.checkout / name).read_bytes())


def test_on_github_a_pull_request_shows_the_preview_and_what_was_agreed_to_is_deployed(
    host: Host, repository: Path, comments: Comments, tmp_path: Path
) -> None:
    commit = look(host).commits["code"]["good-2"]
    from_where = source()
    context = {
        "github.event.pull_request.head.sha || github.sha": commit,
        "vars.SWITCHBACK_URL": from_where["SWITCHBACK_URL"],
        "vars.SWITCHBACK_REF": from_where["SWITCHBACK_REF"],
        "secrets.SSH_KEY": LOGIN.read_text(),
        "github.token": TOKEN,
        "github.api_url": comments.address,
        "github.repository": "ann/site",
        "github.event.number": "123",
        "github.actor": "ann",
        "github.run_id": "42",
    }
    plans, deploys = Machine.fresh(tmp_path / "plans", repository), Machine.fresh(tmp_path / "deploys", repository)
    with untouched(host):
        planned = on_github(plans, "plan", "pull_request", context)
    assert planned.code == 0, planned.said
    assert document(plans, "plan-run.json").outcome == Ended.WOULD_CHANGE
    ((path, headers, text),) = comments.taken
    assert path == "/repos/ann/site/issues/123/comments"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert "items.0002_item_colour" in json.loads(text)["body"]
    deploys.take(kept_on_github("plan"), plans)
    done = on_github(deploys, "deploy", "push", context)
    assert done.code == 0, done.said
    run = document(deploys, "run.json")
    assert (run.outcome, run.by, kept_on_github("deploy")) == (Ended.COMMITTED, "ann, run 42", ["run.json"])
    seen = look(host)
    assert f"-{commit[:7]}-" in str(seen.current)
    assert PastRun(**seen.last).by == "ann, run 42"
    for secret in (TOKEN, LOGIN.read_text().splitlines()[1]):
        assert secret not in planned.said + done.said


def test_on_gitlab_a_plan_that_was_made_for_another_state_of_the_host_is_refused(
    host: Host, run: Runs, repository: Path, comments: Comments, tmp_path: Path
) -> None:
    commit = look(host).commits["code"]["good-3"]
    key = tmp_path / "SSH_KEY"
    key.write_text(LOGIN.read_text())
    variables = {
        **source(),
        "SSH_KEY": str(key),
        "CI_COMMIT_SHA": commit,
        "GITLAB_TOKEN": TOKEN,
        "GITLAB_USER_LOGIN": "ann",
        "CI_JOB_ID": "42",
    }
    merge_request = {"CI_API_V4_URL": comments.address, "CI_PROJECT_ID": "7", "CI_MERGE_REQUEST_IID": "123"}
    plans, deploys = Machine.fresh(tmp_path / "plans", repository), Machine.fresh(tmp_path / "deploys", repository)
    planned = on_gitlab(plans, "plan", {**variables, **merge_request})
    assert planned.code == 0, planned.said
    ((path, headers, text),) = comments.taken
    assert path == "/projects/7/merge_requests/123/notes"
    assert headers["PRIVATE-TOKEN"] == TOKEN
    assert commit[:7] in parse_qs(text)["body"][0]
    run("deploy", host, data={"code": "good-1", "force": "true"}).worked()
    deploys.take(kept_on_gitlab("plan"), plans)
    with untouched(host):
        done = on_gitlab(deploys, "deploy", variables)
    assert done.code == Ended.REFUSED.exit_code, done.said
    assert "plan.json can't be done as it stands:" in done.said
    refused = document(deploys, "run.json")
    assert refused.outcome == Ended.REFUSED
    assert any("is live, and the plan was made for" in one.says for one in refused.problems)
    assert TOKEN not in planned.said + done.said
