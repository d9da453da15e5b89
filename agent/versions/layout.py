"""Where things are on this host: the settings' paths, with the app user's home filled in."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from agent.host.reading import matching
from agent.inside.lean import dataclass
from agent.words.settings import Settings

# In the deployment directory, links of these names lead to the same names in the live config.
DEPLOYMENT_NAMES = ("settings*", "supervisord*", "wsgi*", "manage.py", "django")
# The one that the service is started with. A host may have one of its own, for versions whose config brings none.
SUPERVISORD = "supervisord.conf"
UNITS = Path("/etc/systemd/system")
# Where nginx has its sites on Debian and Ubuntu, and the files of those that provision has made, one for each of ours.
NGINX, SITE_FILES = Path("/etc/nginx"), "switchback-*.conf"
# What stands for a script at its usual path.
AUTO = "auto"
# What does the work of the scripts that provision writes for databases, and lies beside them.
DATABASE_TOOLS = ("databases.py", "database_engines.py")


@dataclass(frozen=True)
class Layout:
    """The places of one app on one host."""

    settings: Settings
    home: Path

    @classmethod
    def of(cls, settings: Settings) -> Layout:
        """The layout for the settings. Raises KeyError when the app user does not exist."""
        return cls(settings, Path(pwd.getpwnam(settings.app_username).pw_dir))

    def path(self, key: str) -> Path:
        """A setting that is a path, absolute and without a trailing slash."""
        return self.expand(getattr(self.settings, key))

    def optional_path(self, key: str) -> Path | None:
        """A setting that may be none, or `auto`: what that stands for is found out before a run begins."""
        value = getattr(self.settings, key)
        return self.expand(value) if value and value != AUTO else None

    @property
    def usual_restore_script(self) -> Path:
        """Where provision writes the restore script, unless the settings name one."""
        return self.path("backup_script").parent / "restore_database.sh"

    def script(self, key: str) -> Path | None:
        """Where provision writes a script; None where the settings want none."""
        return self.usual_restore_script if getattr(self.settings, key) == AUTO else self.optional_path(key)

    @property
    def database_tools(self) -> dict[Path, tuple[Path, ...]]:
        """What provision's backup and restore scripts need beside them, by the script's path."""
        scripts = [path for key in ("backup_script", "restore_script") if (path := self.script(key))]
        return {script: tuple(script.parent / name for name in DATABASE_TOOLS) for script in scripts}

    def expand(self, text: str) -> Path:
        """A path of the settings with its leading ~ replaced by the app user's home."""
        if text == "~" or text.startswith("~/"):
            text = str(self.home) + text[1:]
        return Path(os.path.normpath(text))

    @property
    def app(self) -> str:
        """The app user's name."""
        return self.settings.app_username

    @property
    def versions(self) -> Path:
        """The directory that the versions are in."""
        return self.path("versions_dir")

    @property
    def own(self) -> Path:
        """Our folder among the versions: mirrors of the repositories, and what waits to be deleted."""
        return self.versions / ".switchback"

    @property
    def trash(self) -> Path:
        """The folder in it for what waits to be deleted."""
        return self.own / "trash"

    @property
    def shared(self) -> Path:
        """The folder of what outlives the versions."""
        return self.home / "shared"

    def version(self, name: str) -> Path:
        """A version's directory."""
        return self.versions / name

    def part(self, version: str, which: str) -> Path:
        """One part of a version: code, config, venv or static."""
        return self.version(version) / str(getattr(self.settings, which + "_subdir"))

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
            self.path("current_venv_dir"): current / self.settings.venv_subdir,
            self.path("current_code"): current / self.settings.code_subdir,
        }
        return {link: target for link, target in wanted.items() if link != target}

    @property
    def unit(self) -> Path:
        """Where the unit of its service is a person's, or provision's."""
        service = self.settings.systemd_service
        return UNITS / (service if service.endswith(".service") else f"{service}.service")

    @property
    def host_supervisord(self) -> Path:
        """The host's own config of supervisord."""
        return self.home / SUPERVISORD

    def deployment_links(self, config: Path) -> dict[Path, Path]:
        """The links of the deployment directory while a config is live: where, and to what.

        + config: the directory of that config, in its version or where it was fetched to
        """
        names = sorted({path.name for pattern in DEPLOYMENT_NAMES for path in matching(config, pattern)})
        live, folder = self.path("current_config"), self.path("deployment_dir")
        links = {folder / name: live / name for name in names}
        # What a config that isn't there would have brought, nobody knows.
        if SUPERVISORD not in names and config.is_dir() and self._has_own_supervisord():
            links[folder / SUPERVISORD] = self.host_supervisord
        return links

    def _has_own_supervisord(self) -> bool:
        """Whether the service is started with the host's own config when a version brings none."""
        link, live = self.path("deployment_dir") / SUPERVISORD, self.path("current_config") / SUPERVISORD
        if not self.host_supervisord.is_file():
            return False
        # A file there, or a link that leads elsewhere, is a person's.
        return not os.path.lexists(str(link)) or os.path.realpath(str(link)) in (
            os.path.realpath(str(live)),
            os.path.realpath(str(self.host_supervisord)),
        )

    def once_live(self, version: str) -> dict[str, str]:
        """Where each link will lead once a version is live."""
        current, own = str(self.path("current_main")), str(self.version(version))
        links = {
            self.path("current_main"): current,
            **self.fixed_links(),
            **self.deployment_links(self.part(version, "config")),
        }
        return {str(link): str(target).replace(current, own, 1) for link, target in links.items()}


def nginx_site(site: str) -> Path:
    """The file by which nginx serves a site, where provision has set nginx up."""
    return NGINX / "sites-available" / SITE_FILES.replace("*", site)


def log_rotation(site: str) -> Path:
    """How a site's logs are rotated, where provision has said that."""
    return Path("/etc/logrotate.d") / f"switchback-{site}"


def maintenance_page(site: str) -> Path:
    """What visitors see while a site is in maintenance, where provision has set nginx up."""
    return Path("/var/www") / f"switchback-{site}" / "maintenance.html"
