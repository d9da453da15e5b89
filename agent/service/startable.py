"""Whether a version that is built can be started at all: what would keep it from that shows here, where no visitor is
kept waiting."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence

from agent.environment import given
from agent.host.command import ANY_CODE, CommandFailed, ours
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.inside.protocol import Writes
from agent.service.in_the_way import log_problem, unlaunched, unwritable_logs
from agent.service.obstacles import unlaunched_words
from agent.service.supervisor_config import Program, Unreadable, config_in, config_of, programs, read_config
from agent.text.lines import cut, lines_of
from agent.transaction.step import StepContext
from agent.versions.layout import SUPERVISORD, Layout
from agent.words.settings import Settings

# The packages that serve an app or work for it, as `python -m NAME` starts them. Of other modules nobody can tell
# whether they are the project's own, on a path that only the program knows.
SERVERS = ("celery", "daphne", "granian", "gunicorn", "hypercorn", "uvicorn", "waitress")
# Which modules a Python can't find, by their names.
FIND = (
    "import importlib.util, json, sys; print(json.dumps([n for n in sys.argv[1:] if not importlib.util.find_spec(n)]))"
)
# Where the host's own programs are.
PLACES = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")
# Why nothing may be written in a version.
CLOSED = "and nobody can write there once it is built"
# How much of a program's last words is shown.
SHOWN = 300


@dataclass(frozen=True)
class Unit:
    """What the service's unit starts: the program, and its whole command line in words.

    + environment: whether the unit says anything of the environment
    """

    program: str = ""
    argv: tuple[str, ...] = ()
    environment: bool = False


def unit_of(shown: str) -> Unit:
    """What `systemctl show` says that a unit starts.

    >>> unit_of("ExecStart={ path=/srv/bin/run ; argv[]=/srv/bin/run --now ; ignore_errors=no ; pid=0 }")
    Unit(program='/srv/bin/run', argv=('/srv/bin/run', '--now'), environment=False)
    """
    environment = re.search(r"^Environment(Files)?=.", shown, re.MULTILINE) is not None
    found = re.search(r"\{ path=(.*?) ; argv\[\]=(.*?) ; ", shown)
    if not found:
        return Unit()
    try:
        return Unit(found.group(1), tuple(shlex.split(found.group(2))), environment)
    except ValueError:
        return Unit(found.group(1), (), environment)


def led(text: str, places: Mapping[str, str]) -> str:
    """A text with each place in it followed to where it leads.

    >>> led("/home/app/venv/bin/python", {"/home/app/venv": "/home/app/django-2/venv"})
    '/home/app/django-2/venv/bin/python'
    """
    names = "|".join(re.escape(place) for place in sorted(places, key=len, reverse=True))
    return re.sub(rf"(?<![\w.-])(?:{names})(?![\w.-])", lambda found: places[found.group()], text)


def would_not_start(step: StepContext) -> list[str]:
    """What keeps the version from being started by the service's unit; empty when nothing is known to."""
    layout, unit = step.layout, started_by(step.settings.systemd_service)
    places = layout.once_live(step.version)
    problems = _starter_problems(step, led(unit.program, places))
    named = config_of(list(unit.argv))
    if named is None:
        return problems
    file = config_in(
        layout, named or str(layout.path("deployment_dir") / SUPERVISORD), layout.part(step.version, "config")
    )
    try:
        sections = read_config(file, layout.app)
    except Unreadable as problem:
        return [*problems, f"supervisord can't read its config {file}: {problem}"]
    live = {name: {key: led(value, places) for key, value in options.items()} for name, options in sections.items()}
    logs = [log_problem(log, layout.app) for log in unwritable_logs(layout, live)]
    return [*problems, *_program_problems(step, list(programs(sections).values()), places), *logs]


def without_environment(step: StepContext) -> list[str]:
    """The programs of the version that would have neither its variables nor the secrets, with the line to write."""
    told = given.of(step.transaction)
    named = config_of(list(started_by(step.settings.systemd_service).argv))
    if named is None or not (told.env or told.secrets):
        return []
    named = named or str(step.layout.path("deployment_dir") / SUPERVISORD)
    file = config_in(step.layout, named, step.layout.part(step.version, "config"))
    try:
        found = unlaunched(read_config(file, step.layout.app))
    except Unreadable:
        return []
    return [unlaunched_words(found, str(step.layout.path("current_main")))] if found else []


def started_by(name: str) -> Unit:
    """What a unit starts, by its name; nothing where systemd does not say."""
    argv = ["systemctl", "show", name, "--property", "ExecStart,Environment,EnvironmentFiles"]
    try:
        return unit_of(ours(argv, ok=ANY_CODE))
    except (OSError, CommandFailed):
        return Unit()


def _starter_problems(step: StepContext, program: str) -> list[str]:
    """What is wrong with the program that the unit starts, where that is the version's own."""
    venv = str(step.layout.part(step.version, "venv"))
    if not program.startswith(venv + "/"):
        return []
    unit, name, asked = step.settings.systemd_service, os.path.basename(program), asked_in(step.settings)
    if not _can_run(step.layout, program):
        return [f"the service {unit} starts {name}, and the version has none: add {package_of(name)} to {asked}"]
    if name != "supervisord":
        return []
    try:
        step.runner(step.layout.app).run([program, "--version"])
    except CommandFailed as problem:
        said = [line for line in lines_of(problem.output) if line.strip()]
        why = cut(said[-1], SHOWN) if said else str(problem.args[0])
        return [
            f"the service {unit} starts {name}, which fails: {why}\n  with a newer Python: supervisor>=4.3 in {asked}"
        ]
    return []


