"""Where the agent keeps what it knows, and the lock that lets one deploy run at a time."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from agent.inside.lean import dataclass

# Where the agent is, and what is started to run it.
LIBRARY = Path("/usr/local/lib/switchback")
LAUNCHED = LIBRARY / "switchback-agent"


@dataclass(frozen=True)
class State:
    """The agent's own folder; root's, and nobody else's."""

    root: Path = Path("/var/lib/switchback")

    @property
    def lock(self) -> Path:
        """A file that names the deploy that holds this host."""
        return self.root / "lock"

    @property
    def history(self) -> Path:
        """A line of JSON for each transaction that ended."""
        return self.root / "history.jsonl"

    def transaction(self, deploy: str) -> Path:
        """The folder of one deploy: its journal, its output, its evidence."""
        return self.root / "transactions" / deploy

    def mark(self, version: str) -> Path:
        """What is known of a version: working, failed, pinned."""
        return self.root / "marks" / (version + ".json")

    def create(self) -> None:
        """Make the folders; a second call changes nothing."""
        for folder in (self.root, self.root / "transactions", self.root / "marks"):
            # What programs have printed is kept here, and nobody can say what that is.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def fingerprint(sources: Mapping[str, str]) -> str:
    """What tells one build of the agent from another."""
    return hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()[:16]


def hears_documents() -> bool:
    """Whether the agent on this host is asked as this one is; those before it were asked by arguments."""
    return (LIBRARY / "current/agent/words/requests.py").exists()


def installed_agent() -> str | None:
    """The fingerprint of the agent on this host, or None."""
    try:
        return os.path.basename(os.readlink(str(LIBRARY / "current")))
    except OSError:
        return None
