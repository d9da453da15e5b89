"""A failure on one host of several: all of them serve the old version again."""

from __future__ import annotations

from tests.bed.database import share_database
from tests.conftest import Hosts
from tests.faults.matrix import STOPS_WHERE_LIVE
from tests.faults.watch import STATE, wait_until_free, write_script
from tests.invariants import assert_ended, assert_screen, assert_well, look
from tests.runs import Runs


def test_a_host_that_fails_takes_the_others_back_and_the_database_once(hosts: Hosts, run: Runs) -> None:
    first, second = hosts(2)
    share_database(first, second)
    second.run(["systemctl", "restart", "django"])
    before = {host.name: look(host) for host in (first, second)}
    # What the build makes of the new version on this host can't start.
    breaks = write_script(second, "break.sh", f'echo "{STOPS_WHERE_LIVE}" >warmup.py')

    result = run("deploy", first, second, data={"code": "good-2"}, own={second.name: {"build_script": breaks}})

    # That the first one falls back since the other one has failed needs no line of its own.
    says = [f"now [{first.name}] ", f"[{second.name}] still falling back: ", "health failed: not healthy"]
    ended = f"still falling back on {second.name}; fell back on {first.name}"
    assert_screen(result, ended, says)
    for host in (first, second):
        wait_until_free(host)
    seen = assert_well(first, links=before[first.name].links, database=before[first.name].database)
    assert_ended(seen, "fell back", "health")
    seen = assert_well(second, links=before[second.name].links)
    assert_ended(seen, "fell back", "health")
    undone = f"cat {STATE}/transactions/$(ls {STATE}/transactions | tail -1)/journal.jsonl"
    undos = [host.run(undone).stdout.count('"event": "undo done", "action": "database"') for host in (first, second)]
    assert undos == [1, 0]
