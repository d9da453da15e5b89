"""What provision finds missing, the commands that add it, and that neither touches what is there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import Any

import pytest
from pyinfra.context import ctx_host, ctx_state
from pyinfra_testing.util import FakeState, create_host  # type: ignore[import-untyped]

from agent.service.obstacles import obstacles
from agent.service.supervisor_config import parse, programs
from agent.versions.layout import DATABASE_TOOLS, Layout
from agent.words.facts import Health, HostFacts, Restore, Site
from agent.words.seen import Failure, Version
from facts.venv import CanMakeVenv
from operations import provision, writing
from switchback.checks.groundwork import Supervisord, lacking, rewrite_notices
from switchback.checks.own_texts import EARLIER, FILES, supervisord_text, unit_text
from switchback.wire.payload import agent_fingerprint
from tests.unit.healthy import (
    HOME,
    NEWER,
    OLDER,
    USUAL,
    bare,
    bare_site,
    host,
    link,
    no_link,
    script,
    settings,
    site,
    untouched,
    version,
    with_links,
    with_script,
    with_supervisord,
)

Run = Callable[..., list[str]]
OWN_CONFIG, CONFIG_LINK = f"{HOME}/supervisord.conf", f"{HOME}/deployment/supervisord.conf"


@pytest.fixture
def run() -> Iterator[Run]:
    """Run an operation against facts, and return its commands."""
    state = FakeState()

    def commands(operation: Any, *args: Any, facts: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        fake = create_host(state, facts=facts or {})
        with ctx_state.use(state), ctx_host.use(fake):
            found = [str(command) for command in operation._inner(*args, **kwargs)]
        assert found or fake.noop_description
        return found

    yield commands


def test_a_host_as_it_should_be_lacks_nothing() -> None:
    lacks = lacking(host(), settings(), can_make_venv=True)
    assert (lacks.packages, lacks.scripts, lacks.unit, lacks.links, lacks.adopted) == ((), {}, None, {}, ())
    assert lacks.supervisord is None
    assert not lacks.makes_app
    assert not lacks.makes_admin
    assert lacks.folders == (f"{HOME}/deployment", f"{HOME}/bin")


def test_an_untouched_host_lacks_everything_but_the_links_that_the_first_deploy_makes() -> None:
    lacks = lacking(untouched(git=False), settings(restore_script="~/bin/restore.sh"), can_make_venv=False)
    assert lacks.packages == ("git", "python3-venv")
    assert lacks.makes_app
    assert lacks.home == HOME
    assert lacks.scripts == {
        f"{HOME}/scripts/backup_database.sh": "backup_database.sh",
        f"{HOME}/scripts/start_maintenance.sh": "start_maintenance.sh",
        f"{HOME}/scripts/stop_maintenance.sh": "stop_maintenance.sh",
        f"{HOME}/bin/restore.sh": "restore_database.sh",
        **{f"{HOME}/{folder}/{name}": name for folder in ("scripts", "bin") for name in DATABASE_TOOLS},
    }
    places = ("deployment", "bin", "scripts", "backups", "log")
    assert lacks.folders == tuple(f"{HOME}/{name}" for name in places)
    assert lacks.unit
    assert lacks.unit["venv"] == f"{HOME}/venv"
    assert lacks.supervisord
    assert (lacks.supervisord.path, lacks.supervisord.link) == (OWN_CONFIG, CONFIG_LINK)
    assert lacks.links == {}
    assert lacks.adopted == ()


@pytest.mark.parametrize(
    ("backup", "seen", "written"),
    [
        (False, Restore(USUAL, there=False, provisioned=False), True),
        (True, Restore(USUAL, there=False, provisioned=True), True),
        (True, Restore(USUAL, there=False, provisioned=False), False),
        (True, Restore(USUAL, there=True, provisioned=True), False),
        (False, Restore(USUAL, there=True, provisioned=False), False),
    ],
    ids=["both missing", "our backups", "a person's backups", "there", "a person's is there"],
)
def test_a_restore_script_is_written_to_match_our_own_backup_script(backup: bool, seen: Restore, written: bool) -> None:
    facts = host(with_script("backup_script", script("backup_database", exists=backup), restore=seen))
    told = lacking(facts, settings(restore_script="auto"), can_make_venv=True).scripts
    assert (USUAL in told) is written
    # What does their work goes with them.
    tools = {f"{HOME}/scripts/{name}" for name in DATABASE_TOOLS}
    assert tools & {*told} == (tools if written or not backup else set())


def test_a_bare_host_gets_no_links() -> None:
    assert lacking(bare(), settings(), can_make_venv=True).links == {}


def test_versions_in_a_place_of_their_own() -> None:
    assert "/srv/versions" in lacking(bare(), settings(versions_dir="/srv/versions"), can_make_venv=True).folders


@pytest.mark.parametrize(
    ("python", "path", "packages"),
    [
        ("python3", "/usr/bin/python3", ("python3-venv",)),
        ("python3.11", "/usr/bin/python3.11", ("python3.11-venv",)),
        ("/opt/python/bin/python3", "/opt/python/bin/python3", ()),
        ("python3.13", None, ()),
    ],
)
def test_only_debians_own_python_is_completed_by_a_package(
    python: str, path: str | None, packages: tuple[str, ...]
) -> None:
    assert lacking(host(python=path), settings(python=python), can_make_venv=False).packages == packages


def test_a_host_with_uv_needs_no_package_for_environments() -> None:
    assert lacking(host(uv=True), settings(), can_make_venv=False).packages == ()


@pytest.mark.parametrize("state", ["masked", "bad-setting", "error", "loaded"])
def test_a_unit_that_a_person_made_is_left_alone_whatever_its_state(state: str) -> None:
    assert lacking(host(service=state), settings(), can_make_venv=True).unit is None


def without_unit(facts: HostFacts) -> HostFacts:
    return replace(facts, service="not-found")


def test_a_host_without_a_service_gets_a_supervisord_config_unless_it_has_one_or_the_app_does() -> None:
    assert lacking(bare(), settings(), can_make_venv=True).supervisord is None
    lacks = lacking(without_unit(host()), settings(), can_make_venv=True)
    assert lacks.supervisord
    # It logs there.
    assert f"{HOME}/log" in lacks.folders
    brought = host(with_supervisord(f"{HOME}/django-current/config/supervisord.conf"))
    assert lacking(without_unit(brought), settings(), can_make_venv=True).supervisord is None
    laid = bare(links={**bare_site().links, CONFIG_LINK: link("/etc/site.conf", "/etc/site.conf")})
    assert lacking(without_unit(laid), settings(), can_make_venv=True).supervisord is None


def test_without_a_config_repository_each_version_brings_its_own_supervisord_config() -> None:
    lacks = lacking(without_unit(bare()), settings(config_repo_url=None, config_branch="HEAD"), can_make_venv=True)
    assert lacks.supervisord is None
    assert lacks.unit
    assert f"{HOME}/log" in lacks.folders


def test_what_a_laid_out_host_lacks_is_added() -> None:
    links = {path: found for path, found in site().links.items() if path != f"{HOME}/deployment/wsgi.py"}
    links |= {path: no_link(path) for path in (f"{HOME}/venv", f"{HOME}/django-working")}
    found = with_script("backup_script", script("backup_database", exists=False), links=links)
    lacks = lacking(host(found), settings(), can_make_venv=True)
    assert lacks.links == {
        f"{HOME}/venv": f"{HOME}/django-current/venv",
        f"{HOME}/django-working": f"{HOME}/{NEWER}",
        f"{HOME}/deployment/wsgi.py": f"{HOME}/django-current/config/wsgi.py",
    }
    names = ("backup_database.sh", *DATABASE_TOOLS)
    assert lacks.scripts == {f"{HOME}/scripts/{name}": name for name in names}


def test_a_live_version_without_a_supervisord_conf_gets_the_link_to_the_hosts_own() -> None:
    own = f"{HOME}/supervisord.conf"
    lacks = lacking(host(with_supervisord(own)), settings(), can_make_venv=True)
    assert lacks.links == {f"{HOME}/deployment/supervisord.conf": own}


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_stands_where_a_link_belongs_is_left_to_a_person(kind: str) -> None:
    facts = host(with_links({f"{HOME}/venv": no_link(f"{HOME}/venv", kind)}))
    assert lacking(facts, settings(), can_make_venv=True).links == {}


def test_an_unhealthy_version_is_not_taken_for_a_working_one() -> None:
    found = with_links(
        {f"{HOME}/django-working": no_link(f"{HOME}/django-working")},
        linked=replace(site().linked, working=None),
        health=Health("nothing answers"),
        versions=(by_hand(NEWER), by_hand(OLDER)),
    )
    lacks = lacking(host(found), settings(), can_make_venv=True)
    assert lacks.links == {}
    assert lacks.adopted == (OLDER,)


def by_hand(name: str, **values: Any) -> Version:
    return version(name, ours=False, sealed=False, working=False, bytes=None, **values)


def test_versions_that_a_person_made_are_taken_over_once() -> None:
    facts = host(site(versions=(by_hand(NEWER), by_hand(OLDER))))
    assert lacking(facts, settings(), can_make_venv=True).adopted == (NEWER, OLDER)
    assert lacking(host(), settings(), can_make_venv=True).adopted == ()


def test_a_version_that_failed_is_not_taken_over() -> None:
    facts = host(site(versions=(by_hand(NEWER, failed=Failure("health")), by_hand(OLDER))))
    assert lacking(facts, settings(), can_make_venv=True).adopted == (OLDER,)


def test_no_package_missing_means_no_apt(run: Run) -> None:
    assert run(provision.packages, []) == []


def test_missing_packages_are_installed(run: Run) -> None:
    commands = run(provision.packages, ["git"], facts={"deb.DebPackages": {}})
    assert "update" in commands[0]
    assert commands[1].endswith("install --no-install-recommends git")


def test_users_that_are_there_are_left_alone(run: Run) -> None:
    assert run(provision.app_user, "app", HOME, missing=False, for_nginx=True) == []
    assert run(provision.admin_user, "admin", missing=False, keys="/root/.ssh/authorized_keys") == []


def test_the_app_user_has_a_home_that_the_web_server_goes_into_and_nobody_lists(run: Run) -> None:
    made = "useradd --create-home --shell /bin/bash --password '*' --home-dir /home/app app"
    theirs, ours = (run(provision.app_user, "app", HOME, missing=True, for_nginx=one) for one in (False, True))
    assert theirs == [made, "chmod 711 /home/app"]
    assert ours == [made, "chgrp www-data /home/app", "chmod 710 /home/app"]


def test_the_admin_gets_sudo_by_a_checked_file_and_the_keys_of_who_provisions(run: Run) -> None:
    facts = {"files.File": {"path=/etc/sudoers.d/ann_b": None}}
    write, user, keys = run(provision.admin_user, "ann.b", missing=True, keys="/root/.ssh/k", facts=facts)
    assert "/etc/sudoers.d/ann_b" in write
    assert "ann.b ALL=(ALL:ALL) NOPASSWD: ALL" in write
    assert write.endswith("440 'visudo -cqf'")
    assert user.startswith("useradd ")
    assert keys.endswith(" sh ann.b /root/.ssh/k")


def test_directories_in_the_home_are_made_by_the_user_and_others_by_root(run: Run) -> None:
    paths = [f"{HOME}/scripts", f"{HOME}/log", "/srv/my versions"]
    facts = {"files.Directory": {f"path={path}": None for path in paths}}
    facts["files.Directory"][f"path={HOME}/log"] = {"mode": 700}  # type: ignore[assignment]
    assert run(provision.folders, paths, "app", HOME, facts=facts) == [
        "runuser -u app -- install -d -- /home/app/scripts",
        "install -d -o app -g app -- '/srv/my versions'",
    ]


@pytest.mark.parametrize("seen", [{"mode": 755}, False])
def test_whatever_stands_where_something_is_missing_stays(run: Run, seen: Any) -> None:
    there = {"files.File": {"path=/x": seen}, "files.Directory": {"path=/x": seen}}
    assert run(provision.scripts, {"/x": "stop_maintenance.sh"}, "app", facts=there) == []
    assert run(provision.links, {"/x": "/y"}, "app", facts=there) == []
    assert run(provision.folders, ["/x"], "app", HOME, facts=there) == []


def test_a_script_is_written_by_the_user_that_runs_it(run: Run) -> None:
    path = f"{HOME}/it's/stop.sh"
    facts = {"files.File": {f"path={path}": None}}
    (command,) = run(provision.scripts, {path: "stop_maintenance.sh"}, "app", facts=facts)
    assert command.startswith("runuser -u app -- sh -c ")
    assert """'/home/app/it'"'"'s/stop.sh'""" in command


def test_links_are_quoted_and_never_replace(run: Run) -> None:
    facts = {"files.File": {"path=/a b": None}}
    assert run(provision.links, {"/a b": "/$(x)"}, "app", facts=facts) == [
        "runuser -u app -- ln -sT -- '/$(x)' '/a b'",
    ]


def test_the_agent_is_installed_unless_it_is_this_one(run: Run) -> None:
    assert run(provision.agent, "django", agent_fingerprint()) == []
    assert len(run(provision.agent, "django", "another")) == 1


def test_the_unit_is_enabled_and_not_started(run: Run) -> None:
    lacks = lacking(untouched(), settings(systemd_service="site"), can_make_venv=True)
    write, enable = run(provision.unit, "site", lacks.unit)
    assert "/etc/systemd/system/site.service" in write
    assert enable == "systemctl enable --quiet site.service"
    assert run(provision.unit, "site", None) == []


def test_systemd_reads_a_percent_sign_as_itself() -> None:
    text = unit_text({"user": "app", "current": "/x%y", "deployment": "/d", "venv": "/v%i"})
    assert "ConditionPathExists=/x%%y\n" in text
    assert 'ExecStart="/v%%i/bin/supervisord" --nodaemon --configuration "/d/supervisord.conf"\n' in text


# What an earlier provision has written.

UNIT, BACKUP = "/etc/systemd/system/django.service", f"{HOME}/scripts/backup_database.sh"


def written(*names: str, needs: int | None = 10) -> Site:
    """A site with files as these earlier ones have them."""
    lacks = lacking(untouched(), settings(), can_make_venv=True)
    assert lacks.unit
    assert lacks.supervisord
    values = lacks.supervisord.values
    words = {**values, "venv": values["venv"], "python": values["venv"] + "/bin/python", "modules": values["config"]}
    paths = {
        "django.service": UNIT,
        "supervisord.conf": OWN_CONFIG,
        "backup_database.sh": BACKUP,
        "restore_database.sh": USUAL,
    }
    texts = {}
    for name in names:
        kind = name.rpartition(".")[0]
        text = (EARLIER / name).read_text()
        fills = {**lacks.unit, "needs": "10", "stop": "30"} if kind == "django.service" else words
        texts[paths[kind]] = text if kind.endswith(".sh") else Template(text).substitute(fills)
    return site(written=texts, programs_need=needs)


@pytest.mark.parametrize(
    "name",
    [
        "supervisord.conf.1",
        "supervisord.conf.2",
        "backup_database.sh.1",
        "backup_database.sh.2",
        "restore_database.sh.3",
        "django.service.1",
        "django.service.2",
    ],
)
def test_what_an_earlier_provision_has_written_becomes_what_it_would_be_now(name: str, run: Run) -> None:
    found = written(name)
    (one,) = lacking(host(found), settings(restore_script="auto"), can_make_venv=True).rewrites
    assert one.was != one.now
    assert any(
        f"{one.path} is as an earlier provision has written it" in told
        for told in rewrite_notices(found, settings(restore_script="auto"))
    )
    command, *reload = run(provision.rewrites, [one])
    assert command.startswith("sh -c " if one.path == UNIT else "runuser -u app -- sh -c ")
    assert reload == (["systemctl daemon-reload"] if one.path == UNIT else [])
    # And then it is as it should be.
    assert (
        lacking(
            host(replace(found, written={one.path: one.now})), settings(restore_script="auto"), can_make_venv=True
        ).rewrites
        == ()
    )
    assert run(provision.rewrites, []) == []


@pytest.mark.parametrize("name", ["backup_database.sh.2", "restore_database.sh.3"])
def test_an_earlier_script_that_is_written_anew_gets_what_does_its_work(name: str) -> None:
    found = written(name)
    tools = {f"{HOME}/scripts/{tool}": tool for tool in DATABASE_TOOLS}
    assert lacking(host(found), settings(restore_script="auto"), can_make_venv=True).scripts == tools
    # What is there already is rewritten as any other file, if nobody has changed it.
    there = replace(found, written={**found.written, **dict.fromkeys(tools, "# mine\n")})
    assert lacking(host(there), settings(restore_script="auto"), can_make_venv=True).scripts == {}


@pytest.mark.parametrize("name", ["supervisord.conf.1", "backup_database.sh.1", "django.service.1", "django.service.2"])
def test_what_a_person_has_changed_is_theirs(name: str) -> None:
    theirs = site(written={path: text + "# mine\n" for path, text in written(name).written.items()})
    assert lacking(host(theirs), settings(), can_make_venv=True).rewrites == ()


def test_the_unit_gives_its_programs_the_time_that_they_may_take() -> None:
    (one,) = lacking(host(written("django.service.1", needs=130)), settings(), can_make_venv=True).rewrites
    assert "they may take 130 s by their stopwaitsecs" in one.now
    assert "\nTimeoutStopSec=145\n" in one.now
    # A worker that may take longer has come since.
    found = site(written={UNIT: one.now}, programs_need=200)
    (again,) = lacking(host(found), settings(), can_make_venv=True).rewrites
    assert "\nTimeoutStopSec=215\n" in again.now
    # Enough is enough; and where nothing runs nobody can say.
    for needs in (20, None):
        assert lacking(host(replace(found, programs_need=needs)), settings(), can_make_venv=True).rewrites == ()
    theirs = one.now.replace("TimeoutStopSec=145", "TimeoutStopSec=600")
    assert lacking(host(replace(found, written={UNIT: theirs})), settings(), can_make_venv=True).rewrites == ()


def test_the_unit_of_a_new_host_gives_the_processes_of_the_settings_their_time() -> None:
    named = {"worker": {"run": "celery", "stop": 120}, "beat": "celery beat"}
    told = settings(config_repo_url=None, config_branch="HEAD", processes=named)
    values = lacking(without_unit(bare()), told, can_make_venv=True).unit
    assert values is not None
    # That of the server, of a worker that a Procfile may have, and of both.
    assert "they may take 250 s by their stopwaitsecs" in unit_text(values)
    # Where provision has written it before they were named, it writes it anew.
    before = unit_text({**values, "needs": "70"})
    there = host(site(written={UNIT: before}, programs_need=10))
    (one,) = lacking(there, told, can_make_venv=True).rewrites
    assert "\nTimeoutStopSec=265\n" in one.now


LOGS = "/etc/logrotate.d/switchback-django"


def test_the_logs_are_rotated_as_the_user_that_they_belong_to(run: Run) -> None:
    lacks = lacking(untouched(), settings(), can_make_venv=True)
    assert lacks.rotation
    path, text = lacks.rotation
    assert path == LOGS
    for line in ('"/home/app/log/*.log" {', "    su app app", "    copytruncate"):
        assert f"\n{line}\n" in text
    (command,) = run(provision.rotation, lacks.rotation)
    assert command.endswith(" 644 :")
    assert run(provision.rotation, None) == []


def test_what_rotates_them_is_installed_where_it_is_missing() -> None:
    assert lacking(host(logrotate=False), settings(), can_make_venv=True).packages == ("logrotate",)
    assert lacking(host(), settings(), can_make_venv=True).packages == ()


def test_how_logs_are_rotated_is_written_anew_only_while_nobody_has_changed_it() -> None:
    first = lacking(untouched(), settings(), can_make_venv=True).rotation
    assert first
    found = site(written={LOGS: first[1]}, group="staff")
    lacks = lacking(host(found), settings(), can_make_venv=True)
    assert lacks.rotation is None
    (one,) = lacks.rewrites
    assert (one.path, one.user, "    su app staff\n" in one.now) == (LOGS, "root", True)
    theirs = site(written={LOGS: first[1] + "# mine\n"}, group="staff")
    assert lacking(host(theirs), settings(), can_make_venv=True).rewrites == ()


def rewrite(path: Path, was: str, now: str) -> subprocess.CompletedProcess[str]:
    argv = ["sh", "-c", writing.REWRITE, "sh", str(path), now, "755", was]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_file_is_written_anew_whole_and_only_while_it_is_what_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "a script"
    path.write_text("as it was\n")
    assert rewrite(path, "as it was\n", "as it is %s\n").returncode == 0
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("as it is %s\n", 0o755)
    assert rewrite(path, "as it was\n", "never").returncode != 0
    assert (path.read_text(), list(tmp_path.iterdir())) == ("as it is %s\n", [path])


def own_config(**values: Any) -> Supervisord:
    found = lacking(untouched(), settings(**values), can_make_venv=True).supervisord
    assert found
    return found


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"health_url": "http://localhost:9001/healthy/", "app_username": "shop"},
        {"current_main": "/srv/live", "current_config": "/srv/live/etc", "config_subdir": "etc", "venv_subdir": "env"},
        {"current_main": "~/it's 100% live", "current_config": "~/it's 100% live/config"},
    ],
)
def test_the_hosts_own_supervisord_config_allows_processes_to_be_replaced_one_by_one(values: dict[str, Any]) -> None:
    asked, config = settings(**values), own_config(**values)
    layout = Layout(asked.for_host(), Path(config.path).parent)
    sections = parse(supervisord_text(config.values))
    folder, venv = layout.path("current_config"), layout.path("current_main") / asked.venv_subdir
    assert obstacles(sections, asked.health_url, str(layout.home), str(folder), str(venv)) == []
    web = programs(sections)["web"]
    # As supervisord fills them in, and takes them apart.
    assert web.options["directory"] % {} == f"{folder}/django"
    argv = [word % {} for word in web.argv]
    assert argv[:3] == [f"{venv}/bin/python", "-m", "gunicorn"]
    assert argv[argv.index("--pythonpath") + 1] == str(folder)
    assert web.options["process_name"] % {"process_num": 1} == "web_01"
    logs = [sections["supervisord"]["logfile"], web.options["stdout_logfile"] % {"process_num": 0}]
    assert logs == [f"{layout.home}/log/supervisord.log", f"{layout.home}/log/web_00.log"]


def test_the_hosts_own_supervisord_config_is_the_app_users_and_led_to(run: Run) -> None:
    config = own_config()
    facts = {"files.File": {f"path={OWN_CONFIG}": None, f"path={CONFIG_LINK}": None}}
    write, laid = run(provision.supervisord, config, "app", facts=facts)
    assert write.startswith("runuser -u app -- sh -c ")
    assert f"{OWN_CONFIG} '; How supervisord runs the app" in write
    assert "process_name=web_%(process_num)02d" in write
    assert laid == f"runuser -u app -- ln -sT -- {OWN_CONFIG} {CONFIG_LINK}"


def test_a_supervisord_config_that_a_person_wrote_stays(run: Run) -> None:
    config = own_config()
    theirs = {"files.File": {f"path={OWN_CONFIG}": {"mode": 644}, f"path={CONFIG_LINK}": None}}
    assert run(provision.supervisord, config, "app", facts=theirs) == [
        f"runuser -u app -- ln -sT -- {OWN_CONFIG} {CONFIG_LINK}"
    ]
    # A file, or a link that leads nowhere.
    for seen in ({"mode": 644}, False):
        facts = {"files.File": {f"path={OWN_CONFIG}": None, f"path={CONFIG_LINK}": seen}}
        assert run(provision.supervisord, config, "app", facts=facts) == []
    assert run(provision.supervisord, None, "app") == []


@pytest.mark.parametrize(("output", "can"), [(["yes"], True), ([], False), (["Welcome", "yes"], True)])
def test_whether_a_python_can_make_environments(output: list[str], can: bool) -> None:
    assert CanMakeVenv().process(output) is can


# The shell that writes a file, for real.


def write(path: Path, text: str, check: str = ":") -> subprocess.CompletedProcess[str]:
    argv = ["sh", "-c", writing.WRITE, "sh", str(path), text, "755", check]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_file_is_written_whole_with_its_mode_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a script"
    assert write(path, "#!/bin/sh\necho 'it''s' %s\\n").returncode == 0
    assert path.read_text() == "#!/bin/sh\necho 'it''s' %s\\n"
    assert path.stat().st_mode & 0o777 == 0o755
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_came_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text("a person's")
    assert write(path, "ours").returncode != 0
    assert path.read_text() == "a person's"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_does_not_pass_its_check_is_never_there(tmp_path: Path) -> None:
    assert write(tmp_path / "sudoers", "nonsense", check="false").returncode != 0
    assert list(tmp_path.iterdir()) == []


# The scripts that a host starts with.


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.glob("*.sh")))
def test_a_script_is_one_that_sh_reads(name: str) -> None:
    assert subprocess.run(["sh", "-n", str(FILES / name)], check=False).returncode == 0
    assert "set -eu\n" in (FILES / name).read_text()


def script_run(name: str, home: Path) -> subprocess.CompletedProcess[str]:
    env = {"HOME": str(home), "PATH": os.environ["PATH"]}
    return subprocess.run(["sh", str(FILES / name)], env=env, capture_output=True, text=True, check=False)


def test_maintenance_is_a_flag_that_comes_and_goes(tmp_path: Path) -> None:
    for _ in range(2):
        assert script_run("start_maintenance.sh", tmp_path).returncode == 0
        assert (tmp_path / "maintenance").exists()
    for _ in range(2):
        assert script_run("stop_maintenance.sh", tmp_path).returncode == 0
        assert not (tmp_path / "maintenance").exists()
