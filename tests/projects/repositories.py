"""Git repositories that a test fills, and a host fetches from."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

from tests.bed.hosts import Host
from tests.bed.image import as_root
from tests.sample.build import ENVIRONMENT


class Repository:
    """A repository with a work tree, whose files a test writes and commits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, env={**os.environ, **ENVIRONMENT}, check=True)

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Write a file of the work tree."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def change(self, path: str, old: str, new: str) -> None:
        """Change what stands in a file of the work tree once."""
        text = (self.folder / path).read_text()
        assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
        self.write(path, text.replace(old, new))

    def append(self, path: str, text: str) -> None:
        """Add to the end of a file of the work tree."""
        self.write(path, (self.folder / path).read_text() + text)

    def link(self, path: str, target: str) -> None:
        """Lay a link."""
        (self.folder / path).symlink_to(target)

    def commit(self, tag: str) -> None:
        """Commit the work tree as it is, with a tag."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", tag)
        self._git("tag", tag)

    def go_to(self, tag: str) -> None:
        """Have the work tree as it was at a tag; what is committed next is of that."""
        self._git("read-tree", "--reset", "-u", tag)

    def place(self, host: Host, path: str) -> None:
        """Lay it on a host as a bare repository, in the place of what is there."""
        place_folder(host, self.folder / ".git", path)
        host.run(["git", "-C", path, "config", "core.bare", "true"])


def place_folder(host: Host, folder: Path, path: str) -> None:
    """Lay a folder on a host, in the place of what is there."""
    host.run(["rm", "-rf", path])
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(folder, arcname=path.lstrip("/"), filter=as_root)
    host.container.put_archive("/", packed.getvalue())
