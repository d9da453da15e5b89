"""What a ref stands for: by a listing of names, and in a real repository."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from contextlib import nullcontext, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.host.command import CommandFailed, Runner
from agent.repository import git
from agent.repository.git import UnknownRef, resolve
from agent.text.repositories import named_commits, remote_env

A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)

LISTING = f"""\
{A}\tHEAD
{A}\trefs/heads/main
{B}\trefs/heads/feature/new-page
{B}\trefs/heads/twice
{C}\trefs/tags/twice
{C}\trefs/tags/v1
{C}\trefs/tags/v2
{D}\trefs/tags/v2^{{}}
{B}\trefs/heads/0012345
{A}\trefs/heads/same
{A}\trefs/tags/same
{D}\trefs/pull/7/head
{B}\trefs/heads/HEAD
{C}\trefs/tags/HEAD
{B}\trefs/heads/refs/heads/main
{C}\trefs/tags/refs/heads/main
"""


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("main", {"refs/heads/main": A}),
        ("HEAD", {"HEAD": A}),
        ("feature/new-page", {"refs/heads/feature/new-page": B}),
        ("0012345", {"refs/heads/0012345": B}),
        ("v1", {"refs/tags/v1": C}),
        ("refs/heads/main", {"refs/heads/main": A}),
        ("refs/tags/v1", {"refs/tags/v1": C}),
        ("refs/pull/7/head", {"refs/pull/7/head": D}),
        # Of these there are namesakes, which have to be written in full as well.
        ("refs/heads/HEAD", {"refs/heads/HEAD": B}),
        ("refs/heads/refs/heads/main", {"refs/heads/refs/heads/main": B}),
    ],
)
def test_a_ref_stands_for_the_commit_of_its_branch_or_tag(ref: str, found: dict[str, str]) -> None:
    assert named_commits(LISTING, ref) == found


def test_an_annotated_tag_stands_for_the_commit_that_it_leads_to() -> None:
    assert named_commits(LISTING, "v2") == {"refs/tags/v2": D}
    assert named_commits(LISTING, "refs/tags/v2") == {"refs/tags/v2": D}
    assert named_commits(LISTING, "v2^{}") == {"refs/tags/v2^{}": D}


def test_an_annotated_tag_is_read_in_any_order_of_the_listing() -> None:
    backwards = "\n".join(reversed(LISTING.splitlines()))
    assert named_commits(backwards, "v2") == {"refs/tags/v2": D}


def test_a_name_of_a_branch_and_a_tag_is_both() -> None:
    assert named_commits(LISTING, "twice") == {"refs/heads/twice": B, "refs/tags/twice": C}


def test_head_is_no_branch_or_tag_of_that_name_also_where_there_is_no_head() -> None:
    assert named_commits(f"{A}\trefs/heads/main\n{B}\trefs/heads/HEAD\n{C}\trefs/tags/HEAD\n", "HEAD") == {}


@pytest.mark.parametrize("ref", ["ain", "mai", "feature", "new-page", "*", "", "refs/heads", "main\n"])
def test_a_part_of_a_name_stands_for_nothing(ref: str) -> None:
    assert named_commits(LISTING, ref) == {}


listed = st.tuples(
    st.sampled_from([A, B]), st.sampled_from(["", "refs/heads/", "refs/tags/"]), st.sampled_from(["v1", "v2", "/v1"])
)
listings = st.lists(st.tuples(listed, st.sampled_from(["", "^{}"])) | st.text()).map(
    lambda lines: "\n".join(one if isinstance(one, str) else "{}\t{}{}".format(*one[0]) + one[1] for one in lines)
)


@given(listings, st.sampled_from(["v1", "refs/tags/v1", "/v1"]) | st.text(min_size=1))
def test_any_listing_can_be_read_for_any_ref_and_no_commit_is_found_that_it_does_not_name(
    listing: str, ref: str
) -> None:
    for name, sha in named_commits(listing, ref).items():
        assert name in (ref, f"refs/heads/{ref}", f"refs/tags/{ref}")
        assert f"{sha}\t{name}" in listing


# --- In a real repository


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Runs git as whoever runs the tests, without that person's configuration."""
    monkeypatch.setattr("agent.host.command.run_as", lambda _: {})
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": "/dev/null"}
    monkeypatch.setattr("agent.host.command.user_env", lambda _: env)
    monkeypatch.setattr("agent.repository.git.acting_as", lambda _: nullcontext())
    return Runner(user=None, log=None, until=float("inf"))


def commit(repository: Path, text: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    (repository / "file").write_text(text)
    for arguments in (["add", "file"], [*who, "commit", "--quiet", "--message", text], ["rev-parse", "HEAD"]):
        shown = subprocess.run(["git", "-C", str(repository), *arguments], check=True, capture_output=True, text=True)
    return shown.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "config", "uploadpack.allowFilter", "true"], check=True)
    return folder


def test_full_and_short_ids_and_names_are_found_in_a_repository_and_nothing_is_kept(
    repository: Path, runner: Runner, tmp_path: Path
) -> None:
    first, second = commit(repository, "one"), commit(repository, "two")
    subprocess.run(["git", "-C", str(repository), "tag", "v1", first], check=True)
    mirror = tmp_path / "mirror.git"
    url = str(repository)
    assert resolve(runner, url, "main", mirror) == second
    assert resolve(runner, url, "v1", mirror) == first
    assert resolve(runner, url, first, mirror) == first
    assert resolve(runner, url, first[:7], mirror) == first
    assert not mirror.exists()


