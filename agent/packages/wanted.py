"""What a version needs of packages, as an installer is told it, from whichever file says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from agent.inside.lean import dataclass
from agent.locks.documents import Unusable
from agent.locks.releases import fits_all
from agent.packages import pyproject
from agent.packages.finding import Found, Read, find, meant
from agent.packages.installed import Versions
from agent.packages.interpreter import Interpreter
from agent.packages.locked import Choice, is_lock, read_lock
from agent.packages.pythons import there
from agent.packages.requirements import has_hashes, named_in, names_local, passwords, requirement_texts
from agent.words.settings import Settings

# What starts the app where Switchback itself says how: with an older supervisor its own Python may not start.
AUTO = "auto"
SUPERVISOR, SERVER = "supervisor>=4.3", ("gunicorn",)


@dataclass(frozen=True)
class Wanted:
    """What a version needs of packages.

    + found: the file that says so
    + texts: all that was read for it, by path in the code
    + handed: the files in the code that the installer reads itself; options: what it is told of them
    + lines: further requirements, one each
    + locked: the release of each package where all are said, and nothing is left to resolve; then the lines say what
      each file has to be, loose are those of which the lock does not, and indexes says where they are looked for
    + names: the packages that it names; all_named: whether these are all that it asks for itself
    + added: what the project does not list, as requirements
    + python: the releases of Python that it says it runs with
    """

    found: Found
    texts: dict[str, str]
    handed: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    locked: Versions | None = None
    loose: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    all_named: bool = False
    added: tuple[str, ...] = ()
    python: str = ""

    @property
    def apart(self) -> bool:
        """Whether what is added is installed on its own, beside what is locked: that may not change by it."""
        return self.locked is not None or has_hashes(self.texts)

    @property
    def secrets(self) -> frozenset[str]:
        """The passwords in it, which an installer may say."""
        return passwords({**self.texts, "": "\n".join(self.indexes)})

    def says_same(self, other: Wanted | None) -> bool:
        """Whether another one asks for the same."""
        return other is not None and self._told == other._told

    @property
    def _told(self) -> tuple[object, ...]:
        texts = self.texts if self.locked is None else {}
        return texts, self.handed, self.options, self.lines, self.loose, self.indexes, self.added


@dataclass(frozen=True)
class Asked:
    """How a project is asked for its packages.

    + settings: the site's; configured: whether it has a config of its own, which says how it is started
    + uv: whether uv installs them
    + folder: the project's, in the code; serves: the packages that serve it, where Switchback says how
    """

    settings: Settings
    configured: bool
    uv: bool
    folder: str = ""
    serves: tuple[str, ...] = SERVER


def wanted(asked: Asked, files: Collection[str], read: Read, python: Interpreter) -> Wanted:
    """Find and read what a project needs. Raises Unusable.

    + files: all that is in the code; read: gives a file's text by its path; python: what the version will run with
    """
    found = _found(asked, files, read)
    if is_lock(found.path):
        told = _of_lock(asked, found, asked.folder, read, python)
    elif found.path.endswith(".toml"):
        told = _of_pyproject(asked, found, read, python)
    else:
        if asked.settings.requirements_extras or asked.settings.requirements_groups:
            raise Unusable(
                f"{found.path} knows no extras and no groups: take requirements_extras and requirements_groups out of "
                "the settings, or write requirements: pyproject.toml"
            )
        texts = requirement_texts(read, found.path)
        told = Wanted(found, texts, (found.path,), names=named_in(texts.values()), all_named=_all_named(texts))
    _runs_with(told, python)
    added = _added(asked, told.names)
    return Wanted(**{**vars(told), "added": added, "names": told.names | named_in(added)})


def _runs_with(told: Wanted, python: Interpreter) -> None:
    """Raises Unusable where the project says that it does not run with this Python: no installer would, since the
    project itself is not installed."""
    if not told.python:
        return
    here = python.environment["python_full_version"]
    try:
        right = fits_all(here, told.python)
    except ValueError:
        return
    if not right:
        raise Unusable(
            f"{told.found.path} is for Python {told.python}, and python: {python.python.asked} is {here} on this host "
            f"(it has {', '.join(there())}): write another one in the settings, python: 3.13 say"
        )


def _of_lock(asked: Asked, found: Found, folder: str, read: Read, python: Interpreter) -> Wanted:
    choice = Choice(folder, asked.settings.requirements_extras, asked.settings.requirements_groups)
    locked, texts = read_lock(found.path, read, choice, python)
    return Wanted(
        found,
        texts,
        lines=tuple(pin.line for pin in locked.pins if pin.hashes),
        locked={pin.name: pin.release for pin in locked.pins},
        loose=tuple(pin.line for pin in locked.pins if not pin.hashes),
        indexes=locked.options,
        names=frozenset(pin.name for pin in locked.pins),
        all_named=True,
        python=locked.python,
    )


def _found(asked: Asked, files: Collection[str], read: Read) -> Found:
    given = asked.settings.requirements
    if given is None:
        return find(files, read, asked.folder, as_ever=asked.configured)
    if read(given) is None:
        instead = (*meant(files), "PATH")[0]
        raise Unusable(
            f"{given} is not in the code, and a missing file is no empty one: add it, or write requirements: {instead} "
            "in the settings"
        )
    return Found(given, as_ever=True)


def _of_pyproject(asked: Asked, found: Found, read: Read, interpreter: Interpreter) -> Wanted:
    path, extras, groups = found.path, asked.settings.requirements_extras, asked.settings.requirements_groups
    text = read(path) or ""
    try:
        document = interpreter.parse(path, text)
        named = pyproject.files_named(path, document)
        texts = {path: text}
        for name in named:
            texts.update(requirement_texts(read, name))
        lines = pyproject.requirements(path, document, extras)
    except Unusable:
        # uv reads what we can't, and builds the project where its backend alone knows.
        if asked.uv and not groups:
            return Wanted(found, {path: text}, (path,), _extras(extras))
        raise
    lines_of_groups = pyproject.groups(path, document, groups)
    names = named_in((*lines, *lines_of_groups, *(text for name, text in texts.items() if name != path)))
    python = pyproject.requires_python(document)
    if asked.uv:
        return Wanted(found, texts, (path,), _extras(extras), lines_of_groups, names=names, python=python)
    if pyproject.has_sources(document):
        raise Unusable(
            f"{path} says in [tool.uv.sources] where packages come from, which uv alone understands, and the host has "
            "no uv: install it, or write requirements: FILE.txt in the settings"
        )
    return Wanted(
        found, texts, named, lines=(*lines, *lines_of_groups), names=names, all_named=not named, python=python
    )


def _extras(extras: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for extra in extras for word in ("--extra", extra))


def _all_named(texts: Mapping[str, str]) -> bool:
    """Whether requirements name all that they ask for themselves, as far as that can be told."""
    return not names_local(texts) and not any("://" in text for text in texts.values())


def _added(asked: Asked, names: Collection[str]) -> tuple[str, ...]:
    """What is installed besides, less what the project names itself: its own word counts."""
    serves = (*asked.serves[:1], SUPERVISOR, *asked.serves[1:])
    given, auto = asked.settings.extra_requirements, () if asked.configured else serves
    lines = [line for one in given for line in (auto if one == AUTO else (one,))]
    return tuple(line for line in lines if not named_in((line,)) & set(names))
