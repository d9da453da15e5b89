"""Reads a YAML file of settings: each value as it was typed, with the line that it is on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from switchback.settings.errors import Problems, Refused

_EMPTY = ("", "null", "Null", "NULL")


@dataclass(frozen=True)
class Entry:
    """One key's value.

    + value: text, or lists and mappings of text; None where nothing (or an unquoted `null`) is written
    + line: the line of the key, from 1
    """

    value: object
    line: int


def read_yaml(path: Path) -> dict[str, Entry]:
    """Read a file's top level. Raises Refused when it is not a mapping, or has a key twice."""
    try:
        # The base loader makes no numbers, dates or booleans of anything: 0012345 and 12e4567 are branches as well.
        loader = yaml.BaseLoader(path.read_bytes())
        return _entries(loader, path)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise Refused(f"{path}{line}: this is not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise Refused(f"{path}: this is not YAML: {' '.join(str(error).split())}") from error
    except OSError as error:
        raise Refused(f"{path}: can't be read: {error.strerror}") from error


def _entries(loader: yaml.BaseLoader, path: Path) -> dict[str, Entry]:
    root = loader.get_single_node()
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise Refused(f"{path}:{root.start_mark.line + 1}: write one `key: value` on each line")
    problems = Problems()
    entries: dict[str, Entry] = {}
    for key_node, value_node in root.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key in entries:
            problems.add(f"{path}:{line}: {key} is already on line {entries[key].line}: keep one of them")
        entries.setdefault(key, Entry(_value(loader, value_node), line))
    problems.refuse_if_any()
    return entries


def _value(loader: yaml.BaseLoader, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _EMPTY:
        return None
    return loader.construct_document(node)
