"""What lies where the agent reads is the app's to lay: it leads root nowhere, holds nobody, and fills nothing."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.django import foresight
from agent.host import reading
from agent.host.files import put, remove, write_whole
from agent.host.links import replace_link
from agent.host.reading import content_hash, matching, names, open_ordinary, read_text, told_by_kernel
from agent.migrations import sources
from agent.packages import requirements
from agent.service import last_words
from agent.service.supervisor_config import Unreadable, read_config
from agent.steps.always import evidence
from agent.versions import assets
from tests.unit.healthy import host_settings
from tests.unit.test_venvs import mark_of

ME = pwd.getpwuid(os.getuid()).pw_name
# Anybody who is not root.
APP = pwd.getpwnam("nobody")
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can be led where another may not go")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home of another user's, which that one can reach, and beside it what is root's alone."""
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o111)
    folder = tmp_path / "home"
    folder.mkdir()
    os.chown(folder, APP.pw_uid, APP.pw_gid)
    (tmp_path / "secret").write_text("s3cret")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "own").mkdir(mode=0o700)
    yield folder


def laid(home: Path, name: str, to: Path) -> Path:
    """A link that the app's user has laid."""
    path = home / name
    path.symlink_to(to)
    os.lchown(path, APP.pw_uid, APP.pw_gid)
    return path


LAID: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "16 TB of nothing": lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 1 << 43),
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path),
}


# --- Root is led nowhere


@as_root
def test_root_reads_by_no_link_of_the_apps_what_the_app_may_not(home: Path) -> None:
    for path in (laid(home, "link", home.parent / "secret"), laid(home, "folder", home.parent) / "secret"):
        with pytest.raises(PermissionError):
            read_text(path)
        with pytest.raises(PermissionError):
            content_hash(path)


@as_root
def test_nor_by_a_link_of_its_own_that_leads_by_one_of_the_apps(home: Path) -> None:
    laid(home, "folder", home.parent)
    (home.parent / "ours").symlink_to(home / "folder" / "secret")
    with pytest.raises(PermissionError):
        read_text(home.parent / "ours")


@as_root
def test_by_its_own_links_alone_root_reads_what_is_its_own(home: Path) -> None:
    (home.parent / "ours").symlink_to("own/../secret")
    assert read_text(home.parent / "ours") == "s3cret"


@as_root
def test_root_lists_no_folder_that_the_app_has_led_it_to(home: Path) -> None:
    (home.parent / "own" / "name").touch()
    with pytest.raises(PermissionError):
        names(laid(home, "folder", home.parent / "own"))
    assert matching(home, "folder/*") == []


@as_root
@pytest.mark.parametrize("write", [lambda path: write_whole(path, "x"), lambda path: replace_link(path, "x")])
def test_root_writes_nothing_by_a_link_of_the_apps(home: Path, write: Callable[[Path], None]) -> None:
    folder = laid(home, "folder", home.parent / "own")
    with pytest.raises(PermissionError):
        write(folder / "units")
    assert [*(home.parent / "own").iterdir()] == []


@pytest.mark.parametrize("how", [os.O_TRUNC, os.O_APPEND])
@pytest.mark.parametrize("name", ["a pipe", "a device", "a link to itself", "a folder"])
def test_what_is_in_the_place_of_a_file_that_is_written_holds_nobody(name: str, how: int, tmp_path: Path) -> None:
    LAID[name](tmp_path / "x")
    with pytest.raises(OSError, match="/x"):
        put(tmp_path / "x", b"x", how)


@as_root
def test_what_root_writes_among_the_apps_files_is_the_apps(home: Path) -> None:
    write_whole(home / "record", "x")
    assert (home / "record").stat().st_uid == APP.pw_uid


@as_root
def test_a_config_that_names_what_is_roots_includes_nothing_of_it(home: Path) -> None:
    (home.parent / "secret").write_text("[program:s3cret]\ncommand=x\n")
    (home / "supervisord.conf").write_text(f"[include]\nfiles={home.parent}/secret /etc/shadow /proc/1/environ\n")
    with pytest.raises(Unreadable) as problem:
        read_config(home / "supervisord.conf", APP.pw_name)
    assert "s3cret" not in str(problem.value)


# --- Nobody is held


@pytest.mark.parametrize("name", LAID)
def test_whatever_is_in_a_files_place_is_a_finding_with_its_name(name: str, tmp_path: Path) -> None:
    LAID[name](tmp_path / "x")
    with pytest.raises(OSError, match="/x"):
        read_text(tmp_path / "x")
    with pytest.raises(OSError, match="/x"):
        content_hash(tmp_path / "x", time.time() + 0.2)


@pytest.mark.parametrize("name", LAID)
def test_whatever_a_config_includes_it_is_readable_or_said_not_to_be(name: str, tmp_path: Path) -> None:
    LAID[name](tmp_path / "x")
    (tmp_path / "supervisord.conf").write_text("[include]\nfiles=x\n")
    with pytest.raises(Unreadable, match="/x"):
        read_config(tmp_path / "supervisord.conf", ME)


