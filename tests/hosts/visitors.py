"""Visitors who come all the time while something is done to a host, and what they got."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bed.hosts import Host
from tests.faults.watch import wait_until
from tests.invariants import Seen

LOAD = Path(__file__).parent.parent / "bench" / "load.py"
# Requests a second at each of the two addresses.
RATE = 100
STOP = "/root/stop"


@contextmanager
def visitors(host: Host) -> Iterator[list[dict[str, Any]]]:
    """Have visitors come through nginx and straight to the app while something is done; what they got is added."""
    host.run(["rm", "-f", STOP])
    host.write("/root/load.py", LOAD.read_bytes())
    argv = ["python3", "/root/load.py", str(RATE), STOP, host.website_url, "http://127.0.0.1:8000/"]
    answers: list[dict[str, Any]] = []
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(host.run(argv).stdout))
    thread.start()
    try:
        wait_until(host, "pgrep -f load.py >/dev/null")
        yield answers
    finally:
        host.run(["touch", STOP])
        thread.join()
    answers += json.loads(said[0])


def assert_nobody_noticed(answers: list[dict[str, Any]]) -> None:
    for one in answers:
        assert one["asked"] > RATE
        assert (one["failed"], one["wrong"]) == (0, []), answers


def live_is(seen: Seen, code: str) -> bool:
    """Whether the web processes all run from the version of a tag."""
    web = [one for one in seen.processes.values() if one and "/config" in one["cwd"]]
    return len(web) == 4 and {one["cwd"].split("/")[3].split("-")[3] for one in web} == {seen.commits["code"][code][:7]}
