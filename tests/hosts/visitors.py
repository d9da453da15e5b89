"""Visitors who come all the time while something is done to a host, and what they got."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.bed.hosts import Host
from tests.faults.watch import wait_until
from tests.invariants import Seen

LOAD = Path(__file__).parent.parent / "bench" / "load.py"
# Requests a second at each of the two addresses, for what the app answers at once: an outage of 50 ms is noticed, and a
# process takes several times as long to start. One in so many asks for a page with what is in the database.
RATE = 20
WITH_DATABASE = 4
STOP = "/root/stop"
APP = "http://127.0.0.1:8000/"


@contextmanager
def visitors(host: Host, rate: int, *urls: str) -> Iterator[list[dict[str, Any]]]:
    """Have visitors come to a host while something is done; what they got of each URL is filled in at the end.

    + rate: for each URL, requests a second; of one that is written as 10*URL, a tenth of it
    """
    host.run(["rm", "-f", STOP])
    host.write("/root/load.py", LOAD.read_bytes())
    argv = ["python3", "/root/load.py", str(rate), STOP, *urls]
    answers: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: answers.extend(json.loads(host.run(argv).stdout)))
    thread.start()
    try:
        wait_until(host, "pgrep -f load.py >/dev/null")
        yield answers
    finally:
        host.run(["touch", STOP])
        thread.join()


def pages(host: Host) -> list[str]:
    """Where the visitors of a host go: through nginx, and straight to the app."""
    addresses = (host.website_url, APP)
    return [f"{one}version" for one in addresses] + [f"{WITH_DATABASE}*{one}" for one in addresses]


@contextmanager
def nobody_notices(*hosts: Host) -> Iterator[None]:
    """Have visitors come to all of these hosts, through nginx and straight to the app; and assert that all got well."""
    with ExitStack() as stack:
        got = [stack.enter_context(visitors(host, RATE, *pages(host))) for host in hosts]
        yield
    for answers in got:
        assert len(answers) == 4
        for one in answers:
            assert one["asked"] > (RATE if one["url"].endswith("version") else RATE / WITH_DATABASE)
            assert (one["failed"], one["wrong"]) == (0, []), answers


def live_is(seen: Seen, code: str) -> bool:
    """Whether the web processes all run from the version of a tag."""
    web = [one for one in seen.processes.values() if one and one["cwd"].endswith(("/config", "/code"))]
    return len(web) == 4 and {one["cwd"].split("/")[3].split("-")[3] for one in web} == {seen.commits["code"][code][:7]}
