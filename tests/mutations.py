"""What `make test-mutations` has found: `python -m tests.mutations TREE RESULT`, where mutmut ran and where to keep it.

A survivor is a change that no test has noticed. Those that need no test have a word why in tests/unit/survivors.yml, by
function and by what is changed, since mutmut's numbers move with each edit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from tests.bed.places import ROOT

RESULT = "mutations.json"
WORDS = ROOT / "tests" / "unit" / "survivors.yml"
NOTICED = ("killed", "timeout", "caught by type check")
NOT_TRIED = "not checked"


@dataclass(frozen=True)
class Module:
    """How many changes of a module were noticed, of how many that were tried, and how many were not tried."""

    name: str
    noticed: int
    tried: int
    left: int = 0


@dataclass(frozen=True)
class Found:
    """What a run found.

    + survivors: each as function and change
    """

    modules: tuple[Module, ...]
    survivors: tuple[str, ...]


def named(mutant: str) -> tuple[str, str]:
    """The module and the function of a mutant, by mutmut's name."""
    module, _, function = mutant.rpartition("__mutmut_")[0].rpartition(".x")
    return module, function[1:].replace("ǁ", ".")


def changed(diff: str) -> str:
    """What a diff changes, in a line."""
    lines = [line for line in diff.splitlines() if line[:1] in "-+" and not re.match(r"---|\+\+\+", line)]
    return " ".join(f"{line[0]} {line[1:].strip()}" for line in lines if line)


def found(results: str, diff_of: Callable[[str], str]) -> Found:
    """Read what mutmut says of all mutants: a line each, its name and how it ended."""
    ended = dict(line.strip().split(": ", 1) for line in results.splitlines() if "__mutmut_" in line)
    noticed, tried, left = Counter[str](), Counter[str](), Counter[str]()
    survivors = []
    for mutant, how in ended.items():
        module, function = named(mutant)
        left[module] += how == NOT_TRIED
        tried[module] += how != NOT_TRIED
        noticed[module] += how in NOTICED
        if how not in (*NOTICED, NOT_TRIED):
            survivors.append(f"{module}.{function}: {changed(diff_of(mutant))}")
    modules = tuple(Module(one, noticed[one], tried[one], left[one]) for one in sorted(tried))
    return Found(modules, tuple(sorted(survivors)))


def load(file: Path) -> Found:
    """Read what was kept of a run."""
    kept = json.loads(file.read_text())
    return Found(tuple(Module(**one) for one in kept["modules"]), tuple(kept["survivors"]))


def words() -> dict[str, str]:
    """The word of each survivor that has one: the file has the survivors of each word."""
    kept = yaml.safe_load(WORDS.read_text()) or {}
    return {survivor: word for word, survivors in kept.items() for survivor in survivors}


def table(what: Found, why: dict[str, str]) -> list[str]:
    """What was found as Markdown: the modules, the survivors of each word, and those without one."""
    tried, noticed = sum(one.tried for one in what.modules), sum(one.noticed for one in what.modules)
    lines = [
        f"{noticed:,} of {tried:,} changes were noticed; {sum(one.left for one in what.modules):,} were not tried.",
        "",
        "| module | noticed | tried | not tried |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {one.name} | {one.noticed} | {one.tried} | {one.left} |" for one in what.modules),
    ]
    for word in [*sorted(set(why.values())), None]:
        of_word = [one for one in what.survivors if why.get(one) == word]
        if of_word:
            lines += ["", f"{word or 'Without a word'}:", "", *(f"- `` {one} ``" for one in of_word)]
    return lines


def main(arguments: Sequence[str]) -> None:
    """Keep what mutmut found in a tree, and say it."""
    tree, result = Path(arguments[0]), Path(arguments[1])
    mutmut = str(Path(sys.executable).absolute().parent / "mutmut")

    def said(*what: str) -> str:
        return subprocess.run([mutmut, *what], cwd=tree, capture_output=True, text=True, check=True).stdout

    what = found(said("results", "--all", "true"), lambda mutant: said("show", mutant))
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(asdict(what), indent=1))
    sys.stdout.write("\n".join(table(what, words())) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
