"""A whole host at one time: every file with its metadata and contents, every table, every process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bed.hosts import Host
from tests.hosts.listing import LIMIT, list_files

# What is left out, and why: extended regular expressions that a path has to match from its beginning.
LEFT_OUT = {
    r"/(proc|sys)(/|$)": "the kernel's own view of the moment, no files",
    r"/dev/(pts|shm|mqueue|ptmx)(/|$)": "terminals and memory that every login opens and closes",
    r"/run/(user|systemd|sudo|sshd|utmp|dbus|lock|motd\.dynamic|screen|log|udev|initctl)(/|\.|$)": (
        "what systemd, sshd and sudo note of every login while it lasts"
    ),
    r"/run/postgresql(/|$)": "PostgreSQL's own status, written as it likes",
    r"/tmp/systemd-private-": "systemd's own, for its services",
    r"/var/log(/|$)": "logs of sshd, sudo, journald, nginx, PostgreSQL: every login adds lines",
    r"/var/lib/(sudo|systemd|private)(/|$)": "when somebody has last used sudo, and systemd's timers",
    r"/var/lib/postgresql(/|$)": "PostgreSQL writes checkpoints as it likes; its tables are compared",
    r"/var/cache/nginx(/|$)|/var/lib/nginx(/|$)": "nginx's buffers",
    r"/home/app/(log(/|$)|supervisord\.log)": "the app's own logs: it is asked how it is, as by a visitor",
}
# All others, of which find gives the time of the last change: it moves with the content, too. That of /run itself
# changes with the files of logins in it.
ALL = [
    "/",
    "-regextype",
    "posix-extended",
    "-path",
    "/run",
    "-o",
    "-regex",
    f"({'|'.join(LEFT_OUT)}).*",
    "-prune",
    "-o",
]
# Processes that come and go by themselves, by their names.
PASSING = (
    "sshd",
    "sshd-session",
    "sshd-auth",
    "sudo",
    "systemd",
    "(sd-pam)",
    "postgres",
    "kworker",
    "python3",
    "sh",
    "bash",
    "timeout",
    "pg_dump",
)

LOOK = r"""
import glob, json, os, subprocess, sys

passing = set(json.loads(sys.argv[1]))
processes = {}
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        text = open(f"/proc/{pid}/stat").read()
    except OSError:
        continue
    name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
    if name not in passing and not name.startswith("kworker"):
        processes[pid] = [name, fields[19]]

dump = [max(glob.glob("/usr/lib/postgresql/*/bin")) + "/pg_dump", "--dbname=app"]
text = subprocess.run(["runuser", "-u", "app", "--", *dump], capture_output=True, text=True, check=True).stdout
lines = [line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]
print(json.dumps({"processes": processes, "database": "\n".join(lines)}))
"""


@dataclass(frozen=True)
class Alive:
    """What of a host is no file: its lasting processes by their ids, its database as a dump."""

    processes: dict[str, list[str]]
    database: str


def alive(host: Host) -> Alive:
    """Look at what of a host is no file."""
    return Alive(**json.loads(host.read(["timeout", str(LIMIT), "python3", "-c", LOOK, json.dumps(PASSING)])))


@contextmanager
def byte_for_byte(host: Host) -> Iterator[None]:
    """Assert that what is done in this block leaves all of a host as it was."""
    before, files = alive(host), list_files(host, ALL)
    # Not an empty look: what is compared is there.
    assert files.count > 5000
    assert len(before.processes) > 5
    assert "items_item" in before.database
    yield
    changed = files.again().differs
    after = alive(host)
    assert changed == {}, changed
    assert after.processes == before.processes
    assert after.database == before.database
