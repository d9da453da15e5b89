"""Which commits a key may deploy: those of real repositories, on a branch, signed with SSH keys."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchback.gateway.commits.choice import Chooser, Commits, allowed
from switchback.gateway.commits.mirror import Mirror, Unreached, opened
from switchback.gateway.rules import Rule
from switchback.gateway.words import NotAsked
from switchback.settings.errors import Refused

OWN = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
}
# As a commit that somebody has signed with PGP has it; nobody looks whether it is one.
PGP = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ\n -----END PGP SIGNATURE-----\n"


class Repository:
    """One that commits are made in by hand."""

    def __init__(self, path: Path, made: bool = False) -> None:
        self.path = path
        if not made:
            subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(path)], check=True)

    def git(self, *argv: str, given: str = "") -> str:
        return subprocess.run(
            ["git", "-C", str(self.path), *argv],
            env={**os.environ, **OWN},
            input=given,
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout.strip()

    def commit(self, message: str, key: Path | None = None) -> str:
        sign = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={key}"] if key else []
        self.git(*sign, "commit", "--quiet", "--allow-empty", "-m", message, *(["-S"] if key else []))
        return self.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann's and Mallory's keys, and a file that lets Ann sign."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ann", "mallory"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(argv, check=True)
    kind, key, _ = (folder / "ann.pub").read_text().split()
    (folder / "signers").write_text(f'ann@example.org namespaces="git" {kind} {key}\n')
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "code")


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    folder = tmp_path / "copies"
    folder.mkdir()
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home without a config of git's: what stands in this machine's is not what is tried."""
    variables = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    monkeypatch.setattr("switchback.gateway.commits.mirror.environment", lambda: variables)
    yield


pytestmark = pytest.mark.usefixtures("home")


def mirror_of(repository: Repository, copies: Path) -> Mirror:
    return opened(copies, str(repository.path))


def test_a_branch_a_tag_head_and_a_full_or_a_short_id_stand_for_their_commit(
    repository: Repository, copies: Path
) -> None:
    first, second = repository.commit("one"), repository.commit("two")
    repository.git("tag", "v1", first)
    repository.git("tag", "--annotate", "-m", "release", "release", first)
    repository.git("branch", "feature/with/slashes", second)
    mirror = mirror_of(repository, copies)
    for ref in ("v1", "release", "refs/tags/v1", first, first[:7]):
        assert allowed(mirror, ref, ("main",), None) == first
    for ref in ("main", "refs/heads/main", "HEAD", "feature/with/slashes", second[:12]):
        assert allowed(mirror, ref, ("main",), None) == second


def test_a_commit_that_is_on_no_allowed_branch_is_refused_as_one_that_is_not_there(
    repository: Repository, copies: Path
) -> None:
    repository.commit("one")
    repository.git("checkout", "--quiet", "-b", "other")
    elsewhere = repository.commit("two")
    repository.git("tag", "v1")
    mirror = mirror_of(repository, copies)
    for ref in (
        "other",
        "refs/heads/other",
        "v1",
        elsewhere,
        elsewhere[:7],
        "nothing",
        "f" * 40,
        "fffffff",
        "FETCH_HEAD",
    ):
        with pytest.raises(NotAsked) as refused:
            allowed(mirror, ref, ("main",), None)
        assert str(refused.value) == f"{ref} is no commit on the branch main"
    assert allowed(mirror, "other", ("main", "oth*"), None) == elsewhere


def test_a_commit_that_was_taken_back_from_its_branch_may_not_be_deployed_any_more(
    repository: Repository, copies: Path
) -> None:
    first, second = repository.commit("one"), repository.commit("two")
    assert allowed(mirror_of(repository, copies), second, ("main",), None) == second
    repository.git("reset", "--quiet", "--hard", first)
    with pytest.raises(NotAsked):
        allowed(mirror_of(repository, copies), second, ("main",), None)
    # Nothing new has come, and all the same it is another repository by now.
    assert allowed(mirror_of(repository, copies), "main", ("main",), None) == first


