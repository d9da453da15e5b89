"""A view of the host in which nothing can be written: what only looks does so by construction, not by good intention.

This process and all that it starts get mounts of their own, every one of them read-only, and /var/tmp as an empty room
in memory that is gone with them. Files are covered by it; what talks to a database says itself that it only reads.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from pathlib import Path

from agent.host.reading import told_by_kernel
from agent.text.lines import lines_of

ROOM = "/var/tmp"  # noqa: S108 - not the shared one: a mount of our own on top of it
# The largest part of the memory that is free now that the room may take.
PART_OF_MEMORY = 4
LEAST_ROOM = 64 * 1024 * 1024

CLONE_NEWNS = 0x00020000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
# The same number on every architecture; from Linux 5.12 on.
MOUNT_SETATTR = 442
MOUNT_ATTR_RDONLY = 1
FLAGS = {"ro": MS_RDONLY, "nosuid": MS_NOSUID, "nodev": MS_NODEV, "noexec": MS_NOEXEC}


class _MountAttr(ctypes.Structure):
    """What mount_setattr(2) takes."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


def only_look() -> bool:
    """Make everything read-only for this process from now on. Returns whether that was possible."""
    if os.geteuid() != 0:
        return False
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        _check(libc.unshare(CLONE_NEWNS))
        _mount(libc, "/", MS_REC | MS_PRIVATE)
        _all_read_only(libc)
        room = f"size={max(LEAST_ROOM, _free_memory() // PART_OF_MEMORY)},mode=1777"
        _mount(libc, ROOM, MS_NOSUID | MS_NODEV, "tmpfs", room)
    except (OSError, AttributeError):
        return False
    os.environ["TMPDIR"] = tempfile.tempdir = ROOM
    return True


def _all_read_only(libc: ctypes.CDLL) -> None:
    attributes = _MountAttr(MOUNT_ATTR_RDONLY, 0, 0, 0)
    size = ctypes.sizeof(attributes)
    if libc.syscall(MOUNT_SETATTR, AT_FDCWD, b"/", AT_RECURSIVE, ctypes.byref(attributes), size) == 0:
        return
    # A kernel before 5.12 takes them one by one.
    for line in lines_of(told_by_kernel(Path("/proc/self/mountinfo"))):
        fields = line.split(" ")
        where = fields[4].encode().decode("unicode_escape")
        kept = sum(FLAGS.get(word, 0) for word in fields[5].split(","))
        _mount(libc, where, MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def _mount(libc: ctypes.CDLL, target: str, flags: int, kind: str = "", data: str = "") -> None:
    """Mount something new of a kind, or change what is mounted."""
    named = kind.encode() or None
    _check(libc.mount(named, target.encode(), named, ctypes.c_ulong(flags), data.encode() or None))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _free_memory() -> int:
    """Memory that programs can still have, bytes."""
    for line in lines_of(told_by_kernel(Path("/proc/meminfo"))):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
