"""The last screen of a run of each tag of the sample, as it is on a real host."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.hosts.endings import compare
from tests.runs import SETTINGS, Runs

# Each of its runs is one that another story holds to its preview.
HELD_TO_PREVIEWS = False
# In this order: what is refused or falls back first, for it leaves the host as it was.
FAILING = (
    "bad-requirements",
    "bad-check",
    "bad-static",
    "bad-migration",
    "bad-boot",
    "bad-live",
    "bad-later",
    "half-applied",
)
# The first has to have ended again and again, and the second is well for ten seconds.
WAITED_FOR = {"bad-live": {"health_timeout": 90}, "bad-later": {"health_stable": 12}}
WELL = ("feature/with/slashes", "digits", "slow-boot", "good-1", "good-2", "good-3")
LATER = ("bad-health",)
# What no older version can live with comes at last.
LAST = ("irreversible", "lossy")


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """What must start here has more time than a test of failures gives it."""
    return {**SETTINGS, "health_timeout": 20, "site_timeout": 10}


@pytest.mark.parametrize("tag", FAILING)
def test_one_that_fails_ends_as_is_known(tag: str, host: Host, run: Runs) -> None:
    compare(tag, run("deploy", host, data={"code": tag, **WAITED_FOR.get(tag, {})}).failed())


def test_a_config_that_fails_ends_as_is_known(host: Host, run: Runs) -> None:
    compare("config-bad-settings", run("deploy", host, data={"config": "bad-settings"}).failed())


@pytest.mark.parametrize("tag", WELL)
def test_one_that_is_well_ends_as_is_known(tag: str, host: Host, run: Runs) -> None:
    compare(tag, run("deploy", host, data={"code": tag}).worked())


@pytest.mark.parametrize("kind", ["restart", "build", "revert"])
def test_any_other_run_ends_as_is_known(kind: str, host: Host, run: Runs) -> None:
    data = {"code": "good-2", "force": "true"} if kind == "build" else {}
    compare(kind, run(kind, host, data=data).worked())


@pytest.mark.parametrize("tag", LATER)
def test_one_that_builds_upon_those_and_fails_ends_as_is_known(tag: str, host: Host, run: Runs) -> None:
    compare(tag, run("deploy", host, data={"code": tag}).failed())


@pytest.mark.parametrize("tag", LAST)
def test_one_that_can_not_be_undone_ends_as_is_known(tag: str, host: Host, run: Runs) -> None:
    compare(tag, run("deploy", host, data={"code": tag, "irreversible": "accept"}).worked())
