"""How long it takes to see before pressing: `make bench-preview`.

From the command to its end, on a host in a container of this machine, close by and over a link of 80 ms there and back.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bed import hosts
from tests.bed.hosts import Host
from tests.bed.keys import remember_host
from tests.bench.delay import delayed
from tests.prepared import ensure_engine_alone, prepared_image
from tests.runs import SETTINGS, Runs

ROUND_TRIP = 0.080
# The most that the first case may take, seconds.
NEAR_LIMIT, FAR_LIMIT = 3.0, 6.0
MANY = 200
MORE = r"""
set -e
cd /srv/git/code.git
sha=good-1
for number in $(seq "$1"); do
    sha=$(git -c safe.directory=* -c user.name=Sam -c user.email=sam@example.org \
        commit-tree -p "$sha" -m "Change $number" "good-1^{tree}")
done
git -c safe.directory=* update-ref refs/heads/many "$sha"
"""


@dataclass(frozen=True)
class Case:
    """Something to look at: what it is called, and the code."""

    name: str
    code: str


CASES = (
    Case("one commit, one migration", "good-2"),
    Case("two commits, another package", "good-3"),
    Case(f"{MANY} commits", "many"),
    Case("nothing to do", "good-1"),
)


def measure(runs: Runs, host: Host, case: Case, times: int) -> list[float]:
    """The times that a look takes, seconds."""
    return [
        runs("deploy", host, data={"code": case.code}, args=["--dry", "--diff"]).worked().seconds for _ in range(times)
    ]


def commands(runs: Runs, host: Host, case: Case) -> int:
    """How many commands a look sends to its host, each in an SSH channel of its own."""
    result = runs("deploy", host, data={"code": case.code}, args=["--dry", "--diff", "-vv"]).worked()
    return len(re.findall(r">>> ", result.output))


@contextmanager
def far(host: Host) -> Iterator[Host]:
    """The same host, at the other end of a long link."""
    with delayed(host.ssh_port, ROUND_TRIP) as port:
        remember_host(port)
        yield replace(host, ssh_port=port)


def main(arguments: Sequence[str]) -> int:
    """Measure all cases near and far, and print a table. Returns 1 when a look takes too long."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5, help="how often each look is taken")
    times = parser.parse_args(arguments).times
    ensure_engine_alone()
    host = hosts.start(f"test-{os.getpid()}-bench-preview", image=prepared_image())
    try:
        host.run(["sh", "-c", MORE, "sh", str(MANY)])
        with tempfile.TemporaryDirectory() as folder, far(host) as distant:
            runs = Runs(Path(folder), dict(SETTINGS))
            late = _table(runs, host, distant, times)
    finally:
        host.remove()
    return 1 if late else 0


def _table(runs: Runs, host: Host, distant: Host, times: int) -> list[str]:
    """Print a line for each case. Returns those that take too long even at their best."""
    print(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {time.strftime('%Y-%m-%d %H:%M')}; best / median, s"
    )
    print(f"{'':32}{'near':>14}{f'{ROUND_TRIP * 1000:.0f} ms away':>16}{'commands':>10}")
    late = []
    for case in CASES:
        near, long = measure(runs, host, case, times), measure(runs, distant, case, times)
        print(f"{case.name:32}{_figures(near):>14}{_figures(long):>16}{commands(runs, host, case):>10}", flush=True)
        slow = min(near) > NEAR_LIMIT or min(long) > FAR_LIMIT
        late += [case.name] if slow and case is CASES[0] else []
    print(f"load {os.getloadavg()[0]:.1f} at the end; too late: {', '.join(late) or 'none'}")
    return late


def _figures(seconds: Sequence[float]) -> str:
    return f"{min(seconds):.2f} / {statistics.median(seconds):.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
