"""What check and every deploy find wrong with a host, and what they say to do about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.words.facts import Disk, Health, HostFacts
from facts.survey import Unread
from switchback.checks.layout import host_problems, ready, room_needed
from switchback.checks.notices import hotfix_problems, transaction_problems
from tests.unit import healthy
from tests.unit.healthy import (
    CURRENT,
    HOME,
    NEWER,
    bare,
    bare_site,
    dangling,
    host,
    link,
    no_link,
    open_run,
    script,
    settings,
    site,
    untouched,
    with_links,
    with_script,
    with_supervisord,
)

PROVISION = "run deploys/provision.py"


def test_what_is_another_site_s_keeps_from_building_and_never_from_going_back() -> None:
    said = "the user app is the site shop's as well: give this site a user of its own (app_username)"
    assert host_problems(host(clashes=(said,)), settings()) == [said]
    assert host_problems(host(clashes=(said,)), settings(), builds=False) == []


def test_a_host_as_it_should_be_has_no_problems() -> None:
    assert host_problems(host(), settings()) == []
    assert ready(site()) == f"ready: {NEWER} is live and healthy"


def test_a_bare_host_is_ready_for_its_first_deploy() -> None:
    assert host_problems(bare(), settings()) == []
    assert ready(bare_site()) == "ready for its first deploy"


def test_an_app_that_is_down_does_not_keep_its_fix_from_being_deployed() -> None:
    down = site(health=Health("nothing answers"))
    assert host_problems(host(down), settings()) == []
    assert ready(down) == f"ready: {NEWER} is live, but NOT healthy: nothing answers"


def test_a_host_that_cant_be_looked_at() -> None:
    (problem,) = host_problems(Unread(), settings(admin_username="ann"))
    assert "ann needs sudo without a password" in problem
    assert "python3" in problem


def test_a_host_whose_answer_does_not_fit_is_said_to_have_answered_so() -> None:
    (problem,) = host_problems(Unread("HostFacts.git is missing"), settings())
    assert problem.startswith("the host was looked at, and what was seen can't be read: HostFacts.git is missing. ")
    assert "python3" not in problem


def test_a_host_without_an_app_user_is_told_all_that_can_be_seen() -> None:
    assert host_problems(untouched(git=False), settings()) == [
        f"there is no user app: {PROVISION}",
        f"git is not installed: {PROVISION}, or apt install git",
        f"the agent is not installed: {PROVISION}",
        f"systemd has no service django: {PROVISION}",
    ]


ONE_CHANGE: dict[str, tuple[HostFacts, list[str]]] = {
    "no admin": (host(admin=False), [f"there is no user admin: {PROVISION}"]),
    "no Python": (
        host(no_python="python: 3.13 is not on this host (it has python3.11): install it"),
        ["python: 3.13 is not on this host (it has python3.11): install it"],
    ),
    "no versions_dir": (host(site(versions_dir="missing")), [f"versions_dir ~ is not a directory: {PROVISION}"]),
    "versions on another disk": (host(site(versions_dir="link")), []),
    "no deployment_dir": (
        host(site(deployment_dir="missing")),
        [f"deployment_dir ~/deployment is missing: {PROVISION}"],
    ),
    "deployment_dir is a link": (
        host(site(deployment_dir="link")),
        [
            "deployment_dir ~/deployment is a link and has to be a directory of its own: "
            f"move it away, then {PROVISION}",
        ],
    ),
    "the host's own supervisord config is refused": (
        host(site(supervisord="supervisord refuses reloadConfig : CANT_REREAD: Invalid user x")),
        [
            "the service would not start again: supervisord refuses reloadConfig : CANT_REREAD: Invalid user x: "
            "mend the host's own supervisord.conf"
        ],
    ),
    "working is missing": (
        host(with_links({f"{HOME}/django-working": no_link(f"{HOME}/django-working")})),
        [f"{HOME}/django-working is missing: {PROVISION}, or make it a link to the version that last proved healthy"],
    ),
    "previous is missing, as after a first deploy": (
        host(with_links({f"{HOME}/django-previous": no_link(f"{HOME}/django-previous")})),
        [],
    ),
    "previous dangles": (
        host(with_links({f"{HOME}/django-previous": dangling("django-old")})),
        [f"{HOME}/django-previous leads to django-old, which does not exist: make it a link to something that does"],
    ),
    "previous is a directory": (
        host(with_links({f"{HOME}/django-previous": no_link(f"{HOME}/django-previous", "folder")})),
        [f"{HOME}/django-previous is a directory and has to be a link: move it away, then {PROVISION}"],
    ),
    "venv is missing": (
        host(with_links({f"{HOME}/venv": no_link(f"{HOME}/venv")})),
        [f"{HOME}/venv is missing: {PROVISION}, or make it a link to {CURRENT}/venv"],
    ),
    "venv is a directory": (
        host(with_links({f"{HOME}/venv": no_link(f"{HOME}/venv", "folder")})),
        [f"{HOME}/venv is a directory and has to be a link: move it away, then {PROVISION}"],
    ),
    "venv leads elsewhere": (
        host(with_links({f"{HOME}/venv": link("/opt/venv", "/opt/venv")})),
        [f"{HOME}/venv leads to /opt/venv, not into the live version: make it a link to {CURRENT}/venv"],
    ),
    "venv is a relative link": (
        host(with_links({f"{HOME}/venv": link("django-current/venv", f"{HOME}/{NEWER}/venv")})),
        [],
    ),
    "the version's own venv is a link": (
        host(with_links({f"{HOME}/venv": link(f"{CURRENT}/venv", "/opt/venvs/7")})),
        [],
    ),
    "a deployment link leads elsewhere": (
        host(with_links({f"{HOME}/deployment/wsgi.py": link("/srv/wsgi.py", "/srv/wsgi.py")})),
        [f"{HOME}/deployment/wsgi.py leads to /srv/wsgi.py, not to {CURRENT}/config/wsgi.py: make it a link to that"],
    ),
    "supervisord is not led to the host's own config": (
        host(with_supervisord(f"{HOME}/supervisord.conf")),
        [
            f"{HOME}/deployment/supervisord.conf is not a link to {HOME}/supervisord.conf: "
            f"move it away if it is there, then {PROVISION}"
        ],
    ),
    "a deployment link that nothing needs dangles": (
        host(with_links({f"{HOME}/deployment/settings_old.py": dangling("/gone")})),
        [f"{HOME}/deployment/settings_old.py leads to /gone, which does not exist: remove it"],
    ),
    "a script is missing": (
        host(with_script("backup_script", script("backup_database", exists=False, executable=False))),
        [
            f"backup_script {HOME}/scripts/backup_database.sh is missing: "
            f"write it, or {PROVISION} for one to start from",
        ],
    ),
    "a script isn't executable": (
        host(with_script("maintenance_stop_script", script("stop_maintenance", executable=False))),
        [
            f"maintenance_stop_script {HOME}/scripts/stop_maintenance.sh can't be run by app: "
            f"chmod a+x {HOME}/scripts/stop_maintenance.sh"
        ],
    ),
    "no systemd": (
        host(service=None),
        ["systemd can't be asked for its units: the host has to run systemd (systemctl status)"],
    ),
    "the service is masked": (
        host(service="masked"),
        ["the service django is masked: systemctl unmask django"],
    ),
    "the unit has a mistake": (
        host(service="bad-setting"),
        ["systemd can't load the service django (bad-setting): see systemctl status django"],
    ),
    "the disk is full": (
        host(site(disk=Disk(100_000_000, 10**6))),
        ["100 MB are free in ~, and one more version needs 289 MB: run deploys/clean.py, or make room"],
    ),
    "no inodes": (
        host(site(disk=Disk(10**10, 7))),
        [
            "only 7 more files can be made in ~ (inodes), and one more version needs up to 20000: "
            "run deploys/clean.py, or make room"
        ],
    ),
    "a file system that makes inodes as it goes": (
        host(site(disk=Disk(10**10))),
        [],
    ),
}


@pytest.mark.parametrize(("facts", "expected"), ONE_CHANGE.values(), ids=ONE_CHANGE.keys())
def test_one_thing_is_wrong(facts: HostFacts, expected: list[str]) -> None:
    assert host_problems(facts, settings()) == expected


def test_a_dangling_current_is_one_problem_and_not_one_for_each_link_through_it() -> None:
    through = {
        path: dangling(seen.target)
        for path, seen in site().links.items()
        if path == CURRENT or CURRENT + "/" in seen.target
    }
    facts = host(with_links(through, linked=replace(site().linked, current=None), deployment={}))
    assert host_problems(facts, settings()) == [
        f"{CURRENT} leads to {HOME}/{NEWER}, which does not exist: make it a link to something that does"
    ]


def test_a_link_to_what_is_no_version() -> None:
    linked = replace(site().linked, previous=None)
    facts = host(with_links({f"{HOME}/django-previous": link("/srv/old", "/srv/old")}, linked=linked))
    assert host_problems(facts, settings()) == [
        f"{HOME}/django-previous leads to /srv/old, which is not a version in ~: "
        "make it a link to the version that was live before"
    ]


def test_a_missing_deployment_link_may_be_a_file_that_is_in_the_way() -> None:
    links = {path: seen for path, seen in site().links.items() if path != f"{HOME}/deployment/wsgi.py"}
    (problem,) = host_problems(host(site(links=links)), settings())
    assert problem.startswith(f"{HOME}/deployment/wsgi.py is not a link to {CURRENT}/config/wsgi.py: ")


def test_what_is_in_the_way_of_a_first_deploy_is_found_before_it() -> None:
    facts = bare(links={**bare_site().links, f"{HOME}/venv": no_link(f"{HOME}/venv", "folder")})
    assert host_problems(facts, settings()) == [
        f"{HOME}/venv is a directory and has to be a link: move it away, then {PROVISION}"
    ]


def test_a_missing_wheelhouse() -> None:
    (problem,) = host_problems(host(), settings(wheelhouse="/srv/wheels"))
    assert problem.startswith("wheelhouse /srv/wheels is not a directory on the host")


def test_all_problems_are_told_at_once() -> None:
    wrong = with_links({f"{HOME}/venv": no_link(f"{HOME}/venv")}, disk=Disk(100_000_000, 7))
    assert len(host_problems(host(wrong, admin=False), settings())) == 4


def test_a_version_needs_as_much_room_as_the_largest_so_far() -> None:
    sizes = tuple(healthy.version(NEWER, bytes=size) for size in (None, 5 * 10**8, 10**8))
    assert room_needed(site(versions=sizes)) > 5 * 10**8
    assert room_needed(site(versions=(healthy.version(NEWER, bytes=None),))) > 10**8


def test_hotfixes_are_listed_by_part() -> None:
    problems = hotfix_problems(site(hotfixes={"code": ("changed: urls.py", "unpushed: 1a2b3c4 Fix")}))
    assert len(problems) == 1
    assert "in the live code:\n    changed: urls.py\n    unpushed: 1a2b3c4 Fix\n" in problems[0]
    assert hotfix_problems(site()) == []


def test_an_open_deploy_is_a_problem() -> None:
    assert transaction_problems(host()) == []
    held = host(transaction=open_run("deploy 7 holds this host"))
    assert transaction_problems(held) == ["deploy 7 holds this host"]
