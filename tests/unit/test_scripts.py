"""How the host's own scripts are run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agent.window import run_script


def test_a_restore_writes_what_it_has_to_beside_the_backup_and_not_where_memory_is_the_disk(tmp_path: Path) -> None:
    runs: list[dict[str, Any]] = []
    runner = SimpleNamespace(run=lambda argv, **how: runs.append({"argv": argv, **how}))
    layout = SimpleNamespace(path=lambda key: tmp_path / key, home=tmp_path, app="app")
    step: Any = SimpleNamespace(layout=layout, runner=lambda user: runner)
    run_script(step, "restore_script", "/srv/backups/app.dump")
    run_script(step, "backup_script")
    assert [one["env"] for one in runs] == [{"TMPDIR": "/srv/backups"}, None]
