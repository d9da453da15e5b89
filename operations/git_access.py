"""Getting at repositories by SSH: the app user's key, and the keys of the servers that they are on."""

from __future__ import annotations

from pyinfra.api import operation

from operations.announce import announce, diff_of, nothing
from operations.steps import Commands
from operations.writing import shell
from switchback.checks.git_access import GitAccess

# Says the public one, which the run repeats as its last word. It overwrites none: nobody is there to say yes to that.
MAKE_KEY = """\
set -e
umask 077
mkdir -p -- "$1"
ssh-keygen -q -t ed25519 -N '' -C "$2@$(uname -n)" -f "$1/id_ed25519" </dev/null
cat -- "$1/id_ed25519.pub"
"""

# A last line that somebody has left without its end stays a line of its own.
PIN = """\
set -e
umask 077
mkdir -p -- "$(dirname -- "$1")"
[ ! -s "$1" ] || [ -z "$(tail -c 1 -- "$1")" ] || echo >>"$1"
printf '%s\\n' "$2" >>"$1"
"""


@operation()
def deploy_key(access: GitAccess, user: str) -> Commands:
    """
    Make the key by which a user gets at the repositories, where it has none. What to do with it is said at the end.

    + access: what that user lacks
    """
    if not access.makes_key:
        nothing("it has a key" if access.needs_ssh else "no repository is reached by SSH")
        return
    announce(
        f"Will make the key {access.folder}/id_ed25519, to read the repositories with", f"{access.folder}/id_ed25519"
    )
    yield shell(user, MAKE_KEY, access.folder, user)


@operation()
def known_hosts(access: GitAccess, user: str) -> Commands:
    """
    Pin the keys of the servers that the repositories are on: git goes to none that has another one.

    + access: what that user lacks
    """
    if not access.pins:
        nothing("no server's key is missing" if access.needs_ssh else "no repository is reached by SSH")
        return
    path = f"{access.folder}/known_hosts"
    text = "\n".join(access.pins)
    servers = ", ".join(line.split(" ")[0] for line in access.pins)
    announce(f"Will add to {path} the key of {servers}", f"{path}: {servers}", diff=diff_of("", text + "\n"))
    yield shell(user, PIN, path, text)
