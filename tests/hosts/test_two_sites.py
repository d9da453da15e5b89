"""Two sites on one host, with nothing of ours in common: deployed at once, and back from a reboot in both deploys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.faults.watch import LIMIT
from tests.hosts.config_branches import push_config
from tests.invariants import assert_ended, assert_well, look
from tests.runs import Running, Runs

HELD_TO_PREVIEWS = False
INSTALL = "~/scripts/install.sh"
SHOP: Mapping[str, Any] = {
    "app_username": "shop",
    "systemd_service": "shop",
    "website_url": "http://127.0.0.1:8081/",
    "health_url": "http://127.0.0.1:8001/",
    "config_branch": "shop",
}
SITES = {"django": "app", "shop": "shop"}
CONFIG = """sed -i 's|home/app|home/shop|; s|1:8000|1:8001|; s|"app"|"shop"|' settings.py supervisord.conf"""
WRONG = (
    """sed -i '/NAME/s|shop|app|' settings.py; sed -i 's|home/shop/supervisor.sock|home/app/supervisor.sock|' *.conf"""
)
BESIDE = r"""
sed 's|listen 80;|listen 8081;|; /include/d; s|home/app|home/shop|; s|1:8000|1:8001|' \
    /etc/nginx/sites-available/default >/etc/nginx/sites-enabled/shop
systemctl reload nginx
runuser -u postgres -- sh -c 'createuser shop && createdb --owner shop shop'
"""
GATE = "/srv/gate"
# Each waits there once its database has been migrated and its links lead to the new version.
AT_GATE = f"#!/bin/sh\nwhile [ ! -e {GATE} ]; do sleep 0.05; done\n"
AT_INSTALL = '"event": "step started", "step": "install_script"'


@pytest.fixture(scope="module")
def own(host: Host) -> dict[str, Mapping[str, Any]]:
    """The settings of the other site, as those of its host."""
    return {host.name: SHOP}


def wait_until(host: Host, condition: str) -> None:
    """Wait until something is so of each site: a shell's condition, in the site's folder."""
    for site in SITES:
        loop = f"cd /var/lib/switchback/{site}; until {condition}; do sleep 0.05; done"
        host.run(["timeout", str(LIMIT), "sh", "-c", loop])


def both_at_gate(host: Host, run: Runs, *asked: dict[str, str]) -> list[Running]:
    """Deploys of both sites, by two controllers, each with its new version linked and not started.

    + asked: what each is asked for
    """
    host.run(["rm", "-f", GATE])
    for user in SITES.values():
        host.write(f"/home/{user}/scripts/install.sh", AT_GATE, mode=0o755, owner=user)
    settings: list[dict[str, Any]] = [{"install_script": INSTALL}, {**SHOP, "install_script": INSTALL}]
    started = [
        run.start("deploy", host, data=data, own={host.name: one}) for data, one in zip(asked, settings, strict=True)
    ]
    wait_until(host, f"grep -qs '{AT_INSTALL}' transactions/$(cat lock 2>&1)/journal.jsonl")
    return started


def shop(host: Host) -> dict[str, Any]:
    """How the other site is: what its visitors get, its links, its runs, and whether anything holds it."""
    folder = "/var/lib/switchback/shop"
    answer = json.loads(host.read(["curl", "-sf", "http://127.0.0.1:8081/version"]))
    return {
        "serves": answer["code"],
        "links": host.run("find /home/shop -maxdepth 1 -type l -printf '%p %l\n' | sort").stdout.splitlines(),
        "runs": [json.loads(line) for line in host.run(["cat", f"{folder}/history.jsonl"]).stdout.splitlines()],
        "held": host.run(f"cat {folder}/lock", check=False).stdout,
        "open": host.run(
            f"tail -qn1 {folder}/transactions/*/journal.jsonl | grep -vc '\"ended\"'", check=False
        ).stdout.strip(),
        "rows": host.run("runuser -u shop -- psql -AtXc 'select count(*) from items_item'").stdout.strip(),
    }


def test_another_site_is_provisioned_and_deployed_beside_the_first_which_notices_nothing(
    host: Host, run: Runs, own: dict[str, Mapping[str, Any]]
) -> None:
    before = look(host)
    push_config(host, CONFIG, "shop")
    host.run(BESIDE)
    run("provision", host, own=own).worked()
    run("deploy", host, own=own).worked()
    assert shop(host)["serves"] == before.commits["code"]["good-1"]
    after = assert_well(host, "good-1")
    assert (after.processes, after.history, after.links) == (before.processes, before.history, before.links)
    # The same agent does for both.
    agents = host.run("cd /var/lib/switchback && ls && readlink */agent && ls /usr/local/lib/switchback").stdout.split()
    assert agents[:2] == ["django", "shop"]
    assert agents[2] == agents[3] == f"/usr/local/lib/switchback/{agents[4]}"
    checked = run("check", host, own=own).worked()
    assert "sites ✓" in checked.output


def test_after_a_reboot_in_the_middle_of_both_deploys_both_are_back_and_well(host: Host, run: Runs) -> None:
    before, other = look(host), shop(host)
    started = both_at_gate(host, run, {"code": "good-2"}, {"code": "good-2"})
    host.reboot()
    for one in started:
        one.kill()
    wait_until(host, "[ ! -e lock ]")
    seen = assert_well(host, "good-1", links=before.links, database=before.database)
    assert_ended(seen, "fell back", "install_script")
    back = shop(host)
    assert {**back, "runs": []} == {**other, "runs": []}
    assert [(line["outcome"], line["step"]) for line in back["runs"][1:]] == [("fell back", "install_script")]


def test_both_are_deployed_at_the_same_time(host: Host, run: Runs) -> None:
    # What they have built before the reboot.
    built = (look(host).last["version"], shop(host)["runs"][-1]["version"])
    started = both_at_gate(host, run, *({"version": version} for version in built))
    host.run(["touch", GATE])
    for one in started:
        one.wait().worked()
    seen, other = assert_well(host, "good-2", rows=3), shop(host)
    assert (other["serves"], other["held"], other["open"]) == (seen.commits["code"]["good-2"], "", "0")
    assert other["runs"][-1]["outcome"] == "committed"


def test_a_user_that_is_another_site_s_is_refused_by_name(host: Host, run: Runs) -> None:
    blog = {**SHOP, "systemd_service": "blog", "health_url": "http://127.0.0.1:8002/"}
    done = run("check", host, own={host.name: blog})
    assert done.code == 1
    assert "the user shop is the site shop's as well: give this site a user of its own (app_username)" in done.output


def test_a_database_and_a_supervisord_that_are_another_site_s_are_refused_by_name_before_anything_is_touched(
    host: Host, run: Runs, own: dict[str, Mapping[str, Any]]
) -> None:
    before, other = look(host), shop(host)
    # It can have all of it, and it is the wrong one.
    host.run(["runuser", "-u", "postgres", "--", "psql", "-c", "grant app to shop"])
    push_config(host, f"{CONFIG}; {WRONG}", "wrong")
    done = run("deploy", host, data={"config": "wrong"}, own=own)
    assert done.code == 1
    assert done.told.startswith("refused")
    for name in ("the database app (PostgreSQL)", "supervisord's socket /home/app/supervisor.sock"):
        assert f"{name} is the site django's as well: " in done.told
    assert {**shop(host), "runs": []} == {**other, "runs": []}
    assert assert_well(host, "good-2").processes == before.processes
