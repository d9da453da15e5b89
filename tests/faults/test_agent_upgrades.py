"""A checkout with another agent than the one that a host has: an open deploy is ended by the agent that began it. And a
host that was laid out before there were sites."""

from __future__ import annotations

from tests.bed.hosts import Host
from tests.faults.watch import STATE, write_script
from tests.invariants import Seen, assert_ended, assert_well, look
from tests.runs import Runs

LIBRARY = "/usr/local/lib/switchback"
LINK = f"{STATE}/agent"
# What a host has whose agent came from an older checkout.
MAKE_OLDER = f"cd {LIBRARY} && mv $(readlink {LINK}) older && ln -sfn {LIBRARY}/older {LINK}"


def installed(host: Host) -> str:
    """The agent that a host has."""
    return host.run(["readlink", LINK]).stdout.strip().rpartition("/")[2]


def test_an_open_deploy_of_an_older_agent_is_finished_by_that_agent_and_only_then_is_it_replaced(
    host: Host, before: Seen, run: Runs
) -> None:
    ours = installed(host)
    works = host.run(["cat", "/home/app/scripts/stop_maintenance.sh"]).stdout
    write_script(host, "stop_maintenance.sh", "exit 1")
    assert run("deploy", host, data={"code": "good-2"}).code == 1
    stuck = look(host)
    assert stuck.last["outcome"] == "needs a person"
    assert (stuck.maintenance, stuck.links, stuck.database) == (True, before.links, before.database)
    host.run(MAKE_OLDER)

    for kind in ("deploy", "provision"):
        refused = run(kind, host)
        assert refused.code == 1
        assert "needs a person: run deploys/recover.py" in refused.told
        assert installed(host) == "older"

    host.write("/home/app/scripts/stop_maintenance.sh", works, mode=0o755, owner="app")
    run("recover", host).worked()
    assert installed(host) == "older"
    assert_ended(assert_well(host, links=before.links, database=before.database), "fell back", "maintenance_stop")

    run("provision", host).worked()
    assert installed(host) == ours
    assert_well(host, links=before.links)


# A host as it was laid out before there were sites: for one alone, whose agent is called by a launcher that all share.
# That stands in for it here: whatever it is started for, it stays.
LAY_OUT_AS_BEFORE = r"""
set -eu
systemctl --quiet disable --now switchback@django.path switchback@django.service
cd /var/lib/switchback
rm django/agent /etc/systemd/system/switchback@*
mv django/* .
rmdir django
cd /usr/local/lib/switchback
rm -r ./*
mkdir older
ln -s older current
printf '#!/bin/sh\nexec sleep infinity\n' >switchback-agent
chmod +x switchback-agent
cd /etc/systemd/system
printf '[Path]\nPathExists=/var/lib/switchback/lock\n[Install]\nWantedBy=multi-user.target\n' >switchback-guard.path
printf '[Service]\nExecStart=/usr/local/lib/switchback/switchback-agent guard\n' >switchback-guard.service
printf '[Unit]\nBefore=django.service\nConditionPathExists=/var/lib/switchback/lock\n[Service]\nType=oneshot\n%s\n' \
    'ExecStart=/usr/local/lib/switchback/switchback-agent boot' '[Install]' 'WantedBy=multi-user.target' \
    >switchback-boot.service
systemctl daemon-reload
systemctl --quiet enable switchback-boot.service switchback-guard.path
systemctl start switchback-guard.path
"""
# All that is ours, and what is in it.
OURS = """
find /var/lib/switchback /usr/local/lib/switchback /etc/systemd/system -printf '%p %l\\n' -type f -exec md5sum {} +
"""
# What an open run of its agent has written: what the last one has, without its end.
OPEN = r"""
cd /var/lib/switchback
mkdir transactions/open
grep -v '"event": "ended"' "$(ls -d transactions/*-deploy-* | tail -1)/journal.jsonl" >transactions/open/journal.jsonl
echo open >lock
systemctl start switchback-guard.service
"""


def test_a_host_from_before_there_were_sites_is_taken_over_with_all_that_it_knows_unless_a_run_is_open(
    host: Host, before: Seen, run: Runs
) -> None:
    host.run(LAY_OUT_AS_BEFORE)
    shown = run("status", host).worked()
    for known in (f"{before.current} is live and healthy", f"{len(before.history)} line"):
        assert known in shown.output
    assert "last runs, the newest first" in shown.output
    host.run(OPEN)
    ours = host.read(OURS)

    refused = {kind: run(kind, host) for kind in ("deploy", "provision", "recover", "clean")}
    assert {kind: one.code for kind, one in refused.items()} == dict.fromkeys(refused, 1)
    for kind in ("deploy", "provision"):
        assert "holds this host since" in refused[kind].told
    asks = f'echo \'{{"schema": 1, "verb": "recover"}}\' | sudo {LIBRARY}/switchback-agent'
    for kind in ("recover", "clean"):
        assert "an earlier version of Switchback has open open here" in refused[kind].told
        assert asks in refused[kind].told
    assert "holds this host since" in run("status", host).output
    assert host.read(OURS) == ours

    host.run("rm -r /var/lib/switchback/lock /var/lib/switchback/transactions/open")
    assert run("clean", host).code == 1
    run("deploy", host, data={"code": "good-2"}).worked()
    seen = assert_well(host, "good-2", rows=3)
    assert seen.history[: len(before.history)] == before.history
    assert {version: seen.marks[version] for version in before.marks} == before.marks
    assert host.run(["ls", "-A", "/var/lib/switchback"]).stdout.split() == ["django"]
    assert host.run(["ls", "-A", LIBRARY]).stdout.split() == [installed(host)]
    units = host.run("cd /etc/systemd/system; ls -d switchback* multi-user.target.wants/switchback*").stdout.split()
    assert [unit for unit in units if "@django." not in unit] == []
    known = host.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "switchback*"]).stdout
    assert "switchback-guard.service" not in known
    assert "switchback-boot.service" not in known
    # A revert knows what was live.
    run("revert", host).worked()
    assert_well(host, "good-1")
