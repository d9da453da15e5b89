"""Where the page of a run goes, and that whatever goes wrong with it is no more than a warning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.words.history import Evidence
from agent.words.outcomes import Outcome
from agent.words.requests import KeepPage, Why
from agent.words.result import Result
from agent.words.shapes import to_json
from switchback.screen import pages
from switchback.settings.options import CommandLine, Options
from switchback.wire.results import heard_from
from tests.unit.examples import run, settings
from tests.unit.test_page import ID, foreseen, record


class Asked:
    """What the hosts of a test were asked to keep, and what they answer."""

    def __init__(self) -> None:
        self.kept: dict[str, KeepPage] = {}
        self.answers: dict[str, Callable[[], Result | None]] = {}

    def bring_along(self, site: str, request: KeepPage, timeout: float) -> SimpleNamespace:
        """A command that notes what it asks for."""

        def run_beside(host: Any) -> None:
            self.kept[host.name] = request
            answer = self.answers.get(host.name, lambda: Result(True))()
            if answer:
                heard_from(host.name).append(answer)

        return SimpleNamespace(run_beside=run_beside)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found = Asked()
    monkeypatch.setattr(pages, "bring_along", found.bring_along)
    monkeypatch.setattr(pages, "settings_of", lambda host: settings())
    monkeypatch.setattr(pages, "options", Options)
    monkeypatch.setattr(pages, "command_line", CommandLine)
    return found


def hosts(*names: str) -> list[Any]:
    return [SimpleNamespace(name=name, connected=True) for name in names]


def state_of(*names: str) -> Any:
    there = {one.name: one for one in hosts(*names)}
    return SimpleNamespace(inventory=SimpleNamespace(get_host=there.__getitem__), is_executing=True)


def fails(problem: Exception) -> Callable[[], Result]:
    def answer() -> Result:
        raise problem

    return answer


def test_a_page_is_kept_on_the_hosts_on_which_the_run_has_ended(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"p1": Evidence(record()), "p2": Evidence(replace(record(), ended=False)), "p3": Evidence(None)}
    pages.keep_on(hosts("p1", "p2", "p3", "p4"), ID, "<p>", told, cast("Any", asked.bring_along))
    assert asked.kept == {"p1": KeepPage(ID, "<p>")}
    # How the run has ended is nothing that the answer to this has a say in.
    assert heard_from("p1") == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (fails(OSError("Socket is closed")), "p1: Socket is closed"),
        (fails(EOFError()), "p1: EOFError"),
        (lambda: Result(False, Outcome.REFUSED, "refused: the page can't be written"), "refused: the page can't be"),
        (lambda: None, "p1: no answer"),
    ],
)
def test_a_host_that_does_not_keep_it_is_a_warning(
    answer: Callable[[], Result | None], says: str, asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.answers["p1"] = answer
    pages.keep_on(
        hosts("p1", "p2"),
        ID,
        "<p>",
        {"p1": Evidence(record()), "p2": Evidence(record())},
        cast("Any", asked.bring_along),
    )
    said = capsys.readouterr().err
    assert "WARNING: the page of this run could not be kept: " in said
    assert says in said
    assert "p2" in asked.kept


def test_who_has_told_the_record_with_the_answer_to_its_commit_is_asked_for_it_no_more(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = record()
    heard_from("q1").extend([Result(True, record=told), Result(True)])
    heard_from("q2").append(Result(True))
    # Another run's, of the same process.
    heard_from("q3").append(Result(True, record=replace(told, run=replace(told.run, deploy="another"))))
    others: list[str] = []

    def tell(there: list[Any], _: str) -> dict[str, Evidence]:
        others.extend(host.name for host in there)
        return {}

    monkeypatch.setattr(pages, "_tell", tell)
    monkeypatch.setattr(pages, "to_runner", asked.bring_along)
    runs = [replace(run(), host=name, deploy=told.run.deploy) for name in ("q1", "q2", "q3")]
    pages._keep(state_of("q1", "q2", "q3"), runs, foreseen())
    assert others == ["q2", "q3"]
    assert list(asked.kept) == ["q1"]
    assert told.run.version
    assert told.run.version in asked.kept["q1"].page


def test_an_error_of_ours_is_a_warning_as_well(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pages, "_page", lambda *told: 1 / 0)
    pages._keep(state_of("web1"), [run()], foreseen())
    assert "could not be kept: ZeroDivisionError" in capsys.readouterr().err


def test_here_it_is_written_for_oneself_alone_and_a_folder_that_is_gone_is_a_warning(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.html"
    told = Options(report=str(path))
    monkeypatch.setattr(pages, "options", lambda: told)
    pages.write_report("<p>")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("<p>", 0o600)
    assert f"The page of this run: {path}" in capsys.readouterr().err
    path.unlink()
    tmp_path.rmdir()
    pages.write_report("<p>")
    assert f"--data report={path}: " in capsys.readouterr().err


def test_a_run_that_is_looked_at_gets_the_page_that_it_lacks(asked: Asked) -> None:
    told = {"p1": Evidence(record()), "p2": Evidence(replace(record(), page=True)), "p3": Evidence(None)}
    pages.of_past(state_of("p1", "p2", "p3"), ID, told)
    assert set(asked.kept) == {"p1"}
    assert "p1" in asked.kept["p1"].page


def test_a_dry_look_keeps_none(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "command_line", lambda: CommandLine(dry=True))
    pages.of_past(state_of("p1"), ID, {"p1": Evidence(record())})
    assert asked.kept == {}


def test_who_does_not_answer_or_says_something_else_has_told_nothing(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"p1": [to_json(Evidence(record()))], "p2": ["bash: python3: not found"], "p3": []}

    def bring_along(site: str, request: Why, timeout: float) -> SimpleNamespace:
        def run_unheard(host: Any) -> SimpleNamespace:
            if host.name == "p4":
                raise EOFError
            return SimpleNamespace(stdout_lines=answers[host.name])

        return SimpleNamespace(run_unheard=run_unheard)

    monkeypatch.setattr(pages, "bring_along", bring_along)
    assert pages._tell(hosts("p1", "p2", "p3", "p4"), ID) == {"p1": Evidence(record())}
