"""What the settings accept, what they refuse, and what they say then."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from switchback.settings.errors import Refused
from switchback.settings.files import read_yaml
from switchback.settings.given import Given, checked
from switchback.settings.model import Settings
from switchback.settings.values import Wrong, check_ref

REQUIRED = {
    "host": "www.example.com",
    "website_url": "https://www.example.com/",
    "code_repo_url": "git@git.example.com:site/code.git",
    "config_repo_url": "/srv/git/config.git",
    "code_branch": "main",
    "config_branch": "main",
}


def settings(**values: Any) -> Settings:
    given = {key: Given(value, "prod.yml:7") for key, value in {**REQUIRED, **values}.items()}
    return checked(Settings, given, "prod.yml")


def problems(**values: Any) -> tuple[str, ...]:
    with pytest.raises(Refused) as refused:
        settings(**values)
    return refused.value.problems


@pytest.mark.parametrize(
    "ref",
    [
        "main",
        "feature/one-two",
        "v1.2",
        "0012345",
        "12e4567",
        "1234567",
        "d3adbeef",
        "a" * 40,
        "1" * 40,
        "fix#12",
        "origin/main",
        "größer",
        "a@b",
        "null",
        "true",
    ],
)
def test_a_ref_is_kept_exactly_as_it_is_written(ref: str) -> None:
    assert check_ref(ref) == ref
    assert settings(code_branch=ref).code_branch == ref


@pytest.mark.parametrize("character", [*" \t\n\r\x00\x1b\x7f~^:?*[\\$(){};|&<>'\"`", "\u00a0", "\u202e", "..", "@{"])
def test_a_ref_with_a_character_that_means_something_else_is_refused(character: str) -> None:
    with pytest.raises(Wrong, match="must be"):
        check_ref(f"ma{character}in")


@pytest.mark.parametrize(
    "ref", ["", "-main", "--upload-pack=x", "/main", "main/", "a//b", "main.", "@", ".a", "a/.b", "a.lock", "main\n"]
)
def test_what_git_would_not_take_as_a_ref_is_refused(ref: str) -> None:
    with pytest.raises(Wrong, match="must be"):
        check_ref(ref)


@pytest.mark.parametrize(
    "url",
    [
        "ssh://git@git.example.com:2222/site.git",
        "git@git.example.com:site/code.git",
        "git@git.example.com:/srv/code.git",
        "github:site/code.git",
        "https://git.example.com/site.git",
        "https://me:secret@git.example.com/site.git",
        "http://10.0.0.1/site.git",
        "git://git.example.com/site.git",
        "file:///srv/git/code.git",
        "/srv/git/my code.git",
    ],
)
def test_a_repository_may_be_anywhere_that_git_reaches_without_running_commands(url: str) -> None:
    assert settings(code_repo_url=url).code_repo_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-uexec",
        "--upload-pack=touch",
        "ext::sh -c touch",
        "ext::sh",
        "fd::17",
        "ssh://-oProxyCommand=touch/x",
        "ssh://git@-oProxyCommand=touch/x",
        "git@-host:x",
        "host:-x",
        "ftp://example.com/x",
        "code.git",
        "../code.git",
        "https://",
        "https://a b/c",
        "/srv/a\nb",
    ],
)
def test_a_repository_that_could_run_something_or_is_relative_is_refused(url: str) -> None:
    (problem,) = problems(code_repo_url=url)
    assert problem.startswith("prod.yml:7: code_repo_url must be a git repository")


def test_a_password_is_not_shown_by_the_problem_with_it_either() -> None:
    assert "secret" not in str(problems(code_repo_url="ftp://me:secret@host/x", website_url="https://me:secret@host/"))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("~", "~"),
        ("~app", "~"),
        ("~app/versions", "~/versions"),
        ("~/versions", "~/versions"),
        ("/srv/versions/", "/srv/versions/"),
    ],
)
def test_a_path_is_absolute_or_in_the_app_users_home(written: str, kept: str) -> None:
    assert settings(versions_dir=written).versions_dir == kept


def test_the_home_of_a_renamed_app_user_can_be_written_by_name() -> None:
    assert settings(app_username="site", backup_script="~site/b.sh").backup_script == "~/b.sh"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"deployment_dir": "deployment"}, 'not "deployment"; write "~/deployment"'),
        ({"deployment_dir": "~root/x"}, "must be an absolute path or begin with ~/"),
        ({"deployment_dir": "/a\x1b[2J"}, r"must be a path without control characters, not "),
        ({"current_main": "~"}, "must be the path of something in a directory"),
        ({"current_main": "/"}, "must be the path of something in a directory"),
        ({"wheelhouse": "~/wheels"}, "must be an absolute path"),
        ({"requirements": "../x.txt"}, "must be a path inside the code"),
        ({"requirements": "/etc/passwd"}, "must be a path inside the code"),
        ({"build_script": "-x"}, "must be a path inside the code"),
        ({"python": "python3 -m x"}, 'must be a command on the PATH or an absolute path, not "python3 -m x"'),
        ({"code_subdir": "a/b"}, "must be the name of a directory in the version, without a slash"),
        ({"static_subdir": "code"}, "must be four different names"),
        ({"app_username": "-app"}, "must be a user's name"),
        ({"admin_username": "a;b"}, "must be a user's name"),
        ({"systemd_service": "--now"}, "must be the name of a systemd service"),
        ({"systemd_service": "marks"}, "must be the name of a systemd service"),
        ({"keep_versions": "ten"}, 'keep_versions must be a whole number, not "ten"'),
        ({"keep_versions": "1.5"}, "must be a whole number"),
        ({"keep_versions": "0"}, "must be at least 1"),
        ({"lock_wait": "-1"}, "must be at least 0"),
        ({"health_status": "99"}, "must be at least 100"),
        ({"health_status": []}, "must not be empty"),
        ({"maintenance": "never"}, 'must be always or auto, not "never"'),
        ({"database_fallback": "drop"}, "must be reverse, restore or keep"),
        ({"database_fallback": "restore", "restore_script": "none"}, "needs a restore_script"),
        ({"restore_script": "scripts/restore.sh"}, 'write "~/scripts/restore.sh"'),
        ({"website_url": "www.example.com"}, 'write "https://www.example.com"'),
        ({"website_url": "ftp://www.example.com"}, "must be an http:// or https:// address"),
        ({"website_url": "https://me:x@www.example.com"}, "without a user and password"),
        ({"health_url": "http://host:99999/"}, "must be an http:// or https:// address"),
        ({"database_direct_url": "db:5432"}, "must be postgresql://HOST:PORT"),
        ({"database_direct_url": "mysql://db:3306"}, "must be postgresql://HOST:PORT"),
        ({"database_direct_url": "postgresql://db:99999"}, "must be postgresql://HOST:PORT"),
        ({"database_direct_url": "postgresql://db/a b"}, "must be postgresql://HOST:PORT"),
        ({"database_direct_url": "postgresql://me:word@db"}, "without a user or a password: these are the app's own"),
        ({"health_headers": "yes"}, "must be a mapping"),
        ({"health_headers": {"A b": "c"}}, "must be HTTP headers"),
        ({"health_headers": {"A": "c\r\nB: d"}}, "must be HTTP headers"),
        ({"host": "me@www.example.com"}, "write the user as admin_username"),
        ({"host": "www.example.com:22"}, "write the port as ssh_port"),
        ({"ssh_port": "99999"}, "must be at most 65535"),
        ({"ssh_key": "/nowhere/id_ed25519"}, "must be a file on this machine"),
        ({"ssh_key": "~/.ssh/id_ed25519.pub"}, 'write "~/.ssh/id_ed25519"'),
        ({"known_hosts": "SHA256:abc"}, "must be lines of a known_hosts file"),
        ({"host": "-oProxyCommand=x"}, "must be a host's name"),
        ({"code_branch": None}, "code_branch has no value: write one"),
        ({"keep_versions": None}, "keep_versions has no value: write one, or leave the line out for the default"),
        ({"code_branch": ["a"]}, "code_branch must be text"),
    ],
)
def test_a_bad_value_is_one_sentence_about_what_to_write(values: dict[str, Any], says: str) -> None:
    (problem,) = problems(**values)
    assert says in problem
    assert problem.isprintable()


def test_all_problems_are_told_at_once() -> None:
    assert len(problems(keep_versions="ten", code_branch="-x", versions_dir="versions")) == 3


@pytest.mark.parametrize("key", ["build_script", "install_script", "restore_script", "wheelhouse"])
@pytest.mark.parametrize("written", [None, "", "~", "none", "None", "null"])
def test_an_optional_key_is_switched_off_as_people_write_it(key: str, written: str | None) -> None:
    assert getattr(settings(**{key: written}), key) is None


@pytest.mark.parametrize("script", ["build.sh", "scripts/build.sh", "~/build.sh", "/opt/build.sh"])
def test_an_own_script_may_be_in_the_code_or_on_the_host(script: str) -> None:
    assert settings(build_script=script).build_script == script


@pytest.mark.parametrize("written", ["web1, web2", "web1 web2", ["web1", "web2"], "web1,web2,web1"])
def test_several_hosts_may_be_listed_in_any_way(written: str | list[str]) -> None:
    assert settings(host=written).host == ("web1", "web2")


@pytest.mark.parametrize("written", ["200, 204", ["200", "204"], (200, 204)])
def test_several_statuses_may_be_healthy(written: object) -> None:
    assert settings(health_status=written).health_status == (200, 204)
    assert settings(health_status=200).health_status == (200,)


@pytest.mark.parametrize("written", ['{"X-Health": "yes"}', "X-Health: yes", {"X-Health": "yes"}])
def test_headers_may_be_given_as_text_too(written: object) -> None:
    assert settings(health_headers=written).health_headers == {"X-Health": "yes"}


def test_settings_can_be_sent_to_the_host_as_json() -> None:
    assert Settings.model_validate_json(settings().model_dump_json()) == settings()


def read(tmp_path: Path, text: str) -> dict[str, tuple[Any, int]]:
    path = tmp_path / "prod.yml"
    path.write_text(text)
    return {key: (entry.value, entry.line) for key, entry in read_yaml(path).items()}


@pytest.mark.parametrize("text", ["0012345", "12e4567", "1234567", "1_000", "0x1F", "true", "2025-01-31", "1:30", "~"])
def test_yaml_values_are_read_as_they_are_typed(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"# first\nkey: {text}  # why\n") == {"key": (text, 2)}


@pytest.mark.parametrize(("text", "value"), [("", None), ("null", None), ("'null'", "null"), ('""', "")])
def test_only_an_unquoted_null_is_no_value(tmp_path: Path, text: str, value: str | None) -> None:
    assert read(tmp_path, f"key: {text}") == {"key": (value, 1)}


def test_lists_and_mappings_keep_their_text(tmp_path: Path) -> None:
    text = "a: [200, 0x10]\nb:\n  X: 012\n"
    assert read(tmp_path, text) == {"a": (["200", "0x10"], 1), "b": ({"X": "012"}, 2)}


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "# nothing yet\n") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: c: d\n", "prod.yml:2: this is not YAML: mapping values are not allowed here"),
        ("a: [1\n", "this is not YAML"),
        ("a: 1\n\tb: 2\n", "prod.yml:2: this is not YAML"),
        ("a: \x01", "this is not YAML"),
        ("- a\n- b\n", "prod.yml:1: write one `key: value` on each line"),
        ("a: 1\nb: 2\na: 3\n", "prod.yml:3: a is already on line 1: keep one of them"),
        ("a: *b\n", "prod.yml:1: this is not YAML"),
        ("a: 1\n---\nb: 2\n", "this is not YAML"),
    ],
)
def test_yaml_that_does_not_parse_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        read(tmp_path, text)
    assert says in str(refused.value)


def test_three_settings_are_enough() -> None:
    given = {key: Given(REQUIRED[key], "prod.yml:7") for key in ("host", "website_url", "code_repo_url")}
    told = checked(Settings, given, "prod.yml")
    assert (told.code_branch, told.config_repo_url) == ("HEAD", None)
    assert told.repositories == {"code": REQUIRED["code_repo_url"]}


def test_a_settings_module_that_the_environment_names_is_the_project_s() -> None:
    env = {"DJANGO_SETTINGS_MODULE": "mysite.live"}
    assert settings(env=env).for_host().settings_module == "mysite.live"
    assert settings(env=env, settings_module="mysite.other").for_host().settings_module == "mysite.other"


def test_a_branch_of_a_config_without_a_repository_is_told() -> None:
    (problem,) = problems(config_repo_url="none")
    assert (
        problem == "prod.yml: config_branch is a branch of config_repo_url: write that, too, or take config_branch out"
    )


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("settings_module", "mysite/settings.py", "must be a Python module, as in mysite.settings"),
        ("application", "mysite.wsgi", "must be a module and a name in it, as in mysite.wsgi:application"),
        ("project_dir", "../other", "must be a path inside the code"),
    ],
)
def test_what_overrules_the_project_s_own_words_has_to_look_like_it(key: str, value: str, says: str) -> None:
    (problem,) = problems(**{key: value})
    assert says in problem


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "prod.yml"
    path.write_bytes(b"a: \xff\xfe\n")
    with pytest.raises(Refused, match=r"prod\.yml: this is not YAML"):
        read_yaml(path)


def test_a_directory_in_the_files_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="can't be read: Is a directory"):
        read_yaml(tmp_path)


# What concerns the controller alone, or may hold a password.
WEB = ("provision_web", "provision_database", "static_url", "media_url", "media_dir")
CONNECTION = ("ssh_user", "ssh_port", "ssh_key")
NOT_TOLD = {
    "host",
    "code_repo_url",
    "config_repo_url",
    "code_branch",
    "config_branch",
    "lock_wait",
    "known_hosts",
    "env",
    "secrets",
    *CONNECTION,
    *WEB,
}


def test_a_host_is_told_each_setting_as_it_is_but_those_that_do_not_concern_it() -> None:
    given = settings(keep_versions=3, restart="rolling", health_headers={"X": "1"})
    told = {one.name: getattr(given.for_host(), one.name) for one in dataclasses.fields(given.for_host())}
    # Of its URL no more than whether there is one.
    assert told.pop("made_config") is False
    assert {*told} == {*Settings.model_fields} - NOT_TOLD
    assert told == {name: value for name, value in given if name not in NOT_TOLD}
