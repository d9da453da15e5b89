"""What unit tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit import agent_host
from tests.unit.fake_runs import FakeRuns
from tests.unit.made_config import version

__all__ = ["host", "start", "version"]


@pytest.fixture
def start(tmp_path: Path) -> FakeRuns:
    """Runs deploy files on three hosts that are not there."""
    return FakeRuns(tmp_path)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> agent_host.Host:
    """A host of its own."""
    return agent_host.made(tmp_path, monkeypatch, lambda: capsys.readouterr().out)
