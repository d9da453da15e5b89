"""What unit tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit import agent_host
from tests.unit.made_config import version

__all__ = ["host", "version"]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> agent_host.Host:
    """A host of its own."""
    return agent_host.made(tmp_path, monkeypatch, lambda: capsys.readouterr().out)
