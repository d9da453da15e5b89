"""What keeps a supervisord config from having its processes replaced one by one. Pure: a config in, sentences out."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import urlsplit

from agent.service.servers import SERVERS, grace_of, listens_there, server_of
from agent.service.supervisor_config import Program, Sections, programs, resolved

# An app as a server's command line names it; those who serve the asynchronous kind, and what has gunicorn do so.
APP = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*(?:\(\))?")
ASYNCHRONOUS = ("daphne", "hypercorn", "uvicorn")
WORKER = "--worker-class uvicorn_worker.UvicornWorker "
# Those that can be handed a socket.
KNOWN = " and ".join([", ".join([*SERVERS][:-1]), [*SERVERS][-1]])

LINES = """\
    [fcgi-program:web]
    socket=tcp://127.0.0.1:{port}
    numprocs=2
    process_name=web_%(process_num)02d
    directory={config}
    command={command}
    stopwaitsecs=10"""


def obstacles(sections: Sections, health_url: str, home: str, config: str, venv: str) -> list[str]:
    """Find all that has to change before processes can be replaced one by one; each with the lines to write.

    + sections: the config
    + health_url: the app's own address
    + home: the app user's home; config, venv: the paths by which the live config and virtual environment are reached
    """
    found = []
    if not sections.get("unix_http_server", {}).get("file"):
        found.append("supervisord can't be asked for anything: add\n" + _socket_lines(home))
    web = web_program(sections, health_url)
    if web is None:
        served = _served(programs(sections).values())
        command = resolved(venv, f"-m gunicorn --bind fd://0 --graceful-timeout 5 {served}")
        lines = LINES.format(port=port_of(health_url), config=config, command=command)
        found.append(f"no program of supervisord's holds the socket of health_url {health_url}: write\n{lines}")
    else:
        found += _web_obstacles(web, venv)
    found += [
        f"{program.name} runs where supervisord was started, which may be an older version: add directory={config}"
        for program in programs(sections).values()
        if not program.options.get("directory")
    ]
    return found


def _served(found: Iterable[Program]) -> str:
    """The app that one of some programs serves, with what gunicorn needs to serve it, as its command line ends."""
    for program in found:
        app = next((word for word in program.argv if APP.fullmatch(word)), None)
        if app:
            names = {os.path.basename(word) for word in program.argv[:3]}
            asynchronous = names & set(ASYNCHRONOUS) or app.partition(":")[0].endswith("asgi")
            return (WORKER if asynchronous else "") + app
    return "wsgi:application"


def by_a_link(sections: Sections, venvs: Collection[str]) -> list[str]:
    """The programs whose Python keeps to a link: what it imports late is of whatever version that leads to by then.

    + venvs: the paths by which the live virtual environment is reached
    """
    found = []
    for program in programs(sections).values():
        if not program.words:
            continue
        python = program.words[0]
        venv, _, name = python.rpartition("/bin/")
        # A script of the environment's names its Python by its true path.
        if venv in venvs and name.startswith("python"):
            given = re.sub(r"^\S+\s*", "", program.options["command"])
            found.append(
                f"{program.name} is started as {python}, and what it imports late, once a deploy has led the link to "
                f"another version, is of that one: write command={resolved(venv, given)}"
            )
    return found


def unlaunched_words(names: Collection[str], current: str) -> str:
    """What to do about programs that a version's launcher does not start.

    + current: the path of the link to the live version

        >>> unlaunched_words(["web"], "/home/app/django-current")
        'web is started with neither env nor secrets: write command=/home/app/django-current/run python … in its config'
    """
    one = len(names) == 1
    return (
        f"{', '.join(names)} {'is' if one else 'are'} started with neither env nor secrets: write "
        f"command={current}/run python … in {'its' if one else 'their'} config"
    )


def is_users(program: Program, user: str) -> bool:
    """Whether a program's processes are a user's: it names none, or that one, by name or by number."""
    named = program.options.get("user") or user
    if named == user:
        return True
    try:
        return named == str(pwd.getpwnam(user).pw_uid)
    except KeyError:
        return False


def as_another(program: Program, user: str) -> str:
    """What is wrong with a program that is to run as somebody else."""
    return (
        f"{program.name} has user={program.options.get('user')}, and a process of it is started as {user} or not at "
        f"all where no visitor comes: take that line out, or write user={user}"
    )


def _socket_lines(home: str) -> str:
    return (
        f"    [unix_http_server]\n    file={home}/supervisor.sock\n    chmod=0700\n\n    [rpcinterface:supervisor]\n"
        "    supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface"
    )


def port_of(url: str) -> int:
    """The port that a URL is asked at."""
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def web_program(sections: Sections, health_url: str) -> Program | None:
    """The program for which supervisord holds the socket that health_url leads to, or whose socket is a file."""
    held = [program for program in programs(sections).values() if program.address]
    for program in held:
        if program.address.rpartition(":")[2] == str(port_of(health_url)) and program.address.startswith("tcp://"):
            return program
    files = [program for program in held if program.address.startswith("unix://")]
    return files[0] if len(files) == 1 else None


def _web_obstacles(web: Program, venv: str) -> Iterator[str]:
    if web.address.startswith("unix://"):
        yield (
            f"{web.name} listens at {web.address}, a file that gunicorn removes when one of its processes stops: write "
            "socket=tcp://127.0.0.1:8000, and have the web server and health_url go there"
        )
    if web.count < 2:
        yield (
            f"{web.name} has one process, and nobody serves while it is replaced: write numprocs=2 and "
            f"process_name={web.name}_%(process_num)02d"
        )
    argv = web.argv
    server, words = server_of(argv)
    if server is None:
        yield (
            f"{web.name} runs {' '.join(argv[:3]) or 'nothing'}, and only {KNOWN} are known to take over a socket: "
            f"write command={resolved(venv, '-m gunicorn --bind fd://0 ' + _served([web]))}"
        )
        return
    if os.path.basename(argv[0]) == server.name and not server.program and not web.started:
        yield (
            f"{web.name} starts {server.name} by its script, which names the interpreter of the version that it was "
            f"installed in: write command={resolved(venv, f'-m {server.name} ' + ' '.join(words))}"
        )
    if not listens_there(server, words):
        how = " ".join(server.listens)
        yield f"{web.name} does not serve on the socket that supervisord holds: write {how} in its command"
    if not server.graceful:
        return
    grace = grace_of(server, words)
    if grace is None:
        yield (
            f"{web.name} is killed after stopwaitsecs={web.stop_seconds}, and {server.name} lets its requests take as "
            f"long as they like: write {server.graceful} {max(1, web.stop_seconds - 5)} in its command"
        )
    elif web.stop_seconds <= grace:
        yield (
            f"{web.name} is killed after stopwaitsecs={web.stop_seconds}, and {server.name} gives its requests "
            f"{grace} s to end: write stopwaitsecs={grace + 5}, or a shorter {server.graceful}"
        )


def cuts(sections: Sections, health_url: str) -> str:
    """What the server does that serves with the requests that it is at, where it does not let them end; else empty."""
    web = web_program(sections, health_url)
    server = server_of(web.argv)[0] if web else None
    return f"{server.name} {server.cuts}: gunicorn and uvicorn let them end" if server and server.cuts else ""
