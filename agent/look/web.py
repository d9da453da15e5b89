"""What serves the web on a host: whether there is a server, whose doing it is, and what it can read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from agent.host.command import CommandFailed, ours
from agent.host.reading import matching, read_ordinary, read_text, told_by_kernel
from agent.host.users import PATH, acting_as, can_become
from agent.versions.layout import NGINX, SITE_FILES, Layout, maintenance_page, nginx_site
from agent.words.seen import Web
from agent.words.settings import Settings

# The programs by which web servers go, and the user that reads for nginx on Debian and Ubuntu.
SERVERS = ("nginx", "apache2", "caddy", "lighttpd", "haproxy", "traefik", "h2o", "varnishd")
READER = "www-data"
# More than a site's file has, bytes.
LARGEST = 256 * 1024
# How long the packages may take to be asked, seconds.
LIMIT = 10.0
# A socket that listens, in the kernel's table: where, and in which state.
LISTENS = re.compile(r"^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A ", re.MULTILINE)
TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


def web(settings: Settings, home: Path | None) -> Web:
    """Look at the host's web server.

    + home: the app user's; None where there is no such user
    """
    own = nginx_site(settings.site)
    parts = urlsplit(settings.website_url)
    ports = {80, 443, parts.port or 80}
    return Web(
        servers=tuple(name for name in SERVERS if shutil.which(name, path=PATH)),
        listens=tuple(sorted(ports & _listens())),
        unused=_unused(),
        sites=tuple(path.name for path in matching(own.parent, SITE_FILES) if path != own),
        texts=dict(_texts((own, maintenance_page(settings.site)))),
        enabled=os.path.lexists(str(NGINX / "sites-enabled" / own.name)),
        ipv6=os.path.exists("/proc/net/if_inet6") and "\n" in told_by_kernel(Path("/proc/net/if_inet6")),
        shut=_shut(home, settings) if home else "",
    )


def _listens() -> set[int]:
    tables = (told_by_kernel(Path(table)) for table in TABLES if os.path.exists(table))
    return {int(port, 16) for table in tables for port in LISTENS.findall(table)}


def _texts(paths: Iterable[Path]) -> Iterable[tuple[str, str]]:
    for path in paths:
        with contextlib.suppress(OSError):
            # A link is somebody's doing.
            yield str(path), "" if path.is_symlink() else read_text(path, LARGEST)


def _unused() -> bool:
    """Whether nginx has no site but the one that its package brings, and that one and its config are as they came."""
    try:
        brought = dict(_brought())
        enabled = matching(NGINX / "sites-enabled", "*")
        own = [path for path in enabled if os.path.realpath(str(path)) != str(NGINX / "sites-available" / "default")]
        if own or matching(NGINX / "conf.d", "*.conf") or not brought:
            return False
        asked = ["nginx.conf", *(["sites-available/default"] if enabled else [])]
        return all(_md5(NGINX / name) == brought.get(str(NGINX / name)) for name in asked)
    except (OSError, CommandFailed):
        return False


def _brought() -> Iterable[tuple[str, str]]:
    """The files of nginx's config as its packages bring them: where each is, and the MD5 of its content."""
    # Debian 12 has them in nginx-common; nginx itself asks for the same file to be its own in others.
    listing = ours(["dpkg-query", "--show", "--showformat=${Conffiles}\n", "nginx*"], LIMIT)
    for line in listing.splitlines():
        words = line.split()
        if len(words) >= 2:
            yield words[0], words[1]


def _md5(path: Path) -> str:
    return hashlib.md5(read_ordinary(path, LARGEST)).hexdigest()  # noqa: S324 - as dpkg has it


def _shut(home: Path, settings: Settings) -> str:
    """The first folder on the way to the static files that the web server can't go into."""
    static = Path(os.path.realpath(str(Layout(settings, home).path("current_main") / settings.static_subdir)))
    places = [home, *([static] if static.is_dir() else [])]
    if not can_become(READER):
        return ""
    with acting_as(READER):
        ways = [folder for place in places for folder in (*reversed(place.parents), place)]
        return next((str(one) for one in ways if not os.access(str(one), os.X_OK, effective_ids=True)), "")
