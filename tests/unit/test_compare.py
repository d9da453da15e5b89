"""Hosts of one site that differ are told so, with what brings them together."""

from __future__ import annotations

from switchback.compare import differences
from tests.unit.examples import LIVE, NEW, OLD, host_facts, version


def test_hosts_that_have_the_same_live_are_no_matter() -> None:
    assert differences({"web1": host_facts(), "web2": host_facts()}, "web1") == []
    assert differences({"web1": host_facts(), "web2": {}}, "web1") == []


def test_hosts_that_differ_are_named_with_the_deploy_that_brings_all_to_the_primary_hosts_version() -> None:
    seen = {
        "web1": host_facts(version(NEW), version(LIVE), current=NEW),
        "web2": host_facts(),
        "web3": host_facts(),
    }
    differ, heal = differences(seen, "web1")
    assert differ == f"the hosts differ: {NEW} on web1; {LIVE} on web2, web3"
    assert heal == f"to bring all to {NEW}: deploys/deploy.py --data code=cccccccccccc --data config=ffffffffffff"


def test_a_host_without_a_version_differs_too_also_where_it_is_the_primary() -> None:
    differ, heal = differences({"web1": host_facts(current=None), "web2": host_facts()}, "web1")
    assert differ == f"the hosts differ: no version on web1; {LIVE} on web2"
    assert heal.startswith(f"to bring all to {LIVE}: ")


def test_a_version_whose_commits_nobody_knows_is_deployed_by_its_name() -> None:
    by_hand = version(OLD, code=None, config=None)
    _, heal = differences({"web1": host_facts(by_hand, current=OLD), "web2": host_facts()}, "web1")
    assert heal == f"to bring all to {OLD}: deploys/deploy.py --data version={OLD} (on hosts that have it)"
