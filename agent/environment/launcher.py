"""Starts a program of the app in its version's environment. This very text is in each version, as `run`, and whatever
starts the app (supervisord, a person, cron) does so by it; the agent reads the same files by its `read_pairs`.

    run python -m gunicorn …    the version's own Python, at the version's own path, though a link has led here

It needs nothing but Python's own library, and no shell reads any of it: a value is what it was written as.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys

# What a variable may be called, as every shell can say it.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# In a version: its own variables, and this file.
ENV, RUN = "env.json", "run"
# In the environment that this makes: the variables that are the settings', so that the next one takes out what is not
# any more, and does not set: supervisord lives longer than a version.
OURS = "SWITCHBACK_ENV"
# In the environment of what a run of Switchback's starts: the version whose environment that is already, with secrets
# that may have yet to be the site's, or may not be any more. It is there for the launcher alone.
GIVEN = "SWITCHBACK_GIVEN"


def read_pairs(text: str) -> dict[str, str]:
    """The variables that a file names, each with its value. Raises ValueError, and shows no value then.

    >>> read_pairs('{"GREETING": "50% of $HOME # \\\\"quoted\\\\""}')
    {'GREETING': '50% of $HOME # "quoted"'}
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    for name, value in found.items():
        if not NAME.fullmatch(name):
            raise ValueError("it has a name that no variable can have")
        if not isinstance(value, str) or "\0" in value or not _is_text(value):
            raise ValueError(name + " has a value that no variable can have")
    return found


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def with_pairs(known: dict[str, str], version: str, venv: str, pairs: dict[str, str]) -> dict[str, str]:
    """An environment as a process of the app has it. Pure.

    + known: the one of whoever starts it; what it has from another version is taken out
    + version, venv: the folders of the version, and of its virtual environment
    + pairs: what the settings and the secrets say, which holds
    """
    before, own = (*known.get(OURS, "").split(":"), OURS), os.path.join(version, venv)
    found = {name: value for name, value in known.items() if name not in before}
    found.update(pairs)
    left = os.path.join(known.get("VIRTUAL_ENV", own), "bin")
    places = [place for place in found.get("PATH", os.defpath).split(":") if place != left]
    found["PATH"] = ":".join([os.path.join(own, "bin"), *places])
    found["VIRTUAL_ENV"] = own
    if pairs:
        found[OURS] = ":".join(sorted(pairs))
    return found


def _pairs_of(path: str) -> dict[str, str]:
    """The same from a file; none where it is not there."""
    try:
        with open(path, encoding="utf-8") as file:
            return read_pairs(file.read())
    except FileNotFoundError:
        return {}
    except OSError as problem:
        sys.exit("run: " + path + " can't be read: " + str(problem.strerror))
    except ValueError as problem:
        sys.exit("run: " + path + " can't be read: " + str(problem))


def main(venv: str, secrets: str) -> None:
    """Become the program that the command line names.

    + venv: the name of the virtual environment in the version; secrets: where those of the site are
    """
    version = os.path.dirname(os.path.realpath(__file__))
    if len(sys.argv) < 2:
        sys.exit("usage: " + sys.argv[0] + " PROGRAM [ARGUMENT …], python for the version's own")
    known = {_text(name): _text(value) for name, value in os.environb.items()}
    env = known
    if known.pop(GIVEN, "") != version:
        pairs = dict(_pairs_of(os.path.join(version, ENV)), **_pairs_of(secrets))
        env = with_pairs(known, version, venv, pairs)
    program = sys.argv[1]
    if program == "python":
        program = os.path.join(version, venv, "bin", "python")
    # What Python ignores for itself is nothing for the program to inherit.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        # As they are in the files, whatever the locale of whoever starts it.
        as_given = {_bytes(name): _bytes(value) for name, value in env.items()}
        os.execvpe(program, [program, *sys.argv[2:]], as_given)  # noqa: S606 - a shell would read what it is given
    except OSError as problem:
        sys.exit("run: " + program + " can't be started: " + str(problem.strerror))


def _text(found: bytes) -> str:
    return found.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
