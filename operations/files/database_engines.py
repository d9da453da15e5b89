"""The kinds of databases that databases.py knows: how each is written to a file, and read from it.

Each by its own tools, which say themselves what is wrong. Passwords stay in this process and in the environment of the
tools that it starts. To be changed as the site needs it; a new kind is a class, and in KINDS.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, ClassVar
from urllib.parse import quote

# How long somebody else's lock of a SQLite file is waited for, seconds.
PATIENCE = 60.0
# What of Django's OPTIONS for PostgreSQL its own tools take from the environment, as PGSSLMODE say.
LIBPQ = (
    "channel_binding",
    "gssencmode",
    "krbsrvname",
    "options",
    "passfile",
    "require_auth",
    "service",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "target_session_attrs",
)
# Everything of the role that restores is dropped, whether the backup has it or not, since what came after the backup
# has to go too: relations, functions and types, except what is part of an extension (e) or of a table (i).
DROP_IN_POSTGRESQL = r"""
SET client_min_messages = warning;
SELECT format('DROP %s IF EXISTS %s CASCADE', kind, name) FROM (
    SELECT 'pg_class'::regclass AS catalog, oid, relowner AS owner, relnamespace AS space, oid::regclass::text AS name,
        CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END
            AS kind
    FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL SELECT 'pg_proc'::regclass, oid, proowner, pronamespace, oid::regprocedure::text, 'ROUTINE' FROM pg_proc
    UNION ALL SELECT 'pg_type'::regclass, oid, typowner, typnamespace, oid::regtype::text, 'TYPE'
    FROM pg_type WHERE typtype IN ('d', 'e')
) AS found
WHERE pg_get_userbyid(owner) = current_user AND space::regnamespace::text !~ '^(pg_|information_schema)'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = catalog AND objid = found.oid AND deptype IN ('e', 'i'))
\gexec
"""
DROP_IN_MYSQL = b"""
SELECT CONCAT('DROP ', IF(table_type = 'VIEW', 'VIEW', 'TABLE'), ' IF EXISTS `', REPLACE(table_name, '`', '``'), '`;')
FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'VIEW')
UNION ALL SELECT CONCAT('DROP ', routine_type, ' IF EXISTS `', REPLACE(routine_name, '`', '``'), '`;')
FROM information_schema.routines WHERE routine_schema = DATABASE()
"""


class Failed(Exception):
    """Why there is no backup, or nothing is restored."""


class Database:
    """One of the project's databases, as DATABASES has it under an alias.

    + vendor: as Django names it; suffix: of its backups; begins: how these begin
    """

    vendor: ClassVar[str]
    suffix: ClassVar[str]
    begins: ClassVar[tuple[bytes, ...]]

    def __init__(self, alias: str, settings: Mapping[str, object]) -> None:
        self.alias = alias
        keys = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
        self.name, self.user, self.password, self.host, self.port = (str(settings.get(key) or "") for key in keys)
        options = settings.get("OPTIONS")
        self.options: Mapping[str, object] = options if isinstance(options, Mapping) else {}

    def dump(self, path: Path) -> None:
        """Write all that is in it to a file, as it is at one moment."""
        raise NotImplementedError

    def load(self, path: Path, room: Path) -> None:
        """Have it be what it was when that file was written.

        + room: a folder for what has to be written meanwhile
        """
        raise NotImplementedError


class SQLite(Database):
    """A file. It is read and written through SQLite alone, with its locks, so that processes which have it open may go
    on: they see what was restored, and never write to a file that is none any more."""

    vendor, suffix, begins = "sqlite", ".sqlite3", (b"SQLite format 3\0",)

    def dump(self, path: Path) -> None:
        """Copy it, with what is still in its write-ahead log."""
        with closing(self._opened(self._address("rw"))) as live, closing(self._opened(str(path))) as copy:
            live.backup(copy, progress=self._patience())
            # One file, without a log beside it; and one that has something in it also where there is no table yet.
            copy.execute("PRAGMA journal_mode = DELETE")
            if not copy.execute("PRAGMA page_count").fetchone()[0]:
                copy.execute("PRAGMA user_version = 0")

    def load(self, path: Path, room: Path) -> None:
        """Write the copy over it, in one transaction."""
        backup = f"file:{quote(str(path))}?mode=ro"
        with closing(self._opened(backup)) as copy, closing(self._opened(self._address("rwc"))) as live:
            copy.backup(live, progress=self._patience())

    def _address(self, mode: str) -> str:
        # What is a URI says itself how it is opened.
        return self.name if self.name.startswith("file:") else f"file:{quote(self.name)}?mode={mode}"

    def _opened(self, address: str) -> sqlite3.Connection:
        return sqlite3.connect(address, timeout=PATIENCE, uri=address.startswith("file:"), isolation_level=None)

    def _patience(self) -> Callable[[int, int, int], None]:
        """What is called after each try: left alone, a file that is locked is tried for as long as it takes."""
        end = time.monotonic() + PATIENCE

        def tried(status: int, remaining: int, total: int) -> None:
            # 101 is SQLITE_DONE, 0 is SQLITE_OK; all else is a lock.
            if status not in (0, 101) and time.monotonic() > end:
                raise Failed(f"{self.name} is locked: somebody has not let go of it for {PATIENCE:.0f} s")

        return tried


class PostgreSQL(Database):
    """A database of a PostgreSQL server, by the server's own tools."""

    vendor, suffix, begins = "postgresql", ".dump", (b"PGDMP",)

    def dump(self, path: Path) -> None:
        """Have pg_dump write it, in its own format."""
        run(["pg_dump", "--format=custom", f"--file={path}"], self._environment())

    def load(self, path: Path, room: Path) -> None:
        """Restore it in one transaction, so that it is what it was when this fails."""
        statements = room / "statements.sql"
        # Other roles' objects (extensions, most of all) stay, so what only their owner may set is left out.
        run(["pg_restore", "--no-owner", "--no-comments", f"--file={statements}", "--", str(path)], {})
        psql = ["psql", "--quiet", "--no-psqlrc", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--single-transaction"]
        run([*psql, "--file=-", f"--file={statements}"], self._environment(), DROP_IN_POSTGRESQL.encode())

    def _environment(self) -> dict[str, str]:
        found = {
            "DATABASE": self.name,
            "USER": self.user,
            "PASSWORD": self.password,
            "HOST": self.host,
            "PORT": self.port,
        }
        found.update({key.upper().replace("_", ""): str(self.options.get(key) or "") for key in LIBPQ})
        return {f"PG{key}": value for key, value in found.items() if value}


class MySQL(Database):
    """A database of a MySQL or MariaDB server, by that server's own tools."""

    vendor, suffix = "mysql", ".sql"
    begins = (b"-- MySQL dump", b"-- MariaDB dump", b"/*M!999999")

    def dump(self, path: Path) -> None:
        """Have it written as SQL, in one transaction that only reads."""
        what = ["--single-transaction", "--no-tablespaces", "--routines", "--triggers", "--hex-blob", self.name]
        with path.open("wb") as file:
            self._run(("mariadb-dump", "mysqldump"), what, into=file)

    def load(self, path: Path, room: Path) -> None:
        """Drop what is there, and read the file: neither can be rolled back here."""
        client = ("mariadb", "mysql")
        drops = self._run(client, ["--batch", "--skip-column-names", "--raw", self.name], DROP_IN_MYSQL)
        self._run(client, [self.name], b"SET FOREIGN_KEY_CHECKS = 0;\n" + drops)
        with path.open("rb") as file:
            self._run(client, [self.name], file)

    def _run(
        self,
        names: Iterable[str],
        arguments: Iterable[str],
        given: bytes | IO[bytes] = b"",
        into: IO[bytes] | None = None,
    ) -> bytes:
        """Run a tool, by the first of its names that is there, told how the server is reached."""
        listed = list(names)
        tool = next(filter(shutil.which, listed), listed[0])
        told = {"user": self.user, "port": self.port, "socket" if self.host.startswith("/") else "host": self.host}
        tls = self.options.get("ssl")
        if isinstance(tls, Mapping):
            told.update({f"ssl-{key}": str(tls.get(key) or "") for key in ("ca", "cert", "key")})
        # Asked for first, or not at all.
        file = self.options.get("read_default_file")
        first = [f"--defaults-file={file}"] if file else []
        argv = [tool, *first, *(f"--{key}={value}" for key, value in told.items() if value), *arguments]
        return run(argv, {"MYSQL_PWD": self.password} if self.password else {}, given, into)


KINDS = {kind.vendor: kind for kind in (PostgreSQL, MySQL, SQLite)}


def run(
    argv: list[str], environment: Mapping[str, str], given: bytes | IO[bytes] = b"", into: IO[bytes] | None = None
) -> bytes:
    """Run a tool, which says itself what is wrong, and return what it prints. Raises Failed.

    + given: what it is told on its standard input, or a file; into: one that takes what it prints
    """
    told, source = (given, None) if isinstance(given, bytes) else (None, given)
    everything = {**os.environ, **environment}
    try:
        done = subprocess.run(
            argv, env=everything, input=told, stdin=source, stdout=into or subprocess.PIPE, check=True
        )
    except FileNotFoundError:
        raise Failed(f"{argv[0]} is not installed here, and the app's database needs it") from None
    except subprocess.CalledProcessError as problem:
        raise Failed(f"{argv[0]} ended with exit code {problem.returncode}") from None
    return done.stdout or b""
