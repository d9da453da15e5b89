"""What lies between two commits is read from the repository, and said in a few lines."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from agent.changes import between, migrations
from agent.command import Runner
from switchback.report import change_lines


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main"]
    argv = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, subject: str, **files: str) -> str:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", subject)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    git(folder, "init", "--quiet")
    return folder


def look(repository: Path, before: str, after: str) -> dict[str, Any]:
    runner = Runner(user=None, log=None, until=time.time() + 30)
    return between(runner, str(repository), repository.parent / "no-mirror.git", before, after)


def test_commits_files_migrations_and_packages_are_counted_and_named(repository: Path) -> None:
    first = commit(repository, "Begin", **{"requirements.txt": "django\n"})
    files = {"requirements.txt": "django\nhumanize\n", "items__migrations__0002_note.py": "x = 1\n"}
    second = commit(repository, "Add notes", **files)
    found = look(repository, first, second)
    assert change_lines("code: main", found) == [
        "code: main: 1 commit forward; 2 files changed, +2 -0",
        f"  {second[:7]} Ada: Add notes",
        "  migrations: +items.0002_note",
        "  packages: +humanize",
    ]


def test_going_back_is_said_as_going_back(repository: Path) -> None:
    first = commit(repository, "Begin", a="1\n")
    second = commit(repository, "Go on", a="2\n")
    assert change_lines("code: old", look(repository, second, first)) == [
        "code: old: 1 commit back; 1 file changed, +1 -1"
    ]


def test_a_live_commit_by_its_short_id_will_do(repository: Path) -> None:
    first = commit(repository, "Begin", a="1\n")
    second = commit(repository, "Go on", a="2\n")
    assert look(repository, first[:7], second)["commits"] == 1


def test_a_live_commit_that_the_repository_does_not_have_is_said_so(repository: Path) -> None:
    first = commit(repository, "Begin", a="1\n")
    (line,) = change_lines("code: main", look(repository, "a" * 40, first))
    assert "aaaaaaa, which is live, is not in the repository" in line


def test_of_many_commits_the_newest_are_named_and_the_others_counted(repository: Path) -> None:
    first = commit(repository, "Begin", a="0\n")
    for number in range(23):
        last = commit(repository, f"Change {number}", a=f"{number} more\n")
    lines = change_lines("code: main", look(repository, first, last))
    assert lines[0].startswith("code: main: 23 commits forward")
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "  … and 3 more"


def test_a_password_in_a_requirement_is_masked(repository: Path) -> None:
    first = commit(repository, "Begin", a="1\n")
    url = "own @ git+https://robot:s3cret@git.example.com/own.git\n"
    second = commit(repository, "Use our own", **{"requirements.txt": url})
    assert "s3cret" not in str(look(repository, first, second))


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ("A\titems/migrations/0002_note.py", ["+items.0002_note"]),
        ("D\titems/migrations/0002_note.py", ["-items.0002_note"]),
        ("M\titems/migrations/0002_note.py\nA\titems/migrations/__init__.py\nA\titems/models.py", []),
    ],
)
def test_migrations_are_told_from_other_files(listing: str, expected: list[str]) -> None:
    assert migrations(listing) == expected
