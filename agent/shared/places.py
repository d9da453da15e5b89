"""What of the code is no version's own, and where it lives. Pure, so that the settings are all that decides it."""

from __future__ import annotations

from agent.inside.lean import dataclass
from agent.words.settings import Settings

# An empty file of such a name is a new database; of any other, one that is missing.
DATABASES = (".sqlite3", ".sqlite", ".db")


@dataclass(frozen=True)
class Place:
    """A directory or a file that outlives the versions.

    + name: below the shared folder; path: in the code, where each version has a link to it
    """

    name: str
    path: str
    is_folder: bool

    @property
    def setting(self) -> str:
        """The setting that names it."""
        return "shared_dirs" if self.is_folder else "shared_files"

    @property
    def is_database(self) -> bool:
        """Whether it may begin as an empty file."""
        return not self.is_folder and self.name.endswith(DATABASES)


def places(settings: Settings) -> list[Place]:
    """All that outlives a site's versions.

    >>> from types import SimpleNamespace
    >>> places(SimpleNamespace(shared_dirs={"media": "backend/media"}, shared_files={}))
    [Place(name='media', path='backend/media', is_folder=True)]
    """
    folders = [Place(name, path, is_folder=True) for name, path in settings.shared_dirs.items()]
    return [*folders, *(Place(name, path, is_folder=False) for name, path in settings.shared_files.items())]
