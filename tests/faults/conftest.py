"""What tests of faults share."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.conftest import Hosts
from tests.invariants import Seen, look


@pytest.fixture
def host(hosts: Hosts) -> Host:
    """A host of its own for the test, as everywhere, with `good-2` built already: a deploy of it is all window."""
    return hosts(built=True)[0]


@pytest.fixture
def before(host: Host) -> Seen:
    """The test's host as it was when the test began."""
    return look(host)
