"""The last screen of a run of each tag of the demo's project, which deploys to a host that had none of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bed.demo import NO_SITE
from tests.bed.guest import sign
from tests.bed.hosts import Host
from tests.hosts.endings import compare
from tests.runs import Runs

# The demo's own story is held to what it shows before.
HELD_TO_PREVIEWS = False
FAILING = ("bad-requirements", "bad-settings", "bad-migration", "bad-page")


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """Those of the demo (group_data/demo.yml); what is not named there is as it is for everybody."""
    return {"code_repo_url": "/srv/git/site.git", "wheelhouse": "/srv/wheelhouse"}


def test_the_first_version_of_all_ends_as_is_known(bare_host: Host, run: Runs) -> None:
    bare_host.run(NO_SITE)
    run("provision", bare_host).worked()
    compare("demo-first", run("deploy", bare_host).worked())
    # The migration that fails looks for a surname.
    sign(bare_host.website_url, "Sam", "I was here before the second version was.")


@pytest.mark.parametrize("tag", FAILING)
def test_one_that_fails_ends_as_is_known(tag: str, bare_host: Host, run: Runs) -> None:
    compare(f"demo-{tag}", run("deploy", bare_host, data={"code": tag}).failed())


def test_one_that_is_well_and_the_way_back_end_as_is_known(bare_host: Host, run: Runs) -> None:
    compare("demo-second", run("deploy", bare_host, data={"code": "second"}).worked())
    compare("demo-revert", run("revert", bare_host).worked())
