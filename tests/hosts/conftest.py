"""What the stories on hosts share: each file is one story, whose tests go on where the one before has left the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.conftest import Hosts
from tests.hosts.bastion import Bastion, bastion_for
from tests.hosts.previewed_runs import PreviewedRuns
from tests.runs import SETTINGS, Runs


@pytest.fixture(scope="module")
def hosts(engine: None) -> Iterator[Hosts]:
    """Starts as many hosts as a story needs, `hosts(2)`, and removes them after it."""
    started = Hosts()
    yield started
    started.remove()


@pytest.fixture(scope="module")
def host(hosts: Hosts) -> Host:
    """The story's host: provisioned, `good-1` live and healthy, three rows in its database."""
    return hosts()[0]


@pytest.fixture(scope="module")
def bare_host(hosts: Hosts) -> Host:
    """The story's host, as a provider hands it out."""
    return hosts(bare=True)[0]


@pytest.fixture(scope="module")
def target(hosts: Hosts) -> Host:
    """The host that a bastion's keys deploy to: `good-1` is live, `good-2` is built."""
    return hosts(built=True)[0]


@pytest.fixture(scope="module")
def bastion(hosts: Hosts, target: Host, settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Bastion:
    """A machine with the checkout, set up for keys to deploy from."""
    # Only here, so that stories without one don't look for its image.
    from tests.bed.bastion import bastion_image  # noqa: PLC0415

    host = hosts(bare=True, image=bastion_image())[0]
    return bastion_for(host, target, settings, tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """The settings of the story's environment; a test that needs another one gives it as data of its run."""
    # What must start here has more time than what must fail elsewhere: nothing waits for it on an idle machine.
    return {**SETTINGS, "health_timeout": 15, "site_timeout": 10}


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[Runs]:
    """Runs the command line: `run("deploy", host, data={"code": "good-2"})`, and holds each run to its preview, but in
    stories that say that other ones do so."""
    kind = PreviewedRuns if getattr(request.module, "HELD_TO_PREVIEWS", True) else Runs
    runs = kind(tmp_path_factory.mktemp("runs"), settings)
    yield runs
    runs.end()
