"""What a project tells of itself: where its manage.py is, its settings module, and what serves it. Pure: the paths of a
commit and the texts of its files in, a `Project` out."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import field

from agent.inside.lean import dataclass
from agent.project.forced import forced
from agent.project.processes import WEB, Program, celery_modules, problems, programs_of
from agent.project.procfile import PROCFILE, Procfile, read
from agent.project.servers import named
from agent.words.settings import Process, Settings

TextOf = Callable[[str], "str | None"]

NAMED = re.compile(r"""DJANGO_SETTINGS_MODULE["']\s*\]?\s*[,:=]\s*["']([A-Za-z_][\w.]*)["']""")
SERVED = re.compile(r"""^(WSGI|ASGI)_APPLICATION\s*=\s*["']([A-Za-z_][\w.]*)\.([A-Za-z_]\w*)["']""", re.MULTILINE)
UNNAMED = re.compile(r"([A-Za-z_]\w*)/settings(?:/__init__)?\.py")
# What the settings of production are called beside others.
PRODUCTION = ("production", "prod")
# How many files are read for one thing.
MOST = 20


class NotFound(Exception):
    """What can't be read from the project, a sentence each, with the setting to write."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Project:
    """A project as its code has it.

    + folder: where its manage.py is, from the code's top; empty for the top itself
    + settings: its settings module
    + server: wsgi or asgi; module, name: what serves it; both empty where it has nothing of its own
    + found: what was found, a sentence each; what a setting says is not among them
    + programs: the processes that it has, by name, as far as they are said; release: what it does with each release
    """

    folder: str
    settings: str
    server: str
    module: str = ""
    name: str = ""
    found: tuple[str, ...] = ()
    programs: dict[str, Program] = field(default_factory=dict)
    release: tuple[Program, ...] = ()


def find(paths: Collection[str], text_of: TextOf, asked: Settings) -> Project:
    """Find what a deploy has to know of a project. Raises NotFound with all that it does not tell.

    + paths: those of all files of the commit; text_of: reads one of them
    + asked: the settings, which overrule what is found
    """
    folder, found = _folder(paths, text_of, asked.project_dir)
    below = _Below(paths, text_of, folder)
    settings, said = _settings_module(below, asked.settings_module)
    procfile = _procfile(below, asked.processes)
    wrong = tuple(problems(asked.processes, procfile.programs))
    if wrong:
        raise NotFound(*wrong)
    programs = programs_of(asked.processes, procfile.programs)
    server, module, name, served = _application(below, settings, asked.application, programs.get(WEB))
    modules = [module, *(name for one in programs.values() for name in celery_modules(one.run))]
    started = dict.fromkeys(path for path in ("manage.py", *map(below.file_of, modules)) if path)
    overruled = [said for path in started for said in forced(below.start + path, below.text(path))]
    if overruled:
        raise NotFound(*overruled)
    said_of_it = tuple(filter(None, (found, said, served, *procfile.found)))
    return Project(folder, settings, server, module, name, said_of_it, programs, procfile.release)


def texts_of_settings(paths: Collection[str], text_of: TextOf, project: Project) -> Iterator[str]:
    """The texts of a project's settings module, and of those beside it that it may be made of."""
    return _settings_texts(_Below(paths, text_of, project.folder), project.settings)


class _Below:
    """The files below the project's folder, by their paths from there.

    + start: what these paths begin with from the code's top
    """

    def __init__(self, paths: Collection[str], text_of: TextOf, folder: str) -> None:
        start = f"{folder}/" if folder else ""
        self.paths = frozenset(path[len(start) :] for path in paths if path.startswith(start))
        self.everywhere = frozenset(paths)
        self.folder = folder
        self._text_of, self.start = text_of, start

    def text(self, path: str) -> str:
        """A file's text; nothing where it is not there."""
        return (self._text_of(self.start + path) or "") if path in self.paths else ""

    def text_of_top(self, path: str) -> str:
        """The text of a file by its path from the code's top; nothing where it is not there."""
        return (self._text_of(path) or "") if path in self.everywhere else ""

    def file_of(self, module: str) -> str:
        """The file of a module; empty where the project has none."""
        path = module.replace(".", "/")
        return next((one for one in (f"{path}.py", f"{path}/__init__.py") if one in self.paths), "")

    def is_known(self, module: str) -> bool:
        """Whether a module is there, or may come from a package or from another folder on Python's path."""
        path = module.replace(".", "/")
        if self.file_of(module):
            return True
        root = path.partition("/")[0]
        own = any(f"/{root}/" in f"/{one}" or f"/{one}".endswith(f"/{root}.py") for one in self.everywhere)
        elsewhere = any(f"/{one}".endswith((f"/{path}.py", f"/{path}/__init__.py")) for one in self.everywhere)
        return elsewhere or not own


def _folder(paths: Collection[str], text_of: TextOf, asked: str | None) -> tuple[str, str]:
    """The project's folder, and what to say of it."""
    if asked is not None:
        folder = "" if posixpath.normpath(asked) == "." else posixpath.normpath(asked)
        if posixpath.join(folder, "manage.py") not in paths:
            raise NotFound(f"project_dir is {asked}, and the code has no manage.py there: change it in the settings")
        return folder, ""
    folders = folders_of(paths, text_of)
    if len(folders) == 1:
        return folders[0], f"manage.py {f'in {folders[0]}' if folders[0] else 'at the top of the code'}"
    several = f"the code has several manage.py, in {', '.join(folders)}" if folders else "the code has no manage.py"
    example = folders[0] if folders else "PATH"
    raise NotFound(f"{several}: write project_dir: {example} (its folder, from the code's top) in the settings")


def folders_of(paths: Collection[str], text_of: TextOf) -> list[str]:
    """The folders that may be the project's: of those with a manage.py of Django's, those nearest to the code's top."""
    there = sorted((path.count("/"), path) for path in paths if posixpath.basename(path) == "manage.py")[:MOST]
    there = [(depth, path) for depth, path in there if "django" in (text_of(path) or "").lower()]
    return [posixpath.dirname(path) for depth, path in there if depth == there[0][0]]


def _settings_module(below: _Below, asked: str | None) -> tuple[str, str]:
    """The settings module that is for production, and what to say of it."""
    if asked:
        if not below.is_known(asked):
            raise NotFound(f"settings_module is {asked}, and the code has no such module: change it in the settings")
        return asked, ""
    named = NAMED.search(below.text("manage.py"))
    managed = named.group(1) if named else ""
    served = next((one for one in _named_by_server(below, managed) if below.file_of(one)), "")
    if served and served != managed:
        return served, f"settings {served}, which wsgi.py names"
    if managed and not below.is_known(managed):
        raise NotFound(
            f"manage.py names the settings {managed}, which the code does not have: write settings_module in the "
            "settings"
        )
    if not managed:
        return _unnamed_settings(below)
    for production in _production(managed):
        if below.file_of(production):
            return production, f"settings {production}, beside {managed}, which manage.py names"
    return managed, f"settings {managed}, which manage.py names"


def _unnamed_settings(below: _Below) -> tuple[str, str]:
    """The settings of a project whose manage.py makes their name up, if there are no others, and what to say of it."""
    there = sorted(match.group(1) for match in map(UNNAMED.fullmatch, below.paths) if match)
    names = [f"{package}.settings" for package in there]
    if len(names) == 1:
        return names[0], f"settings {names[0]}, the only ones there are"
    several = f" (there are {', '.join(names[:MOST])})" if names else ""
    example = names[0] if names else "PACKAGE.settings"
    raise NotFound(
        f"manage.py does not name the project's settings in words{several}: write settings_module: {example} in the "
        "settings"
    )


def _production(managed: str) -> Iterator[str]:
    """What the production settings beside a settings module may be called."""
    package, _, last = managed.rpartition(".")
    if last in PRODUCTION:
        return
    for word in PRODUCTION:
        yield f"{managed}.{word}"
    # Beside `settings.dev`, and not beside each module that is called settings.
    if package.rpartition(".")[2] == "settings":
        yield from (f"{package}.{word}" for word in PRODUCTION)
    yield from (f"{managed}_{word}" for word in PRODUCTION)


def _named_by_server(below: _Below, managed: str) -> Iterator[str]:
    for kind in ("wsgi", "asgi"):
        for path in _servers(below, kind, managed):
            found = NAMED.search(below.text(path))
            if found:
                yield found.group(1)


def _servers(below: _Below, kind: str, settings: str) -> list[str]:
    """The files that may serve the project, those of the package that its settings are in first."""
    package = settings.partition(".")[0] + "/" if settings else ""
    there = [path for path in below.paths if posixpath.basename(path) == f"{kind}.py"]
    own = [path for path in there if path.startswith(package)]
    return sorted(own or there, key=lambda path: (path.count("/"), path))[:MOST]


def _procfile(below: _Below, told: Mapping[str, Process]) -> Procfile:
    """What the Procfile says of the project's processes: the one in its folder, else that at the code's top."""
    text, folder = below.text(PROCFILE), None
    if not text and below.folder:
        # Its commands begin where it is.
        text, folder = below.text_of_top(PROCFILE), ""
    return read(text, folder, told)


def _application(below: _Below, settings: str, asked: str | None, web: Program | None) -> tuple[str, str, str, str]:
    """How the project is served, by which module and name, and what to say of it."""
    one = named(web.run) if web else None
    if asked:
        module, _, name = asked.partition(":")
        text = below.text(below.file_of(module))
        asynchronous = "asgi" in (module + text).lower() or (one and one.server.asynchronous)
        server = "asgi" if asynchronous else "wsgi"
        if not below.is_known(module):
            raise NotFound(f"application is {asked}, and the code has no such module: change it in the settings")
        return server, module, name, ""
    if one and one.module:
        if not below.is_known(one.module):
            raise NotFound(
                f"web serves {one.module}, and the code has no such module: write application in the settings"
            )
        server = "asgi" if one.asynchronous else "wsgi"
        return server, one.module, one.name, f"{server} {one.module}:{one.name}, which web names"
    told = {match.group(1): match.groups()[1:] for text in _settings_texts(below, settings) for match in _served(text)}
    for kind in ("ASGI", "WSGI"):
        if kind in told and below.file_of(told[kind][0]):
            module, name = told[kind]
            return kind.lower(), module, name, f"{kind.lower()} {module}:{name}, which the settings name"
    for server in ("wsgi", "asgi"):
        for path in _servers(below, server, settings)[:1]:
            module = path[:-3].replace("/", ".")
            return server, module, "application", f"{server} {module}:application"
    return "wsgi", "", "", "no wsgi.py: Django's own application"


def _served(text: str) -> Iterator[re.Match[str]]:
    return SERVED.finditer(text)


def _settings_texts(below: _Below, settings: str) -> Iterator[str]:
    """The texts of the settings module, and of those beside it that it may be made of; its own last, which counts."""
    path = below.file_of(settings)
    folder = posixpath.dirname(path)
    if path.endswith("/__init__.py") or posixpath.basename(folder) == "settings":
        beside = sorted(one for one in below.paths if posixpath.dirname(one) == folder and one.endswith(".py"))
        yield from (below.text(one) for one in beside[:MOST] if one != path)
    yield below.text(path)
