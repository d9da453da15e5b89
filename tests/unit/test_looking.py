"""Looking at a host without changing it, doing several things at once, and comparing static files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from agent.host.parallel import at_once
from agent.versions.static_files import TooMuch, collected, compare
from agent.words.foreseen import Static
from tests.bed.places import ROOT

# Tries to write where it was told, and into the room; says which of it was possible.
WRITE = """
import sys, tempfile
from pathlib import Path
from agent.host.readonly import only_look
made = only_look()
try:
    Path(sys.argv[1]).write_text("x")
    wrote = True
except OSError:
    wrote = False
with tempfile.TemporaryDirectory() as room:
    (Path(room) / "file").write_text("x")
    print(made, wrote, Path(room).parent)
"""


def tries_to_write(path: Path, *before: str) -> list[str]:
    """What one that only looks says: whether it was made so, whether it could write, and where its room is."""
    argv = [*before, sys.executable, "-c", WRITE, str(path)]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout.split()


def may_mount() -> bool:
    """Whether who runs the tests may have mounts of their own, as the system's own tool finds."""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, timeout=60, check=False).returncode == 0


def test_nothing_can_be_written_in_a_look_but_into_a_room_that_is_gone_with_it(tmp_path: Path) -> None:
    if not may_mount():
        pytest.skip("who runs this may have no mounts of their own")
    assert tries_to_write(tmp_path / "file") == ["True", "False", "/var/tmp"]
    assert not (tmp_path / "file").exists()


def test_who_may_have_no_mounts_of_their_own_is_told_so_and_writes_like_anybody_else(tmp_path: Path) -> None:
    before = ["setpriv", "--bounding-set", "-sys_admin"] if os.geteuid() == 0 else []
    assert tries_to_write(tmp_path / "file", *before)[:2] == ["False", "True"]
    assert (tmp_path / "file").exists()


def test_only_root_can_look_so() -> None:
    argv = [
        sys.executable,
        "-c",
        "from agent.host.readonly import only_look; import os; os.seteuid(65534); print(only_look())",
    ]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


def test_what_is_done_at_once_is_done_side_by_side_and_each_answer_has_its_name(tmp_path: Path) -> None:
    def meet(name: str) -> str:
        """Come, and wait until all have come."""
        (tmp_path / name).touch()
        limit = time.monotonic() + 30
        while len(list(tmp_path.iterdir())) < 3:
            assert time.monotonic() < limit
        return name

    names = ("one", "two", "three")
    assert at_once({name: partial(meet, name) for name in names}) == {name: name for name in names}


def test_an_answer_may_be_longer_than_a_pipe_holds() -> None:
    assert at_once({"long": lambda: "x" * 1_000_000}) == {"long": "x" * 1_000_000}


def test_an_error_in_one_of_them_is_told_with_where_it_was() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        at_once({"good": lambda: 1, "bad": lambda: 1 // 0})


def test_one_that_dies_is_told_too() -> None:
    with pytest.raises(RuntimeError, match="ended without an answer"):
        at_once({"dead": lambda: os.kill(os.getpid(), 9)})


def test_static_files_are_told_apart_by_their_content() -> None:
    before = {"a.css": "1", "b.css": "1", "c.css": "1"}
    after = {"a.css": "1", "b.css": "2", "d.css": "1"}
    told = Static("built", added=("d.css",), changed=("b.css",), removed=("c.css",))
    assert compare("built", before, after) == told


def test_of_what_was_collected_the_files_themselves_count_and_not_their_copies(tmp_path: Path) -> None:
    for name in ("css/site.css", "css/site.abc123.css", "css/site.css.gz", "logo.svg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert set(collected(tmp_path)) == {"css/site.css", "css/site.abc123.css", "logo.svg"}
    (tmp_path / "staticfiles.json").write_text('{"paths": {"css/site.css": "css/site.abc123.css", "logo.svg": "x"}}')
    assert set(collected(tmp_path)) == {"css/site.css", "logo.svg"}


def test_more_static_files_than_somebody_waits_for_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("x")
    with pytest.raises(TooMuch, match="more static files than can be read in 0 s"):
        collected(tmp_path, limit=0.0)


def test_a_static_file_is_read_no_longer_than_all_of_them_may_take(tmp_path: Path) -> None:
    with (tmp_path / "film.mp4").open("wb") as file:
        file.truncate(1 << 40)
    began = time.monotonic()
    with pytest.raises(TooMuch):
        collected(tmp_path, limit=0.2)
    assert time.monotonic() - began < 5


def test_a_version_without_static_files_has_none(tmp_path: Path) -> None:
    assert collected(tmp_path / "missing") == {}
