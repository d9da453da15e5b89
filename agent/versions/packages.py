"""The packages that a version would have, and those that the live one has: read and resolved, nothing installed."""

from __future__ import annotations

import contextlib
import json
import posixpath
import re
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Optional

from agent.host.command import CommandFailed, Runner
from agent.host.reading import matching, read_text
from agent.host.users import acting_as
from agent.text.lines import lines_of
from agent.text.masking import masked_message, url_secrets
from agent.words.foreseen import Package, PackageChanges, Packages
from agent.words.settings import Settings

# How many files requirements may be in, and how large each may be, bytes.
MOST_FILES, LARGEST = 100, 1_000_000
# How long resolving may take, seconds: somebody waits for it.
LIMIT = 25.0
# What makes a virtual environment puts these into it, or not; they are none of the app's.
NOT_THE_APPS = frozenset(("pip", "setuptools", "wheel"))
NO_INSTALLER = (
    "this host has neither uv nor a pip outside of a version's environment, which brings its own when it is built"
)

Versions = dict[str, Optional[str]]
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*===?\s*([^\s;,*]+)\s*(?:;.*|--hash.*|\\)?$")
_INCLUDE = re.compile(r"^(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S+)")
_LOCAL = re.compile(r"^(?:-e|--editable)?[ =]?\s*(?:\.{1,2}(?:/|\s|\[|$)|file:|[\w./-]+/$)|@ file:")


