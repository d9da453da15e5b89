"""A version is made unwritable, and measured, by one look at each of its files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from agent.host.files import close
from agent.host.reading import walk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A version with code, something beside it, and a link that leads out."""
    (tmp_path / "outside").write_text("1")
    version = tmp_path / "version"
    (version / "code" / "app").mkdir(parents=True)
    (version / "codes").mkdir()
    (version / "code/app/urls.py").write_text("1" * 10_000)
    (version / "code/app/run").write_text("")
    (version / "code/app/run").chmod(0o4775)
    os.link(version / "code/app/urls.py", version / "codes/urls.py")
    (version / "code/out").symlink_to(tmp_path / "outside")
    (version / "notes").write_text("1")
    return version


def writable(folder: Path) -> set[str]:
    return {
        os.path.relpath(path, folder)
        for path, info in walk(str(folder))
        if info.st_mode & 0o222 and not Path(path).is_symlink()
    }


def test_what_is_in_the_parts_can_not_be_written_to_any_more_and_the_rest_stays_as_it_is(folder: Path) -> None:
    (folder / "codes/urls.py").unlink()
    close(folder, [folder / "code"])
    assert writable(folder) == {".", "codes", "notes"}
    assert (folder / "code/app/run").stat().st_mode & 0o7777 == 0o4555
    assert (folder.parent / "outside").stat().st_mode & 0o200


def test_a_folder_that_is_passed_over_is_neither_closed_nor_measured(folder: Path) -> None:
    all_of_it = close(folder, [])
    (folder / "codes/urls.py").unlink()
    assert close(folder, [folder], folder / "code") < all_of_it
    assert writable(folder) == {"code", "code/app", "code/app/urls.py", "code/app/run"}


def test_it_is_as_large_as_du_says(folder: Path) -> None:
    told = subprocess.run(["du", "-s", "--block-size=1", folder], capture_output=True, text=True, check=True).stdout
    assert close(folder, []) == int(told.split()[0])


def test_a_file_that_can_not_be_written_to_is_not_touched(folder: Path) -> None:
    close(folder, [folder / "code"])
    before = {path: info.st_ctime_ns for path, info in walk(str(folder))}
    close(folder, [folder / "code"])
    assert {path: info.st_ctime_ns for path, info in walk(str(folder))} == before
