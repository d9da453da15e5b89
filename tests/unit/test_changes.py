"""What lies between two commits is read from the repository, and said in a few lines."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from agent.host.command import Runner
from agent.repository.commits import between, check_out_in
from agent.words.foreseen import Between, Changes, Commit


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


def look(repository: Path, before: str, after: str, *, text: bool = False) -> Between:
    runner = Runner(user=None, log=None, until=time.time() + 30)
    found = between(runner, repository, before, after, text).between
    assert found is not None
    return found


def test_commits_and_files_are_counted_and_named(repository: Path) -> None:
    first = commit(repository, "Begin", a="1\n")
    second = commit(repository, "Go on", a="2\n", b="3\n")
    assert look(repository, first, second) == Between(
        back=0,
        forward=1,
        commits=(Commit(second[:7], "Ada", "Go on"),),
        left=(),
        files=2,
        insertions=2,
        deletions=1,
        diff=None,
    )


def test_going_back_names_what_is_left(repository: Path) -> None:
    first = commit(repository, "Begin", a="1\n")
    second = commit(repository, "Go on", a="2\n")
    found = look(repository, second, first)
    assert (found.back, found.forward, found.commits) == (1, 0, ())
    assert [one.subject for one in found.left] == ["Go on"]


def test_branches_that_went_apart_are_told_from_both_sides(repository: Path) -> None:
    commit(repository, "Begin", a="1\n")
    git(repository, "checkout", "--quiet", "-b", "one")
    first = commit(repository, "One", a="2\n")
    git(repository, "checkout", "--quiet", "main")
    second = commit(repository, "Two", a="3\n")
    found = look(repository, first, second)
    assert ([one.subject for one in found.left], [one.subject for one in found.commits]) == (
        ["One"],
        ["Two"],
    )


def test_a_live_commit_by_its_short_id_will_do(repository: Path) -> None:
    first = commit(repository, "Begin", a="1\n")
    second = commit(repository, "Go on", a="2\n")
    assert look(repository, first[:7], second).forward == 1


def test_a_live_commit_that_the_repository_does_not_have_is_said_so(repository: Path) -> None:
    first = commit(repository, "Begin", a="1\n")
    runner = Runner(user=None, log=None, until=time.time() + 30)
    found = between(runner, repository, "a" * 40, first)
    assert found == Changes(None, "aaaaaaa, which is live, is not in the repository")


def test_of_many_commits_the_newest_are_named_and_all_are_counted(repository: Path) -> None:
    first = commit(repository, "Begin", a="0\n")
    for number in range(23):
        last = commit(repository, f"Change {number}", a=f"{number} more\n")
    found = look(repository, first, last)
    assert found.forward == 23
    assert [one.subject for one in found.commits] == [f"Change {number}" for number in range(22, 2, -1)]


def test_changed_lines_are_read_when_they_are_asked_for_and_secrets_in_them_are_masked(repository: Path) -> None:
    first = commit(repository, "Begin", settings="SECRET_KEY = 'first-s3cret'\nDEBUG = False\n")
    second = commit(repository, "Tune", settings="SECRET_KEY = 'other-s3cret'\nDEBUG = True\n")
    diff = look(repository, first, second, text=True).diff or ()
    assert "+SECRET_KEY = ***" in diff
    assert "+DEBUG = True" in diff
    assert "s3cret" not in "\n".join(diff)


def test_a_secret_whose_name_stands_far_above_the_change_is_masked(repository: Path) -> None:
    names = [f"    'word-{number}'," for number in range(40)]
    text = "\n".join(["DEBUG = False", "SECRETS = [", *names, "]", "PAGE = 1", ""])
    first = commit(repository, "Begin", settings=text)
    second = commit(repository, "Tune", settings=text.replace("word-20", "hunter2").replace("PAGE = 1", "PAGE = 2"))
    diff = look(repository, first, second, text=True).diff or ()
    assert "hunter2" not in "\n".join(diff)
    assert "+PAGE = 2" in diff
    # As long as git itself would show it.
    assert [line for line in diff if line.startswith("@@")] == ["@@ -20,7 +20,7 @@", "@@ -41,4 +41,4 @@"]


def test_a_diff_that_is_trimmed_is_what_git_shows_of_it(repository: Path) -> None:
    lines = [f"line {number}" for number in range(60)]
    first = commit(repository, "Begin", a="\n".join(lines), b="x\n", c="old\n")
    changed = ["new first", *lines[:30], "between", *lines[31:58]]
    (repository / "c").unlink()
    second = commit(repository, "Change", a="\n".join(changed), d="new\n")
    git_shows = git(repository, "diff", first, second).splitlines()
    ours = look(repository, first, second, text=True).diff or ()

    heads = [line.split(" @@")[0] for line in git_shows if line.startswith("@@ -")]
    assert [line for line in ours if not line.startswith("@@")] == [
        line for line in git_shows if not line.startswith("@@")
    ]
    # git leaves out a count of one.
    assert [line.split(" @@")[0] for line in ours if line.startswith("@@ -") and ",1" not in line] == [
        head for head in heads if head.count(",") == 2
    ]


@pytest.mark.parametrize("odd", ["\u2028", "\r", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2029", "\x1b[2J"])
def test_a_subject_is_one_line_whatever_is_in_it_and_a_terminal_obeys_none_of_it(repository: Path, odd: str) -> None:
    first = commit(repository, "Begin", a="1\n")
    second = commit(repository, f"Go{odd}on", a=f"2{odd}x\n")
    (one,) = look(repository, first, second).commits
    written_out = odd.encode("unicode_escape").decode()
    assert one == Commit(second[:7], "Ada", f"Go{written_out}on")
    assert f"+2{written_out}x" in (look(repository, first, second, text=True).diff or ())


def test_what_is_long_is_shown_in_part(repository: Path) -> None:
    first = commit(repository, "Begin", a="1\n")
    second = commit(repository, "Go on", a="1" * 1_000_000 + "\n")
    diff = look(repository, first, second, text=True).diff or ()
    assert "+" + "1" * 499 + "… and 999501 more characters" in diff
    assert len(str(diff)) < 2000


def test_a_password_in_a_commits_subject_is_masked(repository: Path) -> None:
    first = commit(repository, "Begin", a="1\n")
    second = commit(repository, "Fetch from https://robot:s3cret@git.example.com/", a="2\n")
    assert "s3cret" not in str(look(repository, first, second))


def test_a_commit_is_checked_out_and_its_repository_stays_as_it_was(repository: Path, tmp_path: Path) -> None:
    first = commit(repository, "Begin", a__b="1\n")
    commit(repository, "Go on", a__b="2\n")
    before = sorted((path, path.stat().st_mtime_ns) for path in repository.rglob("*"))
    folder = tmp_path / "room" / "code"
    runner = Runner(user=None, log=None, until=time.time() + 30)
    check_out_in(runner, repository / ".git", folder, first)
    assert (folder / "a" / "b").read_text() == "1\n"
    assert sorted((path, path.stat().st_mtime_ns) for path in repository.rglob("*")) == before
