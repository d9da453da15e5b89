"""Git on the host: mirrors of the repositories, checkouts of a commit, and what a name stands for."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

from agent.host.command import CommandFailed, Runner
from agent.host.files import remove
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.text.repositories import named_commits, remote_env

SHA = re.compile(r"^[0-9a-f]{40}$")
SHORT_SHA = re.compile(r"^[0-9a-f]{4,40}$")
EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


class UnknownRef(Exception):
    """A name that stands for no commit, or for more than one."""


def update_mirror(runner: Runner, mirror: Path, url: str, sha: str) -> None:
    """Bring a bare mirror up to date; nothing is fetched when it has the commit already."""
    if not (mirror / "HEAD").exists():
        runner.run(["git", "init", "--quiet", "--bare", str(mirror)])
    if not has_commit(runner, mirror, sha):
        fetch_everything(runner, mirror, url, sha)


def fetch_everything(runner: Runner, repository: Path, url: str, sha: str) -> None:
    """Fetch all branches and tags into a bare repository, and a commit that none of them leads to."""
    fetch = ["git", "-C", str(repository), "fetch", "--quiet"]
    runner.run([*fetch, "--prune", "--force", "origin", *EVERYTHING], env=remote_env(url))
    if not has_commit(runner, repository, sha):
        # A commit that no branch or tag leads to any more can still be asked for by its id.
        runner.run([*fetch, "origin", sha], env=remote_env(url))


def has_commit(runner: Runner, repository: Path, sha: str) -> bool:
    """Whether a repository has a commit."""
    found = runner.run(["git", "-C", str(repository), "cat-file", "-t", sha], ok=(0, 1, 128))
    return found.strip() == "commit"


def check_out(runner: Runner, mirror: Path, folder: Path, sha: str) -> None:
    """Make a checkout of one commit; its objects are hard links to the mirror's, where the file system can do that."""
    clone = ["git", "clone", "--quiet", "--local", "--no-checkout"]
    try:
        runner.run([*clone, str(mirror), str(folder)])
    except CommandFailed:
        # On an overlay (a container's disk) a link to a file of a lower layer is another file, and git refuses it.
        runner.run([*clone, "--no-hardlinks", str(mirror), str(folder)])
    git = ["git", "-C", str(folder), "-c", "advice.detachedHead=false"]
    # With ^0 it can be no branch: git would take one of that name.
    # What is kept elsewhere by Git LFS is not to be had from the mirror.
    runner.run([*git, "checkout", "--quiet", "--detach", f"{sha}^0"], env={"GIT_LFS_SKIP_SMUDGE": "1"})


@dataclass(frozen=True)
class Entry:
    """What a commit has at a path; a submodule has no size."""

    mode: str
    size: int
    path: str

    @property
    def is_file(self) -> bool:
        """Whether it is a file, and neither a link nor a submodule."""
        return self.mode.startswith("100")


def entries(runner: Runner, repository: Path, sha: str) -> list[Entry]:
    """All that is in a commit."""
    # Nobody wants to read all of it in the step's log.
    quiet = replace(runner, log=None)
    listing = quiet.run(["git", "-C", str(repository), "ls-tree", "-r", "-l", "-z", "--full-tree", sha])
    found = []
    for line in listing.split("\0"):
        about, _, path = line.partition("\t")
        if path:
            mode, _, _, size = about.split()
            found.append(Entry(mode, 0 if size == "-" else int(size), path))
    return found


def names_of(runner: Runner, repository: Path, sha: str) -> frozenset[str]:
    """The paths of all files in a commit."""
    return frozenset(entry.path for entry in entries(runner, repository, sha))


def resolve(runner: Runner, url: str, ref: str, mirror: Path) -> str:
    """Find the commit that a ref stands for, changing nothing: a branch, a tag, or a full or short id.

    Raises UnknownRef, and CommandFailed when the repository can't be reached.
    """
    if SHA.match(ref.lower()):
        # A full id is that commit, as it is for git, whatever a branch is called.
        return _find_commit(runner, mirror, ref.lower()) or _fetch_commit(runner, url, ref.lower())
    named = named_commits(runner.run(["git", "ls-remote", "origin"], env=remote_env(url)), ref)
    if len(set(named.values())) > 1:
        raise UnknownRef("{} is the name of {}: write one of them in full".format(ref, " and ".join(sorted(named))))
    if named:
        return next(iter(named.values()))
    if not SHORT_SHA.match(ref):
        raise UnknownRef(f"{ref} is no branch, no tag and no commit of the repository")
    return _find_commit(runner, mirror, ref) or _fetch_commit(runner, url, ref)


def _find_commit(runner: Runner, repository: Path, ref: str) -> str | None:
    if not (repository / "HEAD").exists():
        return None
    argv = ["git", "-C", str(repository), "rev-parse", "--verify", "--quiet", ref + "^{commit}"]
    found = runner.run(argv, ok=(0, 1, 128)).strip()
    return found if SHA.match(found) else None


def _fetch_commit(runner: Runner, url: str, ref: str) -> str:
    """Look for a commit in a copy of the history alone, made in a temporary folder and thrown away."""
    user = runner.user or "root"
    with acting_as(user):
        folder = Path(tempfile.mkdtemp(prefix="switchback-"))
    try:
        runner.run(["git", "init", "--quiet", "--bare", str(folder)])
        fetch = ["git", "-C", str(folder), "fetch", "--quiet", "--filter=tree:0", "origin"]
        runner.run([*fetch, *EVERYTHING], env=remote_env(url))
        found = _find_commit(runner, folder, ref)
        if found is None and SHA.match(ref):
            try:
                runner.run([*fetch, ref], env=remote_env(url))
                found = ref
            except CommandFailed:
                found = None
    finally:
        with acting_as(user):
            remove(folder)
    if found is None:
        raise UnknownRef(f"{ref} is no branch, no tag and no commit of the repository")
    return found
