"""The supervisord config of a version whose config is made of the code: the program that serves, and all others."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence
from string import Template

from agent.environment.launcher import RUN
from agent.environment.start import CODE, EXPAND, START
from agent.project.found import Project
from agent.project.processes import WEB, WEB_STOPS, Program, is_beat
from agent.project.servers import command, named
from agent.service.obstacles import WORKER, port_of
from agent.versions.layout import Layout

PROGRAMS = """\
; How supervisord runs the app. $made

[supervisord]
nodaemon=true
logfile=$home/log/supervisord.log
pidfile=$home/supervisord.pid

[unix_http_server]
file=$home/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://$home/supervisor.sock

"""
HELD = """\
; supervisord holds the socket and $all processes answer on it, so that one can be replaced while the other$s serve$ves.
[fcgi-program:web]
socket=tcp://127.0.0.1:$port
process_name=web_%(process_num)02d
numprocs=$count
directory=$folder
command=$command
startsecs=1
autorestart=true
; More than $server's graceful timeout, or requests are cut off.
stopwaitsecs=$stop
redirect_stderr=true
stdout_logfile=$home/log/web_%(process_num)02d.log
"""
# What has an address of its own, or none.
OTHER = """\
[program:$name]
${environment}\
process_name=$process
numprocs=$count
directory=$folder
command=$command
; It takes a Python a while to find that it can't go on.
startsecs=3
autorestart=true
stopwaitsecs=$stop
${stops}\
; Whatever is left of it by then is killed with it.
killasgroup=true
redirect_stderr=true
stdout_logfile=$home/log/$process.log
"""
# What celery's beat keeps of its schedule.
SCHEDULE = "celerybeat-schedule-{}"
# The one that is told to end would be the shell alone.
TO_ALL = "stopasgroup=true\n"


def supervisord_conf(layout: Layout, project: Project, made: str, single: bool) -> str:
    """The text of the config.

    + made: what is said of it at its top; single: whether this is the host that has what runs on one of all
    """
    others = [one for one in project.programs.values() if one.name != WEB and (single or not one.once)]
    web = project.programs.get(WEB, Program(WEB, (), 2, WEB_STOPS))
    parts = [Template(PROGRAMS).substitute(made=made, home=_escaped(str(layout.home)))]
    parts.append(_web(layout, project, web))
    parts += [f"\n{_other(layout, one)}" for one in sorted(others, key=lambda one: one.name)]
    return "".join(parts)


def _web(layout: Layout, project: Project, web: Program) -> str:
    one = named(web.run)
    if web.run and one is None:
        # It has an address of its own, which two can't have.
        alone = Program(WEB, web.run, 1, web.stop, expands=web.expands, folder=web.folder)
        return _other(layout, alone, f'environment=PORT="{port_of(layout.settings.health_url)}"\n')
    application = f"{project.server}_switchback:application"
    if one is None:
        words, stop = _as_ever(layout, project, web.stop, application), web.stop
    else:
        words, stop = command(one, application, web.stop)
        words = _started(layout, words, web.expands)
    several = web.count > 2
    return Template(HELD).substitute(
        all=f"all {web.count}" if several else "both",
        s="s" if several else " one",
        ves="" if several else "s",
        port=port_of(layout.settings.health_url),
        count=web.count,
        folder=_folder(layout, web),
        command=_line(layout, words),
        server=one.server.name if one else "gunicorn",
        stop=stop,
        home=_escaped(str(layout.home)),
    )


def _as_ever(layout: Layout, project: Project, stop: int, application: str) -> Sequence[str]:
    """How a project is served that does not say how."""
    worker = WORKER.split() if project.server == "asgi" else []
    config, graceful = str(layout.path("current_config")), str(max(1, stop - 5))
    options = ["--pythonpath", config, "--graceful-timeout", graceful, *worker]
    return ("python", "-m", "gunicorn", "--bind", "fd://0", *options, application)


def _other(layout: Layout, program: Program, environment: str = "") -> str:
    several = program.count > 1
    return Template(OTHER).substitute(
        name=program.name,
        environment=environment,
        process=f"{program.name}_%(process_num)02d" if several else program.name,
        count=program.count,
        folder=_folder(layout, program),
        command=_line(layout, _started(layout, _with_schedule(layout, program), program.expands)),
        stop=program.stop,
        stops=TO_ALL if program.by_a_shell else "",
        home=_escaped(str(layout.home)),
    )


def _with_schedule(layout: Layout, program: Program) -> Sequence[str]:
    """The words of a program; celery's beat notes what it has begun where that outlives the version.

    By itself it does so in the folder that it runs in, where nobody can write.
    """
    options = (word.partition("=")[0] for word in program.run)
    if program.by_a_shell or not is_beat(program.run) or {*options} & {"-s", "--schedule", "-S", "--scheduler"}:
        return program.run
    return (*program.run, "--schedule", str(layout.home / "shared" / SCHEDULE.format(program.name)))


def _started(layout: Layout, words: Iterable[str], expands: bool) -> Sequence[str]:
    """The words that start others with the settings of their version."""
    first, *rest = words
    first = str(layout.expand(first)) if first.startswith("~/") else first
    start = posixpath.join(str(layout.path("current_config")), START)
    return ("python", start, *([EXPAND] if expands else []), first, *rest)


def _folder(layout: Layout, program: Program) -> str:
    """Where a program runs: in the project's folder, or where its Procfile is meant to be read."""
    if program.folder is None:
        return _escaped(posixpath.join(str(layout.path("current_config")), CODE))
    top = posixpath.join(str(layout.path("current_main")), layout.settings.code_subdir)
    return _escaped(posixpath.normpath(posixpath.join(top, program.folder)))


def _line(layout: Layout, words: Iterable[str]) -> str:
    """A command line: supervisord takes its words apart as a shell does, once it has taken comments out."""
    line = shlex.join([str(layout.path("current_main") / RUN), *words])
    # A space before one of these can only be inside of quotes, which end and begin again between them.
    return _escaped(re.sub(r"(\s)(?=[;#])", r"\1''", line))


def _escaped(text: str) -> str:
    """A text that supervisord takes for no more than itself."""
    return text.replace("%", "%%")
