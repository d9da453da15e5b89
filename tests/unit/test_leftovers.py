"""What a script has left running goes on in a unit of its own: the command for that, as data."""

from __future__ import annotations

import pytest

from agent.loop import leftovers
from agent.loop.cgroups import Cgroup
from tests.unit.agent_host import Host


def test_processes_are_put_into_a_unit_that_goes_with_them() -> None:
    command = leftovers.scope_of("switchback-left-django-restart-ab12.scope", [71, 72])
    assert command[:3] == ["busctl", "--quiet", "call"]
    assert command[6:] == [
        *("StartTransientUnit", "ssa(sv)a(sa(sv))", "switchback-left-django-restart-ab12.scope", "replace"),
        *("2", "PIDs", "au", "2", "71", "72", "CollectMode", "s", "inactive-or-failed", "0"),
    ]


def test_who_is_no_worker_has_left_nothing() -> None:
    assert leftovers.let_go_on("x") == []


def test_where_nothing_is_left_nobody_is_asked(monkeypatch: pytest.MonkeyPatch, host: Host) -> None:
    monkeypatch.setattr(leftovers, "own_cgroup", lambda: Cgroup((host.home,)))
    monkeypatch.setattr(leftovers, "ours", lambda argv: pytest.fail(f"{argv} is run"))
    assert leftovers.let_go_on("x") == []
