"""Working as another user: whose a command is, and file work with that user's rights."""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# As many links as the kernel follows.
LINKS = 40


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


@contextlib.contextmanager
def as_whose(path: Path) -> Iterator[str]:
    """Do file work with the rights of whoever could have laid what is at a path; yields where that really is.

    Root follows its own links alone, and where a folder or a link on the way is another's, that one does the rest: none
    of these can be made to lead root to where they may not go themselves. Raises OSError.
    """
    if os.geteuid() != 0:
        yield str(path)
        return
    where, owner = _led_by_root(str(path))
    if owner == 0:
        yield where
        return
    try:
        user = pwd.getpwuid(owner).pw_name
    except KeyError:
        raise PermissionError(errno.EACCES, "It belongs to nobody that this host knows", str(path)) from None
    with acting_as(user):
        yield str(path)


def _led_by_root(path: str) -> tuple[str, int]:
    """Where root's own links lead a path, and whose the first thing on the way is that is not root's."""
    rest, where, links = [part for part in reversed(os.path.abspath(path).split("/")) if part], "", 0
    while rest:
        part = rest.pop()
        where = os.path.dirname(where) if part == ".." else f"{where}/{part}"
        try:
            info = os.lstat(where or "/")
        except OSError:
            # Whoever looks at it finds out why.
            return "/".join([where, *reversed(rest)]), 0
        if info.st_uid:
            return path, info.st_uid
        if stat.S_ISLNK(info.st_mode):
            links += 1
            if links > LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            target = os.readlink(where)
            where = "" if target.startswith("/") else os.path.dirname(where)
            rest += [one for one in reversed(target.split("/")) if one not in ("", ".")]
    return where or "/", 0


def may_write(user: str, info: os.stat_result) -> bool:
    """Whether a user may write to a file. The kernel isn't asked: whoever only looks may write to none."""
    entry = pwd.getpwnam(user)
    if info.st_uid == entry.pw_uid:
        return bool(info.st_mode & stat.S_IWUSR)
    if info.st_gid in os.getgrouplist(user, entry.pw_gid):
        return bool(info.st_mode & stat.S_IWGRP)
    return bool(info.st_mode & stat.S_IWOTH)


def can_become(user: str) -> bool:
    """Whether a user of that name exists."""
    try:
        grp.getgrgid(pwd.getpwnam(user).pw_gid)
    except KeyError:
        return False
    return True
