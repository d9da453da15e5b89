"""What is asked of a look at what a run would do."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from agent.host.command import Runner
from agent.inside.lean import dataclass
from agent.versions.layout import Layout
from agent.words.requests import Preview

# How long all of it may take, seconds.
LIMIT = 100.0


@dataclass(frozen=True)
class Source:
    """A repository that has the commit to come, and where that is checked out; or why there is none."""

    repository: str = ""
    folder: str = ""
    problem: str = ""


class Look:
    """What one look at a host needs."""

    def __init__(self, layout: Layout, request: Preview, read_only: bool) -> None:
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
        own = {"TMPDIR": tempfile.gettempdir()} if read_only else {}
        self.runner = Runner(user=layout.app, log=None, until=time.time() + LIMIT, also=own)

    def part(self, which: str) -> Path | None:
        """A part of the live version."""
        return self.layout.part(self.was, which) if self.was else None
