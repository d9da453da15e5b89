"""What the app's user has laid in a file's place holds nobody: a pipe, a device, a file without an end."""

from __future__ import annotations

import importlib.metadata
import os
import pwd
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from agent.django import foresight
from agent.host import reading
from agent.host.reading import content_hash
from agent.host.users import acting_as
from agent.locks.releases import canonical
from agent.packages.installed import installed
from agent.service import last_words, supervisor_config
from agent.service.supervisor_config import Unreadable
from agent.versions import static_files
from agent.versions.marks import read_json
from tests.unit.test_venvs import mark_of

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """Fails a test that waits instead of hanging with it."""

    def late(number: int, frame: FrameType | None) -> None:
        raise AssertionError("still waiting for what was laid there")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def endless(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def nested(path: Path) -> None:
    path.write_text("[" * 1_000_000)


@pytest.fixture(params=[pipe, device, endless, nested])
def laid(request: pytest.FixtureRequest) -> Any:
    """Lays one of them where it is told to."""
    return request.param


def test_a_versions_seal_is_as_good_as_none(tmp_path: Path, laid: Callable[[Path], None]) -> None:
    laid(tmp_path / ".switchback.json")
    assert read_json(tmp_path / ".switchback.json") == {}


def test_a_supervisord_config_is_unreadable(tmp_path: Path, laid: Callable[[Path], None]) -> None:
    laid(tmp_path / "supervisord.conf")
    with pytest.raises(Unreadable):
        supervisor_config.read_config(tmp_path / "supervisord.conf", ME)


def test_a_manifest_of_static_files_is_as_good_as_none(tmp_path: Path, laid: Callable[[Path], None]) -> None:
    (tmp_path / "site.css").write_text("x")
    laid(tmp_path / "staticfiles.json")
    assert list(static_files.collected(tmp_path)) == ["site.css"]


def test_the_evidence_of_a_failure_is_kept_all_the_same(
    tmp_path: Path, laid: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_words, "acting_as", lambda _: nullcontext())
    laid(tmp_path / "supervisord.conf")
    laid(tmp_path / "web.log")
    (tmp_path / "supervisord-more.conf").write_text(f"[program:web]\nstdout_logfile={tmp_path}/web.log\n")
    layout: Any = SimpleNamespace(part=lambda *_: tmp_path, app="app")
    (log,) = last_words.app_logs(layout, "v")
    assert len(last_words.end_of_log(layout, log)) <= last_words.TAIL


def test_a_migration_is_as_good_as_unread(tmp_path: Path, laid: Callable[[Path], None]) -> None:
    (tmp_path / "items" / "migrations").mkdir(parents=True)
    laid(tmp_path / "items" / "migrations" / "0001_initial.py")
    pending, missing = foresight.from_files(tmp_path, [])
    assert [one.name for one in pending] == ["0001_initial"]
    assert missing == ()


def test_a_packages_description_is_passed_over(tmp_path: Path, laid: Callable[[Path], None]) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    for name in ("odd-1.dist-info", "django-5.dist-info"):
        (site / name).mkdir(parents=True)
    laid(site / "odd-1.dist-info" / "METADATA")
    (site / "django-5.dist-info" / "METADATA").write_text("Name: Django\nVersion: 5.2\n\nVersion: none\n")
    assert installed(tmp_path) == {"django": "5.2"}


def test_the_packages_are_those_that_python_finds() -> None:
    there = Path(sys.prefix)
    folders = [str(folder) for folder in there.glob("lib/python*/site-packages")]
    known = {canonical(one.metadata["Name"]): one.version for one in importlib.metadata.distributions(path=folders)}
    assert installed(there) == known


@pytest.mark.parametrize("lay", [pipe, device, endless])
def test_requirements_that_are_no_file_are_no_requirements(tmp_path: Path, lay: Callable[[Path], None]) -> None:
    lay(tmp_path / "requirements.txt")
    with pytest.raises(OSError, match=r"requirements\.txt"):
        mark_of(tmp_path, "requirements.txt")


def test_requirements_that_include_themselves_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r b.txt\ndjango\n")
    (tmp_path / "b.txt").write_text("-r a.txt\n")
    assert mark_of(tmp_path, "a.txt")


@pytest.mark.parametrize("lay", [pipe, device])
def test_what_is_no_ordinary_file_has_no_content(tmp_path: Path, lay: Callable[[Path], None]) -> None:
    lay(tmp_path / "x")
    for read in (content_hash, reading.read_text, lambda path: reading.end_of(path, 10)):
        with pytest.raises(OSError, match="Not an ordinary file"):
            read(tmp_path / "x")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_acting_as_somebody_within_acting_as_them_ends_with_the_outer_one() -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    with acting_as("nobody"):
        with acting_as("nobody"):
            assert os.geteuid() == nobody
        assert os.geteuid() == nobody
    assert os.geteuid() == 0
