"""Refs as a person types them: each stands for its commit, verbatim, and what is no ref does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bed.hosts import Host
from tests.hosts.footprint import assert_refused, untouched
from tests.invariants import Seen, assert_well, look
from tests.runs import Runs

CODE = "/srv/git/code.git"
# A branch of two commits, so that no name leads to the first one, though one is called like it; the second with a
# subject that is several lines to some; and a tag with an object of its own.
MORE = r"""
set -e
cd /srv/git/code.git
commit() {
    git -c user.name=Sam -c user.email=sam@example.org commit-tree -p "$1" -m "$2" "$1^{tree}"
}
first=$(commit good-1 First)
second=$(commit "$first" "$(printf 'Second\342\200\250and\rmore')")
git update-ref refs/heads/longer "$second"
git update-ref "refs/heads/$first" "$second"
git -c user.name=Sam -c user.email=sam@example.org tag --annotate --message 'A release' release good-2
echo "$first"
"""
# Of each kind one; the rest is in the unit tests of git.
NAMES = {
    "feature/with/slashes": "feature/with/slashes",
    "0012345": "good-2",
    "refs/tags/good-1": "good-1",
    "release": "good-2",
}
TOUCHED = "/var/tmp/touched"


@pytest.fixture(scope="module")
def inner(host: Host) -> str:
    """A commit that no branch or tag ends at; the host has not seen it before."""
    return host.run(MORE).stdout.strip()


@pytest.fixture(scope="module")
def seen(host: Host, inner: str) -> Seen:
    """The host, with the commits of all names."""
    return look(host)


def resolved(run: Runs, host: Host, ref: str) -> str:
    """The line of the plan that says what a deploy of a ref would deploy."""
    result = run("build", host, data={"code": ref}, args=["--dry"]).worked()
    lines = [line for line in result.output.splitlines() if "    code  " in line or "is built already" in line]
    assert len(lines) == 1, result.output
    # Where it comes from is before the commit, and what has changed since is after it.
    return lines[0].rpartition("] ")[2].rpartition(" → ")[2].partition(": ")[0].strip().removeprefix("code").strip()


@pytest.mark.parametrize("ref", NAMES)
def test_a_name_stands_for_its_commit(ref: str, host: Host, seen: Seen, run: Runs) -> None:
    sha = seen.commits["code"][NAMES[ref]]
    if NAMES[ref] == "good-1":
        assert f"{seen.current} is built already" in resolved(run, host, ref)
    else:
        assert resolved(run, host, ref) == f"{sha[:7]} ({ref})"


# A branch is called like the one, too.
@pytest.mark.parametrize("length", (40, 7))
def test_the_id_of_a_commit_that_no_name_leads_to_stands_for_it(length: int, host: Host, inner: str, run: Runs) -> None:
    with untouched(host):
        assert resolved(run, host, inner[:length]) == inner[:7]


def test_a_subject_is_shown_in_one_line_whatever_is_in_it(host: Host, inner: str, run: Runs) -> None:
    shown = run("build", host, data={"code": "longer"}, args=["--dry"]).worked().output
    assert "Second\\u2028and\\rmore" in shown


def test_a_short_id_of_digits_alone_is_deployed(host: Host, seen: Seen, run: Runs) -> None:
    sha = seen.commits["code"]["digits"]
    assert sha[:7].isdigit()
    run("deploy", host, data={"code": sha[:7]}).worked()
    assert_well(host, "digits")


def test_a_commit_that_no_name_leads_to_is_built(host: Host, inner: str, run: Runs) -> None:
    run("build", host, data={"code": inner[:9]}).worked()
    (version,) = [name for name in look(host).versions if f"-{inner[:7]}-" in name]
    head = ["git", "-c", "safe.directory=*", "-C", f"/home/app/{version}/code", "rev-parse", "HEAD"]
    assert host.run(head).stdout.strip() == inner


@pytest.mark.parametrize(("ref", "part"), [("no-such-branch", "code"), ("deadbeef", "config"), ("f" * 40, "code")])
def test_an_unknown_ref_is_refused(ref: str, part: str, host: Host, run: Runs) -> None:
    with untouched(host):
        result = run("deploy", host, data={part: ref})
    assert_refused(result, f"{part}: {ref} is no branch, no tag and no commit of the repository")


@pytest.mark.parametrize(
    "ref",
    (f"$(touch {TOUCHED})", f"--upload-pack=touch {TOUCHED}"),
)
def test_what_could_be_taken_for_a_command_is_refused_and_nothing_is_run(ref: str, host: Host, run: Runs) -> None:
    result = run("deploy", host, data={"code": ref})
    assert_refused(result, "--data: code must")
    assert "Connect" not in result.output
    assert not Path(TOUCHED).exists()
    assert host.run(["test", "-e", TOUCHED], check=False).returncode == 1


@pytest.mark.parametrize(
    ("url", "says"),
    (
        ("/srv/git/gone.git", "gone.git"),
        ("https://sam:secret-word@127.0.0.1:9/code.git", "127.0.0.1"),
    ),
)
def test_a_repository_that_cannot_be_reached_is_refused(url: str, says: str, host: Host, run: Runs) -> None:
    with untouched(host):
        result = run("deploy", host, data={"code_repo_url": url})
    assert_refused(result, "code: ", says)
    assert "secret-word" not in result.output
