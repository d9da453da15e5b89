"""What `code` and `config` have in common: a repository at a commit, as a part of the version."""

from __future__ import annotations

from agent.host.users import acting_as
from agent.repository import git, lfs, submodules
from agent.transaction.step import StepContext, StepFailed
from agent.words.notes import Note


def check_out(step: StepContext, part: str) -> Note:
    """Check one of the two repositories out at its commit, with what of it lies elsewhere.

    + part: code, or config
    """
    wanted, url = step.begin.code if part == "code" else step.begin.config, step.url
    if wanted is None:
        raise StepFailed(f"nobody has said which commit of the {part} is wanted")
    runner = step.runner(step.layout.app)
    folder = step.layout.part(step.version, part)
    mirror = step.layout.own / (part + ".git")
    with acting_as(step.layout.app):
        step.layout.own.mkdir(exist_ok=True)
        folder.parent.mkdir(exist_ok=True)
    git.update_mirror(runner, mirror, url, wanted.sha)
    git.check_out(runner, mirror, folder, wanted.sha)
    submodules.check_out(runner, folder, wanted.sha, url)
    for path in ("", *submodules.paths(runner, folder)):
        lfs.fetch(runner, folder / path, "HEAD", url if not path else submodules.url_of(runner, folder / path))
    return Note()
