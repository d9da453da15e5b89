"""An inventory in a line, in unit and through pyinfra's own command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest
from pyinfra.api.host import Host

from switchback.hosts.inventory import command_line, inventory, options, settings_of
from switchback.settings.errors import Refused

ROOT = Path(__file__).parent.parent.parent

PROD = """\
host: "@fake/web1, @fake/web2"
website_url: https://www.example.com/
code_repo_url: git@git.example.com:site/code.git
config_repo_url: https://me:passw0rd@git.example.com/site/config.git
code_branch: 0012345
config_branch: 12e4567
"""

# As the users of the older script have it, with Fabric's own section.
FABRIC = """\
# fabric.yml
host: www.example.com
website_url: https://www.example.com
code_repo_url: git@git.example.com:site/code.git
config_repo_url: git@git.example.com:site/config.git
code_branch: master
config_branch: production
code_subdir: code
config_subdir: config
venv_subdir: venv
static_subdir: static
versions_dir: ~app
deployment_dir: ~/deployment
current_venv_dir: ~/venv
current_code: ~/django
current_config: ~/django-current/config/
current_main: ~/django-current
previous_main: ~/django-previous
current_working: ~/django-working
previous_working: ~/django-previous-working
systemd_service: django
maintenance_start_script: ~app/scripts/start_maintenance.sh
maintenance_stop_script: ~app/scripts/stop_maintenance.sh
backup_script: ~app/scripts/backup_database.sh
admin_username: admin
app_username: app
build_script:
install_script: null
run:
  echo: true
  warn: [a, {b: c}]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the real inventories and the settings of prod."""
    for folder in ("inventories", "group_data", "deploys"):
        (tmp_path / folder).mkdir()
    for inventory_file in ("prod.py", "staging.py"):
        (tmp_path / "inventories" / inventory_file).write_text((ROOT / "inventories" / inventory_file).read_text())
    (tmp_path / "group_data" / "prod.yml").write_text(PROD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(environment: str = "prod", hosts: Sequence[Any] | None = None, **params: Any) -> list[tuple[str, Any]]:
    """Load an inventory as pyinfra would with these parameters."""
    with click.Context(click.Command("pyinfra")) as context:
        context.params = params
        return inventory(f"inventories/{environment}.py", hosts)


def refused(environment: str = "prod", hosts: Sequence[Any] | None = None, **params: Any) -> tuple[str, ...]:
    with pytest.raises(Refused) as error:
        load(environment, hosts, **params)
    return error.value.problems


def host(name: str) -> Host:
    return cast(Host, SimpleNamespace(name=name))


def test_hosts_come_from_the_settings_and_connect_as_the_admin(project: Path) -> None:
    loaded = load()
    assert [name for name, _ in loaded] == ["@fake/web1", "@fake/web2"]
    assert {data["ssh_user"] for _, data in loaded} == {"admin"}
    assert settings_of(host("@fake/web2")).code_branch == "0012345"
    assert options().code is None
    assert not command_line().dry


def test_a_repositorys_password_is_not_in_the_data_that_pyinfra_shows(project: Path) -> None:
    ((_, data), _) = load()
    assert data["config_repo_url"] == "https://***@git.example.com/site/config.git"
    assert "passw0rd" in str(settings_of(host("@fake/web1")).config_repo_url)


def test_a_fabric_yml_works_as_it_is(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "group_data" / "prod.yml").write_text(FABRIC)
    ((name, _),) = load()
    found = settings_of(host(name))
    assert (name, found.versions_dir, found.build_script) == ("www.example.com", "~", None)
    assert found.backup_script == "~/scripts/backup_database.sh"
    assert "group_data/prod.yml:29: run is for Fabric itself: ignored" in capsys.readouterr().err


def test_the_last_layer_that_has_a_key_counts(project: Path) -> None:
    (project / "group_data" / "all.yml").write_text(
        "keep_versions: 1\nkeep_failed: 1\nhealth_timeout: 1\nsite_timeout: 1\n"
    )
    (project / "group_data" / "prod.yml").write_text(PROD + "keep_failed: 2\nhealth_timeout: 2\nsite_timeout: 2\n")
    load(hosts=[("web1", {"health_timeout": 3, "site_timeout": 3})], data=("site_timeout=4",))
    found = settings_of(host("web1"))
    assert (found.keep_versions, found.keep_failed, found.health_timeout, found.site_timeout) == (1, 2, 3, 4)


def test_group_data_given_to_pyinfra_counts_over_the_projects(project: Path) -> None:
    (project / "more").mkdir()
    (project / "more" / "prod.yml").write_text("keep_versions: 7\n")
    load(group_data=("more",))
    assert settings_of(host("@fake/web1")).keep_versions == 7


def test_settings_may_be_beside_the_inventory(project: Path) -> None:
    (project / "group_data").rename(project / "inventories" / "group_data")
    assert len(load()) == 2


def test_a_host_has_its_own_settings_and_connection(project: Path) -> None:
    loaded = dict(load(hosts=["web1", ("web2", {"ssh_user": "root", "ssh_port": 2222, "_sudo": True, "python": "py"})]))
    assert loaded["web1"]["ssh_user"] == "admin"
    assert (loaded["web2"]["ssh_user"], loaded["web2"]["ssh_port"], loaded["web2"]["_sudo"]) == ("root", 2222, True)
    assert settings_of(host("web2")).python == "py"
    assert settings_of(host("web1")).python == "python3"


def test_how_to_connect_is_a_setting_that_a_host_may_have_of_its_own(project: Path) -> None:
    key = project / "key"
    key.write_text("a key")
    (project / "group_data" / "prod.yml").write_text(PROD + f"ssh_port: 2222\nssh_user: debian\nssh_key: {key}\n")
    loaded = dict(load(hosts=["web1", ("web2", {"ssh_port": 22})]))
    assert [loaded["web1"][name] for name in ("ssh_port", "ssh_user", "ssh_key")] == [2222, "debian", str(key)]
    assert loaded["web2"]["ssh_port"] == 22
    (project / "group_data" / "prod.yml").write_text(PROD)
    # What nobody says is left to ~/.ssh/config.
    assert {"ssh_port", "ssh_key"}.isdisjoint(load()[0][1])


def test_an_environment_needs_no_file_when_the_rest_is_given_elsewhere(project: Path) -> None:
    (project / "group_data" / "prod.yml").rename(project / "group_data" / "all.yml")
    assert len(load("staging")) == 2


def test_options_and_settings_for_one_run_come_from_the_command_line(project: Path) -> None:
    load(data=("code=1234567", "force=true", "code_branch=0099", "ssh_port=22", "fake_delay=0"), dry=True)
    assert (options().code, options().force, command_line().dry) == ("1234567", True, True)
    assert settings_of(host("@fake/web1")).code_branch == "0099"


def test_a_host_of_another_inventory_is_told_where_settings_come_from(project: Path) -> None:
    load()
    with pytest.raises(Refused, match="web9 has no settings: name it in"):
        settings_of(host("web9"))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("code_brnach: x", 'group_data/prod.yml:7: unknown key "code_brnach" — did you mean "code_branch"?'),
        ("xyz: x", 'group_data/prod.yml:7: unknown key "xyz" (docs/settings.md lists them all)'),
        ("keep_versions: ten", 'group_data/prod.yml:7: keep_versions must be a whole number, not "ten"'),
        ("python: a\npython: b", "group_data/prod.yml:8: python is already on line 7: keep one of them"),
        ("env:\n  A: x\n  A: y", "group_data/prod.yml:9: A is already on line 8: keep one of them"),
        ("python: [a\n", "group_data/prod.yml:8: this is not YAML"),
    ],
)
def test_a_bad_line_is_told_with_its_file_and_number(project: Path, line: str, says: str) -> None:
    (project / "group_data" / "prod.yml").write_text(PROD + line)
    assert says in refused()[0]


def test_a_missing_file_is_told_with_what_to_write(project: Path) -> None:
    (problem,) = refused("staging")
    assert problem == (
        'no settings for "staging": write group_data/staging.yml (start from group_data/prod.yml.example)'
    )


def test_a_missing_key_is_told_with_the_file_that_it_belongs_into(project: Path) -> None:
    (project / "group_data" / "prod.yml").write_text("host: web1\nwebsite_url: https://x/\n")
    keys = [problem.split(" is required: ")[0] for problem in refused()]
    assert keys == [f"group_data/prod.yml: {key}" for key in ("code_repo_url",)]


@pytest.mark.parametrize(
    ("written", "says"),
    [("", "group_data/prod.yml: host is required"), ("host: []\n", "group_data/prod.yml:1: host names no host")],
)
def test_a_host_is_required_unless_the_inventory_names_one(project: Path, written: str, says: str) -> None:
    (project / "group_data" / "prod.yml").write_text(written + PROD.split("\n", 1)[1])
    assert says in refused()[0]
    assert len(load(hosts=["web1"])) == 1


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"no_wait": True}, "--no-wait: "),
        ({"serial": True}, "--serial: "),
        ({"data": ("kep=1",)}, '--data: unknown key "kep" — did you mean "keep"?'),
        ({"data": ("keep_version=1",)}, 'did you mean "keep_versions"?'),
        ({"data": ("ssh_prot=22",)}, 'did you mean "ssh_port"?'),
        ({"data": ("keep_versions=ten",)}, '--data: keep_versions must be a whole number, not "ten"'),
        ({"data": ("code=-x",)}, "--data: code must be a git ref"),
        (
            {"data": ("database=restore", "restore_script=none")},
            "--data database=restore: the settings have no restore_script",
        ),
        ({"limit": ("web1",)}, "--limit web1: no such host or group; the hosts are @fake/web1, @fake/web2"),
        ({"exclude": ("typo",)}, "--exclude typo: no such host or group"),
        ({"exclude": ("all",)}, "--exclude: no host is left"),
        ({"limit": ("*web1",), "exclude": ("@fake/*",)}, "--exclude: no host is left"),
    ],
)
def test_a_command_line_that_would_go_wrong_is_refused(project: Path, params: dict[str, Any], says: str) -> None:
    (problem,) = refused(**params)
    assert says in problem


@pytest.mark.parametrize("limit", ["prod", "all", "app", "@fake/web1", "*web?", "primary"])
def test_limit_takes_hosts_patterns_and_the_files_groups(project: Path, limit: str) -> None:
    with (project / "inventories" / "prod.py").open("a") as file:
        file.write('primary = ["@fake/web1"]\n')
    assert len(load(limit=(limit,))) == 2


def test_problems_of_the_command_line_settings_and_hosts_are_told_at_once(project: Path) -> None:
    (project / "group_data" / "prod.yml").write_text(PROD + "code_brnach: x\nkeep_failed: x\n")
    hosts = [("web1", {"keep_versions": 0}), ("web2", {"keep_versions": 0, "ssh_prot": 1})]
    assert len(refused(hosts=hosts, no_wait=True, data=("kep=1",), limit=("typo",))) == 8


def pyinfra(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the real command line; there is nothing to connect to but @fake hosts."""
    return subprocess.run(
        [sys.executable, "-m", "pyinfra", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYINFRA_PROGRESS": "off"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("inventories/staging.py",), 'no settings for "staging": write group_data/staging.yml'),
        (("inventories/prod.py", "--data", "code_brnach=x"), 'did you mean "code_branch"?'),
        (("inventories/prod.py", "--no-wait"), "--no-wait: a host that fails would go unnoticed"),
        (("inventories/prod.py", "--limit", "typo"), "--limit typo: no such host or group"),
        (("inventories/prod.py", "--data", "code=$(touch touched)"), "code must be a git ref"),
    ],
)
def test_pyinfra_refuses_before_it_connects(project: Path, arguments: tuple[str, ...], says: str) -> None:
    (project / "deploys" / "d.py").write_text("")
    result = pyinfra(project, *arguments, "deploys/d.py", "-y")
    assert result.returncode == 1
    assert "--> Refused, nothing was changed:\n    - " in result.stderr
    assert says in result.stderr
    for unwanted in ("Traceback", "pyinfra error", "exception", "Connect"):
        assert unwanted not in result.stderr
    assert result.stdout == ""
    assert not (project / "touched").exists()


