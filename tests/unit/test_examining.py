"""What a backup script has printed, and the file that it names: believed only when it is a backup."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.database import backup
from agent.transaction.step import StepFailed


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A backup's step on a host where everybody may read everything."""
    monkeypatch.setattr(backup, "acting_as", lambda _: nullcontext())
    return SimpleNamespace(layout=SimpleNamespace(app="app"), until=float("inf"), limit=5.0)


@pytest.mark.parametrize(
    ("printed", "says"),
    [
        ("", "printed no path of a backup"),
        (" \n\n", "printed no path of a backup"),
        ("done: a.dump", "not the path of a file: done: a.dump"),
        ("{folder}/empty.dump\nthat was it", "not the path of a file: that was it"),
        ("a.dump", "not the path of a file: a.dump"),
        ("{folder}/nothing.dump", "is not the path of a file: "),
        ("{folder}", "is not the path of a file: "),
        ("{folder}/empty.dump", "the backup is empty: "),
        ("x" * 2000, "is too long for a path: "),
    ],
)
def test_what_is_no_backup_is_refused(
    printed: str, says: str, step: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # There, but nobody says from where.
    (tmp_path / "a.dump").write_text("data")
    (tmp_path / "empty.dump").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StepFailed) as failed:
        backup.examine(step, printed.format(folder=tmp_path))
    assert says in str(failed.value)
