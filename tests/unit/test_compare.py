"""Hosts of one site that differ are told so, with what brings them together."""

from __future__ import annotations

from switchback.checks.compare import differences, setting_differences, unknown_to_primary
from tests.unit.examples import LIVE, NEW, OLD, settings, site, version


def test_hosts_that_have_the_same_live_are_no_matter() -> None:
    assert differences({"web1": site(), "web2": site()}, "web1") == []


def test_hosts_that_differ_are_named_with_the_deploy_that_brings_all_to_the_primary_hosts_version() -> None:
    seen = {
        "web1": site(version(NEW), version(LIVE), current=NEW),
        "web2": site(),
        "web3": site(),
    }
    differ, heal = differences(seen, "web1")
    assert differ == f"the hosts differ: {NEW} on web1; {LIVE} on web2, web3"
    assert heal == f"to bring all to {NEW}: deploys/deploy.py --data code=cccccccccccc --data config=ffffffffffff"


def test_a_host_without_a_version_differs_too_also_where_it_is_the_primary() -> None:
    differ, heal = differences({"web1": site(current=None), "web2": site()}, "web1")
    assert differ == f"the hosts differ: no version on web1; {LIVE} on web2"
    assert heal.startswith(f"to bring all to {LIVE}: ")


def test_a_version_whose_commits_nobody_knows_is_deployed_by_its_name() -> None:
    by_hand = version(OLD, code=None, config=None)
    _, heal = differences({"web1": site(by_hand, current=OLD), "web2": site()}, "web1")
    assert heal == f"to bring all to {OLD}: deploys/deploy.py --data version={OLD} (on hosts that have it)"


def test_settings_that_hosts_go_back_by_have_to_be_the_same_on_all_and_all_that_are_not_are_told() -> None:
    own = {
        "web1": settings(),
        "web2": settings(database_fallback="restore", migrate_timeout=60, restore_script="~/scripts/restore.sh"),
        "web3": settings(health_timeout=5, build_script="build.sh"),
    }
    way, limit = setting_differences(own)
    assert way.startswith("database_fallback differs: reverse on web1, web3; restore on web2. ")
    assert way.endswith("in the settings or by --data database_fallback=reverse")
    assert limit.startswith("migrate_timeout differs: 1800 on web1, web3; 60 on web2. ")
    assert setting_differences({"web1": own["web1"], "web3": own["web3"]}) == []


def test_what_a_newer_version_elsewhere_has_brought_can_not_be_taken_back_by_the_primary_host() -> None:
    seen = {
        "web1": site(lineage=(OLD, LIVE)),
        "web2": site(version(NEW), version(LIVE), current=NEW),
        "web3": site(),
    }
    (says,) = unknown_to_primary(seen, "web1", None)
    assert says.startswith(f"web2: {NEW} is live there, and web1, which takes the database back, has the older {LIVE}")
    assert f"deploys/revert.py --limit web2 --data version={LIVE} --data database=reverse" in says
    # What the target has need not be taken back, and a newer primary host knows what the others have.
    assert unknown_to_primary(seen, "web1", NEW) == []
    assert unknown_to_primary(seen, "web2", None) == []
