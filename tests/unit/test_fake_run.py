"""Whole runs through pyinfra's own command line, against hosts that are not there but answer as real ones would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest
import yaml

from switchback.calls import AGENT
from switchback.payload import LOADER, agent_fingerprint
from tests.unit.examples import CODE_URL, CONFIG_URL, HIDDEN, LIVE, NEW, OLD, host_facts, refs, version

ROOT = Path(__file__).parent.parent.parent
PYINFRA = str(Path(sys.executable).with_name("pyinfra"))
STYLE = re.compile(r"\x1b\[[0-9;]*m")
# The three hosts, and what each answers, by a pattern of its command.
Answers = Mapping[str, Any]

SETTINGS = {
    "website_url": "https://www.example.com/",
    "code_repo_url": CODE_URL,
    "config_repo_url": CONFIG_URL,
    "code_branch": "main",
    "config_branch": "main",
}

DEPLOY = (
    "begin",
    "code",
    "config",
    "venv",
    "static",
    "checks",
    "seal",
    "backup_before",
    "maintenance_start",
    "backup",
    "migrate",
    "swap",
    "restart",
    "health",
    "maintenance_stop",
    "site",
    "commit",
    "clean",
)


@dataclass(frozen=True)
class Done:
    """What a run did.

    + output: everything that it printed, with each command as it was sent
    """

    code: int
    output: str

    def asked(self, host: str) -> list[str]:
        """What a host's installed agent was asked for, in order: the commands, and of steps their names."""
        found = re.findall(
            rf"^\[@fake/{host}\] >>> .*{re.escape(AGENT)} (\S+)(?: (\S+))?(?: ([\w,]+))?", self.output, re.MULTILINE
        )
        return [one for verb, _, steps in found for one in (steps.split(",") if verb == "step" else [verb.strip("'")])]

    @property
    def last_screen(self) -> list[str]:
        return self.output[self.output.rfind("\n--> ") :].strip().splitlines()


