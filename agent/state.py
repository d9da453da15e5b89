"""Where the agent is, and where it keeps what it knows of a site: each site of a host has a folder of its own."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from agent.inside.lean import dataclass

# Where the agents are, side by side, each in a folder that is called by its fingerprint.
LIBRARY = Path("/usr/local/lib/switchback")
# What is started to run one of them, in its folder.
LAUNCHER = "switchback-agent"
# Where each site has its folder.
SITES = Path("/var/lib/switchback")
# Where each site has what its app may read, in a folder of its own.
FOR_APPS = Path("/etc/switchback")


@dataclass(frozen=True)
class State:
    """What the agent keeps of a site; root's, and nobody else's.

    + base: where every site of the host has its folder
    + earlier: whether an agent that knew of no sites has laid out the host, for this one: what is not moved into the
      site's folder yet is read where it is
    """

    site: str
    base: Path = SITES
    earlier: bool = False

    @property
    def root(self) -> Path:
        """The site's own folder."""
        return self.base / self.site

    def _at(self, name: str) -> Path:
        place = self.base / name
        return place if self.earlier and os.path.lexists(str(place)) else self.root / name

    @property
    def agent(self) -> Path:
        """A link to the folder of the agent that does this site's runs."""
        return self.root / "agent"

    @property
    def lock(self) -> Path:
        """A file that names the deploy that holds this site."""
        return self._at("lock")

    @property
    def agent_lock(self) -> Path:
        """A file that is held while the agent is replaced, or while a run begins."""
        return self._at("agent.lock")

    @property
    def socket(self) -> Path:
        """Where its runner is asked."""
        return Path("/run/switchback") / self.site / "socket"

    @property
    def history(self) -> Path:
        """A line of JSON for each transaction that ended."""
        return self._at("history.jsonl")

    @property
    def transactions(self) -> Path:
        """The folder with those of the deploys."""
        return self._at("transactions")

    @property
    def marks(self) -> Path:
        """The folder with what is known of each version: working, failed, pinned."""
        return self._at("marks")

    @property
    def secrets(self) -> Path:
        """The site's secrets: root's to write, and its app's to read."""
        return FOR_APPS / self.site / "secrets.json"

    @property
    def webhook(self) -> Path:
        """The web address that is told how runs end: root's alone, for whoever knows it may tell there."""
        return self.root / "webhook"

    @property
    def untold(self) -> Path:
        """The folder with the names of runs that are over, and of whose end somebody has yet to be told."""
        return self.root / "untold"

    def transaction(self, deploy: str) -> Path:
        """The folder of one deploy: its journal, its output, its evidence."""
        return self.transactions / deploy

    def given(self, deploy: str) -> Path:
        """The file with the variables and secrets that a deploy was given, while it holds the site."""
        return self.transaction(deploy) / "given.json"

    def mark(self, version: str) -> Path:
        """What is known of a version."""
        return self.marks / (version + ".json")

    def create(self) -> None:
        """Make the folders; a second call changes nothing."""
        for folder in (self.base, self.root, self.root / "transactions", self.root / "marks"):
            # What programs have printed is kept here, and nobody can say what that is.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def fingerprint(sources: Mapping[str, str]) -> str:
    """What tells one build of the agent from another."""
    return hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()[:16]


def installed_agent(state: State) -> str | None:
    """The fingerprint of the agent that does a site's runs, or None."""
    return named_by(state.agent)


def named_by(link: Path) -> str | None:
    """The fingerprint of the agent that a link leads to, or None."""
    try:
        return os.path.basename(os.readlink(str(link)))
    except OSError:
        return None
