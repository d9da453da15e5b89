"""Visitors at a steady rate, each on a connection of its own, until a file appears: what they got, as a line of JSON.

    python3 load.py RATE STOP_FILE URL [URL ...]

Where a URL is written as 10*URL, only every tenth of those visitors goes there. Standard library alone, and one file,
so that it runs on a host as well. Each request is started when its time has come, whatever became of those before; only
when very many wait at once, no more are made.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

# How long a visitor waits, seconds.
PATIENCE = 30.0
THREADS = 64


class Visits:
    """What visitors of one URL got."""

    def __init__(self, text: str) -> None:
        every, _, self.url = text.rpartition("*")
        self.every = int(every or 1)
        self._lock = threading.Lock()
        self._good, self._slowest = 0, 0.0
        # When each failed one was started and had its answer, and what went wrong.
        self._failed: list[tuple[float, float, str]] = []

    def visit(self, waiting: threading.Semaphore) -> None:
        """Ask once, and make room for another one who waits."""
        with waiting:
            self._visit()

    def _visit(self) -> None:
        began = time.monotonic()
        wrong = _ask(self.url)
        ended = time.monotonic()
        with self._lock:
            self._slowest = max(self._slowest, ended - began)
            if wrong:
                self._failed.append((began, ended, wrong))
            else:
                self._good += 1

    def told(self) -> dict[str, object]:
        """The result: the outage is the time from the first failed request to the last one."""
        outage = max(ended for _, ended, _ in self._failed) - min(self._failed)[0] if self._failed else 0.0
        return {
            "url": self.url,
            "asked": self._good + len(self._failed),
            "failed": len(self._failed),
            "outage": round(outage, 3),
            "slowest": round(self._slowest, 3),
            "wrong": sorted({wrong for _, _, wrong in self._failed}),
        }


def _ask(url: str) -> str | None:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=PATIENCE)
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return None if answer.status == 200 else f"status {answer.status}"


def main(rate: float, stop: str, urls: list[str]) -> None:
    """Visit every URL at the rate, until the file is there."""
    visits, places = [Visits(url) for url in urls], threading.Semaphore(THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        due, turn = time.monotonic(), 0
        while not Path(stop).exists():
            for one in visits:
                if turn % one.every == 0:
                    with places:
                        pool.submit(one.visit, places)
            turn += 1
            due = max(due + 1 / rate, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))
    print(json.dumps([one.told() for one in visits]))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2], sys.argv[3:])
