"""What only grows is bounded, and what somebody may still need is never deleted for that."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from agent.host.files import append_line
from agent.state import State
from agent.transaction import bounds
from agent.versions.layout import Layout
from agent.words.seen import OldBackup
from tests.unit.healthy import host_settings

LIVE = "django-20261103-100000-ccccccc-fffffff"
OLDER = "django-20261102-100000-bbbbbbb-fffffff"
GONE = "django-20261101-100000-aaaaaaa-fffffff"
SCRIPT = Path(__file__).parents[2] / "operations" / "files" / "backup_database.sh"


class Host:
    """A host on which deploys have made backups, the oldest first."""

    def __init__(self, folder: Path) -> None:
        self.state = State("django", folder / "state")
        self.state.create()
        self.backups = folder / "backups"
        self.folder = folder
        self.told(keep_backups=3)
        for folder_ in (self.backups, folder / "home" / LIVE, folder / "home" / OLDER):
            folder_.mkdir(parents=True)

    def told(self, **settings: Any) -> None:
        """Have it told these settings."""
        places = {"versions_dir": str(self.folder / "home"), "backup_script": str(self.folder / "backup_database.sh")}
        self.settings = host_settings(**places, **settings)
        self.layout = Layout(self.settings, self.folder / "home")

    def ran(self, number: int, **more: Any) -> Path:
        """A deploy that has made a backup."""
        path = self.backups / f"{number:03}.dump"
        path.write_text(str(number))
        line = {"deploy": f"d{number:03}", "kind": "deploy", "outcome": "committed", "ended": time.time()}
        append_line(self.state.history, {**line, "version": None, "was": None, "backup": str(path), **more})
        (self.state.root / "transactions" / f"d{number:03}").mkdir()
        return path

    def ends(self, deploy: str = "now", *named: Path) -> None:
        """Another run ends."""
        bounds.keep_within(self.state, self.layout, self.settings, deploy, [str(path) for path in named])

    @property
    def left(self) -> list[str]:
        return sorted(path.name for path in self.backups.iterdir())


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(bounds, "acting_as", lambda _: nullcontext())
    return Host(tmp_path)


def test_the_newest_backups_stay_and_older_ones_go_and_that_is_said(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [host.ran(number) for number in range(6)]
    stranger = host.backups / "by-hand.dump"
    stranger.touch()
    host.ends()
    assert host.left == ["003.dump", "004.dump", "005.dump", "by-hand.dump"]
    assert f"deleted: the backup {paths[0]} (keep_backups: 3)" in capsys.readouterr().out
    host.ends()
    assert capsys.readouterr().out == ""


def test_a_backup_that_a_version_or_an_open_run_names_stays(host: Host) -> None:
    marked, left, open_one, gone, *_ = [
        host.ran(0),
        host.ran(1, version=LIVE, was=OLDER),
        host.ran(2),
        host.ran(3, version=LIVE, was=GONE),
        *(host.ran(number) for number in range(4, 8)),
    ]
    host.state.mark(OLDER).write_text(json.dumps({"backup": {"path": str(marked)}}))
    host.ends("now", open_one)
    assert marked.exists()
    assert left.exists()
    assert open_one.exists()
    assert not gone.exists()


def test_a_file_that_is_not_what_the_run_has_made_stays(host: Host) -> None:
    written_since, link, folder, used_again = (host.ran(number) for number in range(4))
    for number in range(4, 8):
        host.ran(number)
    os.utime(written_since, (time.time() + 60, time.time() + 60))
    elsewhere = host.backups / "elsewhere"
    elsewhere.write_text("precious")
    link.unlink()
    link.symlink_to(elsewhere)
    folder.unlink()
    folder.mkdir()
    again = {"deploy": "d9", "outcome": "committed", "backup": str(used_again), "ended": time.time()}
    append_line(host.state.history, again)
    host.ends()
    assert all(path.exists() for path in (written_since, link, elsewhere, folder, used_again))


@pytest.mark.parametrize("path", ["", "relative.dump", "/nowhere/x.dump", "/nul\0byte", None, 7])
def test_a_line_that_names_no_backup_harms_nothing(host: Host, path: Any) -> None:
    for number in range(5):
        host.ran(number, **({"backup": path} if number == 0 else {}))
    host.ends()
    assert host.left == ["000.dump", "002.dump", "003.dump", "004.dump"]


def test_of_a_script_of_a_persons_own_all_backups_stay_unless_they_say_so(host: Host) -> None:
    script = host.layout.path("backup_script")
    for number in range(5):
        host.ran(number)
    host.told(keep_backups=None)
    script.write_text("#!/bin/sh\npg_dump >x; echo x\n")
    host.ends()
    assert len(host.left) == 5
    assert bounds.how_much(host.state, host.layout, bounds.past_runs(host.state)).keep_backups is None
    host.told(keep_backups=2)
    host.ends()
    assert host.left == ["003.dump", "004.dump"]


def test_of_the_script_that_provision_writes_the_newest_stay(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "KEEP_BACKUPS", 2)
    host.told(keep_backups=None)
    host.layout.path("backup_script").write_bytes(SCRIPT.read_bytes())
    for number in range(5):
        host.ran(number)
    host.ends()
    assert host.left == ["003.dump", "004.dump"]


def test_the_script_that_provision_writes_is_known_as_ours() -> None:
    # A change of that script goes with its checksum in OUR_SCRIPTS; the old ones stay there.
    assert hashlib.sha256(SCRIPT.read_bytes()).hexdigest() in bounds.OUR_SCRIPTS


def test_the_history_keeps_its_newest_lines_and_how_each_version_came_to_be_live(host: Host) -> None:
    host.told(keep_history=3, keep_backups=99)
    host.ran(0, version=OLDER)
    host.ran(1, version=LIVE, was=OLDER, outcome="fell back")
    for number in range(2, 9):
        host.ran(number, version=GONE)
    host.ends()
    assert [run.deploy for run in bounds.past_runs(host.state)] == ["d000", "d006", "d007", "d008"]


def test_the_newest_runs_folders_stay_and_the_open_one_and_the_evidence_for_a_version(host: Host) -> None:
    host.told(keep_runs=2, keep_backups=99)
    for number in range(6):
        host.ran(number)
    folder = host.state.root / "transactions"
    host.state.mark(OLDER).write_text(json.dumps({"evidence": str(folder / "d001")}))
    host.ends("d000")
    assert sorted(path.name for path in folder.iterdir()) == ["d000", "d001", "d004", "d005"]


def test_what_goes_next_is_known_before(host: Host) -> None:
    paths = [host.ran(number) for number in range(4)]
    told = bounds.how_much(host.state, host.layout, bounds.past_runs(host.state))
    assert told.going == (OldBackup(2, str(paths[1])), OldBackup(3, str(paths[0])))
    assert (told.backups, told.backup_bytes, told.history, told.runs) == (4, 4, 4, 4)