def test_a_deploy_has_the_settings_and_the_ref_exactly_as_typed(project: Path) -> None:
    (project / "deploys" / "d.py").write_text(
        "from pyinfra import host\n"
        "from switchback.hosts.inventory import options, settings_of\n"
        "print(options().code, options().config, settings_of(host).code_branch)\n"
    )
    arguments = ("inventories/prod.py", "deploys/d.py", "--limit", "*web1", "--dry")
    result = pyinfra(project, *arguments, "--data", "code=12e4567", "--data", "config=0012345")
    assert (result.returncode, result.stdout) == (0, "12e4567 0012345 0012345\n")


def test_a_refusal_from_a_deploy_is_shown_once_and_without_a_traceback(project: Path) -> None:
    (project / "deploys" / "d.py").write_text(
        "from switchback.settings.errors import Refused\nraise Refused('first', 'second\\nand more')\n"
    )
    result = pyinfra(project, "inventories/prod.py", "deploys/d.py", "-y")
    assert result.returncode == 1
    assert result.stderr.endswith("--> Refused, nothing was changed:\n    - first\n    - second\n      and more\n")
    assert result.stderr.count("Refused") == 1


def test_a_host_on_the_command_line_has_no_settings(project: Path) -> None:
    (project / "deploys" / "d.py").write_text(
        "from pyinfra import host\nfrom switchback.hosts.inventory import settings_of\nsettings_of(host)\n"
    )
    result = pyinfra(project, "@fake/web1", "deploys/d.py", "-y")
    assert result.returncode == 1
    assert "@fake/web1 has no settings" in result.stderr


def test_pyinfras_own_debug_inventory_works(project: Path) -> None:
    result = pyinfra(project, "inventories/prod.py", "--json", "debug-inventory")
    assert result.returncode == 0
    assert '"code_branch": "0012345"' in result.stdout
    assert "passw0rd" not in result.stdout