def test_a_full_id_is_that_commit_whatever_a_branch_or_tag_is_called(
    repository: Path, runner: Runner, tmp_path: Path
) -> None:
    first, second = commit(repository, "one"), commit(repository, "two")
    mirror, url = tmp_path / "mirror.git", str(repository)
    unknown = "e" * 40
    for kind, name in (("branch", first), ("tag", first), ("branch", unknown)):
        subprocess.run(["git", "-C", url, kind, name, second], check=True)
    assert resolve(runner, url, first, mirror) == first
    assert resolve(runner, url, first.upper(), mirror) == first
    with pytest.raises(UnknownRef, match="is no branch, no tag and no commit"):
        resolve(runner, url, unknown, mirror)
    # The branch of that name is still to be had, and so is the commit, by a checkout of it.
    assert resolve(runner, url, f"refs/heads/{first}", mirror) == second
    git.update_mirror(runner, mirror, url, first)
    subprocess.run(["git", "-C", str(mirror), "symbolic-ref", "HEAD", f"refs/heads/{first}"], check=True)
    git.check_out(runner, mirror, tmp_path / "checkout", first)
    assert (tmp_path / "checkout" / "file").read_text() == "one"


@pytest.mark.parametrize("ref", ["no-such-branch", "deadbeef", "e" * 40, "$(touch x)"])
def test_what_stands_for_nothing_is_unknown(repository: Path, runner: Runner, tmp_path: Path, ref: str) -> None:
    commit(repository, "one")
    with pytest.raises(UnknownRef, match="is no branch, no tag and no commit of the repository"):
        resolve(runner, str(repository), ref, tmp_path / "mirror.git")


def test_a_name_of_two_commits_has_to_be_written_in_full(repository: Path, runner: Runner, tmp_path: Path) -> None:
    first, second = commit(repository, "one"), commit(repository, "two")
    for arguments in (["tag", "both", first], ["branch", "both", second]):
        subprocess.run(["git", "-C", str(repository), *arguments], check=True)
    with pytest.raises(UnknownRef, match="refs/heads/both and refs/tags/both: write one of them in full"):
        resolve(runner, str(repository), "both", tmp_path / "mirror.git")
    assert resolve(runner, str(repository), "refs/tags/both", tmp_path / "mirror.git") == first


def test_a_repository_that_is_not_there_is_no_unknown_ref(runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="exit code 128"):
        resolve(runner, str(tmp_path / "nothing"), "main", tmp_path / "mirror.git")


def test_a_checkout_is_of_one_commit_and_the_mirror_is_fetched_only_for_what_it_lacks(
    repository: Path, runner: Runner, tmp_path: Path
) -> None:
    first = commit(repository, "one")
    commit(repository, "two")
    mirror, folder = tmp_path / "mirror.git", tmp_path / "checkout"
    git.update_mirror(runner, mirror, str(repository), first)
    git.check_out(runner, mirror, folder, first)
    assert (folder / "file").read_text() == "one"
    repository.rename(tmp_path / "gone")
    git.update_mirror(runner, mirror, str(repository), first)


def test_the_repository_is_named_in_the_environment_and_not_on_gits_command_line(
    repository: Path, runner: Runner, tmp_path: Path
) -> None:
    sha = commit(repository, "one")
    log = tmp_path / "log"
    git.update_mirror(Runner(None, log, float("inf")), tmp_path / "mirror.git", str(repository), sha)
    assert "$ git " in log.read_text()
    assert str(repository) not in log.read_text()
    assert remote_env("/srv/git/d.git") == {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "remote.origin.url",
        "GIT_CONFIG_VALUE_0": "/srv/git/d.git",
    }


class _Guarded(SimpleHTTPRequestHandler):
    """A repository for those who know the word, and the command lines of all who ran while it was asked for."""

    asked: ClassVar[list[str]] = []
    logins: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        login = self.headers.get("Authorization", "")
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                self.asked.append(path.read_text(errors="replace").replace("\0", " "))
        if login:
            self.logins.add(base64.b64decode(login.split()[1]).decode())
            super().do_GET()
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody needs to read it."""


def test_a_password_is_on_no_command_line_also_of_what_git_starts(
    repository: Path, runner: Runner, tmp_path: Path
) -> None:
    sha = commit(repository, "one")
    subprocess.run(["git", "-C", str(repository), "update-server-info"], check=True)
    serve = partial(_Guarded, directory=str(repository / ".git"))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://me%40home:p@ss%25w%22$o@127.0.0.1:{server.server_port}/"
        assert resolve(runner, url, "main", tmp_path / "mirror.git") == sha
        server.shutdown()
    assert _Guarded.logins == {'me@home:p@ss%w"$o'}
    assert any("git-remote-http origin http://127.0.0.1" in line for line in _Guarded.asked)
    assert not [line for line in _Guarded.asked if "ss%" in line or "me%40" in line]


@pytest.mark.parametrize("url", ["https://c/d", "https://me@c/d", "git@c:d.git", "ssh://a:b@c/d", "/srv/git"])
def test_a_url_without_a_password_is_left_as_it_is(url: str) -> None:
    assert remote_env(url)["GIT_CONFIG_VALUE_0"] == url
    assert "SWITCHBACK_WORD" not in remote_env(url)
