"""The Debians that a host can be made of: which one is chosen by BED_SUITE, and what differs between them."""

import os
from dataclasses import dataclass

from tests.bed.progress import BedError


@dataclass(frozen=True)
class Suite:
    """A Debian.

    + python: its Python, as pip names it
    + cgroups: the version of cgroups that its hosts have where this machine has both
    """

    name: str
    python: str
    cgroups: str


SUITES = {suite.name: suite for suite in (Suite("bookworm", "311", "1"), Suite("trixie", "313", "2"))}


def chosen() -> Suite:
    """The suite that the hosts of this session are made of."""
    name = os.environ.get("BED_SUITE") or "bookworm"
    if name not in SUITES:
        raise BedError(f"There is no suite {name}: BED_SUITE names one of {', '.join(SUITES)}.")
    return SUITES[name]
