"""Many deploys at the same time: one of them has the host, and the others are told whose it is."""

from __future__ import annotations

import json
import time

from agent.words.journal import Intent
from agent.words.outcomes import Outcome
from agent.words.requests import Begin, FallBack, document
from agent.words.result import read_result
from agent.words.shapes import read
from tests.bed.hosts import Host
from tests.faults.sabotage import version_of
from tests.faults.watch import LIMIT, STATE, WAIT_AT_GATE, open_gate, wait_for, write_script
from tests.invariants import Seen, assert_quiet, assert_well, look
from tests.runs import Runs

AGENTS = 20
# Their agents meet as those do; what is more is the work of the controllers.
DEPLOYS = 5
CLIENT = f"python3 -IS {STATE}/agent/agent/runner/client.py"
# Each waits for the others, so that they come at the same moment.
BEGIN = """
cd /root
for number in $(seq {agents}); do
    (
        while [ ! -e go ]; do :; done
        sed "s/NUMBER/$number/g" request |
            {client} >said.$number 2>&1
        echo $? >code.$number
    ) &
done
touch go
wait
"""


def outcome_in(said: str) -> Outcome | None:
    result = read_result(said.removesuffix("\n").split("\n"))
    return result.outcome if result else None


def test_of_many_agents_that_begin_at_once_one_has_the_host_and_the_others_say_whose_it_is(
    host: Host, before: Seen
) -> None:
    opened = json.loads(host.run(f"head -1 {STATE}/transactions/*-deploy-*/journal.jsonl").stdout)
    intent = read(Intent, {**opened, "was": before.current, "bare": False}, "begin")
    host.write("/root/request", document(Begin("racer-NUMBER", intent), "django"))

    host.run(BEGIN.format(agents=AGENTS, client=CLIENT))

    # All at once, for the deploy that has begun has a deadline.
    said_at_end = host.run(f"cd /root && for number in $(seq {AGENTS}); do cat code.$number; done").stdout.split()
    codes = {number: int(code) for number, code in enumerate(said_at_end, 1)}
    winners = [number for number, code in codes.items() if code == 0]
    assert len(winners) == 1
    assert look(host).lock == f"racer-{winners[0]}"
    for number in set(codes) - set(winners):
        said = host.run(f"cat /root/said.{number}").stdout
        assert outcome_in(said) == Outcome.REFUSED, said
        assert f"racer-{winners[0]} by {opened['by']} holds this host since" in said
    over = document(FallBack(f"racer-{winners[0]}", "over"), "django")
    ended = host.run(f"echo '{over}' | {CLIENT}", check=False)
    assert (ended.returncode, outcome_in(ended.stdout)) == (1, Outcome.REFUSED), ended
    assert_well(host, links=before.links, database=before.database)


def test_of_many_deploys_that_are_started_at_once_one_runs_and_the_others_are_told_whose_it_is(
    host: Host, before: Seen, run: Runs
) -> None:
    write_script(host, "backup_database.sh", WAIT_AT_GATE, "echo data >$HOME/a.dump", "echo $HOME/a.dump")
    version = version_of(before, "good-2")
    running = [run.start("deploy", host, data={"version": version}) for _ in range(DEPLOYS)]
    wait_for(host, "backup")
    holder = look(host).lock
    # The winner waits at the gate until all others have ended.
    limit = time.monotonic() + LIMIT
    while sum(one.over for one in running) < DEPLOYS - 1:
        assert time.monotonic() < limit
        time.sleep(0.2)
    for result in [one.wait() for one in running if one.over]:
        assert result.code == 1, result.output
        assert f"deploy {holder} by " in result.output
        assert "holds this host since" in result.output
        assert ", at step " in result.output
    open_gate(host)
    assert sorted(one.wait().code for one in running) == [0] + [1] * (DEPLOYS - 1)
    seen = assert_well(host, "good-2", rows=3)
    assert_quiet(seen)
    assert [line["outcome"] for line in seen.history[len(before.history) :] if line["kind"] == "deploy"] == [
        "committed"
    ]
