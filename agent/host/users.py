"""Working as another user: whose a command is, and file work with that user's rights."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
from collections.abc import Iterator
from typing import TypedDict

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Whose(TypedDict, total=False):
    """The arguments of Popen that make a command somebody's."""

    user: int
    group: int
    extra_groups: list[int]


def run_as(user: str | None) -> Whose:
    """The same of a user; none for our own."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": os.getgrouplist(user, entry.pw_gid)}


def user_env(user: str | None) -> dict[str, str]:
    """A login's environment and nothing of the caller's, so that a step does the same whoever starts it."""
    entry = pwd.getpwuid(0) if user is None else pwd.getpwnam(user)
    return {
        "HOME": entry.pw_dir,
        "USER": entry.pw_name,
        "LOGNAME": entry.pw_name,
        "SHELL": "/bin/sh",
        "PATH": PATH,
        "LANG": "C.UTF-8",
        # A question that nobody can answer would hang the step until its limit.
        "GIT_TERMINAL_PROMPT": "0",
    }


@contextlib.contextmanager
def entered_as(user: str | None, folder: str) -> Iterator[str]:
    """Enter a folder with a user's rights; yields what a child is given as its working directory. Raises OSError.

    A child changes its directory before it becomes the user: root would lead it where the user may not go.
    """
    if user is None:
        yield folder
        return
    with acting_as(user):
        # With the last part, that it may be gone into is asked too.
        held = os.open(os.path.join(folder, "."), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{held}"
    finally:
        os.close(held)


@contextlib.contextmanager
def acting_as(user: str) -> Iterator[None]:
    """Do file work with a user's rights, so that root follows no link that the user has laid."""
    entry = pwd.getpwnam(user)
    if os.geteuid() == entry.pw_uid:
        # Whoever has called this acts as that user already.
        yield
        return
    groups = os.getgroups()
    os.setgroups(os.getgrouplist(user, entry.pw_gid))
    os.setegid(entry.pw_gid)
    os.seteuid(entry.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def can_become(user: str) -> bool:
    """Whether a user of that name exists."""
    try:
        grp.getgrgid(pwd.getpwnam(user).pw_gid)
    except KeyError:
        return False
    return True
