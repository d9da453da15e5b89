"""How the app user gets at repositories by SSH: its key, the servers that it knows, and what is said where it can't."""

from __future__ import annotations

import base64
import getpass
import hashlib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyinfra.context import ctx_host, ctx_state
from pyinfra_testing.util import FakeState, create_host  # type: ignore[import-untyped]

from agent.host.command import Runner
from agent.look.access import access
from agent.words.facts import FoundRef
from agent.words.seen import Access
from operations import git_access as operations
from switchback.checks.git_access import FORGES, git_access, look_for_keys, server, unresolved
from switchback.checks.groundwork import lacking
from switchback.screen.next_steps import Ground, Provisioned, end_lines, next_steps
from tests.unit.healthy import HOME, bare, host, settings, site, untouched

# What github.com, gitlab.com, bitbucket.org and codeberg.org publish on their pages.
PUBLISHED = {
    "github.com": "+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
    "gitlab.com": "eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8",
    "bitbucket.org": "ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM",
    "codeberg.org": "mIlxA9k46MmM6qdJOdMnAQpzGxF4WIVVL+fj+wZbw0g",
}
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
OWN = f"git.example.com,10.0.0.7 ssh-ed25519 {KEY}"
PUBLIC = f"ssh-ed25519 {KEY} app@web1"


def one_repository(url: str, **values: Any) -> Any:
    return settings(code_repo_url=url, config_repo_url=url, **values)


def test_the_keys_that_are_shipped_have_the_fingerprints_that_their_owners_publish() -> None:
    for name, line in FORGES.items():
        told, kind, key = line.split(" ")
        assert (told, kind) == (name, "ssh-ed25519")
        digest = hashlib.sha256(base64.b64decode(key)).digest()
        assert base64.b64encode(digest).decode().rstrip("=") == PUBLISHED[name]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@github.com:me/site.git", "github.com"),
        ("GitHub.com:me/site.git", "github.com"),
        ("ssh://git@git.example.com/site.git", "git.example.com"),
        ("ssh://git@git.example.com:22/site.git", "git.example.com"),
        ("ssh://git@git.example.com:2222/site.git", "[git.example.com]:2222"),
        ("https://github.com/me/site.git", None),
        ("file:///srv/git/site.git", None),
        ("/srv/git/with:colon.git", None),
    ],
)
def test_which_server_a_repository_is_on(url: str, name: str | None) -> None:
    assert server(url) == name


def test_an_app_user_without_a_key_gets_one_and_the_forges_own_is_pinned() -> None:
    lacks = git_access(None, one_repository("git@github.com:me/site.git"), HOME)
    assert (lacks.makes_key, lacks.pins, lacks.unknown) == (True, (FORGES["github.com"],), ())
    assert lacks.repositories == ("git@github.com:me/site.git",)


def test_what_the_app_user_has_is_left_alone() -> None:
    seen = site(access=Access(has_key=True, public="", known=("github.com",)))
    lacks = git_access(seen, one_repository("git@github.com:me/site.git"), HOME)
    assert (lacks.makes_key, lacks.pins, lacks.unknown) == (False, (), ())


def test_a_repository_that_is_not_reached_by_ssh_needs_neither() -> None:
    lacks = lacking(untouched(ssh=False), one_repository("https://github.com/me/site.git"), can_make_venv=True)
    assert (lacks.git.makes_key, lacks.git.pins, lacks.git.needs_ssh, lacks.packages) == (False, (), False, ())


def test_ssh_itself_is_installed_where_it_is_missing() -> None:
    lacks = lacking(untouched(ssh=False), one_repository("git@github.com:me/site.git"), can_make_venv=True)
    assert lacks.packages == ("openssh-client",)