PATTERNS = ["/dev/zero", "/dev/stdin", "more/*", "\0", "/*/*/*/*/*/*/*", "%(here)s/[", "../" * 2000]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_config_includes_no_more_than_anybody_writes(pattern: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "WITHIN", 0.5)
    (tmp_path / "more").mkdir()
    for number in range(200):
        (tmp_path / "more" / str(number)).touch()
    (tmp_path / "supervisord.conf").write_text(f"[include]\nfiles={pattern}\n")
    try:
        assert read_config(tmp_path / "supervisord.conf", ME)["include"]
    except Unreadable:
        assert "[" not in pattern


def test_a_name_that_no_file_can_have_is_a_finding(tmp_path: Path) -> None:
    for read in (read_text, names, open_ordinary):
        with pytest.raises(OSError, match="No name"):
            read(tmp_path / "a\0b")


def test_a_folder_with_more_names_than_anybody_reads_is_a_finding(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "MOST", 10)
    for number in range(20):
        (tmp_path / str(number)).touch()
    with pytest.raises(OSError, match="More than 10"):
        names(tmp_path)
    with pytest.raises(OSError, match="More than 10"):
        matching(tmp_path, "*")


def test_a_process_says_of_itself_no_more_than_is_read() -> None:
    assert len(told_by_kernel(Path("/proc/self/maps"), 100)) == 100


# --- The evidence is kept


def test_the_logs_that_a_config_names_stop_no_evidence(tmp_path: Path, monkeypatch: Any) -> None:
    for number in range(80):
        (tmp_path / f"web-{number}.log").write_text("x")
    (tmp_path / "unit.log").write_text("mine")
    os.mkfifo(tmp_path / "supervisord.a")
    (tmp_path / "supervisord.b").write_text(
        f"[supervisord]\nlogfile=/\n[program:a]\nstdout_logfile=/..\nstderr_logfile=/dev/zero\n"
        f"[program:b]\nstdout_logfile={tmp_path}/unit.log\n[program:c]\nstdout_logfile=/a\0b\n"
        f"[program:d]\nstdout_logfile={tmp_path}/web-%(process_num)02d.log\n"
    )
    layout: Any = SimpleNamespace(part=lambda *_: tmp_path, app=ME)
    step: Any = SimpleNamespace(
        layout=layout, version="v", settings=host_settings(), progress=SimpleNamespace(lines=[SimpleNamespace(at=0)])
    )
    kept = tmp_path / "kept"
    kept.mkdir()
    evidence._copy_logs(step, kept)
    found = {path.name: path.read_text() for path in kept.iterdir()}
    assert "mine" in found.values()
    assert found["unit.log"] != "mine"
    assert 10 < len(found) <= last_words.MOST + 1


# --- What is read has an end


def test_requirements_are_of_so_many_files_and_so_large(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")
    with pytest.raises(OSError, match="files of requirements"):
        mark_of(tmp_path, "0.txt")
    (tmp_path / "large.txt").write_text("x" * (requirements.LARGEST + 1))
    with pytest.raises(OSError, match="More than"):
        mark_of(tmp_path, "large.txt")


def test_in_a_dry_run_too(tmp_path: Path) -> None:
    asked = []

    def read(name: str) -> str:
        asked.append(name)
        return f"-r {len(asked)}.txt\n-r {name}\n-r ../../{name}\n" + "\n" * 50_000

    requirements.requirement_texts(read, "requirements.txt")
    assert len(asked) <= requirements.MOST_FILES


def test_requirements_that_are_all_blank_take_no_square_of_time(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("\n" * (requirements.LARGEST - 1))
    began = time.monotonic()
    mark_of(tmp_path, "requirements.txt")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("text", ["1+" * 100_000 + "1", "-" * 100_000 + "1", "a" + "()" * 100_000, "[" * 100_000, "\0"])
def test_a_migration_that_python_cant_follow_is_one_of_which_nothing_is_known(text: str) -> None:
    assert sources.describe("items", "0001", text).migration.unread


def test_migrations_are_looked_for_as_long_as_somebody_waits(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "items/migrations").mkdir(parents=True)
    LAID["a device"](tmp_path / "items/migrations/0001_zero.py")
    (tmp_path / "items/migrations/0002_large.py").write_text("#" * (foresight.LARGEST + 1))
    (tmp_path / "items/around").symlink_to(tmp_path)
    assert [one.name for one in foresight.from_files(tmp_path, [])[0]] == ["0001_zero", "0002_large"]


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder in which folders lie deeper than Python follows."""
    top = tmp_path / "deep"
    top.mkdir()
    script = "import os; [(os.mkdir('d'), os.chdir('d')) for _ in range(1200)]; open('x.1.css', 'w').close()"
    subprocess.run([sys.executable, "-c", script], cwd=top, check=True)
    yield top
    subprocess.run(["rm", "-rf", top], check=True)


def test_static_files_of_another_version_are_linked_however_deep_they_lie(tmp_path: Path, deep: Path) -> None:
    name = "/".join("d" * 1200) + "/x.1.css"
    (tmp_path / "deep" / "new").mkdir()
    (deep / "staticfiles.json").write_text(json.dumps({"paths": {"x.css": name, "y": "a\0b"}}))
    layout: Any = SimpleNamespace(
        part=lambda version, _: deep if version == "old" else deep / "new", version=lambda _: tmp_path, app=ME
    )
    assert assets.carry(layout, "old", "new", 30) == 1


def test_what_lies_deeper_than_python_follows_is_deleted_all_the_same(deep: Path) -> None:
    remove(deep)
    assert not deep.exists()
    deep.mkdir()
