"""Environment markers, `python_version < "3.11" and sys_platform == "linux"` say, for one Python (PEP 508)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from agent.locks.documents import Unusable
from agent.locks.releases import canonical, fits

# What a Python says of itself, by the names that markers use.
Environment = Mapping[str, str]
_WORD = re.compile(
    r"""\s*(?:(?P<sign>\(|\)|===|==|!=|<=|>=|~=|<|>)|(?P<name>[A-Za-z_][\w.]*)|"(?P<double>[^"]*)"|'(?P<single>[^']*)')"""
)
_RELEASES = ("python_version", "python_full_version", "implementation_version", "platform_release")
# How markers of old said it.
_OF_OLD = {
    "os.name": "os_name",
    "sys.platform": "sys_platform",
    "platform.version": "platform_version",
    "platform.machine": "platform_machine",
    "platform.python_implementation": "platform_python_implementation",
    "python_implementation": "platform_python_implementation",
}
_SIGNS = ("===", "==", "!=", "<=", ">=", "~=", "<", ">", "in", "not in")
# Longer ones nobody writes.
LONGEST = 20_000


def holds(marker: str, environment: Environment, extras: Collection[str] = ()) -> bool:
    """Whether a marker is true of a Python; an empty one always is. Raises Unusable for what is none.

    + extras: those that are asked for, which it may name

    >>> holds("python_version >= '3.9' and (os_name == 'nt' or extra == 'S_3')", {"python_version": "3.11"}, ["s-3"])
    True
    """
    if not marker.strip():
        return True
    try:
        return _Reader(marker, environment, extras).read()
    except (ValueError, RecursionError):
        raise Unusable(f"the marker {marker[:200]!r} can't be understood") from None


class _Reader:
    """A marker that is being read, word by word."""

    def __init__(self, marker: str, environment: Environment, extras: Collection[str]) -> None:
        self.words, self.environment = _words(marker), environment
        self.extras = {canonical(extra) for extra in extras}

    def read(self) -> bool:
        """Raises ValueError."""
        told = self._any()
        if self.words:
            raise ValueError("more than a marker")
        return told

    def _any(self) -> bool:
        told = self._all()
        while self._is_next("or"):
            told = self._all() or told
        return told

    def _all(self) -> bool:
        told = self._one()
        while self._is_next("and"):
            told = self._one() and told
        return told

    def _one(self) -> bool:
        if self._is_next("("):
            told = self._any()
            if not self._is_next(")"):
                raise ValueError("no end")
            return told
        left, sign = self._next(), self._next()[1]
        if sign == "not":
            sign = f"not {self._next()[1]}"
        if sign not in _SIGNS:
            raise ValueError(sign)
        return self._compared(left, sign, self._next())

    def _next(self) -> tuple[str, str]:
        if not self.words:
            raise ValueError("too short")
        return self.words.pop()

    def _is_next(self, word: str) -> bool:
        if self.words and self.words[-1] in (("word", word), ("sign", word)):
            self.words.pop()
            return True
        return False

    def _compared(self, left: tuple[str, str], sign: str, right: tuple[str, str]) -> bool:
        names = [_OF_OLD.get(text, text) for kind, text in (left, right) if kind == "word"]
        if len(names) != 1 or "sign" in (left[0], right[0]):
            raise ValueError("a name and a text")
        (name,) = names
        literal = left[1] if left[0] == "text" else right[1]
        if name in ("extra", "extras", "dependency_groups"):
            return (canonical(literal) in self.extras) is (sign in ("==", "in", "==="))
        if name not in self.environment:
            raise ValueError(name)
        value = self.environment[name]
        here, there = (value, literal) if left[0] == "word" else (literal, value)
        if sign in ("in", "not in"):
            return (here in there) is (sign == "in")
        if name in _RELEASES and re.match(r"v?\d", there):
            return fits(here, sign + there)
        if sign not in ("==", "!=", "==="):
            return {"<": here < there, "<=": here <= there, ">": here > there, ">=": here >= there}[sign]
        return (here == there) is (sign != "!=")


def _words(marker: str) -> list[tuple[str, str]]:
    """The words of a marker, the first one last. Raises ValueError."""
    found, at, marker = [], 0, marker.strip()
    if len(marker) > LONGEST:
        raise ValueError("too long")
    while at < len(marker):
        word = _WORD.match(marker, at)
        if not word:
            raise ValueError(marker[at:])
        at = word.end()
        sign, name, double, single = word.groups()
        if sign:
            found.append(("sign", sign))
        elif name:
            found.append(("word", name))
        else:
            found.append(("text", double if double is not None else single))
    return found[::-1]
