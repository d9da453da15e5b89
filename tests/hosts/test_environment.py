"""Variables and secrets: the app's processes have them as they were written, and nobody else is told of a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.hosts.config_branches import push_config
from tests.hosts.footprint import assert_refused
from tests.invariants import assert_taken_back, assert_well, look
from tests.runs import Runs

ODD = {
    "ODD_PERCENT": "50%(here)s %% %s",
    "ODD_DOLLAR": "$HOME ${HOME} $(id) `id`",
    "ODD_SIGNS": "a # b ; c 'single' \"double\" \\ back",
    "ODD_LINES": "one\ntwo\n\n",
    "ODD_SPACES": "  ",
    "ODD_ABROAD": "Grüße, 你好 🚀",
}
# Starts the web by the version's launcher; and the app logs what it should not.
LAUNCHED = (
    'sed -i "s|^command=.*/django-current/venv |command=/home/app/django-current/run python |" supervisord.conf; '
    "echo 'import os, sys; print(os.environ[\"TOLD\"], file=sys.stderr)' >>settings.py"
)
BUILD = "#!/bin/sh\nset -e\npython -c 'import json, os; print(json.dumps(dict(os.environ)))' >/home/app/build-env\n"
SECRETS = "/etc/switchback/django/secrets.json"
# Looks at every command line of the host for a word in a file, until it is told to stop.
WATCH = """
rm -f /root/stop /root/seen; printf %s "$1" >/root/word
look='while [ ! -e /root/stop ]; do grep -lasF -f /root/word /proc/[0-9]*/cmdline; sleep 0.02; done'
setsid sh -c "$look" >/root/seen 2>/dev/null </dev/null &
"""
# Where nothing of that word is to be: in all that Switchback keeps, versions and the journal. And where it was hidden:
# the app has logged it, and its log is among the evidence.
KEPT = """
grep -rlaF -f /root/word /var/lib/switchback /home/app/django-2* /usr/local/lib/switchback
journalctl --no-pager | grep -aF -f /root/word
"""
HIDDEN = "grep -rlx '[*][*][*]' /var/lib/switchback/django/transactions/*/evidence"


@pytest.fixture(scope="module")
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Variables, and a secret that is read from the environment of this machine."""
    secrets = {"TOLD": {"env": "SWITCHBACK_TEST_TOLD"}, "STAYS": {"command": ["printf", "the other one"]}}
    return {**settings, "build_script": "~/build.sh", "env": ODD, "secrets": secrets}


@pytest.fixture(scope="module")
def host(host: Host) -> Host:
    """Its config starts the web by the launcher, and it has `manage`."""
    push_config(host, LAUNCHED, "main")
    host.write("/home/app/build.sh", BUILD, mode=0o755, owner="app")
    return host


def web(host: Host) -> list[dict[str, str]]:
    """The environment of each web process."""
    found = []
    for pid in look(host).processes:
        text = host.run(["cat", f"/proc/{pid}/environ"]).stdout
        if "VIRTUAL_ENV=" in text:
            found.append(dict(pair.partition("=")[::2] for pair in text.split("\0") if pair))
    return found


def managed(host: Host, user: str = "app") -> dict[str, str]:
    """What manage.py finds in its environment."""
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    said = host.run(["/home/app/bin/manage", "shell", "-c", show], user=user).stdout
    found: dict[str, str] = json.loads(said.strip().rpartition("\n")[2])
    return found


