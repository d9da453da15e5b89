"""Where things are on this host: the settings' paths, with the app user's home filled in."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# In the deployment directory, links of these names lead to the same names in the live config.
DEPLOYMENT_NAMES = ("settings*", "supervisord*", "wsgi*", "manage.py", "django")


@dataclass(frozen=True)
class Layout:
    """The places of one app on one host."""

    settings: Mapping[str, Any]
    home: Path

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Layout:
        """The layout for the settings. Raises KeyError when the app user does not exist."""
        return cls(settings, Path(pwd.getpwnam(settings["app_username"]).pw_dir))

    def path(self, key: str) -> Path:
        """A setting that is a path, absolute and without a trailing slash."""
        return self.expand(self.settings[key])

    def optional_path(self, key: str) -> Path | None:
        """A setting that may be none."""
        value = self.settings.get(key)
        return self.expand(value) if value else None

    def expand(self, text: str) -> Path:
        """A path of the settings with its leading ~ replaced by the app user's home."""
        if text == "~" or text.startswith("~/"):
            text = str(self.home) + text[1:]
        return Path(os.path.normpath(text))

    @property
    def app(self) -> str:
        """The app user's name."""
        return str(self.settings["app_username"])

    @property
    def versions(self) -> Path:
        """The directory that the versions are in."""
        return self.path("versions_dir")

    @property
    def own(self) -> Path:
        """Our folder among the versions: mirrors of the repositories, and what waits to be deleted."""
        return self.versions / ".switchback"

    def version(self, name: str) -> Path:
        """A version's directory."""
        return self.versions / name

    def part(self, version: str, which: str) -> Path:
        """One part of a version: code, config, venv or static."""
        return self.version(version) / str(self.settings[which + "_subdir"])

    def main_links(self) -> dict[str, Path]:
        """The four links to versions, by the word for each."""
        return {
            "current": self.path("current_main"),
            "previous": self.path("previous_main"),
            "working": self.path("current_working"),
            "previous_working": self.path("previous_working"),
        }

    def fixed_links(self) -> dict[Path, Path]:
        """Links that lead into the live version and never change: where, and to what."""
        current = self.path("current_main")
        wanted = {
            self.path("current_venv_dir"): current / str(self.settings["venv_subdir"]),
            self.path("current_code"): current / str(self.settings["code_subdir"]),
        }
        return {link: target for link, target in wanted.items() if link != target}

    def deployment_links(self, version: str) -> dict[Path, Path]:
        """The links of the deployment directory for a version's config: where, and to what."""
        config = self.part(version, "config")
        names = sorted({path.name for pattern in DEPLOYMENT_NAMES for path in config.glob(pattern)})
        live = self.path("current_config")
        return {self.path("deployment_dir") / name: live / name for name in names}
