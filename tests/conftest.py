"""What tests share: hosts to run against, and runs of the real command line. Only a test that asks for a host needs
Docker."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests import spent
from tests.again import scope_of
from tests.runs import SETTINGS, Runs

if TYPE_CHECKING:
    from tests.bed.hosts import Host

# Their assertions are to show their values, as those of a test do.
pytest.register_assert_rewrite("tests.invariants", "tests.faults.matrix", "tests.faults.fleet")
pytest.register_assert_rewrite("tests.projects.story", "tests.projects.traces")
# Tests make little garbage, and looking for it costs a twentieth of their time.
gc.set_threshold(50_000, 50, 100)
# How long an example takes says how busy the machine is, and not whether it is right.
hypothesis.settings.register_profile("switchback", deadline=None)
hypothesis.settings.load_profile("switchback")
HERE = Path(__file__).parent
# In this order: what is quick, and what the others stand on, comes first.
FOLDERS = ("unit", "attacks", "hosts", "projects", "faults")

# None of these needs a host, but for what is in files of this name.
WITHOUT_HOSTS, ON_A_HOST = ("unit", "attacks"), "test_on_a_host.py"

# What was spent before a test.
SPENT = pytest.StashKey[dict[str, float]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests, and mark those that need Docker."""
    folders = {item: item.path.relative_to(HERE).parts[0] for item in items}
    items.sort(key=lambda item: FOLDERS.index(folders[item]))
    for item in items:
        if folders[item] not in WITHOUT_HOSTS or item.path.name == ON_A_HOST:
            item.add_marker("docker")


class Stories(LoadScopeScheduling):
    """Keeps a story's tests on one worker, in their order; all other tests go wherever there is one free."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Stories | None:
    """Spread the tests over the workers of `make`, unless another way is asked for."""
    return Stories(config, log) if config.getoption("dist") == "load" else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Begin to count what a test costs."""
    item.stash[SPENT] = spent.METER.read()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Note what a test has cost."""
    try:
        return (yield)
    finally:
        before = item.stash[SPENT]
        item.user_properties += [
            (name, round(now - before[name], 2)) for name, now in spent.METER.read().items() if now > before[name]
        ]


class Hosts:
    """Starts hosts for a test, each a new container with a name that no other worker's has."""

    def __init__(self) -> None:
        self._started: list[Host] = []

    def __call__(self, number: int = 1, *, bare: bool = False, built: bool = False, image: str = "") -> list[Host]:
        """So many hosts, up and with their sites answering; `bare` ones have no site, and nothing of ours.

        + built: versions are built besides `good-1`, which is live (`tests.prepared.BUILT`)
        + image: what bare ones are started from, the bare host's unless told otherwise (`tests.bed.more.image_with`)
        """
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda _: self._start(bare, built, image), range(number)))

    def _start(self, bare: bool, built: bool, image: str) -> Host:
        # Only here, so that the tests that need no Docker don't even look for it.
        from tests.bed import hosts  # noqa: PLC0415
        from tests.bed.legacy import wait_for_site  # noqa: PLC0415
        from tests.prepared import prepared_image  # noqa: PLC0415

        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        name = f"test-{os.getpid()}-{worker}-{os.urandom(3).hex()}"
        host = hosts.start(name, image=image if bare else prepared_image(built=built))
        self._started.append(host)
        spent.METER.started(host)
        if not bare:
            wait_for_site(host)
        return host

    def remove(self) -> None:
        """Remove all of them."""
        spent.METER.ends(*self._started)
        for host in self._started:
            host.remove()


@pytest.fixture(scope="session")
def engine() -> None:
    """An engine without the hosts of earlier sessions that were killed."""
    from tests.prepared import ensure_engine_alone  # noqa: PLC0415

    ensure_engine_alone()


@pytest.fixture
def hosts(engine: None) -> Iterator[Hosts]:
    """Starts as many hosts as a test needs, `hosts(2)`, and removes them after it."""
    started = Hosts()
    yield started
    started.remove()


@pytest.fixture
def host(hosts: Hosts) -> Host:
    """A host of its own for the test: provisioned, `good-1` live and healthy, three rows in its database."""
    return hosts()[0]


@pytest.fixture
def bare_host(hosts: Hosts) -> Host:
    """A host of its own for the test, as a provider hands it out."""
    return hosts(bare=True)[0]


@pytest.fixture
def settings() -> dict[str, Any]:
    """The settings of the test's environment, for the test to change: `settings["health_timeout"] = 3`."""
    return dict(SETTINGS)


@pytest.fixture
def run(tmp_path: Path, settings: dict[str, Any]) -> Iterator[Runs]:
    """Runs the command line: `run("deploy", host, data={"code": "good-2"})`."""
    runs = Runs(tmp_path, settings)
    yield runs
    runs.end()
