"""A version that can't be built, or doesn't work: the site stays, or comes back, as it was. One after the other, on one
host: each begins with what the one before has proven to be as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.conftest import Hosts
from tests.hosts.config_branches import push_config
from tests.invariants import Seen, assert_taken_back
from tests.runs import SETTINGS, Runs


@dataclass(frozen=True)
class Bad:
    """A version that fails.

    + data: what is deployed
    + step: where it fails; says: what the last screen has to say about it
    """

    data: dict[str, object]
    step: str
    says: tuple[str, ...]
    outcome: str = "fell back"
    id: str = field(default="", kw_only=True)


REFUSED = (
    Bad({"code": "bad-requirements"}, "venv", ("venv failed",), "refused"),
    Bad({"config": "bad-settings"}, "static", ("ModuleNotFoundError",), "refused"),
    Bad({"code": "bad-static"}, "static", ("could not be found",), "refused"),
    Bad({"code": "bad-check"}, "checks", ("Django's system checks found", "admin.E108"), "refused"),
    Bad(
        {"code": "irreversible", "restore_script": "none"},
        "checks",
        ("can't be reversed: items.0002_shout", "irreversible=accept"),
        "refused",
    ),
    Bad({"code": "bad-boot"}, "trial", ("did not start", "PAYMENT_KEY is not set"), "refused"),
)
FELL_BACK = (
    Bad({"code": "bad-migration"}, "migrate", ("Item matching query does not exist", "proven healthy")),
    # Sure to fail is failed at once.
    Bad({"code": "bad-live", "health_timeout": 60}, "health", ("not going to be: web:web_0", "PAYMENT_KEY is not set")),
    Bad({"code": "bad-later", "health_stable": 12}, "watch", ("did not stay up for 12 s", "proven healthy")),
    Bad({"code": "bad-health"}, "health", ("answers 500, not 200: Server Error (500)", "Exist: items/start.html")),
)


@pytest.fixture(scope="module")
def host(engine: None) -> Iterator[Host]:
    """The story's host."""
    hosts = Hosts()
    yield hosts(built=True)[0]
    hosts.remove()


@pytest.fixture
def settings() -> dict[str, Any]:
    """Those of all tests; what is not well is given up soon."""
    return {**SETTINGS, "health_timeout": 8}


@pytest.mark.parametrize("bad", (*REFUSED, *FELL_BACK), ids=lambda bad: "-".join(map(str, bad.data.values())))
def test_a_version_that_fails_leaves_the_site_as_it_was(bad: Bad, host: Host, before: Seen, run: Runs) -> None:
    result = run("deploy", host, data=bad.data)
    assert_taken_back(host, before, result, bad.step, bad.says, outcome=bad.outcome)


def test_a_worker_that_never_comes_to_be_is_taken_back_though_the_site_answers(
    host: Host, before: Seen, run: Runs
) -> None:
    # Outside the version, so that no build can tell.
    adds = "printf '[program:worker]\\ncommand=/home/app/bin/worker\\n' >>supervisord.conf"
    push_config(host, adds, "no-worker")
    result = run("deploy", host, data={"config": "no-worker", "health_timeout": 60})
    says = "and not going to be: worker is BACKOFF: can't find command '/home/app/bin/worker'"
    assert_taken_back(host, before, result, "health", (says, "proven healthy"))
