"""What tests of faults share."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.invariants import Seen, look


@pytest.fixture
def before(host: Host) -> Seen:
    """The test's host as it was when the test began."""
    return look(host)
