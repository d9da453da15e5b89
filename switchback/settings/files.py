"""The files of an environment's settings: group_data/all.yml, then group_data/prod.yml over it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from switchback.settings.errors import Problems
from switchback.settings.given import Given, unknown
from switchback.settings.model import Settings
from switchback.settings.yaml_lines import read_yaml

# What the older Fabric script's users have in the same file, for Fabric itself.
FABRICS_OWN = "run"


class SettingFiles:
    """Where the settings of an environment are looked for: beside the project, beside the inventory, in --group-data.

    + inventory: the inventory's file, whose name is the environment
    + more: further directories; as in pyinfra, a later one's values count
    """

    def __init__(self, inventory: str, more: Sequence[str]) -> None:
        self.environment = Path(inventory).stem
        beside = (Path("group_data"), Path(inventory).resolve().parent / "group_data")
        self.folders = [_shown(folder) for folder in (*beside, *map(Path, more))]

    @property
    def home(self) -> str:
        """The environment's own file, where there is one; else where it should be."""
        name = f"{self.environment}.yml"
        found = [folder / name for folder in self.folders if (folder / name).exists()]
        return str(found[-1] if found else self.folders[0] / name)

    @property
    def missing(self) -> bool:
        """Whether the environment has no file of its own."""
        return not Path(self.home).exists()

    def read(self, problems: Problems) -> dict[str, Given]:
        """The values of all files, those that count.

        + problems: where unknown keys and unreadable files are noted
        """
        given: dict[str, Given] = {}
        for name in ("all", self.environment):
            for folder in dict.fromkeys(self.folders):
                given.update(_read(folder / f"{name}.yml", problems))
        return given


def _shown(path: Path) -> Path:
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else Path(relative)


def _read(path: Path, problems: Problems) -> dict[str, Given]:
    given: dict[str, Given] = {}
    if not path.exists():
        return given
    with problems.gather():
        for key, entry in read_yaml(path).items():
            where = f"{path}:{entry.line}"
            if key in Settings.model_fields:
                given[key] = Given(entry.value, where)
            elif key == FABRICS_OWN:
                click.echo(f"    {where}: {key} is for Fabric itself: ignored", err=True)
            else:
                problems.add(unknown(where, key, Settings.model_fields))
    return given
