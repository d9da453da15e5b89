"""What is asked of a look at what a run would do."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from agent.environment import variables
from agent.host.command import CommandFailed, Runner
from agent.inside.lean import dataclass
from agent.packages.installing import for_installers
from agent.versions.layout import Layout
from agent.words.requests import Preview

# How long all of it may take, seconds.
LIMIT = 100.0
NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Source:
    """A repository that has the commit to come, and where that is checked out; or why there is none."""

    repository: str = ""
    folder: str = ""
    problem: str = ""


class Look:
    """What one look at a host needs."""

    def __init__(self, layout: Layout, request: Preview, read_only: bool, secrets: Mapping[str, str] = NONE) -> None:
        """Take what was asked for; secrets: those that the site has."""
        self.layout = layout
        self.settings = request.settings
        self.was = request.was
        self.version = request.version
        self.built = request.built
        self.commits = request.commits
        self.live = request.live
        self.urls = request.urls
        self.diff = request.diff
        self.leaves = request.database
        self.read_only = read_only
        self.env = request.env
        self.single = request.single
        self._secrets = secrets
        self._secrets_to_come = secrets if request.secrets is None else request.secrets
        own = {"TMPDIR": tempfile.gettempdir()} if read_only else {}
        self.runner = Runner(user=layout.app, log=None, until=time.time() + LIMIT, also=own)

    def installs(self) -> Runner:
        """What asks an installer, with what of the environment to come is for it. Raises CommandFailed."""
        pairs = {**self.own_env(self.version), **self._secrets_to_come}
        return replace(self.runner, also={**for_installers(pairs), **self.runner.also})

    def own_env(self, version: str) -> Mapping[str, str]:
        """The variables of a version, which may have yet to be built. Raises CommandFailed."""
        if version == self.version and not self.built:
            return self.env
        try:
            return variables.own(self.layout, version)
        except (OSError, ValueError) as problem:
            raise CommandFailed(f"the environment of {version} can't be read: {problem}", "") from None

    def runner_of(self, version: str) -> Runner:
        """What runs a version's own Python, in its environment; of one to come, the live one's.

        Raises CommandFailed."""
        comes = version == self.version
        pairs = {**self.own_env(version), **(self._secrets_to_come if comes else self._secrets)}
        place = version if self.built or not comes else str(self.was)
        return replace(self.runner, also={**variables.environment(self.layout, place, pairs), **self.runner.also})

    def part(self, which: str) -> Path | None:
        """A part of the live version."""
        return self.layout.part(self.was, which) if self.was else None
