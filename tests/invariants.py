"""What has to be true of a host, whatever was done to it: looked at from outside, without the agent's own eyes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bed.hosts import Host
from tests.runs import Result

CURRENT, PREVIOUS = "/home/app/django-current", "/home/app/django-previous"
WORKING, PREVIOUS_WORKING = "/home/app/django-working", "/home/app/django-previous-working"
LOOK_LIMIT = 60.0

# Run on the host. What is on its way out (the runner ends a little after its deploy) is given a moment.
LOOK = r'''
import glob, json, os, pwd, re, subprocess, time

APP = pwd.getpwnam("app")
STATE = "/var/lib/switchback/django"
# Not in one piece: this text is in a command line, too.
AGENT = "switchback-" + "agent"
# Debian's own psql and pg_dump are programs that look for these first.
POSTGRESQL = max(glob.glob("/usr/lib/postgresql/*/bin"))
# The migrations and the rows, where there are such tables, with a line between them.
CONTENT = r"""
select coalesce(bool_or(relname = 'django_migrations'), false) as migrations,
    coalesce(bool_or(relname = 'items_item'), false) as items from pg_class \gset
\if :migrations
select app || '.' || name from django_migrations order by 1;
\endif
\echo --
\if :items
select count(*) from items_item;
\endif
"""

def output(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout

def as_app(*argv, told=""):
    argv = ["runuser", "-u", "app", "--", *argv]
    return subprocess.run(argv, input=told, capture_output=True, text=True, check=True).stdout

def lines(path):
    try:
        return [json.loads(line) for line in open(path)]
    except FileNotFoundError:
        return []

def units():
    """Of the service and of the runner, what systemd knows about them."""
    shown = output("systemctl", "show", "django", "switchback@django", "--property", "ActiveState,MainPID")
    return [dict(line.split("=") for line in part.splitlines()) for part in shown.split("\n\n")]

def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""

def processes():
    found = []
    for folder in glob.glob("/proc/[0-9]*"):
        stat = read(folder + "/stat")
        if not stat or stat.rsplit(")", 1)[1].split()[0] in "ZX":
            continue
        try:
            owner = os.stat(folder).st_uid
        except OSError:
            continue
        command = read(folder + "/cmdline").replace("\0", " ").strip()
        found.append((int(folder[6:]), owner, read(folder + "/cgroup"), command))
    return found

def of_service():
    return [one for one in processes() if "/django.service" in one[2]]

def strays():
    return [
        f"{pid} {command}" for pid, owner, group, command in processes()
        # Old versions are deleted when nobody waits for it any more.
        if "/django.service" not in group and "/switchback-tidy-" not in group
        and (owner == APP.pw_uid or AGENT in command)
    ]

def runs_from(pid):
    # Not even root may look at another user's process here; its owner may.
    os.setegid(APP.pw_gid), os.seteuid(APP.pw_uid)
    try:
        cwd, exe = os.readlink(f"/proc/{pid}/cwd"), os.readlink(f"/proc/{pid}/exe")
        text = "\n".join([cwd, exe, read(f"/proc/{pid}/maps")])
    except OSError:
        return None
    finally:
        os.seteuid(0), os.setegid(0)
    return {"cwd": cwd, "versions": sorted(set(re.findall(r"/home/app/(django-\d{8}-[^/\s]*)", text)))}

def links():
    found = {}
    for path in [*glob.glob("/home/app/*"), *glob.glob("/home/app/deployment/*")]:
        if os.path.islink(path):
            found[path] = os.readlink(path)
    return found

def temporaries():
    patterns = (
        "/home/app/.*.switchback", "/home/app/deployment/.*.switchback", STATE + "/.lock-*", STATE + "/**/.new-*",
        "/home/app/.new-*", "/home/app/django-*/.new-*",
    )
    return sorted(path for pattern in patterns for path in glob.glob(pattern, recursive="**" in pattern))

def still_open():
    journals = glob.glob(STATE + "/transactions/*/journal.jsonl")
    # What is the project's own may run once a run has ended.
    return [path for path in journals if lines(path)[-1]["event"] not in ("ended", "hook ended", "told")]

def database():
    content = as_app(POSTGRESQL + "/psql", "-AqtXd", "app", "-v", "ON_ERROR_STOP=1", told=CONTENT)
    migrations, _, rows = content.partition("--\n")
    schema = as_app(POSTGRESQL + "/pg_dump", "--schema-only", "--dbname=app").splitlines()
    # Newer ones of it write a random word around everything.
    schema = [line for line in schema if not line.startswith(("\\restrict", "\\unrestrict"))]
    rows = int(rows) if rows else None
    return {"migrations": migrations.splitlines(), "rows": rows, "schema": "\n".join(schema)}

limit = time.monotonic() + 10
service, runner = units()
while (runner["ActiveState"] not in ("inactive", "failed") or strays()) and time.monotonic() < limit:
    time.sleep(0.05)
    service, runner = units()

print(json.dumps({
    "links": links(),
    "service": service["ActiveState"],
    "main_pid": int(service["MainPID"]),
    "processes": {pid: runs_from(pid) for pid, _, _, _ in of_service()},
    "strays": strays(),
    "runner": runner["ActiveState"],
    "maintenance": os.path.exists("/home/app/maintenance"),
    "lock": read(STATE + "/lock").strip(),
    "still_open": still_open(),
    "history": lines(STATE + "/history.jsonl"),
    "marks": {os.path.basename(path)[:-5]: json.loads(read(path)) for path in glob.glob(STATE + "/marks/*.json")},
    "versions": sorted(name for name in os.listdir("/home/app") if re.match(r"django-\d{8}-", name)),
    "temporaries": temporaries(),
    "database": database(),
    "commits": {
        part: dict(line.split() for line in output(
            "git", "-C", f"/srv/git/{part}.git", "for-each-ref", "--format=%(refname:short) %(objectname)"
        ).splitlines())
        for part in ("code", "config")
    },
}))
'''


@dataclass(frozen=True)
class Database:
    """What is in the app's database: the applied migrations, the schema, how many items there are (None: no table)."""

    migrations: tuple[str, ...]
    rows: int | None
    schema: str


