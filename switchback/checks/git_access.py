"""How the app user gets at repositories by SSH: its key, and the servers' own, pinned. Pure, of what was seen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from agent.words.facts import FoundRef, Site
from switchback.checks.links import PROVISION
from switchback.settings.model import Settings

# As these publish them; beside the tests are the fingerprints that they publish.
FORGES = {
    "github.com": "github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    "gitlab.com": "gitlab.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf",
    "bitbucket.org": "bitbucket.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO",
    "codeberg.org": "codeberg.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIVIC02vnjFyL+I4RHfvIGNtOgJMe769VTF1VR4EB3ZB",
}
# What ssh says of a server whose key it does not know, of one that has another than it knows, and of our own key.
NOT_ITS_OWNER = "dubious ownership"
UNKNOWN_SERVER, ANOTHER_KEY = "Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"
# The second one is what GitHub says to a key of another repository.
REFUSED_KEY = ("Permission denied (", "Repository not found")


@dataclass(frozen=True)
class GitAccess:
    """What the app user lacks to get at its repositories by SSH.

    + folder: where its keys are; makes_key: whether it has none, so that one is made
    + pins: lines for its known_hosts; unknown: the servers whose keys nobody has told us
    + repositories: those that are reached by SSH
    """

    folder: str
    makes_key: bool
    pins: tuple[str, ...]
    unknown: tuple[str, ...]
    repositories: tuple[str, ...]

    @property
    def needs_ssh(self) -> bool:
        """Whether there is any repository that is reached by SSH."""
        return bool(self.repositories)


def repositories(settings: Settings) -> list[str]:
    """The URLs of a site's repositories, each once."""
    return list(dict.fromkeys(url for url in (settings.code_repo_url, settings.config_repo_url) if url))


def server(url: str) -> str | None:
    """The server of a repository, as a known_hosts file names it; None where it is not reached by SSH."""
    if "://" in url:
        parts = urlsplit(url)
        if parts.scheme != "ssh" or not parts.hostname:
            return None
        return parts.hostname if parts.port in (None, 22) else f"[{parts.hostname}]:{parts.port}"
    before, colon, _ = url.partition(":")
    return before.rpartition("@")[2].lower() if colon and "/" not in before else None


def is_folder(url: str) -> bool:
    """Whether a repository is a folder of the host's own."""
    return url.startswith(("/", "file://"))


def servers(settings: Settings) -> list[str]:
    """The servers that a site's repositories are on and that are reached by SSH, each once."""
    return list(dict.fromkeys(found for url in repositories(settings) if (found := server(url))))


def git_access(site: Site | None, settings: Settings, home: str) -> GitAccess:
    """Find what the app user lacks.

    + site: what was seen of it; None where there is no such user yet
    """
    seen = site.access if site else None
    known = set(seen.known) if seen else set()
    told = {name: line for line in settings.known_hosts for name in line.split(" ")[0].split(",")}
    named = servers(settings)
    pins = [line for line in settings.known_hosts if not known.intersection(line.split(" ")[0].split(","))]
    pins += [FORGES[one] for one in named if one in FORGES and one not in told and one not in known]
    return GitAccess(
        folder=f"{home}/.ssh",
        makes_key=bool(named) and not (seen and seen.has_key),
        pins=tuple(pins),
        unknown=tuple(one for one in named if one not in known and one not in told and one not in FORGES),
        repositories=tuple(url for url in repositories(settings) if server(url)),
    )


def look_for_keys(settings: Settings) -> tuple[str, ...]:
    """The servers that the survey is asked about: those of the repositories, and those of the setting."""
    told = [line.split(" ")[0].split(",")[0] for line in settings.known_hosts]
    return tuple(dict.fromkeys([*servers(settings), *told]))


def how_to_pin(name: str) -> str:
    """How to find out what to write for a server whose key nobody has told us."""
    found = re.fullmatch(r"\[(.+)\]:(\d+)", name)
    where = f"-p {found[2]} {found[1]}" if found else name
    return (
        f"ssh-keyscan -t ed25519 {where} | tee /dev/stderr | ssh-keygen -lf - shows it and its fingerprint: where "
        f"that is what the server's own pages say, write the line ({name} ssh-ed25519 …) as known_hosts in the settings"
    )


def unresolved(part: str, ref: FoundRef, settings: Settings, home: str) -> str:
    """Why a ref stands for no commit, and what to do where its repository is not reached."""
    if not ref.unreachable:
        return f"{part}: {ref.problem}"
    told = why_unreachable(ref.problem, str(getattr(settings, f"{part}_repo_url")), settings, home)
    return f"{part}: {ref.problem}\n({told or KEY_LINE})"


KEY_LINE = "tried as the app's user, who fetches: it needs a key there, and the server's own key in known_hosts"


def why_unreachable(problem: str, url: str, settings: Settings, home: str) -> str:
    """What to do about a repository that the app user does not reach; empty where nobody can tell.

    + problem: what git and ssh have said
    """
    name, app = server(url), settings.app_username
    if name is None:
        return why_unreadable(problem, url, app) if is_folder(url) else ""
    if ANOTHER_KEY in problem:
        return (
            f"{name} has another key than {home}/.ssh/known_hosts has for it: if the server's own pages say so too, "
            f"remove that line (ssh-keygen -R '{name}' as {app}), and {PROVISION}"
        )
    if UNKNOWN_SERVER in problem:
        if name in FORGES:
            return f"{app} does not know the key of {name}: {PROVISION}, which pins it"
        return f"{app} does not know the key of {name}. {how_to_pin(name)}; then {PROVISION}"
    if any(words in problem for words in REFUSED_KEY):
        return (
            f"{name} lets no key of {app}'s in: {PROVISION}, which makes one where there is none "
            f"and shows it; add it there as a read-only deploy key of {url}"
        )
    return ""


def why_unreadable(problem: str, url: str, app: str) -> str:
    """What to do about a repository in a folder of the host's own that the app user can't read."""
    folder = url.removeprefix("file://")
    if NOT_ITS_OWNER not in problem:
        return f"tried as {app}, who fetches: it has to be able to read that"
    return (
        f"git reads no repository of another user's unless it is told to: chown -R {app}: {folder}, or, as {app}, "
        f"git config --global --add safe.directory {folder}"
    )
