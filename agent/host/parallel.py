"""Doing several things at the same time, each in a process of its own: a look at a host waits more than it works."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any


def at_once(jobs: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Do jobs side by side, and return what each has found. Raises RuntimeError for one that fails by an error of ours.

    Processes and not threads: the agent acts as other users, which holds for a whole process.

    + jobs: each returns what JSON can hold
    """
    started = {name: _start(job) for name, job in jobs.items()}
    # Whatever fails, all of them are waited for.
    answers = {name: _finish(pid, end) for name, (pid, end) in started.items()}
    failed = [answer["error"] for answer in answers.values() if "error" in answer]
    if failed:
        raise RuntimeError("\n".join(failed))
    return {name: answer["found"] for name, answer in answers.items()}


def _start(job: Callable[[], Any]) -> tuple[int, int]:
    sys.stdout.flush()
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, ours
    code = 1
    try:
        os.close(ours)
        try:
            answer = {"found": job()}
        except Exception:  # noqa: BLE001 - told to the one who waits for it
            answer = {"error": traceback.format_exc()}
        with os.fdopen(theirs, "w") as file:
            json.dump(answer, file)
        code = 0
    finally:
        os._exit(code)


def _finish(pid: int, end: int) -> dict[str, Any]:
    with os.fdopen(end) as file:
        text = file.read()
    os.waitpid(pid, 0)
    answer: dict[str, Any] = json.loads(text) if text else {"error": f"process {pid} ended without an answer"}
    return answer
