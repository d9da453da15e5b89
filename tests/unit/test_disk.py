"""What is on disk when a call returns: all of it after a power cut, and whole lines alone on a disk that is full."""

from __future__ import annotations

import errno
import json
import os
import stat
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.host.links import replace_link, restore_links
from agent.state import State
from agent.steps.build import seal as seals
from agent.transaction import reserve
from agent.transaction.journal import RESERVE_BYTES, Journal
from agent.transaction.lock import free_lock, take_lock
from agent.transaction.transaction import ROOMS
from agent.versions.known import Mark
from agent.versions.layout import Layout
from agent.versions.marks import SEAL, read_mark, write_mark
from tests.unit.agent_host import ID, Host
from tests.unit.examples import NEW, settings
from tests.unit.journals import begun, noted, records_of, says

# --- A power cut


class Disk:
    """What a power cut leaves: of a file its content as it was last synced, of a folder its names."""

    def __init__(self) -> None:
        self._contents: dict[int, str] = {}
        self._names: dict[int, dict[str, int | str]] = {}

    def fsync(self, fd: int) -> None:
        """Stands in for fsync(2)."""
        seen, path = os.fstat(fd), Path(f"/proc/self/fd/{fd}")
        if stat.S_ISDIR(seen.st_mode):
            entries = list(path.iterdir())
            self._names[seen.st_ino] = {
                one.name: str(one.readlink()) if one.is_symlink() else one.stat().st_ino for one in entries
            }
        else:
            self._contents[seen.st_ino] = path.read_text()

    def left(self, path: Path) -> str | None:
        """What a power cut leaves of a file, or of a link its target; None where its name is gone as well."""
        found = self._names.get(path.parent.stat().st_ino, {}).get(path.name)
        return self._contents.get(found, "") if isinstance(found, int) else found


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(os, "fsync", disk.fsync)
    return disk


def test_a_deploy_that_has_begun_and_each_of_its_lines_outlive_a_power_cut(disk: Disk, host: Host) -> None:
    transaction = host.begin()
    assert disk.left(host.state.lock) == f"{ID}\n"
    assert disk.left(transaction.folder) is not None
    for number in range(3):
        transaction.journal.append(says("note", step="restart", note={"number": number}))
        transaction.journal.note(says("undo started", action="links"))
        assert disk.left(transaction.journal.path) == transaction.journal.path.read_text()
    assert len(records_of(transaction.journal)) == 1 + 2 * 3


