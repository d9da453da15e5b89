"""A copy of a repository, which nothing is ever checked out of: what a name stands for, what is on a branch, and what
is signed."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from agent.text.lines import lines_of
from agent.text.masking import masked_urls, without
from agent.text.repositories import WORD, named_commits, remote_env
from switchback.gateway.clean import environment
from switchback.settings.source import DEFAULT_BRANCH

# How long the repository may take to answer, seconds.
LIMIT = 300
# Not below refs/heads or refs/tags: there git would take a name of the repository's for a commit's short id.
FETCHED = ("+refs/heads/*:refs/switchback/heads/*", "+refs/tags/*:refs/switchback/tags/*")
HEADS = "refs/heads/"
# What a repository, or a config in it, could have git start; and no signature but one of an SSH key counts.
SAFE = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.ext.allow=never",
    "fetch.recurseSubmodules=false",
    "gc.autoDetach=false",
    "gpg.program=/bin/false",
    "gpg.openpgp.program=/bin/false",
    "gpg.x509.program=/bin/false",
    "gpg.ssh.program=ssh-keygen",
    "gpg.minTrustLevel=fully",
)


class Unreached(Exception):
    """The repository has not answered; what git says of it is for the log."""


@dataclass(frozen=True)
class Mirror:
    """A repository, as of now: what its names stand for, and a copy of its commits.

    + folder: the copy's; url: the repository's, which may hold a password
    + listing: what `git ls-remote` says
    """

    folder: Path
    url: str
    listing: str = field(repr=False)

    def named(self, ref: str) -> set[str]:
        """The commits that a branch, a tag, HEAD, or a full or short id stands for: one; none; or more than one."""
        if len(ref) == 40 and _is_hex(ref):
            return {ref} if self.has({ref}) else set()
        if found := set(named_commits(self.listing, ref).values()):
            return found
        if len(ref) < 4 or not _is_hex(ref):
            return set()
        # With 0 there is no such commit, or more than one begins so.
        said = self._git(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"], ok=(0, 1, 128))
        return {one for one in [said.strip()] if len(one) == 40 and _is_hex(one)}

    def tips(self, branches: Sequence[str]) -> set[str]:
        """Where branches end, whose names may have a * in them; HEAD is the default one, none that is called so."""
        patterns = [one if one == DEFAULT_BRANCH or one.startswith("refs/") else HEADS + one for one in branches]
        found = set()
        for line in lines_of(self.listing):
            sha, _, name = line.partition("\t")
            is_branch = name == DEFAULT_BRANCH or name.startswith(HEADS)
            if is_branch and any(fnmatchcase(name, pattern) for pattern in patterns):
                found.add(sha)
        return found

    def is_on(self, sha: str, branches: Sequence[str]) -> bool:
        """Whether a commit is on one of the branches."""
        tips, ask = self.tips(branches), ["merge-base", "--is-ancestor", sha]
        return sha in tips or any(self._ends([*ask, tip]) == 0 for tip in sorted(tips))

    def is_signed(self, sha: str, signers: Path) -> bool:
        """Whether an SSH key of a file of allowed signers has signed a commit."""
        return self._ends(["-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", sha]) == 0

    def fetch(self) -> None:
        """Bring the copy up to date. Raises Unreached."""
        self._git(["fetch", "--quiet", "--prune", "--force", "--no-write-fetch-head", "origin", *FETCHED])

    def has(self, commits: set[str]) -> bool:
        """Whether all of these commits are in the copy."""
        asked = "".join(f"{one}\n" for one in sorted(commits))
        said = _git(self.folder, ["cat-file", "--batch-check=%(objecttype)"], {}, given=asked).stdout
        return lines_of(said) == ["commit"] * len(commits)

    def _git(self, argv: Sequence[str], ok: Sequence[int] = (0,)) -> str:
        return _git(self.folder, argv, remote_env(self.url), ok).stdout

    def _ends(self, argv: Sequence[str]) -> int:
        return _git(self.folder, argv, remote_env(self.url), range(256)).returncode


def opened(folder: Path, url: str) -> Mirror:
    """The repository as of now. Raises Unreached.

    + folder: where copies are
    """
    copy = folder / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.git"
    if not (copy / "HEAD").exists():
        _git(folder, ["init", "--quiet", "--bare", str(copy)], {})
    listing = _git(copy, ["ls-remote", "--quiet", "origin"], remote_env(url), (0,)).stdout
    mirror = Mirror(copy, url, listing)
    if not mirror.has(mirror.tips(("*",))):
        mirror.fetch()
    return mirror


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep others from the copies meanwhile: two that fetch at once get in each other's way."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _git(
    folder: Path, argv: Sequence[str], env: Mapping[str, str], ok: Sequence[int] = (0,), given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run git, which asks nobody for anything. Raises Unreached."""
    safe = [word for setting in SAFE for word in ("-c", setting)]
    try:
        done = subprocess.run(
            ["git", *safe, "-C", str(folder), *argv],
            env={**environment(), "GIT_TERMINAL_PROMPT": "0", **env},
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreached(f"git {argv[0]} has not ended within {LIMIT} s") from None
    except OSError as problem:
        raise Unreached(f"git can't be started: {problem.strerror}") from None
    if done.returncode not in ok:
        said = masked_urls(without(done.stderr.strip(), [word for word in [env.get(WORD, "")] if word]))
        raise Unreached(f"git {argv[0]} ended with exit code {done.returncode}: {said}")
    return done


def _is_hex(text: str) -> bool:
    return not set(text) - set("0123456789abcdef")
