"""Requirements as installers read them: a file of lines, and those that it includes. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping

from agent.locks.releases import canonical
from agent.packages.installed import Versions
from agent.text.masking import url_secrets

# How many files requirements may be in, and how large each may be, bytes.
MOST_FILES, LARGEST = 100, 1_000_000
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*===?\s*([^\s;,*]+)\s*(?:;.*|--hash.*|\\)?$")
_INCLUDE = re.compile(r"^(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S+)")
_LOCAL = re.compile(r"^(?:-e|--editable)?[ =]?\s*(?:\.{1,2}(?:/|\s|\[|$)|file:|[\w./-]+/$)|@ file:")
_NAMED = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)", re.MULTILINE)


def requirement_texts(read: Callable[[str], str | None], name: str) -> dict[str, str]:
    """A requirements file and all that it includes, by path. Pure but for `read`.

    + read: gives a file's text by its path, None where there is none
    """
    texts: dict[str, str] = {}
    seen, wanted = set[str](), [name]
    while wanted and len(seen) < MOST_FILES and sum(map(len, texts.values())) < LARGEST:
        path = wanted.pop()
        text = None if path in seen else read(path)
        seen.add(path)
        if text is None or len(text) > LARGEST:
            continue
        texts[path] = text
        for line in text.splitlines():
            include = _INCLUDE.match(line.strip())
            if include and "://" not in include.group(1):
                wanted.append(posixpath.normpath(posixpath.join(posixpath.dirname(path), include.group(1))))
    return texts


def passwords(texts: Mapping[str, str]) -> frozenset[str]:
    """The passwords of the indexes and repositories that requirements name: an installer may say them anyhow. Pure."""
    return frozenset(secret for text in texts.values() for secret in url_secrets(text))


def pins(texts: Mapping[str, str]) -> Versions:
    """The packages that requirements name with one version exactly. Pure."""
    found: Versions = {}
    for text in texts.values():
        for line in text.splitlines():
            pin = PIN.match(line.partition(" #")[0].strip())
            if pin:
                found[canonical(pin.group(1))] = pin.group(2)
    return found


def names_local(texts: Mapping[str, str]) -> bool:
    """Whether requirements name something of the repository itself, such as `-e .`. Pure."""
    return any(_LOCAL.search(line.strip()) for text in texts.values() for line in text.splitlines())


def named_in(texts: Iterable[str]) -> frozenset[str]:
    """The packages that requirements name, as indexes compare them. Pure.

    >>> sorted(named_in(["Django>=5,<6\\ngunicorn[x] ; python_version > '3'\\n# no\\n-r b.txt"]))
    ['django', 'gunicorn']
    """
    return frozenset(canonical(name) for text in texts for name in _NAMED.findall(text))


def has_hashes(texts: Mapping[str, str]) -> bool:
    """Whether requirements say what their files have to be, so that each of them has to. Pure."""
    return any(re.search(r"^[^#\n]*--hash[ =]", text, re.MULTILINE) for text in texts.values())
