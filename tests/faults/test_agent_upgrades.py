"""A checkout with another agent than the one that a host has: an open deploy is ended by the agent that began it."""

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
    assert look(host).last["outcome"] == "needs a person"
    host.run(MAKE_OLDER)

    for kind in ("deploy", "provision"):
        refused = run(kind, host)
        assert refused.code == 1
        assert "needs a person: run deploys/recover.py" in refused.screen
        assert installed(host) == "older"

    host.write("/home/app/scripts/stop_maintenance.sh", works, mode=0o755, owner="app")
    run("recover", host).worked()
    assert installed(host) == "older"
    assert_ended(assert_well(host, links=before.links, database=before.database), "fell back", "maintenance_stop")

    run("deploy", host, data={"code": "good-2"}).worked()
    assert installed(host) == ours
    assert_well(host, "good-2", rows=3)
