"""What the commits to come lack for a deploy, as far as their files tell: nothing is built."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.host.command import CommandFailed, Runner
from agent.host.users import acting_as
from agent.locks.documents import Unusable
from agent.look.needs import first_words, room_of
from agent.packages.finding import Read
from agent.packages.installed import installed
from agent.packages.installing import Installer
from agent.packages.interpreter import Interpreter
from agent.packages.wanted import wanted
from agent.project.found import NAMED, NotFound
from agent.project.generate import project_of
from agent.project.needs import asked_of
from agent.project.texts import texts
from agent.repository import git, lfs
from agent.repository.commits import read_text
from agent.service import startable
from agent.service.supervisor_config import Program, Sections, Unreadable, parse, programs, read_config
from agent.text.masking import masked_urls
from agent.text.repositories import remote_env
from agent.versions.layout import SUPERVISORD, Layout
from agent.words.needs import Heads, Module, Requirements, Server
from agent.words.requests import Ref

# An app as a server's command line names it: module, colon, name.
APP = re.compile(r"([A-Za-z_][\w.]*):[A-Za-z_]\w*(?:\(\))?")


def heads(runner: Runner, layout: Layout, asked: Mapping[str, Ref], shas: Mapping[str, str]) -> Heads | str:
    """What the commits to come lack, read from their files alone; a sentence where they can't be read.

    + asked: the URL of code and of config; shas: the commits that were found for them
    """
    with room_of(runner) as room:
        try:
            repositories = {
                part: _repository(runner, layout.own / f"{part}.git", room / f"{part}.git", one.url, shas[part])
                for part, one in asked.items()
            }
            return _read(runner, layout, repositories, shas)
        except CommandFailed as problem:
            return masked_urls(first_words(problem))


def _repository(runner: Runner, mirror: Path, repository: Path, url: str, sha: str) -> Path:
    if (mirror / "HEAD").exists() and git.has_commit(runner, mirror, sha):
        return mirror
    runner.run(["git", "init", "--quiet", "--bare", str(repository)])
    try:
        # Files are all that is read: the history stays where it is.
        fetch = ["git", "-C", str(repository), "fetch", "--quiet", "--depth", "1", "origin", sha]
        runner.run(fetch, env=remote_env(url))
    except CommandFailed:
        git.fetch_everything(runner, repository, url, sha)
    return repository


def _read(runner: Runner, layout: Layout, repositories: Mapping[str, Path], shas: Mapping[str, str]) -> Heads:
    made, found, missing = _made(runner, layout, repositories, shas)

    def text_of(part: str, path: str) -> str | None:
        return read_text(runner, repositories[part], shas[part], path) if part in repositories else made.get(path)

    trees = {"config": frozenset(made)}
    trees |= {part: git.names_of(runner, repository, shas[part]) for part, repository in repositories.items()}
    manage = text_of("config", "manage.py")
    named = NAMED.search(manage or "")
    sections, own = _sections(layout, text_of("config", SUPERVISORD))
    return Heads(
        _requirements(runner, layout, "config" in repositories, trees["code"], lambda path: text_of("code", path)),
        # A link there is one to a file of the code's, say.
        manage=manage is not None or "manage.py" in trees["config"],
        settings=_module(named.group(1), trees) if named else None,
        own_supervisord=own,
        servers=tuple(one for program in programs(sections).values() for one in _server(program, trees)),
        starts_supervisord=_starts_supervisord(layout),
        elsewhere=_elsewhere(runner, repositories, shas),
        live=tuple(sorted(installed(layout.path("current_venv_dir")))),
        found=found,
        missing=missing,
    )


def _elsewhere(runner: Runner, repositories: Mapping[str, Path], shas: Mapping[str, str]) -> tuple[str, ...]:
    """What of the commits is kept by Git LFS, and could not be had on this host."""
    found = ((part, lfs.kept_elsewhere(runner, one, shas[part])) for part, one in repositories.items())
    return tuple(f"{part}: {lfs.told(pointers)}" for part, pointers in found if pointers)


def _requirements(runner: Runner, layout: Layout, configured: bool, files: frozenset[str], read: Read) -> Requirements:
    """What the code to come says of the packages that it needs."""
    installer = Installer.of(layout.settings, layout.home, layout.own)
    asked = asked_of(layout.settings, configured, installer.uv is not None, files, read)
    try:
        told = wanted(asked, files, read, Interpreter(runner, installer.python))
    except Unusable as problem:
        return Requirements(problem=str(problem))
    return Requirements(
        path=told.found.path,
        found="" if told.found.as_ever else told.found.says,
        names=tuple(sorted(told.names)),
        all_named=told.all_named and not layout.settings.build_script,
    )


def _made(
    runner: Runner, layout: Layout, repositories: Mapping[str, Path], shas: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """The config that is made of the code where it has no repository, what was found for it, and what was not."""
    if "config" in repositories:
        return {}, (), ()
    try:
        project = project_of(runner, layout, repositories["code"], shas["code"])
    except NotFound as problem:
        return {}, (), problem.problems
    return texts(layout, project), project.found, ()


def _sections(layout: Layout, text: str | None) -> tuple[Sections, bool]:
    """How the app's programs are run, and whether the host's own config says so."""
    try:
        if text is not None:
            return parse(text), False
        with acting_as(layout.app):
            return read_config(layout.host_supervisord, layout.app), True
    except Unreadable:
        return {}, text is None


def _starts_supervisord(layout: Layout) -> bool:
    """Whether the service's unit starts a version's own supervisord."""
    program = startable.started_by(layout.settings.systemd_service).program
    places = [str(layout.path("current_venv_dir")) + "/", str(layout.path("current_main")) + "/"]
    return os.path.basename(program) == "supervisord" and any(program.startswith(place) for place in places)


def _server(program: Program, trees: Mapping[str, frozenset[str]]) -> Iterator[Server]:
    """A program that serves the app: by which package, and the app's module."""
    argv = program.argv
    package = argv[2] if argv[1:2] == ["-m"] and argv[2:] else os.path.basename(argv[0]) if argv else ""
    if package not in startable.SERVERS:
        return
    apps = [match.group(1) for match in map(APP.fullmatch, argv) if match]
    yield Server(program.name, package, _module(apps[0], trees) if apps else None)


def _module(name: str, trees: Mapping[str, frozenset[str]]) -> Module:
    """Where a module is in the repositories. Pure."""
    path = name.replace(".", "/")
    files = (path + ".py", path + "/__init__.py")
    code, config = trees["code"], trees["config"]
    there = any(file in config for file in files)
    # Which folder of the code is on Python's path, only the project knows.
    there = there or ("." in name and any(one == file or one.endswith("/" + file) for one in code for file in files))
    root = path.partition("/")[0]
    known = any(root in one.split("/")[:-1] or one == root + ".py" for one in (*code, *config))
    last = path.rpartition("/")[2] + ".py"
    instead = sorted({one[:-3].replace("/", ".") for one in code if one.endswith("/" + last) and "tests" not in one})
    # At the code's top it can be found where a program is started there.
    unsure = files[0] in code or not (known or "." not in name)
    found = True if there else None if unsure else False
    return Module(name, found, () if there else tuple(instead[:3]))
