"""Starts pyinfra's command line without its half a second of imports: this process has imported what each run imports,
and each run is a new child of it, which nothing else was done in before. Started by `tests/forked.py`."""

import os
import sys

# As a console script has it, before anything is imported: its own folder comes first, and not that of this file.
sys.path[0] = os.path.dirname(sys.argv[1])  # noqa: PTH120 - as little as possible is imported by then
# pyinfra replaces these as it is imported, for its own runs.
import array  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import pkgutil  # noqa: E402
from _socket import CMSG_LEN, SCM_RIGHTS, SOL_SOCKET, socket  # noqa: E402
from collections.abc import Iterable  # noqa: E402
from os import fork, wait4  # noqa: E402
from typing import Any  # noqa: E402

FILES = 3
LONGEST = 1 << 17


def import_all() -> None:
    """Import what runs import, and do nothing with it."""
    importlib.import_module("pyinfra_cli.main")
    connectors = importlib.import_module("pyinfra.api.connectors")
    connectors.get_all_connectors()
    # As the command line does, when it begins.
    sys.path.append(".")
    for package in ("switchback", "facts", "operations"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    sys.path.remove(".")


def serve(channel: socket) -> dict[str, Any]:
    """Start a child for each run that is asked for, and say how it has ended; in the child, return what was asked for.

    Whoever asks hands the files along that are to be the child's standard input, output and error output.
    """
    while True:
        text, attached, _, _ = channel.recvmsg(LONGEST, CMSG_LEN(FILES * array.array("i").itemsize))
        if not text:
            sys.exit()
        files = array.array("i")
        for level, kind, data in attached:
            if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
                files.frombytes(data)
        child = fork()
        if not child:
            channel.close()
            become(files)
            return dict(json.loads(text))
        for file in files:
            os.close(file)
        channel.send(json.dumps({"pid": child}).encode())
        _, status, used = wait4(child, 0)
        ended = {"code": os.waitstatus_to_exitcode(status), "processor": used.ru_utime + used.ru_stime}
        channel.send(json.dumps(ended).encode())


def become(files: Iterable[int]) -> None:
    """Make this child a process of its own, with these files."""
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)


if __name__ == "__main__":
    channel = socket(fileno=int(sys.argv[2]))
    import_all()
    asked = serve(channel)
    # From here on this is a run.
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = asked["argv"]
    main = importlib.import_module("pyinfra_cli.main").main
    sys.exit(main())
