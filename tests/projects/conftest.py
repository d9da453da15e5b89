"""What the projects' stories share: each file is one project on one host, as a provider hands it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.hosts.conftest import bare_host, hosts
from tests.projects.project import Project
from tests.projects.record import PROPERTY
from tests.projects.story import LIMITS, Story, play
from tests.runs import SETTINGS, Result, Runs

__all__ = ["bare_host", "hosts", "run", "settings"]


@pytest.fixture(scope="module")
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of the project's environment: those of its `STORY`, or the sample's with a config repository. It has
    more to install and to start than the sample."""
    story: Story | None = getattr(request.module, "STORY", None)
    if story:
        return {**LIMITS, **story.settings}
    longer = {"health_timeout": 20, "site_timeout": 8, "build_timeout": 180, "migrate_timeout": 240}
    return {**SETTINGS, **longer, "code_branch": "main", "config_branch": "main"}


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[Runs]:
    """Runs the command line: `run("deploy", bare_host, data={"code": "first"})`; the `SECRETS` of a project are in its
    environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in getattr(request.module, "SECRETS", {}).items():
            patch.setenv(name, value)
        runs = Runs(tmp_path_factory.mktemp("runs"), settings)
        yield runs
        runs.end()


@pytest.fixture(scope="module")
def site(project: Project, bare_host: Host, run: Runs) -> Host:
    """The story's host, provisioned, with the repositories of the story's `project`."""
    project.place(bare_host)
    # Nobody has set its web server up.
    bare_host.run("rm /etc/nginx/sites-enabled/default && systemctl reload nginx")
    run("provision", bare_host).worked()
    return bare_host


@pytest.fixture
def plays(site: Host, run: Runs, request: pytest.FixtureRequest) -> Callable[[], dict[str, Result]]:
    """Has the project go through its `STORY`, and keeps the record; what its runs have said, by the story's points."""

    def whole() -> dict[str, Result]:
        results, record = play(request.module.STORY, site, run)
        request.node.user_properties.append((PROPERTY, record.text()))
        return results

    return whole