@dataclass(frozen=True)
class Seen:
    """A host as it was at one time.

    + links: each link of the app's home and deployment directory, and what it says
    + processes: the service's, by their ids: the working directory, and the versions that anything of it is from
    + strays: processes of the app or of the agent outside of the service
    + still_open: journals of deploys that have not ended
    + commits: the ids of the tags and branches, by part
    """

    links: dict[str, str]
    service: str
    main_pid: int
    processes: dict[str, dict[str, Any] | None]
    strays: list[str]
    runner: str
    maintenance: bool
    lock: str
    still_open: list[str]
    history: list[dict[str, Any]]
    marks: dict[str, dict[str, Any]]
    versions: list[str]
    temporaries: list[str]
    database: Database
    commits: dict[str, dict[str, str]]

    def linked(self, link: str) -> str | None:
        """The name of the version that one of the four links leads to."""
        target = self.links.get(link)
        return target.rsplit("/", 1)[-1] if target else None

    @property
    def current(self) -> str | None:
        """The name of the version that is live."""
        return self.linked(CURRENT)

    @property
    def last(self) -> dict[str, Any]:
        """The history's last line."""
        return self.history[-1]


def look(host: Host) -> Seen:
    """Look at a host."""
    seen = json.loads(host.read(["timeout", str(int(LOOK_LIMIT)), "python3", "-c", LOOK]))
    database = seen.pop("database")
    return Seen(**seen, database=Database(tuple(database["migrations"]), database["rows"], database["schema"]))


def assert_quiet(seen: Seen) -> None:
    """Assert that no run has left anything behind that works on, holds something or waits."""
    assert seen.lock == ""
    assert seen.still_open == []
    assert seen.strays == []
    assert seen.temporaries == []
    assert seen.runner == "inactive"