def test_no_name_stands_for_another_commit_than_its_own(repository: Repository, copies: Path) -> None:
    first, second = repository.commit("one"), repository.commit("two")
    repository.git("update-ref", f"refs/heads/{first}", second)
    repository.git("update-ref", f"refs/heads/{first[:7]}", second)
    repository.git("tag", "main", first)
    mirror = mirror_of(repository, copies)
    # A full id is that commit; a name counts before a short id, as it does for a deploy by hand.
    assert allowed(mirror, first, ("main",), None) == first
    assert allowed(mirror, first[:7], ("main",), None) == second
    with pytest.raises(NotAsked, match="is the name of a branch and of a tag"):
        allowed(mirror, "main", ("main",), None)
    repository.git("branch", "-D", first[:7])
    assert allowed(mirror_of(repository, copies), first[:7], ("main",), None) == first


def test_who_may_push_a_branch_called_head_or_like_a_whole_name_deploys_nothing_by_it(
    repository: Repository, copies: Path
) -> None:
    good = repository.commit("good")
    repository.git("checkout", "--quiet", "-b", "work")
    evil = repository.commit("evil")
    repository.git("checkout", "--quiet", "main")
    for name in ("HEAD", "refs/heads/main", "refs/tags/v1"):
        repository.git("update-ref", f"refs/heads/{name}", evil)
        repository.git("update-ref", f"refs/tags/{name}", evil)
    mirror = mirror_of(repository, copies)
    for branches in (("HEAD",), ("main",), ("refs/heads/main",), ("refs/tags/v1",), ("HEAD", "release/*")):
        for ref in (evil, evil[:7], "work", "refs/heads/HEAD", "refs/tags/HEAD", "refs/heads/refs/tags/v1"):
            with pytest.raises(NotAsked, match=f"^{ref} is no commit on "):
                allowed(mirror, ref, branches, None)
    # And it keeps nobody from the branches that are meant.
    assert allowed(mirror, "HEAD", ("HEAD",), None) == good
    assert allowed(mirror, "refs/heads/main", ("refs/heads/main",), None) == good
    assert allowed(mirror, "HEAD", ("*",), None) == good


def test_a_branch_that_the_settings_name_in_full_is_the_one_that_may_be_deployed(
    checkout: Path, repository: Repository, copies: Path
) -> None:
    (checkout / "group_data" / "prod.yml").write_text(
        f"code_repo_url: {repository.path}\ncode_branch: refs/heads/main\n"
    )
    sha = repository.commit("one")
    repository.git("checkout", "--quiet", "-b", "other")
    repository.commit("two")
    assert Chooser(Rule(), checkout / "group_data", copies).chosen("", "") == Commits(sha)
    with pytest.raises(NotAsked, match="other is no commit on the branch main"):
        Chooser(Rule(), checkout / "group_data", copies).chosen("other", "")


def test_only_what_an_allowed_signer_has_signed_with_an_ssh_key_is_deployed(
    repository: Repository, copies: Path, keys: Path
) -> None:
    signed = repository.commit("by Ann", keys / "ann")
    unsigned = repository.commit("by nobody")
    by_mallory = repository.commit("by Mallory", keys / "mallory")
    parent = repository.git("cat-file", "commit", unsigned)
    by_pgp = repository.git(
        "hash-object", "-t", "commit", "-w", "--stdin", given=parent.replace("\n\n", f"\n{PGP}\n", 1) + "\n"
    )
    # Ann's signature, of another commit.
    of_ann = repository.git("cat-file", "commit", signed)
    forged = repository.git(
        "hash-object", "-t", "commit", "-w", "--stdin", given=of_ann.replace("by Ann", "by Ann, she says") + "\n"
    )
    for name, sha in (("pgp", by_pgp), ("forged", forged)):
        repository.git("update-ref", f"refs/heads/{name}", sha)
    repository.git("tag", "--annotate", "-m", "signed", "around", unsigned)
    mirror, branches = mirror_of(repository, copies), ("main", "pgp", "forged")
    assert allowed(mirror, signed, branches, keys / "signers") == signed
    for ref in (unsigned, by_mallory, by_pgp, forged, "around", "main"):
        assert allowed(mirror, ref, branches, None)
        with pytest.raises(NotAsked, match="not signed by anybody who may"):
            allowed(mirror, ref, branches, keys / "signers")


