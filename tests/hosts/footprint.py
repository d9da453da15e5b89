"""Whether a run has changed anything on a host: every file with its metadata, and every process of the service."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from switchback.ended import Ended
from tests.bed.hosts import Host
from tests.hosts.listing import LIMIT, Listing, list_files
from tests.runs import Result

FOLDERS = ("/etc", "/home/app", "/usr/local", "/var/lib/switchback")
# What the app itself writes as it starts, and as visitors and health checks come.
WRITTEN_BY_APP = ("/home/app/log/*", "/home/app/supervisord.log*")
NOT_THE_APPS = [word for path in WRITTEN_BY_APP for word in ("-not", "-path", path)]

PROCESSES = r"""
import os, subprocess

group = subprocess.run(
    ["systemctl", "show", "django", "--property", "ControlGroup", "--value"], capture_output=True, text=True
).stdout.strip()
processes = []
for folder, _, _ in os.walk("/sys/fs/cgroup"):
    if group and folder.endswith(group):
        with open(folder + "/cgroup.procs") as file:
            processes += file.read().split()
print(*sorted(set(processes)))
"""


@dataclass(frozen=True)
class Footprint:
    """A host at one time.

    + files: every file, directory and link below some directories
    + processes: the ids of the service's processes
    """

    files: Listing
    processes: list[str]


def footprint(host: Host, *folders: str) -> Footprint:
    """Look at a host's files and processes."""
    return Footprint(list_files(host, [*(folders or FOLDERS), *NOT_THE_APPS]), service_processes(host))


def service_processes(host: Host) -> list[str]:
    """The ids of the service's processes."""
    return host.run(["timeout", str(LIMIT), "python3", "-c", PROCESSES]).stdout.split()


def assert_same_still(before: Footprint, made: Collection[str] = ()) -> None:
    """Assert that nothing differs from what was seen before, naming what does.

    + made: what was not there, and the folders that it was put into
    """
    changed = sorted({*before.files.again().differs} - {*made})
    assert changed == [], f"changed: {changed[:20]}"
    processes = service_processes(before.files.host)
    assert before.processes == processes, f"processes: {before.processes}, then {processes}"


@contextmanager
def untouched(*hosts: Host) -> Iterator[None]:
    """Assert that what is done in this block changes nothing on these hosts."""
    before = [footprint(host) for host in hosts]
    yield
    for one in before:
        assert_same_still(one)


def assert_no_changes(result: Result) -> None:
    """Assert that a run has ended well and that none of its operations had anything to do."""
    assert result.worked().document.outcome == Ended.NOTHING_TO_DO, result.output


def assert_refused(result: Result, *says: str) -> None:
    """Assert that a run was refused before it began, and that it says why."""
    assert result.code == 1, result.output
    assert "--> Refused, nothing was changed:" in result.output, result.output
    assert [words for words in says if words not in result.told] == [], result.told
    assert "Traceback" not in result.output
