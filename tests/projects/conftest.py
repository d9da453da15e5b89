"""What the projects' stories share: each file is one project on one host, as a provider hands it out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts.conftest import bare_host, hosts
from tests.runs import SETTINGS, Runs

__all__ = ["bare_host", "hosts", "run", "settings"]


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """The settings of the project's environment: it has more to install and to start than the sample."""
    longer = {"health_timeout": 20, "site_timeout": 8, "build_timeout": 180, "migrate_timeout": 240}
    return {**SETTINGS, **longer, "code_branch": "main", "config_branch": "main"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]) -> Iterator[Runs]:
    """Runs the command line: `run("deploy", bare_host, data={"code": "first"})`."""
    runs = Runs(tmp_path_factory.mktemp("runs"), settings)
    yield runs
    runs.end()
