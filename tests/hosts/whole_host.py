"""A whole host at one time: every file with its metadata and contents, every table, every process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.bed.hosts import Host

LIMIT = 120
# What is left out, and why: regular expressions that a path has to match from its beginning.
LEFT_OUT = {
    r"/(proc|sys)(/|$)": "the kernel's own view of the moment, no files",
    r"/dev/(pts|shm|mqueue|ptmx)(/|$)": "terminals and memory that every login opens and closes",
    r"/run/(user|systemd|sudo|sshd|utmp|dbus|lock|motd\.dynamic|screen|log|udev|initctl)(/|\.|$)": (
        "what systemd, sshd and sudo note of every login while it lasts"
    ),
    r"/run/postgresql(/|$)": "PostgreSQL's own status, written as it likes",
    r"/run$": "its time changes with the files of logins in it",
    r"/tmp/systemd-private-": "systemd's own, for its services",
    r"/var/log(/|$)": "logs of sshd, sudo, journald, nginx, PostgreSQL: every login adds lines",
    r"/var/lib/(sudo|systemd|private)(/|$)": "when somebody has last used sudo, and systemd's timers",
    r"/var/lib/postgresql(/|$)": "PostgreSQL writes checkpoints as it likes; its tables are compared",
    r"/var/cache/nginx(/|$)|/var/lib/nginx(/|$)": "nginx's buffers",
    r"/home/app/(log(/|$)|supervisord\.log)": "the app's own logs: it is asked how it is, as by a visitor",
}
# Processes that come and go by themselves, by their names.
PASSING = ("sshd", "sudo", "systemd", "(sd-pam)", "postgres", "kworker", "python3", "sh", "bash", "timeout", "pg_dump")

LOOK = r"""
import hashlib, json, os, re, stat, subprocess, sys

left_out = re.compile("|".join(f"(?:{one})" for one in json.loads(sys.argv[1])))
passing = set(json.loads(sys.argv[2]))

def describe(path):
    info = os.lstat(path)
    target, content = "", ""
    if stat.S_ISLNK(info.st_mode):
        target = os.readlink(path)
    elif stat.S_ISREG(info.st_mode):
        with open(path, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    times = [info.st_mtime_ns, info.st_ctime_ns]
    owners = [info.st_uid, info.st_gid]
    return [oct(info.st_mode), *owners, info.st_ino, info.st_nlink, info.st_size, *times, target, content]

files = {}
for folder, folders, names in os.walk("/"):
    kept = [name for name in folders if not left_out.match(os.path.join(folder, name))]
    for name in [*folders, *names]:
        path = os.path.join(folder, name)
        if not left_out.match(path):
            try:
                files[path] = describe(path)
            except FileNotFoundError:
                pass
    folders[:] = kept

processes = {}
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        text = open(f"/proc/{pid}/stat").read()
    except OSError:
        continue
    name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
    if name not in passing and not name.startswith("kworker"):
        processes[pid] = [name, fields[19]]

def as_app(*argv):
    return subprocess.run(["runuser", "-u", "app", "--", *argv], capture_output=True, text=True, check=True).stdout

dump = as_app("pg_dump", "--dbname=app")
lines = [line for line in dump.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]
print(json.dumps({"files": files, "processes": processes, "database": "\n".join(lines)}))
"""


@dataclass(frozen=True)
class WholeHost:
    """A host: its files by their paths, its lasting processes by their ids, its database as a dump."""

    files: dict[str, list[Any]]
    processes: dict[str, list[str]]
    database: str


def whole(host: Host) -> WholeHost:
    """Look at all of a host."""
    arguments = [json.dumps(list(LEFT_OUT)), json.dumps(PASSING)]
    argv = ["timeout", str(LIMIT), "python3", "-c", LOOK, *arguments]
    return WholeHost(**json.loads(host.run(argv).stdout))


@contextmanager
def byte_for_byte(host: Host) -> Iterator[None]:
    """Assert that what is done in this block leaves all of a host as it was."""
    before = whole(host)
    # Not an empty look: what is compared is there.
    assert len(before.files) > 5000
    assert len(before.processes) > 5
    assert "items_item" in before.database
    yield
    after = whole(host)
    paths = before.files.keys() | after.files.keys()
    changed = {
        path: (before.files.get(path), after.files.get(path))
        for path in sorted(paths)
        if before.files.get(path) != after.files.get(path)
    }
    assert changed == {}, changed
    assert after.processes == before.processes
    assert after.database == before.database
