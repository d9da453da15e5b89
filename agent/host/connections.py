"""The kernel's own word on a connection within this host: which socket is its other end.

It is asked for each connection by itself. The table of all of them, which takes a busy site's kernel longer to write
than most requests take, is read only where it refuses that.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from pathlib import Path

from agent.host.reading import told_by_kernel

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
# From linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h and net/tcp_states.h.
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1
TCP_LISTEN = 10
HEADER = struct.Struct("=IHHII")
# Family, protocol, extensions, padding, states; ports, addresses, device, cookie.
ASKED = struct.Struct("=BBBBI2s2s16s16sIII")
# Family, state, timer, retransmits, the connection; expiry, both queues, user, inode.
TOLD = struct.Struct("=BBBB48sIIIII")
ANY = 0xFFFFFFFF
PATIENCE = 1.0


def other_end(connection: socket.socket) -> str:
    """The kernel's number of the socket that a connection leads to; empty before a process has taken it."""
    try:
        return _ask(connection)
    except OSError:
        own, peer = connection.getsockname()[1], connection.getpeername()[1]
        tables = "".join(told_by_kernel(Path(table)) for table in TABLES if os.path.exists(table)).encode()
        return in_tables(tables, peer, own)


def _ask(connection: socket.socket) -> str:
    """Ask the kernel. Raises OSError where it does not answer that."""
    theirs, ours = connection.getpeername(), connection.getsockname()
    ends = (struct.pack("!H", end[1]) for end in (theirs, ours))
    places = (socket.inet_pton(connection.family, end[0].partition("%")[0]) for end in (theirs, ours))
    asked = ASKED.pack(connection.family, socket.IPPROTO_TCP, 0, 0, ANY, *ends, *places, 0, ANY, ANY)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(PATIENCE)
        kernel.send(HEADER.pack(HEADER.size + len(asked), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0) + asked)
        answer = kernel.recv(1 << 16)
    if HEADER.unpack_from(answer)[1] != SOCK_DIAG_BY_FAMILY:
        raise OSError("the kernel tells no socket by its connection")
    _, state, *_, inode = TOLD.unpack_from(answer, HEADER.size)
    # Where the other end is gone, the kernel names the socket that listens at its port.
    return str(inode) if inode and state != TCP_LISTEN else ""


def listening_at(port: int) -> frozenset[str]:
    """The kernel's numbers of the sockets at which somebody listens for connections to a port."""
    tables = "".join(told_by_kernel(Path(table)) for table in TABLES if os.path.exists(table))
    return frozenset(re.findall(rf":{port:04X} [0-9A-F]+:0000 0A (?:\S+ +){{5}}(\d+)", tables))


def in_tables(tables: bytes, own: int, peer: int) -> str:
    """The number of the socket with these ports, its own and its peer's, by the kernel's tables; empty if nobody's."""
    found = re.search(rb":%04X [0-9A-F]+:%04X (?:\S+ +){6}(\d+)" % (own, peer), tables)
    return found.group(1).decode() if found and found.group(1) != b"0" else ""