def assert_well(
    host: Host,
    serves: str = "good-1",
    config: str = "main",
    *,
    links: Mapping[str, str] | None = None,
    database: Database | None = None,
    rows: int | None = None,
) -> Seen:
    """Assert that a host's site is up for visitors, from one version and no other, and that nothing is left of a run.

    + serves: the tag or branch of the code; config: that of the config
    + links: what all links have to be; database: what has to be in it; rows: how many items have to be
    """
    seen = look(host)
    assert not seen.maintenance
    assert_quiet(seen)
    answer = json.loads(visit(host, "version"))
    assert (answer["code"], answer["config"]) == (seen.commits["code"][serves], seen.commits["config"][config])
    assert "<html" in visit(host)
    assert_runs_from_current(seen)
    if links is not None:
        assert seen.links == links
    if database is not None:
        assert seen.database == database
    if rows is not None:
        assert seen.database.rows == rows
    return seen


def assert_runs_from_current(seen: Seen) -> None:
    """Assert that every process of the service runs from the version that the links lead to."""
    assert seen.current in seen.versions
    assert seen.service == "active"
    home = f"/home/app/{seen.current}/"
    found = [process for process in seen.processes.values() if process]
    # supervisord, and two web processes with a worker each.
    assert len(found) >= 5
    assert [process for process in found if process["versions"] not in ([], [seen.current])] == []
    assert len([process for process in found if process["cwd"].startswith(home)]) >= 4


def visit(host: Host, path: str = "") -> str:
    """What a visitor gets. Raises AssertionError for an error."""
    url = host.website_url + path
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            text: str = answer.read().decode()
            return text
    except (urllib.error.URLError, OSError) as error:
        raise AssertionError(f"{url}: {error}") from error


def is_shut(host: Host, seen: Seen) -> bool:
    """Whether visitors get the maintenance page; where nobody answers, whether they would."""
    try:
        with urllib.request.urlopen(host.website_url, timeout=3):
            return False
    except urllib.error.HTTPError as error:
        return error.code == 503
    except OSError:
        return seen.maintenance


def assert_ended(seen: Seen, outcome: str, step: str, version: str | None = None) -> str:
    """Assert how the last deploy of a host has ended, and return the name of its version."""
    last = seen.last
    assert (last["outcome"], last["step"]) == (outcome, step), last["sentence"]
    if version is not None:
        assert last["version"] == version
    return str(last["version"])


def assert_kept_as_failed(host: Host, seen: Seen, version: str, step: str) -> None:
    """Assert that a failed version is still there, marked, with its evidence."""
    assert version in seen.versions
    mark = seen.marks[version]
    assert mark["failed"]["step"] == step
    assert not mark.get("working")
    kept = set(host.run(["ls", "-R", mark["evidence"]]).stdout.split())
    assert {"journal.jsonl", "evidence:"} <= {name.rsplit("/", 1)[-1] for name in kept}


def assert_screen(result: Result, outcome: str, says: Sequence[str]) -> None:
    """Assert that a run has ended badly, and that its last screen says how and why."""
    assert result.code == 1, result.output
    assert result.told.startswith(outcome), result.output
    assert [words for words in says if words not in result.told] == [], result.told


def assert_taken_back(
    host: Host,
    before: Seen,
    result: Result,
    step: str,
    says: Sequence[str] = (),
    *,
    outcome: str = "fell back",
    blamed: bool = True,
) -> Seen:
    """Assert that a run has failed at a step, and that its host is what it was before: all that the screen promises.

    + outcome: `refused` where the live site must not have been touched at all
    + blamed: whether it is the version's own failure
    """
    assert_screen(result, outcome, [f"{outcome} at {step}: ", *says])
    live = next(name for name, sha in before.commits["code"].items() if f"-{sha[:7]}-" in str(before.current))
    seen = assert_well(host, live, links=before.links, database=before.database)
    assert len(seen.history) == len(before.history) + 1
    version = assert_ended(seen, outcome, step)
    if blamed:
        assert_kept_as_failed(host, seen, version, step)
    else:
        assert version in seen.versions
        assert not seen.marks.get(version, {}).get("failed")
    if outcome == "refused":
        assert seen.processes == before.processes
    return seen
