"""What a lock asks for: packages, each as one release, with what its files have to be."""

from __future__ import annotations

from urllib.parse import urlsplit

from agent.inside.lean import dataclass
from agent.locks.documents import Unusable

# The index that everybody has by default.
PYPI = ("https://pypi.org/simple", "https://pypi.python.org/simple")
# Stands for the folder of the lock, in a place that is known where the code is installed from.
HERE = "{folder of the lock}"


@dataclass(frozen=True)
class Pin:
    """A package as a lock has it.

    + release: None where the place alone says it
    + place: where it comes from, if not from an index: a URL
    + hashes: those of the files that it may be
    """

    name: str
    release: str | None
    place: str = ""
    hashes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """As a requirement."""
        asked = f"{self.name} @ {self.place}" if self.place else f"{self.name}=={self.release}"
        return " ".join([asked, *(f"--hash={one}" for one in self.hashes)])


@dataclass(frozen=True)
class Locked:
    """All that a lock asks for.

    + indexes: where to look besides the default one
    + python: the releases of Python that it is for
    """

    pins: tuple[Pin, ...]
    indexes: tuple[str, ...] = ()
    python: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """How an installer finds them, as lines."""
        found = dict.fromkeys(one.rstrip("/") for one in self.indexes)
        return tuple(f"--extra-index-url {one}" for one in found if one not in PYPI)


def from_git(path: str, url: str, commit: str, folder: str = "") -> str:
    """Where a package comes from that a commit of a repository has. Raises Unusable.

    + path: of the lock, for what is said
    """
    if not commit:
        raise Unusable(f"{path} has a package from {url} without its commit: lock it anew")
    if "://" not in url:
        # git@host:path, as ssh alone has it.
        url = "ssh://" + url.replace(":", "/", 1)
    where = url if url.startswith("git+") else f"git+{url}"
    return f"{where}@{commit}" + (f"#subdirectory={folder}" if folder else "")


def from_here(folder: str) -> str:
    """Where a package comes from that the code itself has.

    + folder: relative to the lock's
    """
    return f"file://{HERE}/{folder}"


def index_of(path: str, url: str) -> str:
    """The URL of an index. Raises Unusable where it is none."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise Unusable(f"{path} takes packages from {url}, which is no index: set wheelhouse, or lock it without")
    return url
