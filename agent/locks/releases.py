"""Names and releases of packages, and what they have to be, as PEP 440 and indexes have it."""

from __future__ import annotations

import re

Order = tuple[int, tuple[int, ...], tuple[int, int]]
POST = ("post", "rev", "r")
_CLAUSE = re.compile(r"\s*(===|==|!=|<=|>=|<|>|~=)\s*([^\s,]+)\s*")


def canonical(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def order(version: str) -> Order:
    """What versions are sorted by, as PEP 440 has it: 1.9 before 1.10, a candidate before its release."""
    match = re.match(r"^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(.*)$", version.strip().lower())
    if not match:
        return (0, (), (0, 0))
    release = tuple(int(part) for part in match.group(2).split("."))
    while release and release[-1] == 0:
        release = release[:-1]
    rest = re.sub(r"[-_.]", "", match.group(3).partition("+")[0])
    phase = re.match(r"^(dev|alpha|a|beta|b|rc|c|preview|pre|post|rev|r)?(\d*)", rest)
    word = phase.group(1) if phase else None
    rank = {None: 0, "dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2}.get(word, 1 if word in POST else -1)
    number = int(phase.group(2)) if phase and phase.group(2) else 0
    return (int(match.group(1) or 0), release, (rank, number))


def fits(release: str, clause: str) -> bool:
    """Whether a release is what one clause says, as in `>=3.9` or `==3.11.*`. Raises ValueError for what is no clause.

    >>> fits("3.11.2", "==3.11.*"), fits("3.10", "~=3.9"), fits("4.0", "~=3.9"), fits("3.9", "!=3.9.*")
    (True, True, False, False)
    """
    found = _CLAUSE.fullmatch(clause)
    if not found:
        raise ValueError(f"{clause!r} says nothing of a release")
    sign, wanted = found.groups()
    if sign == "===":
        return release.lower() == wanted.lower()
    if sign == "~=":
        start = ".".join(wanted.split(".")[:-1])
        return order(release) >= order(wanted) and _begins_with(release, start)
    if wanted.endswith(".*") and sign in ("==", "!="):
        return _begins_with(release, wanted[:-2]) is (sign == "==")
    # What follows a + counts only where it is asked for.
    here, there = order(release), order(wanted)
    signs = {
        "==": here == there,
        "!=": here != there,
        "<": here < there,
        "<=": here <= there,
        ">": here > there,
        ">=": here >= there,
    }
    return signs[sign]


def fits_all(release: str, clauses: str) -> bool:
    """Whether a release is what several clauses say, with commas between; where there is none, any is.

    >>> fits_all("3.11.2", ">=3.9, <4"), fits_all("3.8", ">=3.9,<4"), fits_all("3", "")
    (True, False, True)
    """
    return all(fits(release, clause) for clause in clauses.split(",") if clause.strip())


def _begins_with(release: str, start: str) -> bool:
    wanted, here = _parts(start), _parts(release)
    return (here + (0,) * len(wanted))[: len(wanted)] == wanted


def _parts(release: str) -> tuple[int, ...]:
    found = re.match(r"v?(?:\d+!)?(\d+(?:\.\d+)*)", release.strip().lower())
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()
