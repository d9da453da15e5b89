"""How the host's own scripts are run."""

from __future__ import annotations

from pathlib import Path
from socket import gethostname
from types import SimpleNamespace
from typing import Any

import pytest

from agent.database.restoring import restore
from agent.environment import variables
from agent.steps import scripts
from agent.steps.scripts import run_script


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose environment it is, is said elsewhere."""
    for module in (variables, scripts):
        monkeypatch.setattr(module, "for_scripts", lambda step: {"OF_THE_APP": "1"})


def test_a_restore_writes_what_it_has_to_beside_the_backup_and_not_where_memory_is_the_disk(tmp_path: Path) -> None:
    runs: list[dict[str, Any]] = []
    runner = SimpleNamespace(run=lambda argv, **how: runs.append({"argv": argv, **how}))
    layout = SimpleNamespace(path=lambda key: tmp_path / key, home=tmp_path, app="app")
    step: Any = SimpleNamespace(layout=layout, runner=lambda user: runner, transaction=SimpleNamespace(deploy="one"))
    restore(step, "/srv/backups/app.dump")
    run_script(step, "maintenance_start_script")
    assert [one["env"].get("TMPDIR") for one in runs] == ["/srv/backups", None]
    assert {one["env"]["OF_THE_APP"] for one in runs} == {"1"}


def test_what_works_with_the_database_says_there_for_which_deploy(tmp_path: Path) -> None:
    runs: list[dict[str, Any]] = []
    runner = SimpleNamespace(run=lambda argv, **how: runs.append({"argv": argv, **how}))
    layout = SimpleNamespace(path=lambda key: tmp_path / key, home=tmp_path, app="app")
    deploy = "20261128-111619-root-1060"
    step: Any = SimpleNamespace(layout=layout, runner=lambda user: runner, transaction=SimpleNamespace(deploy=deploy))
    restore(step, "/srv/backups/app.dump")
    run_script(step, "backup_script")
    names = [one["env"]["PGAPPNAME"] for one in runs]
    assert names == [f"switchback {deploy} {gethostname()}"[:63]] * 2
