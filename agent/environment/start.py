"""Starts a process of the app with the settings of its version, whatever it is: a server, a worker, a command of the
project's own. This very text is in each config that is made of the code, as `start_switchback.py`, and is run by the
version's own Python:

    run python CONFIG/start_switchback.py celery -A mysite worker

What is started, and all that it starts itself, imports the project first, and finds the version's settings, which it is
told by their name. `--expand` before its words has $NAME, ${NAME} and ${NAME:-otherwise} filled in, as a Procfile has
them: there, a first word NAME=value is a variable, too.
"""

from __future__ import annotations

import os
import re
import sys

# What this is called in a config; the folder beside it, in which nothing is but what is imported by its name (beside it
# is `django`, too, which is the project); the settings, and the link to the project.
START, MODULES, SETTINGS, CODE = "start_switchback.py", "modules", "settings_switchback", "django"
EXPAND = "--expand"
VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})", re.ASCII)
ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.ASCII | re.DOTALL)


def in_version(known: dict[str, str], here: str) -> dict[str, str]:
    """An environment in which the project's modules, and the settings of its version, are found. Pure but for links.

    + known: the one of whoever starts this; here: the folder of the version's config
    """
    paths = [os.path.realpath(os.path.join(here, CODE)), os.path.join(here, MODULES), known.get("PYTHONPATH", "")]
    return {
        **known,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "DJANGO_SETTINGS_MODULE": SETTINGS,
    }


def filled(word: str, known: dict[str, str]) -> str:
    """A word with its variables filled in, as a shell has them.

    >>> filled("${HOST:-localhost}:$PORT$NONE", {"PORT": "8000"})
    'localhost:8000'
    """
    return VARIABLE.sub(lambda one: known.get(one.group(1) or one.group(2)) or one.group(3) or "", word)


def expanded(words: list[str], known: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Words as a shell would have them of a plain line, and the environment with what it sets before them. Pure.

    A word in which there is nothing but a variable that is not there, is none.
    """
    words, env = list(words), dict(known)
    while words:
        assigned = ASSIGNED.fullmatch(words[0])
        if not assigned:
            break
        env[assigned.group(1)] = filled(assigned.group(2), known)
        words.pop(0)
    return [full for word in words if (full := filled(word, known)) or not word], env


def command(words: list[str], here: str) -> list[str]:
    """The words with the version's own Python for `python`, and its own manage.py where they name the project's. Pure.

    + here: the folder of the version's config
    """
    python = bool(re.fullmatch(r"python[\d.]*", words[0]))
    script = words[1] if python and len(words) > 1 else words[0]
    own = os.path.join(os.path.realpath(os.path.join(here, CODE)), "manage.py")
    if os.path.basename(script) == "manage.py" and (script == "manage.py" or os.path.realpath(script) == own):
        return [sys.executable, os.path.join(here, "manage.py"), *words[2 if python else 1 :]]
    return [sys.executable, *words[1:]] if python else words


def main() -> None:
    """Become the program that the command line names."""
    here = os.path.dirname(os.path.realpath(__file__))
    words, env = sys.argv[1:], in_version(dict(os.environ), here)
    if words[:1] == [EXPAND]:
        words, env = expanded(words[1:], env)
    if not words:
        sys.exit("usage: " + sys.argv[0] + " [" + EXPAND + "] PROGRAM [ARGUMENT …]")
    argv = command(words, here)
    try:
        os.execvpe(argv[0], argv, env)  # noqa: S606 - a shell would read what it is given
    except OSError as problem:
        sys.exit("start: " + argv[0] + " can't be started: " + str(problem.strerror))


if __name__ == "__main__":
    main()