Start = Callable[..., Done]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Runs a deploy file on three hosts."""

    def run(
        deploy: str,
        *arguments: str,
        facts: Mapping[str, Any] | None = None,
        answers: Mapping[str, Answers] | None = None,
    ) -> Done:
        (tmp_path / "group_data").mkdir(exist_ok=True)
        (tmp_path / "group_data" / "fakes.yml").write_text(yaml.safe_dump(SETTINGS))
        seen = {name: host_facts(agent=agent_fingerprint()) for name in ("web1", "web2", "web3")}
        seen.update(facts or {})
        hosts = []
        for name, known in seen.items():
            first = dict((answers or {}).get(name, {}))
            usual = {r" survey\b": json.dumps(known), r" commit'?$": f"committed: {NEW} is live and healthy"}
            hosts.append((f"@fake/{name}", {"fake_delay": 0, "fake_delay_jitter": 0, "answers": {**first, **usual}}))
        (tmp_path / "fakes.py").write_text(
            "import re\n\nfrom switchback.inventory import inventory\n\n"
            f"_hosts = {pformat(hosts, width=200, sort_dicts=False)}\n"
            "for _, _data in _hosts:\n"
            "    _data['fake_responses'] = {re.compile(one): how for one, how in _data.pop('answers').items()}\n"
            "app = inventory(__file__, hosts=_hosts)\n"
        )
        argv = [PYINFRA, "-vvv", str(tmp_path / "fakes.py"), f"deploys/{deploy}.py", *arguments]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        done = subprocess.run(
            argv,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, STYLE.sub("", done.stdout).replace(LOADER, "LOADER"))

    return run


def test_a_deploy_does_its_steps_in_order_on_all_hosts_and_shows_no_password(start: Start) -> None:
    done = start("deploy", "-y")
    assert done.code == 0, done.output
    for host in ("web1", "web2", "web3"):
        assert tuple(done.asked(host)) == DEPLOY
    assert done.last_screen[0].endswith(": committed")
    assert HIDDEN not in done.output


def test_a_dry_run_asks_a_host_for_nothing_but_what_it_is_like(start: Start) -> None:
    done = start("deploy", "--dry")
    assert done.code == 0, done.output
    assert [done.asked(host) for host in ("web1", "web2", "web3")] == [[], [], []]
    assert "[@fake/web1]   code: main (cccccccccc)" in done.output
    assert HIDDEN not in done.output


def test_a_step_that_fails_on_one_host_takes_all_hosts_back_and_the_run_does_not_end_well(start: Start) -> None:
    failed = {
        "success": False,
        "stdout": ["falling back: restart failed: it broke", f"fell back at restart: {LIVE} is live and healthy"],
    }
    other = {"success": False, "stdout": [f"fell back at restart: {LIVE} is live and healthy"]}
    done = start(
        "deploy",
        "-y",
        answers={
            "web1": {" fall-back ": other},
            "web2": {r" restart'?$": failed},
            "web3": {" fall-back ": other},
        },
    )
    assert done.code == 1
    upto = list(DEPLOY[: DEPLOY.index("restart") + 1])
    assert done.asked("web1") == [*upto, "fall-back"]
    assert done.asked("web2") == upto
    # It waits for the primary host to take the database back.
    assert done.asked("web3") == [*upto, "fall-back"]
    assert done.last_screen[0].endswith(": fell back")
    assert "    [@fake/web2] restart failed: it broke" in done.last_screen


def test_a_host_that_can_not_begin_keeps_the_others_from_going_on(start: Start) -> None:
    refused = {"success": False, "stdout": ["refused: deploy x by ann@desk holds this host since noon, at step code"]}
    back = {"success": False, "stdout": ["refused at begin: the live site was never touched"]}
    done = start(
        "deploy",
        "-y",
        answers={
            "web1": {r" begin'?$": refused},
            "web2": {" fall-back ": back},
            "web3": {" fall-back ": back},
        },
    )
    assert done.code == 1
    assert [done.asked(host) for host in ("web1", "web2", "web3")] == [
        ["begin"],
        ["begin", "fall-back"],
        ["begin", "fall-back"],
    ]


def test_what_is_live_and_healthy_everywhere_is_left_alone_and_that_is_success(start: Start) -> None:
    seen = host_facts(version(NEW), version(OLD), current=NEW, agent=agent_fingerprint())
    done = start("deploy", "-y", facts=dict.fromkeys(("web1", "web2", "web3"), seen))
    assert done.code == 0, done.output
    assert [done.asked(host) for host in ("web1", "web2", "web3")] == [[], [], []]
    assert f"{NEW} is live and healthy already: nothing to do" in done.output


def test_every_reason_to_refuse_of_every_host_is_named_at_once_and_nothing_is_begun(start: Start) -> None:
    done = start(
        "deploy",
        "-y",
        facts={
            "web1": host_facts(agent=None),
            "web2": host_facts(transaction={"says": "deploy x by ann@desk holds this host"}),
            "web3": {},
        },
    )
    assert done.code == 1
    assert [done.asked(host) for host in ("web1", "web2", "web3")] == [[], [], []]
    assert done.last_screen == [
        "--> Refused, nothing was changed:",
        "    - @fake/web1: the agent is not installed: run deploys/provision.py",
        "    - @fake/web2: deploy x by ann@desk holds this host",
        "    - @fake/web3: the host can't be looked at: admin needs sudo without a password (or run with "
        "--use-sudo-password), and the host needs python3",
    ]


def test_a_ref_that_stands_for_nothing_is_refused_before_anything_is_begun(start: Start) -> None:
    unknown = host_facts(refs=refs(code=None, problem="v9 is no branch, no tag and no commit of the repository"))
    done = start("deploy", "-y", "--data", "code=v9", facts={"web2": {**unknown, "agent": agent_fingerprint()}})
    assert done.code == 1
    assert done.asked("web1") == []
    assert "    - @fake/web2: code: v9 is no branch" in done.output


def test_a_revert_builds_nothing_and_goes_back_on_all_hosts(start: Start) -> None:
    done = start("revert", "-y")
    assert done.code == 0, done.output
    expected = [step for step in DEPLOY if step not in DEPLOY[1 : DEPLOY.index("backup_before")] and step != "clean"]
    assert done.asked("web2") == expected
    assert f"[@fake/web1] revert {OLD} (live now: {LIVE})" in done.output


def test_a_deploy_is_limited_to_the_hosts_that_are_named(start: Start) -> None:
    done = start("deploy", "-y", "--limit", "@fake/web2")
    assert done.code == 0, done.output
    assert done.asked("web1") == []
    assert tuple(done.asked("web2")) == DEPLOY
