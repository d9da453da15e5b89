"""Who besides the app gets at what is shared: the web server has to read uploads, and nobody has to write them."""

from __future__ import annotations

import errno
import os
import pwd
import stat
from pathlib import Path

# Who a web server runs as, on one kind of Linux or another.
WEB_SERVERS = ("www-data", "nginx", "http", "apache")
ACCESS_LIST = "system.posix_acl_access"


def unfit(path: Path, app: str, is_folder: bool) -> str:
    """What is worth knowing of who gets at something that is shared; empty where nothing is. Raises OSError.

    + is_folder: whether a web server may have to read it
    """
    if os.stat(str(path)).st_mode & stat.S_IWOTH:
        return f"everybody on the host can write to {path}: chmod o-w {path}"
    user = next((name for name in WEB_SERVERS if _is_there(name)), "")
    closed = is_folder and user and _closed_to(user, path)
    if not closed:
        return ""
    return (
        f"{user} can't reach {path}, should a web server have to: {closed} is closed to it: chmod o+x {closed}, or, "
        f"for {user} alone, setfacl -m u:{user}:x {closed}"
    )


def has_list(path: Path) -> bool:
    """Whether more is said of who may do what than the mode tells."""
    try:
        return bool(os.getxattr(str(path), ACCESS_LIST))
    except OSError as problem:
        return problem.errno not in (errno.ENODATA, errno.ENOTSUP)


def _is_there(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _closed_to(user: str, path: Path) -> str:
    """The first folder on the way to a path, or itself, that a user can't go into; empty where there is none."""
    real = Path(os.path.realpath(str(path)))
    for folder in [*reversed(real.parents), real]:
        if not _may_enter(user, os.stat(str(folder))) and not has_list(folder):
            return str(folder)
    return ""


def _may_enter(user: str, info: os.stat_result) -> bool:
    entry = pwd.getpwnam(user)
    if info.st_uid == entry.pw_uid:
        return bool(info.st_mode & stat.S_IXUSR)
    if info.st_gid in os.getgrouplist(user, entry.pw_gid):
        return bool(info.st_mode & stat.S_IXGRP)
    return bool(info.st_mode & stat.S_IXOTH)