def test_a_server_of_ones_own_is_pinned_by_a_setting_alone() -> None:
    told = one_repository("git@git.example.com:site.git")
    assert git_access(None, told, HOME).unknown == ("git.example.com",)
    told = one_repository("git@git.example.com:site.git", known_hosts=[OWN])
    assert look_for_keys(told) == ("git.example.com",)
    lacks = git_access(None, told, HOME)
    assert (lacks.pins, lacks.unknown) == ((OWN,), ())
    known = site(access=Access(has_key=True, public="", known=("git.example.com",)))
    assert git_access(known, told, HOME).pins == ()


def test_the_setting_overrules_what_is_shipped() -> None:
    other = f"github.com ssh-rsa {KEY}"
    told = one_repository("git@github.com:me/site.git", known_hosts=[other])
    assert git_access(None, told, HOME).pins == (other,)


@pytest.mark.parametrize(
    ("url", "said", "told"),
    [
        ("git@github.com:me/x.git", "Host key verification failed.", "run deploys/provision.py, which pins it"),
        ("ssh://git@a.b:2222/x.git", "Host key verification failed.", "ssh-keyscan -t ed25519 -p 2222 a.b |"),
        ("git@a.b:x.git", "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "-R"),
        ("git@a.b:x.git", "git@a.b: Permission denied (publickey).", "as a read-only deploy key of git@a.b:x.git"),
        ("git@a.b:x.git", "Connection timed out", "needs a key there"),
        (
            "/srv/x.git",
            "fatal: detected dubious ownership",
            "chown -R app: /srv/x.git, or",
        ),
        ("file:///srv/x", "fatal: detected dubious ownership in repository", "safe.directory /srv/x"),
        ("/srv/x.git", "fatal: '/srv/x.git' does not appear to be a git repository", "has to be able to read that"),
    ],
)
def test_what_is_said_of_a_repository_that_is_not_reached(url: str, said: str, told: str) -> None:
    ref = FoundRef("main", problem=said, unreachable=True)
    sentence = unresolved("code", ref, one_repository(url), HOME)
    assert sentence.startswith(f"code: {said}\n(")
    assert told in sentence
    unknown = FoundRef("mian", problem="mian is no branch")
    assert unresolved("code", unknown, one_repository(url), HOME) == "code: mian is no branch"


# The operations, and their shell for real.


@pytest.fixture
def fake() -> Iterator[None]:
    with ctx_state.use(FakeState()), ctx_host.use(create_host(FakeState(), facts={})):
        yield


def test_a_key_is_made_and_a_server_pinned_by_the_user_whose_they_are(fake: None) -> None:
    lacks = git_access(None, one_repository("git@github.com:me/site.git"), HOME)
    (made,) = [str(one) for one in operations.deploy_key._inner(lacks, "app")]
    assert made.startswith("runuser -u app -- sh -c ")
    assert made.endswith(" sh /home/app/.ssh app")
    (pinned,) = [str(one) for one in operations.known_hosts._inner(lacks, "app")]
    assert pinned.endswith(f" sh /home/app/.ssh/known_hosts '{FORGES['github.com']}'")
    nothing = replace(lacks, makes_key=False, pins=())
    assert [*operations.deploy_key._inner(nothing, "app"), *operations.known_hosts._inner(nothing, "app")] == []


def shell(script: str, *values: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", script, "sh", *values], capture_output=True, text=True, check=False)


def seen(home: Path, *servers: str) -> Access:
    runner = Runner(user=getpass.getuser(), log=None, until=time.time() + 20)
    return access(runner, getpass.getuser(), home, servers)


def test_a_key_is_made_for_its_owner_alone_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / ".ssh"
    assert seen(tmp_path) == Access(has_key=False, public="", known=())
    made = shell(operations.MAKE_KEY, str(folder), "app")
    assert made.returncode == 0
    assert [folder.stat().st_mode & 0o777, (folder / "id_ed25519").stat().st_mode & 0o777] == [0o700, 0o600]
    public = (folder / "id_ed25519.pub").read_text().strip()
    assert made.stdout.strip() == public
    assert public.split(" ")[2].startswith("app@")
    assert seen(tmp_path) == Access(has_key=True, public=public, known=())


def test_a_key_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / ".ssh"
    folder.mkdir()
    (folder / "id_ed25519").write_text("a person's")
    assert shell(operations.MAKE_KEY, str(folder), "app").returncode != 0
    assert (folder / "id_ed25519").read_text() == "a person's"


@pytest.mark.parametrize(("config", "has"), [("Host x\n  IdentityFile ~/.ssh/deploy\n", True), ("Host x\n", False)])
def test_a_config_that_names_a_key_counts_as_one(tmp_path: Path, config: str, has: bool) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(config)
    assert seen(tmp_path).has_key is has


def test_a_pinned_server_is_known_by_each_of_its_names(tmp_path: Path) -> None:
    file = tmp_path / ".ssh" / "known_hosts"
    file.parent.mkdir()
    file.write_text(f"# mine\nother.example.com ssh-ed25519 {KEY}")
    assert shell(operations.PIN, str(file), f"{OWN}\n[a.b]:2222 ssh-ed25519 {KEY}").returncode == 0
    assert len(file.read_text().splitlines()) == 4
    asked = ("other.example.com", "git.example.com", "10.0.0.7", "[a.b]:2222", "a.b", "github.com")
    assert seen(tmp_path, *asked).known == asked[:4]


# The last screen.


def ground(facts: Any, url: str = "git@github.com:me/site.git", **values: Any) -> Ground:
    told = one_repository(url, **values)
    return Ground(told, facts, lacking(facts, told, can_make_venv=True), "inventories/prod.py")


def test_the_end_of_provision_says_what_to_do_with_the_key_and_then_the_first_deploy() -> None:
    shown = end_lines({"web1": Provisioned(next_steps(ground(untouched()), PUBLIC))})
    assert shown[:2] == ["--> web1 is provisioned, and nothing was missing", "    What is left to do:"]
    assert shown[2].startswith(
        "    1. let the host read git@github.com:me/site.git: add this key there (Settings, Deploy"
    )
    # To be copied: in one line.
    assert shown[4] == f"         {PUBLIC}"
    assert shown[-1] == "         pyinfra inventories/prod.py deploys/deploy.py"


def test_a_supervisord_config_is_looked_at_only_where_provision_has_written_one() -> None:
    alone = {"config_repo_url": None, "config_branch": "HEAD"}
    for values, looks in (({}, True), (alone, False)):
        told = settings(**values)
        facts = untouched()
        steps = next_steps(Ground(told, facts, lacking(facts, told, can_make_venv=True), "x.py"), PUBLIC)
        (line,) = [step[0] for step in steps if step[0].startswith("have a look at ")]
        assert line.endswith("/supervisord.conf") is looks


def test_a_server_that_nobody_knows_is_told_with_the_command_that_shows_its_key() -> None:
    shown = end_lines({"web1": Provisioned(next_steps(ground(untouched(), "git@git.example.com:site.git"), PUBLIC))})
    assert any("ssh-keyscan -t ed25519 git.example.com |" in line for line in shown)


def test_two_repositories_of_githubs_can_not_have_the_same_key() -> None:
    told = settings(code_repo_url="git@github.com:me/code.git", config_repo_url="git@github.com:me/config.git")
    facts = bare()
    steps = next_steps(Ground(told, facts, lacking(facts, told, can_make_venv=True), "x.py"), PUBLIC)
    assert [step[0][:24] for step in steps][:3] == ["let the host read git@gi"] * 2 + ["GitHub takes a key for o"]


def test_of_a_live_site_nothing_is_left_to_do() -> None:
    has = host(site(access=Access(has_key=True, public=PUBLIC, known=("github.com",))))
    assert end_lines({"web1": Provisioned(next_steps(ground(has), PUBLIC))}) == [
        "--> web1 is provisioned, and nothing was missing",
        "    nothing is left to do",
    ]
