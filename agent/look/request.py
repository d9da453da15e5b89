"""What is asked of a look at what a run would do."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.host.command import Runner
from agent.versions.layout import Layout

Found = dict[str, Any]
# How long all of it may take, seconds.
LIMIT = 100.0


class Look:
    """What one look at a host needs; `preview` says what is asked."""

    def __init__(self, layout: Layout, request: Found, read_only: bool) -> None:
        self.layout = layout
        self.settings: Found = request["settings"]
        self.was: str | None = request["was"]
        self.version: str = request["version"]
        self.built = bool(request["built"])
        self.commits: Mapping[str, str] = request.get("commits") or {}
        self.live: Mapping[str, str] = request.get("live") or {}
        self.urls: Mapping[str, str] = request["urls"]
        self.diff = bool(request.get("diff"))
        self.leaves = request.get("database")
        self.read_only = read_only
        own = {"TMPDIR": tempfile.gettempdir()} if read_only else {}
        self.runner = Runner(user=layout.app, log=None, until=time.time() + LIMIT, also=own)

    def part(self, which: str) -> Path | None:
        """A part of the live version."""
        return self.layout.part(self.was, which) if self.was else None
