"""The agent's four doors: what an app could have written, started, said or answered comes through one module each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What is in `inside` runs in the app's own Django, with that user's rights.
MODULES = sorted(path for path in (ROOT / "agent").rglob("*.py") if "inside" not in path.parts)

# What opens each door, by the names that a module imports or uses; and who may: the door itself, and whoever has to do
# with nothing that is the app's, each with why.
READING = """
open io.open os.open os.fdopen os.walk os.scandir os.listdir glob.glob glob.iglob shutil.rmtree shutil.copytree
.open .read_text .read_bytes .write_text .write_bytes .iterdir .glob .rglob .walk
"""
STARTING = """
subprocess multiprocessing pty concurrent.futures os.system os.popen os.fork os.forkpty os.posix_spawn os.posix_spawnp
os.execv os.execve os.execvp os.execvpe os.execl os.execlp os.spawnv os.spawnve os.setsid os.setuid os.setgid os.seteuid
os.setegid os.setresuid os.setgroups
"""
ASKING = """
socket ssl http.client http.server urllib.request asyncio socketserver ftplib smtplib xmlrpc.client.ServerProxy
"""
SAYING = "print sys.stdout sys.stderr os.write logging.getLogger warnings.warn"
DOORS: dict[str, tuple[str, dict[str, str]]] = {
    "reading": (
        READING,
        {
            "environment/launcher.py": "in a version, as the app: its own files; the agent does not call that",
            "host/reading.py": "the door",
            "host/files.py": "and its other side, by which is written",
            "host/users.py": "enters a folder, as the user",
            "host/command.py": "a step's log, which is ours, and what is in memory",
            "host/output.py": "/dev/null",
            "host/parallel.py": "a pipe of its own",
            "host/processes.py": "what this process is called",
            "loop/cgroups.py": "cgroups, which are the kernel's",
            "project/filling.py": "a copy runs in the app's own Django, with that user's rights",
            "loop/worker.py": "how the kernel is to treat this process",
            "runner/client.py": "that a runner is wanted, where root alone may write",
            "transaction/lock.py": "the lock, which is ours",
            "transaction/journal.py": "the journal, which is ours",
            "transaction/reserve.py": "room that is set aside",
            "transaction/transaction.py": "which boot this is",
        },
    ),
    "starting": (
        STARTING,
        {
            "environment/launcher.py": "in a version, as the app: becomes what it starts",
            "environment/start.py": "the same",
            "host/command.py": "the door",
            "host/users.py": "whose rights we have meanwhile",
            "host/parallel.py": "more of ourselves",
            "loop/worker.py": "and as many as there are workers",
            "runner/client.py": "systemctl, as root, with nothing of the app's",
        },
    ),
    "asking": (
        ASKING,
        {
            "host/asking.py": "the door",
            "host/connections.py": "asks the kernel",
            "restart/trial_start.py": "makes the socket that a trial start is handed",
            "django/warm.py": "the Django that we have started, at a pipe of its own",
            "loop/channel.py": "its workers, at a pipe of their own",
            "loop/conversation.py": "who talks to the runner, at a socket which is root's alone",
            "loop/loop.py": "makes that socket",
            "loop/notify.py": "tells systemd",
            "loop/worker.py": "makes those pipes",
            "runner/client.py": "the other end of that socket",
        },
    ),
    "saying": (
        SAYING,
        {
            "host/output.py": "the door",
            "host/parallel.py": "flushes before it forks",
            "loop/worker.py": "the same",
            "main.py": "flushes as it ends",
            "runner/client.py": "hands on what the runner says",
        },
    ),
}


def used(tree: ast.Module) -> Iterator[str]:
    """All that a module imports, names and calls: `os.open` by its whole name, a method as `.open`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield from _and_above(one.name)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith("agent"):
            for one in node.names:
                yield from _and_above(f"{node.module}.{one.name}")
        elif isinstance(node, ast.Attribute):
            yield ast.unparse(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield f".{node.func.attr}"
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id


def _and_above(name: str) -> Iterator[str]:
    parts = name.split(".")
    for number in range(len(parts)):
        yield ".".join(parts[: number + 1])


def through(source: str, door: str) -> set[str]:
    """What in a text goes through a door, or would have to."""
    return {*DOORS[door][0].split()} & {*used(ast.parse(source))}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_goes_beside_a_door(module: Path, door: str) -> None:
    if str(module.relative_to(ROOT / "agent")) not in DOORS[door][1]:
        assert through(module.read_text(), door) == set()


@pytest.mark.parametrize("door", DOORS)
def test_nobody_is_let_through_who_has_nothing_to_do_there(door: str) -> None:
    for name in DOORS[door][1]:
        assert through((ROOT / "agent" / name).read_text(), door), name


@pytest.mark.parametrize(
    ("door", "text"),
    [
        ("starting", "import subprocess"),
        ("starting", "from subprocess import run as go"),
        ("starting", "import os\nos.fork()"),
        ("starting", "from os import execv"),
        ("asking", "import http.client as h"),
        ("asking", "from urllib import request"),
        ("asking", "def f():\n    import socket"),
        ("reading", "def f(path):\n    return path.read_text()"),
        ("reading", "open('/x')"),
        ("reading", "import os\nos.scandir('/x')"),
        ("reading", "[one for one in (folder / 'x').iterdir()]"),
        ("saying", "print('x')"),
        ("saying", "import sys\nsys.stderr.write('x')"),
    ],
)
def test_whoever_tries_is_found(door: str, text: str) -> None:
    assert through(text, door)
