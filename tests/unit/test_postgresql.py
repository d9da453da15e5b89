"""A database of the app's own, in a PostgreSQL on its host: made where that is asked for, and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyinfra.context import ctx_host, ctx_state
from pyinfra_testing.util import FakeState, create_host  # type: ignore[import-untyped]

from agent.words.seen import PostgreSQL
from operations import servers as operations
from switchback.checks.groundwork import lacking
from switchback.checks.postgresql import DatabaseServer, database_server
from switchback.screen.next_steps import Ground, Provisioned, end_lines, next_steps
from tests.unit.healthy import settings, untouched

ASKED = {"provision_database": "postgresql"}


@pytest.fixture
def fake() -> Iterator[None]:
    with ctx_state.use(FakeState()), ctx_host.use(create_host(FakeState(), facts={})):
        yield


def found(seen: PostgreSQL | None, **values: Any) -> DatabaseServer:
    return database_server(untouched(postgresql=seen), settings(**values))


def commands(server: DatabaseServer) -> list[str]:
    return [str(one) for one in operations.postgresql._inner(server)]


def test_a_host_without_one_gets_postgresql_with_a_role_and_a_database_called_as_the_app_user(fake: None) -> None:
    facts, told = untouched(postgresql=PostgreSQL(False, False, False)), settings(app_username="shop", **ASKED)
    lacks = lacking(facts, told, can_make_venv=True)
    assert lacks.packages == ("postgresql",)
    assert commands(lacks.database) == [
        "runuser -u postgres -- createuser -- shop",
        "runuser -u postgres -- createdb --encoding UTF8 --template template0 --owner shop -- shop",
    ]


@pytest.mark.parametrize(
    ("seen", "made"),
    [
        (PostgreSQL(True, True, False), ["createdb"]),
        (PostgreSQL(True, False, True), ["createuser"]),
        (PostgreSQL(True, True, True), []),
        (PostgreSQL(True, False, False, problem="psql ended with exit code 2"), []),
        (None, []),
    ],
)
def test_a_role_or_a_database_that_is_there_stays(fake: None, seen: PostgreSQL | None, made: list[str]) -> None:
    assert [one.split(" ")[4] for one in commands(found(seen, **ASKED))] == made
    assert found(seen, **ASKED).packages == ()


def test_nobody_gets_a_database_unasked(fake: None) -> None:
    assert commands(found(PostgreSQL(True, False, False))) == []


def test_the_end_of_provision_says_what_the_project_has_to_say_of_its_database() -> None:
    for values, says in ((ASKED, "NAME app, and no HOST, USER or PASSWORD"), ({}, "provision_database: postgresql")):
        facts, told = untouched(postgresql=PostgreSQL(False, False, False)), settings(**values)
        ground = Ground(told, facts, lacking(facts, told, can_make_venv=True), "inventories/prod.py")
        assert says in " ".join(" ".join(end_lines({"web1": Provisioned(next_steps(ground, ""))})).split())
