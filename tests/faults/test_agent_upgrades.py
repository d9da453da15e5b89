"""A checkout with another agent than the one that a host has: an open deploy is ended by the agent that began it."""

from __future__ import annotations

from tests.bed.hosts import Host
from tests.faults.watch import write_script
from tests.invariants import Seen, assert_ended, assert_well, look
from tests.runs import Runs

LIBRARY = "/usr/local/lib/switchback"
# What a host has whose agent came from an older checkout.
MAKE_OLDER = f"cd {LIBRARY} && mv $(readlink current) older && ln -sfn older current"


def installed(host: Host) -> str:
    """The agent that a host has."""
    return host.run(["readlink", f"{LIBRARY}/current"]).stdout.strip()


# What a host has whose agent was asked by arguments: it would end with a traceback, whatever it is asked now.
MAKE_DEAF = f"{MAKE_OLDER} && rm older/agent/words/requests.py"


def test_an_open_deploy_of_an_agent_that_would_not_understand_is_left_to_it_and_it_is_said_how(
    host: Host, run: Runs
) -> None:
    write_script(host, "stop_maintenance.sh", "exit 1")
    assert run("deploy", host, data={"code": "good-2"}).code == 1
    host.run(MAKE_DEAF)

    asked = {
        "recover": run("recover", host),
        "clean": run("clean", host),
        "pin": run("clean", host, data={"pin": look(host).last["version"]}),
        "status": run("status", host),
    }
    assert not [name for name, one in asked.items() if "Traceback" in one.output]
    for name in ("recover", "clean", "pin"):
        assert asked[name].code == 1
        assert "another version of Switchback has" in asked[name].screen
        assert f"echo '{{}}' | sudo {LIBRARY}/switchback-agent recover" in asked[name].screen


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