def asked_in(settings: Settings) -> str:
    """Where a package is asked for that the app lacks."""
    return settings.requirements or "the project's requirements"


def _can_run(layout: Layout, program: str) -> bool:
    with acting_as(layout.app):
        return os.access(program, os.X_OK, effective_ids=True)


def package_of(program: str) -> str:
    """The package that a program comes from."""
    return {"supervisord": "supervisor"}.get(program, program)


def _program_problems(step: StepContext, found: Sequence[Program], places: Mapping[str, str]) -> list[str]:
    """What is wrong with the programs of supervisord's that are the version's own."""
    venv, asked = str(step.layout.part(step.version, "venv")), asked_in(step.settings)
    problems, modules = [], dict[str, str]()
    for program in found:
        problems += _folder_problems(step, program, places)
        launcher = led(program.launcher, places)
        if launcher.startswith(f"{step.layout.version(step.version)}/") and not _can_run(step.layout, launcher):
            problems.append(
                f"{program.name} is started by {program.launcher}, and the version was built before versions had one: "
                "deploy its commit, which builds another"
            )
        argv = [led(word, places) for word in program.becomes_in(step.settings.venv_subdir)]
        if program.started and argv and not _is_there(step, argv[0], led(program.options.get("directory", ""), places)):
            problems.append(
                f"{program.name} runs {argv[0]}, which neither the version nor the host has: add it to "
                f"{'the code' if '/' in argv[0] else asked}"
            )
        if not argv or not argv[0].startswith(venv + "/"):
            continue
        if not _can_run(step.layout, argv[0]):
            package = package_of(os.path.basename(argv[0]))
            problems.append(f"{program.name} starts {argv[0]}, which is not there: add {package} to {asked}")
        elif argv[1:2] == ["-m"] and argv[2:3] and argv[2] in SERVERS:
            modules[argv[2]] = program.name
    missing = _missing(step, sorted(modules)) if modules else []
    return problems + [f"{modules[name]} runs {name}, and the version has none: add it to {asked}" for name in missing]


def _is_there(step: StepContext, program: str, folder: str) -> bool:
    """Whether a program can be started: a name on the PATH of a version's processes, or a file from their folder."""
    if "/" in program:
        return _can_run(step.layout, os.path.join(folder, program))
    own = str(step.layout.part(step.version, "venv") / "bin")
    return any(_can_run(step.layout, os.path.join(place, program)) for place in (own, *PLACES))


def _folder_problems(step: StepContext, program: Program, places: Mapping[str, str]) -> list[str]:
    """What is wrong with the folder that a program runs in, where that is in the version."""
    folder, version = led(program.options.get("directory", ""), places), str(step.layout.version(step.version))
    with acting_as(step.layout.app):
        if not folder.startswith(version + "/") or "%" in folder or os.path.isdir(folder):
            return []
    add = " (a link to the code, `ln -s ../code django` in the config)" if folder.endswith("/django") else ""
    return [f"{program.name} runs in {folder}, which is not there: add it{add}, or change directory="]


def _missing(step: StepContext, modules: Sequence[str]) -> list[str]:
    """Those modules that the version's Python does not find."""
    python = str(step.layout.part(step.version, "venv") / "bin" / "python")
    found: list[str] = json.loads(step.runner(step.layout.app).run([python, "-I", "-c", FIND, *modules]))
    return found


def written_inside(step: StepContext, writes: Writes) -> list[str]:
    """What the app would write to inside the version, where nobody can once it is built; with the lines to write."""
    layout, links = step.layout, step.layout.once_live(step.version)
    folder = os.path.realpath(str(layout.version(step.version)))

    def inside(path: str) -> bool:
        with acting_as(layout.app):
            return (os.path.realpath(led(path, links)) + "/").startswith(folder + "/")

    fields = sorted(name for name, path in writes.uploads.items() if inside(path))
    found = []
    for alias, path in sorted(writes.sqlite.items()):
        if inside(path):
            name = os.path.basename(path)
            do = _shared_instead(layout, step.version, led(path, links), "shared_files")
            do = do or f'write\n  DATABASES["{alias}"]["NAME"] = "{layout.home / "data" / name}"'
            found.append(f'DATABASES["{alias}"] is a file inside the version, {led(path, links)}, {CLOSED}: {do}')
    if fields:
        path = led(writes.uploads[fields[0]], links)
        do = _shared_instead(layout, step.version, path, "shared_dirs")
        do = do or f'write\n  MEDIA_ROOT = "{layout.home / "media"}"'
        named = ", ".join(fields[:3])
        found.append(f"uploads ({named}) would go to MEDIA_ROOT {path}, inside the version, {CLOSED}: {do}")
    return found


def _shared_instead(layout: Layout, version: str, path: str, setting: str) -> str:
    """How to have a path in the code outlive the versions; empty where it is elsewhere in the version."""
    code = os.path.realpath(str(layout.part(version, "code")))
    with acting_as(layout.app):
        # Not where a link there leads: at that very path there is to be one.
        inside = os.path.relpath(os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)), code)
    if inside.startswith("..") or inside == ".":
        return ""
    return f"write into the settings (docs/media.md)\n  {setting}: [{inside}]"