def test_values_arrive_as_they_are_in_the_web_in_manage_and_in_scripts(
    host: Host, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "s3cr%et $word # 'x' first"
    monkeypatch.setenv("SWITCHBACK_TEST_TOLD", told)
    run("provision", host).worked()
    run("deploy", host, data={"code": "good-2"}).worked()
    wanted = {**ODD, "TOLD": told, "STAYS": "the other one"}
    processes = web(host)
    assert len(processes) >= 2
    script = json.loads(host.read(["cat", "/home/app/build-env"]))
    for found in (*processes, managed(host), managed(host, "root"), script):
        assert {name: found.get(name) for name in wanted} == wanted
        assert found["VIRTUAL_ENV"].startswith("/home/app/django-2")
    assert host.read(["stat", "-c", "%a %U %G", SECRETS, str(Path(SECRETS).parent)]) == "640 root app\n750 root app\n"
    supervisord = host.run(["cat", f"/proc/{look(host).main_pid}/environ"]).stdout
    assert "s3cr" not in supervisord


def test_a_plan_is_refused_once_a_secret_would_change_that_it_has_not_shown(
    host: Host, run: Runs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SWITCHBACK_TEST_TOLD", "s3cr%et $word # 'x' first")
    plan = tmp_path / "plan.json"
    run("deploy", host, data={"code": "good-3", "save_plan": str(plan)}, args=["--dry"]).worked()
    before = look(host)
    monkeypatch.setenv("SWITCHBACK_TEST_TOLD", "another one, since")
    result = run("deploy", host, data={"plan": str(plan)})
    assert_refused(
        result, "can't be done as it stands:", "would change otherwise: TOLD changed (secret), and in the plan none"
    )
    assert look(host) == before


def test_a_secret_that_changes_is_shown_nowhere_and_given_back_when_its_deploy_fails(
    host: Host, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, mark = look(host), "m4rked-by-us-and-nowhere"
    was = host.read(["cat", SECRETS])
    monkeypatch.setenv("SWITCHBACK_TEST_TOLD", mark)
    host.run(["sh", "-c", WATCH, "sh", mark])
    looked = run("deploy", host, data={"code": "bad-live"}, args=["--dry", "--diff"])
    result = run("deploy", host, data={"code": "bad-live"}, args=["-v"])
    host.run(["touch", "/root/stop"])
    assert result.code == 1
    assert "env       TOLD changed (secret)" in looked.output
    assert_taken_back(host, before, result, "health", ("PAYMENT_KEY is not set",))
    assert host.read(["cat", SECRETS]) == was
    assert all(one["TOLD"] != mark for one in web(host))
    assert host.run(["cat", "/root/seen"]).stdout == ""
    assert mark not in looked.output + result.output
    assert host.run(KEPT, check=False).stdout == ""
    assert host.run(["sh", "-c", HIDDEN]).stdout
    assert host.run(["find", "/var/lib/switchback", "-name", "given.json"]).stdout == ""


def test_a_changed_secret_alone_is_a_deploy_and_a_revert_leaves_it(
    host: Host, run: Runs, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    monkeypatch.setenv("SWITCHBACK_TEST_TOLD", "second one")
    first = look(host).current
    run("deploy", host, data={"code": "good-2"}).worked()
    assert_well(host, "good-2")
    assert look(host).current != first
    assert {one["TOLD"] for one in web(host)} == {"second one"}
    again = run("deploy", host, data={"code": "good-2"})
    assert "is live and healthy already: nothing to do" in again.output
    run("revert", host).worked()
    assert look(host).current == first
    assert {one["TOLD"] for one in web(host)} == {"second one"}


def test_variables_alone_make_a_version_and_a_revert_takes_them_back(
    host: Host, run: Runs, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    monkeypatch.setenv("SWITCHBACK_TEST_TOLD", "second one")
    settings["env"] = {"ODD_SPACES": "another", "COMES": "1"}
    settings["secrets"] = {"TOLD": {"env": "SWITCHBACK_TEST_TOLD"}}
    looked = run("deploy", host, data={"code": "good-2"}, args=["--dry"])
    assert "COMES new, ODD_ABROAD removed" in looked.flowing
    assert "ODD_SPACES changed" in looked.flowing
    assert "STAYS removed (secret)" in looked.flowing
    run("deploy", host, data={"code": "good-2"}).worked()
    (found, *_) = web(host)
    assert (found["ODD_SPACES"], found["COMES"], found.get("ODD_ABROAD")) == ("another", "1", None)
    assert found.get("STAYS") is None
    run("revert", host).worked()
    (found, *_) = web(host)
    assert (found["ODD_SPACES"], found.get("COMES"), found["ODD_ABROAD"]) == ("  ", None, ODD["ODD_ABROAD"])
    assert found.get("STAYS") is None