def test_a_deploy_is_on_disk_before_its_lock_is(disk: Disk, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link
    found: list[str | None] = []

    def looks(source: str, target: str) -> None:
        # Whoever finds the lock finds out whose it is.
        found.append(disk.left(host.state.transaction(ID) / "journal.jsonl"))
        assert disk.left(host.state.transaction(ID)) is not None
        link(source, target)

    monkeypatch.setattr(os, "link", looks)
    host.begin()
    assert '"event": "begin"' in (found[0] or "")


def test_a_host_that_was_freed_stays_free_after_a_power_cut(disk: Disk, tmp_path: Path) -> None:
    state = State("django", tmp_path)
    state.create()
    take_lock(state, "mine")
    assert disk.left(state.lock) == "mine\n"
    free_lock(state, "mine")
    assert disk.left(state.lock) is None


def test_a_mark_outlives_a_power_cut(disk: Disk, tmp_path: Path) -> None:
    state = State("django", tmp_path)
    state.create()
    for mark in (Mark(working=1), Mark(working=1, pinned=True)):
        write_mark(state, NEW, mark)
        assert disk.left(state.mark(NEW)) == state.mark(NEW).read_text()
    assert json.loads(disk.left(state.mark(NEW)) or "") == {"working": 1, "pinned": True}


def test_links_outlive_a_power_cut_each_as_it_is_made(disk: Disk, tmp_path: Path) -> None:
    link, other = tmp_path / "current", tmp_path / "other"
    for target in ("old", "new"):
        replace_link(link, target)
        assert disk.left(link) == target
    replace_link(other, "new")
    restore_links({str(link): "old", str(other): None})
    assert (disk.left(link), disk.left(other)) == ("old", None)


def test_how_a_deploy_ended_outlives_a_power_cut(disk: Disk, host: Host) -> None:
    host.begin()
    host.run("code", "commit")
    assert disk.left(host.state.history) == host.state.history.read_text()
    assert '"outcome": "committed"' in (disk.left(host.state.history) or "")


def test_a_seal_is_on_disk_when_it_is_written_and_all_else_of_the_version_before_it(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(settings().for_host(), tmp_path)
    seal = layout.version(NEW) / SEAL
    for part in ("code", "config", "static", "venv"):
        layout.part(NEW, part).mkdir(parents=True)
    ran: list[list[str]] = []

    def run(argv: list[str], **_: Any) -> str:
        ran.append(argv)
        # A file system that is synced has no part of a version that counts as whole.
        assert not seal.exists()
        return ""

    monkeypatch.setattr(seals, "acting_as", lambda _: nullcontext())
    state = State("django", tmp_path / "state")
    state.create()
    step: Any = SimpleNamespace(
        layout=layout,
        version=NEW,
        settings=settings(schedule={"clear": {"run": "manage.py clearsessions", "at": "daily"}}).for_host(),
        begin=begun(code={"ref": "main", "sha": "c" * 40}),
        note=noted({}),
        runner=lambda _: SimpleNamespace(run=run),
        transaction=SimpleNamespace(deploy=ID, given=layout.home / "given.json", state=state),
    )
    seals.SealVersion().do(step)
    assert ran[-1] == ["sync", "--file-system", str(layout.version(NEW))]
    assert disk.left(seal) == seal.read_text()
    assert json.loads(seal.read_text())["name"] == NEW
    # What it runs at times is where nothing of the app's can write, and not in the version.
    assert "clear" in read_mark(state, NEW).schedule
    assert "clear" not in seal.read_text()
    assert not any(path.stat().st_mode & 0o222 for path in (layout.version(NEW), seal))


# --- A full disk


class Full:
    """A disk with room for so many bytes more, and for what the journal's reserve gives back."""

    def __init__(self, room: int, monkeypatch: pytest.MonkeyPatch, number: int = errno.ENOSPC) -> None:
        self.room, self.number = room, number
        opens = Path.open
        full = self

        class File:
            """A file of the journal on it."""

            def __init__(self, path: Path, *told: Any, **how: Any) -> None:
                self._file: Any = opens(path, *told, **how)
                self._reserve = path.parent / "reserve"
                self._before = self._reserve.exists()

            def __enter__(self) -> File:
                return self

            def __exit__(self, *_: object) -> None:
                self._file.close()

            def __getattr__(self, name: str) -> Any:
                return getattr(self._file, name)

            def write(self, data: bytes) -> int:
                """As write(2): a part first, and then the error."""
                part = data[: full.room]
                if not part:
                    raise OSError(full.number, os.strerror(full.number))
                full.room -= len(part)
                return int(self._file.write(part))

            def truncate(self, size: int) -> None:
                full.room += self._file.seek(0, os.SEEK_END) - size
                self._file.truncate(size)

        unlinks = Path.unlink

        def unlink(path: Path, missing_ok: bool = False) -> None:
            full.room += path.stat().st_size if path.name == "reserve" and path.exists() else 0
            unlinks(path, missing_ok)

        monkeypatch.setattr(Path, "open", lambda path, *told, **how: _opened(File, opens, path, *told, **how))
        monkeypatch.setattr(Path, "unlink", unlink)


def _opened(file: Any, opens: Any, path: Path, *told: Any, **how: Any) -> Any:
    return (file if path.name == "journal.jsonl" else opens)(path, *told, **how)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal with a line in it, and room set aside."""
    journal = Journal(tmp_path)
    journal.reserve_room()
    journal.append(says("begin", deploy="a"))
    return journal


def test_on_a_full_disk_a_line_that_was_half_written_is_written_whole_into_the_room_set_aside(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Full(20, monkeypatch)
    for number in range(100):
        journal.append(says("undo done", action="links", note={"number": number}))
    assert not (tmp_path / "reserve").exists()
    assert [record.get("note", {}).get("number") for record in records_of(journal)[1:]] == list(range(100))
    assert len(journal.path.read_text().splitlines()) == 101


def test_of_a_line_for_which_there_is_no_room_at_all_no_part_stays(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.free_room()
    before = journal.path.read_bytes()
    full = Full(20, monkeypatch)
    for _ in range(3):
        with pytest.raises(OSError, match="No space left"):
            journal.append(says("undo done", action="links"))
        assert journal.path.read_bytes() == before
    full.room = 10_000
    journal.append(says("undo done", action="links"))
    assert journal.path.read_bytes().startswith(before)
    assert [record["event"] for record in records_of(Journal(journal.path.parent))] == ["begin", "undo done"]


def test_of_a_line_that_does_not_get_onto_the_disk_no_part_stays(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = journal.path.read_bytes()

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        journal.append(says("undo done", action="links"))
    assert journal.path.read_bytes() == before


@pytest.mark.parametrize(("number", "spent"), [(errno.EDQUOT, True), (errno.EIO, False), (errno.EROFS, False)])
def test_the_room_set_aside_is_spent_on_a_disk_or_a_quota_that_is_full_and_on_no_other_error(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, number: int, spent: bool
) -> None:
    Full(0, monkeypatch, number)
    if spent:
        journal.append(says("undo done", action="links"))
    else:
        with pytest.raises(OSError, match=os.strerror(number)):
            journal.append(says("undo done", action="links"))
    assert (journal.path.parent / "reserve").exists() is not spent


def held(path: Path) -> int:
    """The bytes that a file really takes from its disk."""
    return path.stat().st_blocks * 512


@pytest.mark.parametrize("room", [reserve.LINKS, *ROOMS.values()])
def test_room_that_is_set_aside_holds_the_bytes_and_the_files_that_it_promises(
    room: reserve.Room, tmp_path: Path
) -> None:
    folder = tmp_path / "reserve"
    reserve.set_aside(folder, room)
    # Each name is a file of its own: an inode that can be had again.
    assert len({path.stat().st_ino for path in folder.iterdir()}) > room.files
    assert sum(held(path) for path in folder.iterdir()) >= room.bytes
    reserve.give_back(folder)
    assert not folder.exists()


def test_the_journals_own_room_holds_what_it_promises_and_as_many_lines_as_a_way_back_writes(
    journal: Journal,
) -> None:
    assert held(journal.path.parent / "reserve") >= RESERVE_BYTES
    # Twice a line for each of its actions, and each as long as one may be.
    before = journal.path.stat().st_size
    for _ in range(2):
        journal.append(
            says("undo failed", action="database", problem="x" * 1_000_000, note={"lines": ["y" * 1_000_000]})
        )
    longest = (journal.path.stat().st_size - before) / 2
    assert 2 * longest < RESERVE_BYTES


def test_a_deploy_sets_aside_all_the_room_that_its_way_back_may_need(host: Host) -> None:
    transaction = host.begin()
    assert held(transaction.folder / "reserve") >= RESERVE_BYTES
    for action, room in ROOMS.items():
        folder = transaction.folder / "spare" / action
        assert held(folder / "room") >= room.bytes
        assert len(list(folder.iterdir())) > room.files
