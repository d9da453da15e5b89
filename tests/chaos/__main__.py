"""`python -m tests.chaos`: so many rounds, spread over a few hosts; the same seed decides the same rounds."""

from __future__ import annotations

import argparse
import collections
import datetime
import os
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from tests import record
from tests.bed import hosts
from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.chaos.rounds import decide, measure, play
from tests.prepared import prepared_image
from tests.record import Case

Counts = collections.Counter[str]


def main() -> int:
    """Play, one line a round, and say how many ended in which way. Returns 1 if something was not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--junitxml", type=Path, help="where to keep how each round went")
    given = parser.parse_args()
    tell(f"{given.rounds} rounds on {given.hosts} hosts, seed {given.seed}")
    began = datetime.datetime.now(datetime.timezone.utc)
    rounds: list[Case] = []
    shares = [given.rounds // given.hosts + (number < given.rounds % given.hosts) for number in range(given.hosts)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.hosts) as pool:
        jobs = [
            pool.submit(play_on_host, number, share, given.seed, Path(folder), rounds)
            for number, share in enumerate(shares)
        ]
        counts = sum((job.result() for job in jobs), Counts())
    if given.junitxml:
        seconds = (datetime.datetime.now(datetime.timezone.utc) - began).total_seconds()
        record.write(given.junitxml, f"chaos, seed {given.seed}", rounds, began, seconds)
    for what, count in sorted(counts.items()):
        tell(f"{count:4} {what}")
    tell(f"seed {given.seed}: {counts.total() - counts['VIOLATED']} rounds as they have to be, of {given.rounds}")
    return 1 if counts["VIOLATED"] or counts.total() < given.rounds else 0


def play_on_host(number: int, rounds: int, seed: int, folder: Path, played: list[Case]) -> Counts:
    """Play a host's share of the rounds one after the other; on a new host once something is wrong.

    + played: gets each round, and how it went
    """
    random, counts = Random(f"{seed}-{number}"), Counts()  # noqa: S311 - to be repeatable, not secret
    host = start(number)
    try:
        usual = measure(host, folder / f"{number}-measured")
        for done in range(rounds):
            one = decide(random)
            began = time.monotonic()
            try:
                hit, outcome = play(host, folder / f"{number}-{done}", one, random, usual)
            except Exception as problem:  # noqa: BLE001 - whatever it is, the other rounds go on
                where = traceback.format_tb((problem.__cause__ or problem).__traceback__)[-1]
                hit, outcome = f"{problem}\n{where}", "VIOLATED"
                host.remove()
                host = start(number)
            counts[outcome] += 1
            seconds = time.monotonic() - began
            name = f"host {number}, round {done + 1}: {one}"
            played.append(Case(name, record.BAD if outcome == "VIOLATED" else record.WELL, seconds))
            tell(f"{name}: {hit}: {outcome} ({seconds:.0f} s)")
    finally:
        host.remove()
    return counts


def start(number: int) -> Host:
    """A new host with a site."""
    host = hosts.start(f"test-{os.getpid()}-chaos-{number}-{os.urandom(2).hex()}", image=prepared_image())
    wait_for_site(host)
    return host


_telling = threading.Lock()


def tell(line: str) -> None:
    """Print a line at once, whole."""
    with _telling:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
