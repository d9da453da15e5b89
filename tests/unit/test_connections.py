"""Which socket of this host is the other end of a connection, as the kernel says."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agent.host import connections
from agent.host.connections import in_tables, other_end

TABLE = b"""\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 17 1 0 100 0 0 10 0
   1: 0100007F:1F40 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 20 4 30 10 -1
   2: 0100007F:1F40 0100007F:D432 01 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1
"""


@contextmanager
def connected(family: int, address: str, to: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket that listens at an address, and a connection to it that nobody has taken yet."""
    with socket.socket(family) as listening:
        listening.bind((address, 0))
        listening.listen(8)
        with socket.create_connection((to, listening.getsockname()[1])) as connection:
            yield listening, connection


@pytest.mark.parametrize(
    ("family", "address", "to"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "::", "127.0.0.1"),
    ],
)
def test_the_kernel_names_the_socket_of_whoever_has_taken_a_connection(family: int, address: str, to: str) -> None:
    with connected(family, address, to) as (listening, connection), listening.accept()[0] as taken:
        assert other_end(connection) == str(os.fstat(taken.fileno()).st_ino)


def test_a_connection_that_nobody_has_taken_yet_leads_to_no_socket() -> None:
    with connected(socket.AF_INET, "127.0.0.1", "127.0.0.1") as (_, connection):
        assert other_end(connection) == ""


def test_a_socket_that_only_listens_is_never_taken_for_the_other_end() -> None:
    with connected(socket.AF_INET, "127.0.0.1", "127.0.0.1") as (listening, connection):
        taken = listening.accept()[0]
        # Gone at once, without a last word.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        ends = connection.getsockname(), connection.getpeername()
        taken.close()

        class Lost:
            family = socket.AF_INET
            getsockname, getpeername = (staticmethod(lambda end=end: end) for end in ends)

        assert other_end(Lost()) == ""  # type: ignore[arg-type]


def test_the_tables_say_the_same_where_the_kernel_refuses_to_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "NETLINK_SOCK_DIAG", -1)
    with connected(socket.AF_INET, "127.0.0.1", "127.0.0.1") as (listening, connection):
        assert other_end(connection) == ""
        with listening.accept()[0] as taken:
            assert other_end(connection) == str(os.fstat(taken.fileno()).st_ino)


def test_a_socket_is_found_in_the_tables_by_both_of_its_ports() -> None:
    assert in_tables(TABLE, 0x1F40, 0xD431) == "4711"
    assert in_tables(TABLE, 0x1F40, 0xD432) == ""
    assert in_tables(TABLE, 0x1F40, 0xD433) == ""