def test_a_repository_starts_nothing_and_no_transport_that_runs_commands_is_taken(
    repository: Repository, copies: Path, tmp_path: Path
) -> None:
    repository.commit("one")
    marker = tmp_path / "started"
    mirror = mirror_of(repository, copies)
    for hook in ("reference-transaction", "post-fetch", "pre-auto-gc"):
        script = mirror.folder / "hooks" / hook
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\ntouch {marker}\n")
        script.chmod(0o755)
    repository.commit("two")
    allowed(mirror_of(repository, copies), "main", ("main",), None)
    with pytest.raises(Unreached, match="not allowed"):
        opened(copies, f"ext::touch {marker}")
    assert not marker.exists()


def test_a_repository_that_does_not_answer_is_said_without_its_password(copies: Path, tmp_path: Path) -> None:
    with pytest.raises(Unreached) as problem:
        opened(copies, "http://ann:s3cret-word@127.0.0.1:9/code.git")
    assert "ls-remote" in str(problem.value)
    assert "s3cret-word" not in str(problem.value)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Repository) -> Path:
    """A checkout whose settings name two repositories."""
    folder = tmp_path / "checkout"
    (folder / "group_data").mkdir(parents=True)
    config = Repository(tmp_path / "config")
    config.commit("config")
    (folder / "group_data" / "prod.yml").write_text(
        f"code_repo_url: {repository.path}\nconfig_repo_url: {config.path}\nconfig_branch: main\n"
    )
    monkeypatch.chdir(folder)
    return folder


def test_what_is_left_out_is_the_settings_branch_and_all_of_it_is_resolved_in_full(
    checkout: Path, repository: Repository, copies: Path, tmp_path: Path
) -> None:
    sha = repository.commit("one")
    config = Repository(tmp_path / "config")
    found = Chooser(Rule(), checkout / "group_data", copies).chosen("", "")
    assert found == Commits(sha, config.git("rev-parse", "main"))


def test_the_config_is_held_to_the_same_rules(
    checkout: Path, repository: Repository, copies: Path, keys: Path, tmp_path: Path
) -> None:
    repository.commit("one", keys / "ann")
    signers = checkout / "group_data" / "signers"
    signers.write_text((keys / "signers").read_text())
    config = Repository(tmp_path / "config")
    with pytest.raises(NotAsked, match=r"main \(\w{7}\) is not signed"):
        Chooser(Rule(signed_by="signers"), signers.parent, copies).chosen("", "")
    config.git("checkout", "--quiet", "-b", "wild")
    config.commit("wild")
    with pytest.raises(NotAsked, match="wild is no commit on the branch main"):
        Chooser(Rule(), signers.parent, copies).chosen("", "wild")
    assert Chooser(Rule(config_branches=("wild",)), signers.parent, copies).chosen("", "wild")


def test_a_file_of_signers_that_others_can_write_lets_nobody_deploy(checkout: Path, copies: Path) -> None:
    signers = checkout / "group_data" / "signers"
    signers.write_text("")
    signers.chmod(0o666)
    with pytest.raises(Refused, match="can be written by others"):
        Chooser(Rule(signed_by="signers"), signers.parent, copies)
    signers.unlink()
    with pytest.raises(Refused, match="can't be read"):
        Chooser(Rule(signed_by="signers"), signers.parent, copies)


def test_without_a_config_repository_there_is_no_config_to_name(
    checkout: Path, repository: Repository, copies: Path
) -> None:
    (checkout / "group_data" / "prod.yml").write_text("")
    rule = Rule(code_repo_url=str(repository.path))
    sha = repository.commit("one")
    assert Chooser(rule, checkout, copies).chosen("", "") == Commits(sha)
    with pytest.raises(NotAsked, match="there is no config repository"):
        Chooser(rule, checkout, copies).chosen("main", "main")
    with pytest.raises(Refused, match="code_repo_url is neither"):
        Chooser(Rule(), checkout, copies).chosen("main", "")
