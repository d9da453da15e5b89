"""The commands that provision writes with, as whoever owns what they write: root follows no link of a user's."""

from __future__ import annotations

from pyinfra.api import QuoteString, StringCommand

# Puts a text into a file that isn't there. link(2) fails where somebody has made one meanwhile, and an interrupted run
# leaves no half of one.
WRITE = """\
set -e
new=$(mktemp "$1.XXXXXX")
trap 'rm -f -- "$new"' EXIT
printf %s "$2" >"$new"
chmod "$3" "$new"
$4 "$new"
ln -T -- "$new" "$1"
"""

# Puts another text into a file that is as it was seen, whole or not at all.
REWRITE = """\
set -e
new=$(mktemp "$1.XXXXXX")
trap 'rm -f -- "$new"' EXIT
printf %s "$4" >"$new"
cmp -s -- "$new" "$1" || { echo "$1 has been changed meanwhile" >&2; exit 1; }
printf %s "$2" >"$new"
chmod "$3" "$new"
mv -T -- "$new" "$1"
"""


def write(path: str, text: str, mode: str, user: str = "root", check: str = ":") -> StringCommand:
    """The command that writes a file of a user's.

    + check: a command that is given the file before it is there, and can keep it from being there
    """
    return shell(user, WRITE, path, text, mode, check)


def rewrite(path: str, was: str, now: str, mode: str, user: str = "root") -> StringCommand:
    """The command that gives a file of a user's another text, if it still has the one that was seen."""
    return shell(user, REWRITE, path, now, mode, was)


def shell(user: str, script: str, *values: str) -> StringCommand:
    """The command that runs a script of ours as a user, with these values."""
    return StringCommand(
        *as_user(user), "sh", "-c", QuoteString(script), "sh", *(QuoteString(value) for value in values)
    )


def as_user(user: str) -> list[str | QuoteString]:
    """What makes a command a user's."""
    return [] if user == "root" else ["runuser", "-u", QuoteString(user), "--"]