def canonical(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(venv: Path) -> Versions:
    """The packages of a virtual environment with their versions."""
    found: Versions = {}
    for about in matching(venv, "lib/python*/site-packages/*-info"):
        told = _metadata(about)
        if told.get("name"):
            found.setdefault(canonical(told["name"]), told.get("version"))
    return found


def _metadata(about: Path) -> dict[str, str]:
    """What stands at the head of a package's description, by the keys in small letters; nothing where there is none."""
    for path in (about / "METADATA", about / "PKG-INFO", about):
        with contextlib.suppress(OSError):
            head = read_text(path).partition("\n\n")[0]
            pairs = (line.partition(":") for line in lines_of(head) if line[:1].isalpha())
            return {key.lower(): value.strip() for key, _, value in reversed(list(pairs))}
    return {}


def compare(before: Versions, after: Versions) -> PackageChanges:
    """What comes, goes, and changes its version. Pure.

    + after: without a version where it comes from a repository or a file, and is known when it is built
    """
    before = {name: version for name, version in before.items() if name not in NOT_THE_APPS}
    after = {name: version for name, version in after.items() if name not in NOT_THE_APPS}
    unsure = tuple(sorted(name for name, version in after.items() if version is None))
    others = [
        Package(name, before.get(name), after.get(name)) for name in sorted({*before, *after}) if name not in unsure
    ]
    changed = [one for one in others if one.name in before and one.name in after and one.was != one.version]
    up = tuple(one for one in changed if order(str(one.version)) > order(str(one.was)))
    return PackageChanges(
        added=tuple(one for one in others if one.name not in before),
        removed=tuple(one for one in others if one.name not in after),
        up=up,
        down=tuple(one for one in changed if one not in up),
        unsure=unsure,
    )


def order(version: str) -> tuple[int, tuple[int, ...], tuple[int, int]]:
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


POST = ("post", "rev", "r")


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
            pin = _PIN.match(line.partition(" #")[0].strip())
            if pin:
                found[canonical(pin.group(1))] = pin.group(2)
    return found


def names_local(texts: Mapping[str, str]) -> bool:
    """Whether requirements name something of the repository itself, such as `-e .`. Pure."""
    return any(_LOCAL.search(line.strip()) for text in texts.values() for line in text.splitlines())


def foresee(
    runner: Runner,
    settings: Settings,
    folder: Path,
    texts: tuple[Mapping[str, str] | None, Mapping[str, str]],
    live: Path | None,
) -> Packages:
    """What the packages of a version to be built will be, by its requirements.

    + folder: a checkout of its code
    + texts: of the live version's requirements, where they can be read, and of those to come
    + live: the live virtual environment, or None
    """
    before, after = texts
    with acting_as(str(runner.user)):
        has = installed(live) if live else {}
    said = pins(after)
    if not after:
        return Packages("resolved", compare(has, {}), same_text=before == after)
    same = before == after and not names_local(after)
    if same and all(said.get(name) == version for name, version in has.items() if name not in NOT_THE_APPS):
        return Packages("unchanged", same_text=True)
    try:
        resolved = _resolve(runner, settings, folder, live, passwords(after))
    except (CommandFailed, NotTried) as problem:
        shown = {name: version for name, version in said.items() if has.get(name) != version}
        refused = isinstance(problem, CommandFailed)
        why = masked_message(refusal(problem.output) if isinstance(problem, CommandFailed) else str(problem))
        # Of what is not pinned, nothing is known: not even that it goes.
        changes = compare({name: has[name] for name in shown if name in has}, shown)
        return Packages("pins", changes, same_text=same, why=why or str(problem.args[0]), refused=refused)
    return Packages("resolved", compare(has, resolved), same_text=same)


def with_script(found: Packages, by_script: Sequence[str] | None) -> Packages:
    """What was compared, but for what `build_script` will install again. Pure.

    + by_script: what it has installed in the live environment; None where nobody has written it down
    """
    told = found.changes
    if by_script is None:
        # The same requirements would have brought it.
        by_script = [one.name for one in told.removed] if found.same_text else []
    removed, up, down = (
        tuple(one for one in some if one.name not in by_script) for some in (told.removed, told.up, told.down)
    )
    changes = replace(told, removed=removed, up=up, down=down)
    return replace(found, changes=changes, by_script=tuple(sorted(by_script)))


class NotTried(Exception):
    """The installer could not be asked: what it would have said is known when the version is built."""


def refusal(output: str) -> str:
    """Why an installer has refused, in one line: what it says before its first error is of no use. Pure."""
    lines = [line.strip() for line in lines_of(output)]
    first = next((number for number, line in enumerate(lines) if re.match("error\\b|\u00d7", line, re.IGNORECASE)), 0)
    return " ".join(" ".join(lines[first:]).split())[:300]


def _resolve(runner: Runner, settings: Settings, folder: Path, live: Path | None, secrets: Collection[str]) -> Versions:
    """Have the installer say what it would install. Nothing is kept, not even in a cache.

    Raises CommandFailed when it refuses, NotTried when it can't be asked.
    """
    runner = replace(runner, until=min(runner.until, time.time() + LIMIT), secrets=secrets)
    try:
        return _ask_installer(runner, settings, folder, live)
    except CommandFailed as problem:
        if time.time() >= runner.until:
            raise NotTried(f"it takes longer than the {LIMIT:.0f} s that a look has for it") from None
        if "No module named pip" in problem.output:
            raise NotTried(NO_INSTALLER) from None
        raise


def _ask_installer(runner: Runner, settings: Settings, folder: Path, live: Path | None) -> Versions:
    home = Path("~" + str(runner.user)).expanduser()
    uv = shutil.which("uv", path="/usr/local/bin:/usr/bin:/bin:" + str(home / ".local/bin"))
    wheelhouse = settings.wheelhouse
    offline = ["--no-index", "--find-links", str(wheelhouse)] if wheelhouse else []
    file, interpreter = folder / settings.requirements, settings.python
    if uv:
        argv = [uv, "pip", "compile", "--quiet", "--no-cache", "--no-header", "--no-annotate", "--no-python-downloads"]
        output = runner.run([*argv, "--python", interpreter, *offline, str(file)], cwd=file.parent)
        return from_compiled(output)
    python = str(live / "bin" / "python") if live else interpreter
    if not shutil.which(python):
        raise NotTried(f"{python} is not there")
    argv = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet", "--no-cache-dir"]
    argv += ["--dry-run", "--ignore-installed", "--report", "-", *offline, "--requirement", str(file)]
    return from_report(runner.run(argv, cwd=file.parent))


def from_compiled(output: str) -> Versions:
    """What `uv pip compile` printed. Pure."""
    found: Versions = {}
    for line in lines_of(output):
        pin = _PIN.match(line.strip())
        if pin:
            found[canonical(pin.group(1))] = pin.group(2)
        elif " @ " in line:
            found[canonical(line.partition(" @ ")[0].partition("[")[0].strip())] = None
    return found


def from_report(output: str) -> Versions:
    """What `pip install --report -` printed. Raises CommandFailed when it is no report. Pure."""
    try:
        report = json.loads(output)
        metadata = [one["metadata"] for one in report["install"]]
        return {canonical(one["name"]): str(one["version"]) for one in metadata}
    except (ValueError, KeyError, TypeError):
        raise CommandFailed("pip printed no report", output) from None
