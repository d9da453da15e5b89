"""What can be seen on a host of the versions of a project, whatever its database and whoever its user: looked at from
outside, without the agent's own eyes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.bed.hosts import Host

LIMIT = 60

# Run on the host, with the app user's name and the site's. Not even root may look at another user's process here; its
# owner may. What is on its way out (old workers, the runner) is given a moment.
LOOK = r'''
import glob, json, os, pwd, re, subprocess, sys, time

APP, SITE = pwd.getpwnam(sys.argv[1]), sys.argv[2]
HOME, STATE = APP.pw_dir, "/var/lib/switchback/" + SITE
NAME = re.compile(r"django-\d{8}-\d{6}-[0-9a-f]{7}[-0-9a-f]*")
MIGRATIONS = """
import json
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
applied = {one: MigrationRecorder(connections[one]).applied_migrations() for one in connections}
print(json.dumps({one: sorted(".".join(name) for name in names) for one, names in applied.items()}))
"""

def text(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""

def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""

def processes():
    found = {}
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            if os.stat(folder).st_uid != APP.pw_uid or text(folder + "/stat").rsplit(")", 1)[1].split()[0] in "ZX":
                continue
        except (OSError, IndexError):
            continue
        os.setegid(APP.pw_gid), os.seteuid(APP.pw_uid)
        seen = [text(folder + "/" + one) for one in ("cmdline", "environ", "maps")]
        seen += [link(folder + "/" + one) for one in ("cwd", "exe")]
        os.seteuid(0), os.setegid(0)
        # supervisord outlives versions, where they are replaced one by one.
        if "supervisord" not in seen[0]:
            found[folder[6:] + " " + seen[0].replace("\0", " ").strip()] = sorted(set(NAME.findall("\n".join(seen))))
    return found

def links():
    paths = [*glob.glob(HOME + "/*"), *glob.glob(HOME + "/deployment/*")]
    return {path: os.readlink(path) for path in paths if os.path.islink(path)}

def shared():
    paths = glob.glob(HOME + "/shared/**", recursive=True)
    return sorted(path for path in paths if not path.endswith(("-wal", "-shm", "-journal")))

def migrations():
    manage = [HOME + "/bin/manage", "shell", "-v", "0", "-c", MIGRATIONS]
    told = subprocess.run(["runuser", "-u", APP.pw_name, "--", *manage], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout.splitlines()[-1])

def left():
    patterns = (HOME + "/.new-*", HOME + "/.*.switchback", HOME + "/django-*/.new-*", HOME + "/maintenance")
    return sorted(path for one in patterns for path in glob.glob(one))

live = os.path.basename(os.path.realpath(HOME + "/django-current"))
limit = time.monotonic() + 15
while any(set(named) - {live} for named in processes().values()) and time.monotonic() < limit:
    time.sleep(0.1)
history = [json.loads(line) for line in open(STATE + "/history.jsonl")]
print(json.dumps({
    "live": live, "links": links(), "shared": shared(), "migrations": migrations(), "processes": processes(),
    "left": left(), "lock": text(STATE + "/lock").strip(), "last": history[-1],
}))
'''


@dataclass(frozen=True)
class Traces:
    """A host as it was at one time.

    + live: the name of the version that the links lead to; last: the history's last line
    + shared: all files of what outlives versions; migrations: those that are applied, by database
    + processes: the app's, by their ids and command lines: the names of all versions that anything of it speaks of
    + left: what only a run that goes on may have there; lock: the run that holds the site
    """

    live: str
    links: Mapping[str, str]
    shared: list[str]
    migrations: Mapping[str, list[str]]
    processes: Mapping[str, list[str]]
    left: list[str]
    lock: str
    last: Mapping[str, Any]


def look(host: Host, user: str = "app", site: str = "django") -> Traces:
    """Look at a host.

    + user: the app's; site: what its service is called
    """
    return Traces(**json.loads(host.read(["timeout", str(LIMIT), "python3", "-c", LOOK, user, site])))


def assert_only_live(seen: Traces) -> None:
    """Assert that whatever runs is of the live version, and that nothing of a run is left."""
    assert {name for names in seen.processes.values() for name in names} == {seen.live}, seen.processes
    assert (seen.left, seen.lock) == ([], "")


def assert_as_before(before: Traces, after: Traces) -> None:
    """Assert that a version that failed has left nothing: no process, no link, no file, no migration."""
    failed = after.last["version"]
    assert failed != before.live
    assert after.last["outcome"] == "fell back"
    assert_only_live(after)
    assert (after.live, after.links) == (before.live, before.links)
    assert after.shared == before.shared
    assert after.migrations == before.migrations
