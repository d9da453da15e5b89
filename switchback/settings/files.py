"""The files of an environment's settings: group_data/all.yml, then group_data/prod.yml over it; or the same two in a
folder of a project's own. Each value is as it was typed, with the line that it is on."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

from switchback.settings.errors import Problems, Refused
from switchback.settings.given import Given, unknown
from switchback.settings.model import Settings

# What the older Fabric script's users have in the same file, for Fabric itself.
FABRICS_OWN = "run"
_EMPTY = ("", "null", "Null", "NULL")


class SettingFiles:
    """Where the settings of an environment are looked for: beside the project, beside the inventory, in --group-data.

    + inventory: the inventory's file, whose name is the environment
    + more: further directories; as in pyinfra, a later one's values count. Where it is a file, `deploy/prod.yml` say,
      that is the environment, and nothing counts but it and the `all.yml` beside it
    """

    def __init__(self, inventory: str, more: Sequence[str]) -> None:
        own = next((Path(one) for one in more if one.endswith(".yml")), None)
        if own:
            self.environment, self.folders = own.stem, [_shown(own.parent)]
            return
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


@dataclass(frozen=True)
class Entry:
    """One key's value.

    + value: text, or lists and mappings of text; None where nothing (or an unquoted `null`) is written
    + line: the line of the key, from 1
    """

    value: object
    line: int


def read_yaml(path: Path) -> dict[str, Entry]:
    """Read a file's top level. Raises Refused when it is not a mapping, or has a key twice, there or deeper."""
    try:
        return _entries(_Loader(path.read_bytes(), path), path)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise Refused(f"{path}{line}: this is not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise Refused(f"{path}: this is not YAML: {' '.join(str(error).split())}") from error
    except OSError as error:
        raise Refused(f"{path}: can't be read: {error.strerror}") from error


class _Loader(yaml.BaseLoader):
    """Makes no numbers, dates or booleans of anything: 0012345 and 12e4567 are branches as well.

    Of a key that a mapping has twice, YAML takes the last one without a word; this one notes a problem.
    """

    def __init__(self, text: bytes, path: Path) -> None:
        super().__init__(text)
        self._path = path
        self.problems = Problems()

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """The value of a mapping."""
        lines: dict[str, int] = {}
        for key_node, _ in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in lines:
                self.problems.add(f"{self._path}:{line}: {key} is already on line {lines[key]}: keep one of them")
            lines.setdefault(key, line)
        return super().construct_mapping(node, deep)


def _entries(loader: _Loader, path: Path) -> dict[str, Entry]:
    root = loader.get_single_node()
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise Refused(f"{path}:{root.start_mark.line + 1}: write one `key: value` on each line")
    loader.construct_document(root)
    loader.problems.refuse_if_any()
    return {str(key.value): Entry(_value(loader, value), key.start_mark.line + 1) for key, value in root.value}


def _value(loader: yaml.BaseLoader, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _EMPTY:
        return None
    return loader.construct_document(node)
