"""What check and every deploy find wrong with a host, and what they say to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from switchback.checks.layout import host_problems, ready, room_needed
from switchback.checks.notices import hotfix_problems, transaction_problems
from tests.unit import healthy
from tests.unit.healthy import HOME, NEWER, bare, change, dangling, host, link, no_link, script, settings, untouched

PROVISION = "run deploys/provision.py"
CURRENT = f"{HOME}/django-current"


def test_a_host_as_it_should_be_has_no_problems() -> None:
    assert host_problems(host(), settings()) == []
    assert ready(host(), settings()) == f"ready: {NEWER} is live and healthy"


def test_a_bare_host_is_ready_for_its_first_deploy() -> None:
    assert host_problems(bare(), settings()) == []
    assert ready(bare(), settings()) == "ready for its first deploy"


def test_an_app_that_is_down_does_not_keep_its_fix_from_being_deployed() -> None:
    facts = change(host(), "healthy", to={"healthy": False, "problem": "nothing answers"})
    assert host_problems(facts, settings()) == []
    assert ready(facts, settings()) == f"ready: {NEWER} is live, but NOT healthy: nothing answers"


def test_a_host_that_cant_be_looked_at() -> None:
    (problem,) = host_problems({}, settings(admin_username="ann"))
    assert "ann needs sudo without a password" in problem
    assert "python3" in problem


def test_a_host_without_an_app_user_is_told_all_that_can_be_seen() -> None:
    facts = change(untouched(), "tools", "git", to=None)
    assert host_problems(facts, settings()) == [
        f"there is no user app: {PROVISION}",
        f"git is not installed: {PROVISION}, or apt install git",
        f"the agent is not installed: {PROVISION}",
        f"systemd has no service django: {PROVISION}",
    ]


ONE_CHANGE: dict[str, tuple[tuple[str, ...], Any, list[str]]] = {
    "no admin": (("users", "admin_username"), False, [f"there is no user admin: {PROVISION}"]),
    "no Python": (
        ("tools", "python3"),
        None,
        ["the Python for the app, python3, is not there: install it, or change `python` in the settings"],
    ),
    "no versions_dir": (("folders", "versions_dir"), "missing", [f"versions_dir ~ is not a directory: {PROVISION}"]),
    "versions on another disk": (("folders", "versions_dir"), "link", []),
    "no deployment_dir": (
        ("folders", "deployment_dir"),
        "missing",
        [f"deployment_dir ~/deployment is missing: {PROVISION}"],
    ),
    "deployment_dir is a link": (
        ("folders", "deployment_dir"),
        "link",
        [
            "deployment_dir ~/deployment is a link and has to be a directory of its own: "
            f"move it away, then {PROVISION}",
        ],
    ),
    "the host's own supervisord config is refused": (
        ("supervisord",),
        "supervisord refuses reloadConfig : CANT_REREAD: Invalid user x",
        [
            "the service would not start again: supervisord refuses reloadConfig : CANT_REREAD: Invalid user x: "
            "mend the host's own supervisord.conf"
        ],
    ),
    "working is missing": (
        ("links", f"{HOME}/django-working"),
        no_link(f"{HOME}/django-working"),
        [f"{HOME}/django-working is missing: {PROVISION}, or make it a link to the version that last proved healthy"],
    ),
    "previous is missing, as after a first deploy": (
        ("links", f"{HOME}/django-previous"),
        no_link(f"{HOME}/django-previous"),
        [],
    ),
    "previous dangles": (
        ("links", f"{HOME}/django-previous"),
        dangling(f"{HOME}/django-previous", "django-old"),
        [f"{HOME}/django-previous leads to django-old, which does not exist: make it a link to something that does"],
    ),
    "previous is a directory": (
        ("links", f"{HOME}/django-previous"),
        no_link(f"{HOME}/django-previous", "folder"),
        [f"{HOME}/django-previous is a directory and has to be a link: move it away, then {PROVISION}"],
    ),
    "venv is missing": (
        ("links", f"{HOME}/venv"),
        no_link(f"{HOME}/venv"),
        [f"{HOME}/venv is missing: {PROVISION}, or make it a link to {CURRENT}/venv"],
    ),
    "venv is a directory": (
        ("links", f"{HOME}/venv"),
        no_link(f"{HOME}/venv", "folder"),
        [f"{HOME}/venv is a directory and has to be a link: move it away, then {PROVISION}"],
    ),
    "venv leads elsewhere": (
        ("links", f"{HOME}/venv"),
        link("/opt/venv", "/opt/venv"),
        [f"{HOME}/venv leads to /opt/venv, not into the live version: make it a link to {CURRENT}/venv"],
    ),
    "venv is a relative link": (
        ("links", f"{HOME}/venv"),
        link("django-current/venv", f"{HOME}/{NEWER}/venv"),
        [],
    ),
    "the version's own venv is a link": (
        ("links", f"{HOME}/venv"),
        link(f"{CURRENT}/venv", "/opt/venvs/7"),
        [],
    ),
    "a deployment link leads elsewhere": (
        ("links", f"{HOME}/deployment/wsgi.py"),
        link("/srv/wsgi.py", "/srv/wsgi.py"),
        [f"{HOME}/deployment/wsgi.py leads to /srv/wsgi.py, not to {CURRENT}/config/wsgi.py: make it a link to that"],
    ),
    "supervisord is not led to the host's own config": (
        ("deployment", f"{HOME}/deployment/supervisord.conf"),
        {"target": f"{HOME}/supervisord.conf", "resolved": f"{HOME}/supervisord.conf"},
        [
            f"{HOME}/deployment/supervisord.conf is not a link to {HOME}/supervisord.conf: "
            f"move it away if it is there, then {PROVISION}"
        ],
    ),
    "a deployment link that nothing needs dangles": (
        ("links", f"{HOME}/deployment/settings_old.py"),
        dangling(f"{HOME}/deployment/settings_old.py", "/gone"),
        [f"{HOME}/deployment/settings_old.py leads to /gone, which does not exist: remove it"],
    ),
    "a script is missing": (
        ("scripts", "backup_script"),
        script("backup_database", exists=False, executable=False),
        [
            f"backup_script {HOME}/scripts/backup_database.sh is missing: "
            f"write it, or {PROVISION} for one to start from",
        ],
    ),
    "a script isn't executable": (
        ("scripts", "maintenance_stop_script"),
        script("stop_maintenance", executable=False),
        [
            f"maintenance_stop_script {HOME}/scripts/stop_maintenance.sh can't be run by app: "
            f"chmod a+x {HOME}/scripts/stop_maintenance.sh"
        ],
    ),
    "no systemd": (
        ("unit",),
        {},
        ["systemd can't be asked for its units: the host has to run systemd (systemctl status)"],
    ),
    "the service is masked": (
        ("unit", "LoadState"),
        "masked",
        ["the service django is masked: systemctl unmask django"],
    ),
    "the unit has a mistake": (
        ("unit", "LoadState"),
        "bad-setting",
        ["systemd can't load the service django (bad-setting): see systemctl status django"],
    ),
    "the disk is full": (
        ("disk", "free"),
        100_000_000,
        ["100 MB are free in ~, and one more version needs 289 MB: run deploys/clean.py, or make room"],
    ),
    "no inodes": (
        ("disk", "inodes"),
        7,
        [
            "only 7 more files can be made in ~ (inodes), and one more version needs up to 20000: "
            "run deploys/clean.py, or make room"
        ],
    ),
    "a file system that makes inodes as it goes": (
        ("disk",),
        {"free": 10**10, "inodes": 0, "has_inodes": False},
        [],
    ),
}


@pytest.mark.parametrize(("path", "to", "expected"), ONE_CHANGE.values(), ids=ONE_CHANGE.keys())
def test_one_thing_is_wrong(path: tuple[str, ...], to: Any, expected: list[str]) -> None:
    assert host_problems(change(host(), *path, to=to), settings()) == expected


def test_a_dangling_current_is_one_problem_and_not_one_for_each_link_through_it() -> None:
    facts = host()
    for path, seen in facts["links"].items():
        if path == CURRENT or CURRENT + "/" in seen["target"]:
            facts["links"][path] = dangling(path, seen["target"])
    facts["linked"]["current"] = None
    facts["deployment"] = {}
    assert host_problems(facts, settings()) == [
        f"{CURRENT} leads to {HOME}/{NEWER}, which does not exist: make it a link to something that does"
    ]


def test_a_link_to_what_is_no_version() -> None:
    facts = change(host(), "links", f"{HOME}/django-previous", to=link("/srv/old", "/srv/old"))
    facts["linked"]["previous"] = None
    assert host_problems(facts, settings()) == [
        f"{HOME}/django-previous leads to /srv/old, which is not a version in ~: "
        "make it a link to the version that was live before"
    ]


def test_a_missing_deployment_link_may_be_a_file_that_is_in_the_way() -> None:
    facts = host()
    del facts["links"][f"{HOME}/deployment/wsgi.py"]
    (problem,) = host_problems(facts, settings())
    assert problem.startswith(f"{HOME}/deployment/wsgi.py is not a link to {CURRENT}/config/wsgi.py: ")


def test_what_is_in_the_way_of_a_first_deploy_is_found_before_it() -> None:
    facts = change(bare(), "links", f"{HOME}/venv", to=no_link(f"{HOME}/venv", "folder"))
    assert host_problems(facts, settings()) == [
        f"{HOME}/venv is a directory and has to be a link: move it away, then {PROVISION}"
    ]


def test_a_missing_wheelhouse() -> None:
    facts = change(host(), "wheelhouse", to=False)
    (problem,) = host_problems(facts, settings(wheelhouse="/srv/wheels"))
    assert problem.startswith("wheelhouse /srv/wheels is not a directory on the host")


def test_all_problems_are_told_at_once() -> None:
    facts = host()
    for path, to, _ in (ONE_CHANGE[name] for name in ("no admin", "venv is missing", "no inodes", "the disk is full")):
        change(facts, *path, to=to)
    assert len(host_problems(facts, settings())) == 4


def test_a_version_needs_as_much_room_as_the_largest_so_far() -> None:
    facts = host()
    facts["versions"] = [healthy.version(NEWER, bytes=size) for size in (None, 5 * 10**8, 10**8)]
    assert room_needed(facts) > 5 * 10**8
    facts["versions"] = [healthy.version(NEWER, bytes=None)]
    assert room_needed(facts) > 10**8


def test_hotfixes_are_listed_by_part() -> None:
    problems = hotfix_problems({"hotfixes": {"code": ["changed: urls.py", "unpushed: 1a2b3c4 Fix"]}})
    assert len(problems) == 1
    assert "in the live code:\n    changed: urls.py\n    unpushed: 1a2b3c4 Fix\n" in problems[0]
    assert hotfix_problems(host()) == []


def test_an_open_deploy_is_a_problem() -> None:
    assert transaction_problems(host()) == []
    assert transaction_problems({"transaction": {"says": "deploy 7 holds this host"}}) == ["deploy 7 holds this host"]
