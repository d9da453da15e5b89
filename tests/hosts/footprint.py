"""Whether a run has changed anything on a host: every file with its metadata, and every process of the service."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.bed.hosts import Host
from tests.runs import Result

FOLDERS = ("/etc", "/home/app", "/usr/local", "/var/lib/switchback")
LIMIT = 60
# What the app itself writes as it starts, and as visitors and health checks come.
WRITTEN_BY_APP = ("/home/app/log/", "/home/app/supervisord.log")

LOOK = r"""
import json, os, stat, subprocess, sys

def describe(path):
    info = os.lstat(path)
    target = os.readlink(path) if stat.S_ISLNK(info.st_mode) else ""
    # The kernel moves ctime with every change of a file, and nobody can set it back. It comes last.
    times = [info.st_mtime_ns, target, info.st_ctime_ns]
    return [oct(info.st_mode), info.st_uid, info.st_gid, info.st_ino, info.st_size, *times]

found = {}
for top in sys.argv[1:]:
    if os.path.lexists(top):
        found[top] = describe(top)
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            found[path] = describe(path)
group = subprocess.run(
    ["systemctl", "show", "django", "--property", "ControlGroup", "--value"], capture_output=True, text=True
).stdout.strip()
processes = []
for folder, _, _ in os.walk("/sys/fs/cgroup"):
    if group and folder.endswith(group):
        with open(folder + "/cgroup.procs") as file:
            processes += file.read().split()
print(json.dumps({"files": found, "processes": sorted(set(processes))}))
"""


@dataclass(frozen=True)
class Footprint:
    """A host at one time.

    + files: every file, directory and link below some directories, with its metadata and the time of its last change
    + processes: the ids of the service's processes
    """

    files: dict[str, list[Any]]
    processes: list[str]


def footprint(host: Host, *folders: str) -> Footprint:
    """Look at a host's files and processes."""
    argv = ["timeout", str(LIMIT), "python3", "-c", LOOK, *(folders or FOLDERS)]
    seen = json.loads(host.run(argv).stdout)
    files = {path: about for path, about in seen["files"].items() if not path.startswith(WRITTEN_BY_APP)}
    return Footprint(files, seen["processes"])


def assert_same(before: Footprint, after: Footprint) -> None:
    """Assert that nothing differs, naming what does."""
    paths = before.files.keys() | after.files.keys()
    changed = [path for path in sorted(paths) if before.files.get(path) != after.files.get(path)]
    assert changed == [], f"changed: {changed[:20]}"
    assert before.processes == after.processes, f"processes: {before.processes}, then {after.processes}"


@contextmanager
def untouched(*hosts: Host) -> Iterator[None]:
    """Assert that what is done in this block changes nothing on these hosts."""
    before = [footprint(host) for host in hosts]
    yield
    for host, then in zip(hosts, before, strict=True):
        assert_same(then, footprint(host))


def assert_no_changes(result: Result) -> None:
    """Assert that a run has ended well and that none of its operations had anything to do."""
    result.worked()
    if "--> Beginning operation run" not in result.output:
        # It has ended with what it found: nothing to do.
        assert "nothing to" in result.output, result.output
        return
    total = re.search(r"Grand total +(\d+) +(\S+) +(\S+) +(\S+)", result.output)
    assert total, result.output
    assert total.group(2) == total.group(3) == "-", result.output
    assert total.group(1) == total.group(4), result.output


def assert_refused(result: Result, *says: str) -> None:
    """Assert that a run was refused before it began, and that it says why."""
    assert result.code == 1, result.output
    assert "--> Refused, nothing was changed:" in result.output, result.output
    assert [words for words in says if words not in result.screen] == [], result.screen
    assert "Traceback" not in result.output
