"""`python -m tests.chaos.commit`: the controller of three hosts is killed in the commit, again and again, at random.

All hosts have to end alike. What can't be ended while hosts don't talk to each other is that they are parted by a
controller which is lost between its first words to two of them: then each of them has to say so.
"""

from __future__ import annotations

import argparse
import collections
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

from tests.bed import hosts
from tests.bed.database import share_database
from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.chaos.rounds import SMALL_LIMITS, serves
from tests.faults.sabotage import version_of
from tests.faults.watch import STATE, wait_until, wait_until_free
from tests.invariants import assert_well, look
from tests.prepared import prepared_image
from tests.runs import Runs

HOSTS = 3
# Neither has a migration that the other lacks, so each deploy is as quick as the last.
CODES = ("feature/with/slashes", "good-1")
# The commit is over by then, seconds.
LATEST = 1.2
SAYS_SO = ("may have fallen back", "may have committed")
# The step whose end is waited for, and the newest run of a host.
LAST_STEP = '"event": "step done", "step": "watch"'
NEWEST = f"ls {STATE}/transactions | tail -n 1"


def main() -> int:
    """Play, one line a round, and say how many ended in which way. Returns 1 if something was not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    random, counts = Random(given.seed), collections.Counter[str]()  # noqa: S311 - to be repeatable, not secret
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        three = [_start(number, stack) for number in range(HOSTS)]
        share_database(*three)
        for other in three[1:]:
            other.run(["systemctl", "restart", "django"])
            wait_for_site(other)
        for number in range(given.times):
            # After a fallback what was live still is.
            code = next(one for one in CODES if one != serves(look(three[0])))
            ended = play(three, Path(folder) / str(number), code, random.uniform(0, LATEST))
            counts[ended] += 1
            _tell(f"{number + 1}: {ended}")
    for what, count in sorted(counts.items()):
        _tell(f"{count:4} {what}")
    return 1 if counts["VIOLATED"] else 0


def play(three: Sequence[Host], folder: Path, code: str, after: float) -> str:
    """Deploy, and kill the controller so long after the last step has ended. Returns how it ended, alike or parted."""
    runs = Runs(folder, dict(SMALL_LIMITS))
    try:
        before = three[0].read(NEWEST).strip()
        running = runs.start("deploy", *three, data={"version": version_of(look(three[0]), code)})
        # Also where the run has ended by the time that somebody looks: a busy host's is over in no time.
        is_new = f'new=$({NEWEST}) && [ "$new" != "{before}" ]'
        wait_until(three[0], f"{{ {is_new} && grep -qs '{LAST_STEP}' {STATE}/transactions/$new/journal.jsonl; }}")
        time.sleep(after)
        late = running.over
        running.kill()
        for host in three:
            wait_until_free(host)
        seen = [look(host) for host in three]
        outcomes = {str(one.last["outcome"]) for one in seen}
        if len(outcomes) == 1:
            for host in three:
                assert_well(host, code if outcomes == {"committed"} else serves(seen[0]))
            return f"all {outcomes.pop()}{', before the controller could be killed' if late else ''}"
        said = all(any(words in f"{one.last['sentence']} {one.last['reason']}" for words in SAYS_SO) for one in seen)
        # The next run of anything brings them together.
        runs("deploy", *three, data={"version": version_of(seen[0], code)}).worked()
        return "parted, and each says so" if said else "VIOLATED"
    finally:
        runs.end()


def _start(number: int, stack: ExitStack) -> Host:
    host = hosts.start(f"test-{os.getpid()}-commit-{number}-{os.urandom(2).hex()}", image=prepared_image(built=True))
    stack.callback(host.remove)
    wait_for_site(host)
    return host


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
