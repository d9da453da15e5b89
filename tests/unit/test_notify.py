"""Telling others how a run has ended: of which endings, in what words, and by whom; whatever they do has its time."""

from __future__ import annotations

import json
import os
import pwd
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from agent.environment import webhook
from agent.host.files import remove
from agent.notify import telling
from agent.notify.endings import due, problem_of
from agent.notify.message import document, slack
from agent.notify.outbox import AGAIN, MOST, Outbox
from agent.notify.telling import NO_ADDRESS, Tried, tell, unreachable, untold
from agent.runner import main as runner_main
from agent.runs import beginning
from agent.state import State
from agent.text import masking
from agent.text.masking import unhidden
from agent.transaction.bounds import past_runs
from agent.transaction.lock import free_lock
from agent.transaction.transaction import Transaction
from agent.versions.layout import Layout
from agent.words.journal import Ended, Event, Told
from agent.words.outcomes import Outcome
from switchback.checks.notices import notify_notices
from switchback.runs.run import Run
from tests.unit import healthy
from tests.unit.agent_host import ID, Host
from tests.unit.examples import settings
from tests.unit.journals import progress
from tests.unit.test_talk import begin

ME = pwd.getpwuid(os.getuid()).pw_name
SECRET = "/".join(("T0000", "B0000", "verysecretpart"))
Serve = Callable[[Callable[[socket.socket], None]], str]


def begun(**more: Any) -> dict[str, Any]:
    """The first line of a run that somebody is told of."""
    told = {"notify": more.pop("notify", {"shape": "json"}), "app_username": ME}
    usual = {"event": "begin", "kind": "deploy", "deploy": ID, "hosts": ["web1", "web2"], "host": "web1", "at": 1000.0}
    return {**usual, "by": "ann@desk", "version": "django-2", "was": "django-1", "settings": told, **more}


def ended(outcome: str, **more: Any) -> dict[str, Any]:
    return {"event": "ended", "outcome": outcome, "sentence": f"{outcome}: so it is", "at": 1012.5, **more}


def is_due(*lines: dict[str, Any], **more: Any) -> str:
    found = due(progress(begun(**more), *lines))
    return f"{found.number} {found.name}" if found else ""


# --- Of which endings


def test_each_ending_is_told_until_it_is_written_down_that_somebody_was() -> None:
    assert is_due() == ""
    assert is_due(ended("fell back")) == "1 fell_back"
    assert is_due(ended("needs a person")) == "1 needs_a_person"
    assert is_due(ended("refused")) == ""
    assert is_due(ended("fell back"), {"event": "told", "ending": 1}) == ""
    assert is_due(ended("fell back"), {"event": "told", "ending": 1, "problem": "it was given up"}) == ""


def test_an_ending_after_a_person_was_needed_is_a_late_one_and_told_after_the_first() -> None:
    late = [ended("needs a person"), {"event": "fallback"}, ended("fell back")]
    assert is_due(*late) == "1 needs_a_person"
    # Told while the second was written already.
    assert is_due(*late, {"event": "told", "ending": 1}) == "2 late_end"
    assert is_due(*late, {"event": "told", "ending": 1}, {"event": "told", "ending": 2}) == ""
    again = [ended("needs a person"), {"event": "told", "ending": 1}, {"event": "fallback"}, ended("needs a person")]
    assert is_due(*again) == "2 needs_a_person"


def test_of_a_commit_the_primary_host_tells_and_of_what_went_wrong_each_does() -> None:
    assert is_due(ended("committed")) == "1 committed"
    assert is_due(ended("committed"), primary=False) == ""
    assert is_due(ended("fell back"), primary=False) == "1 fell_back"


def test_the_settings_say_of_which_endings_and_nobody_is_told_of_runs_that_no_visitor_notices() -> None:
    only = {"at": ["needs_a_person", "late_end"]}
    assert is_due(ended("fell back"), notify=only) == ""
    assert (
        is_due(ended("needs a person"), ended("fell back"), {"event": "told", "ending": 1}, notify=only) == "2 late_end"
    )
    assert is_due(ended("fell back"), notify=None) == ""
    assert is_due(ended("committed"), kind="build") == ""


def test_the_record_says_why_nobody_was_told() -> None:
    assert problem_of(progress(begun(), ended("fell back"))) == ""
    told = [{"event": "told", "ending": 1, "problem": "timed out"}, {"event": "told", "ending": 2}]
    assert problem_of(progress(begun(), ended("needs a person"), told[0])) == "timed out"
    assert problem_of(progress(begun(), ended("needs a person"), told[0], ended("fell back"), told[1])) == ""


# --- In what words


def telling_of(*lines: dict[str, Any], **more: Any) -> Any:
    found = due(progress(begun(**more), *lines))
    assert found
    return document(ID, found, "the-host")


def test_what_is_told_says_who_what_where_when_and_what_visitors_noticed() -> None:
    asked = {"site": {"asked": 90, "failed": 12, "outage": 3.25}, "app": {"asked": 9, "failed": 0, "outage": 0.0}}
    seen = {"event": "note", "step": "downtime", "note": {"1": asked}}
    told = telling_of(seen, {"event": "fallback", "reason": "health failed: it is ill"}, ended("fell back"))
    assert (told["id"], told["event"], told["outcome"]) == (f"{ID}/web1/1", "fell_back", "fell back")
    assert (told["site"], told["host"], told["hosts"], told["kind"]) == ("django", "web1", ["web1", "web2"], "deploy")
    assert (told["by"], told["version"], told["was"]) == ("ann@desk", "django-2", "django-1")
    assert (told["reason"], told["sentence"]) == ("health failed: it is ill", "fell back: so it is")
    assert (told["began"], told["ended"], told["seconds"]) == ("1970-01-01T00:16:40Z", "1970-01-01T00:16:52Z", 12.5)
    assert told["visitors"]["site"] == {"asked": 90, "failed": 12, "out_seconds": 3.25}
    assert told["visitors"]["says"] == "visitors were without the site for 3.2 s (12 of 90 requests failed)"
    assert json.loads(json.dumps(told)) == told
    # A run of an older controller does not say which of the hosts this is.
    assert telling_of(ended("fell back"), host="")["host"] == "the-host"


def test_what_visitors_noticed_is_told_as_the_screen_tells_it() -> None:
    asked = {"site": {"asked": 90, "failed": 80, "outage": 40.0}, "app": {"asked": 9, "failed": 3, "outage": 3.0}}
    seen = {"event": "note", "step": "downtime", "note": {"1": asked}}
    starts = {"event": "step started", "step": "maintenance_start", "at": 1001.0}
    shut = {"event": "step done", "step": "maintenance_start", "seconds": 0.1, "note": {"page": {"status": 503}}}
    in_again = {"event": "step done", "step": "maintenance_stop", "seconds": 0.1, "at": 1041.5}
    stuck, well = ended("needs a person", at=1045.0), ended("fell back", at=1045.0)
    left_on = telling_of(starts, {**shut, "at": 1001.2}, seen, stuck)
    assert left_on["visitors"]["says"] == "visitors have seen the maintenance page for 44 s, and still do"
    off = telling_of(starts, {**shut, "at": 1001.2}, seen, in_again, well)
    says = "visitors saw the maintenance page for 40 s (the app was down for 3.0 s of that)"
    assert off["visitors"]["says"] == says
    assert str(slack(off)["text"]).split("\n")[2] == says
    page = {"status": 502, "wrong": "answers 502: \x1b[2J password=hunter2hunter2"}
    before = telling_of(seen, well, site_before=page)
    says = "visitors did not get the site before this began either: answers 502: \\x1b[2J password=***"
    assert before["visitors"]["says"] == says
    assert telling_of(well)["visitors"]["says"] == ""


def test_what_others_have_said_leaves_the_host_without_secrets_and_with_nothing_that_anybody_obeys() -> None:
    hostile = "boom \x1b[2J <!channel> & password=hunter2hunter2\nhttps://me:pass1234@example.com/"
    told = telling_of({"event": "fallback", "reason": hostile}, ended("fell back"), by="<@ann>")
    for text in (json.dumps(told), json.dumps(slack(told))):
        assert "hunter2" not in text
        assert "pass1234" not in text
        assert "\x1b" not in json.loads(text).get("text", "")
    assert "boom \\x1b[2J <!channel> & " in told["reason"]
    text = str(slack(told)["text"])
    assert text.startswith("*django* on web1: deploy FELL BACK\nboom \\x1b[2J &lt;!channel&gt; &amp; ")
    assert "by &lt;@ann&gt;" in text
    assert len(telling_of({"event": "fallback", "reason": "x" * 90_000}, ended("fell back"))["reason"]) < 3000


# --- A web address


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves one connection after the other as a test says. Returns the address."""
    servers: list[socket.socket] = []
    over = threading.Event()

    def start(does: Callable[[socket.socket], None]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        server.settimeout(0.05)
        servers.append(server)

        def go() -> None:
            while not over.is_set():
                try:
                    line, _ = server.accept()
                except OSError:
                    continue
                with line:
                    line.settimeout(5)
                    try:
                        does(line)
                    except OSError:
                        continue

        threading.Thread(target=go, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/services/{SECRET}"

    yield start
    over.set()
    for server in servers:
        server.close()


def received(line: socket.socket) -> tuple[str, Any]:
    """The head of a request, and its body."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += line.recv(65536)
    head, _, body = text.partition(b"\r\n\r\n")
    length = next(int(one.split(b":")[1]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-length"))
    while len(body) < length:
        body += line.recv(65536)
    return head.decode(), json.loads(body)


def answers(status: str, *, then: str = "", to: list[Any] | None = None) -> Callable[[socket.socket], None]:
    """A server that hears all of a request and answers it."""

    def does(line: socket.socket) -> None:
        heard = received(line)
        if to is not None:
            to.append(heard)
        line.sendall(f"HTTP/1.1 {status}\r\nConnection: close\r\n{then}".encode())

    return does


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test hides, no other one has to."""
    monkeypatch.setattr(masking, "_known", [])
    monkeypatch.setattr(telling, "WITHIN", 0.5)


def fell_back(host: Host, outcome: Outcome = Outcome.FELL_BACK, **notify: Any) -> Transaction:
    """A run that has ended on a host, and that somebody is to be told of."""
    told = settings(app_username=ME, notify={"url": {"env": "X"}, **notify} if "run" not in notify else notify)
    transaction = host.begin(settings=told.for_host(), host="web1")
    transaction.journal.append(Ended(outcome, "fell back: so it is"))
    return transaction


def told(transaction: Transaction) -> Tried:
    ending = due(transaction.progress)
    assert ending
    return tell(transaction, ending)


def test_an_address_is_told_once_as_json_and_in_slack_s_own_shape(host: Host, serve: Serve) -> None:
    heard: list[Any] = []
    host.state.create()
    webhook.keep(host.state, serve(answers("200 OK", then="\r\nok", to=heard)))
    assert host.state.webhook.stat().st_mode & 0o777 == 0o600
    transaction = fell_back(host)
    assert told(transaction) == Tried()
    ((head, body),) = heard
    assert head.startswith(f"POST /services/{SECRET} HTTP/1.1\r\n")
    assert "Content-Type: application/json" in head
    assert (body["id"], body["event"], body["schema"]) == (f"{ID}/web1/1", "fell_back", 1)


def test_slack_is_told_in_one_text(host: Host, serve: Serve) -> None:
    heard: list[Any] = []
    host.state.create()
    webhook.keep(host.state, serve(answers("200 OK", then="\r\nok", to=heard)))
    assert told(fell_back(host, shape="slack")) == Tried()
    ((_, body),) = heard
    assert list(body) == ["text"]
    assert body["text"].startswith("*django* on web1: deploy FELL BACK\nfell back: so it is")


def hangs(line: socket.socket) -> None:
    received(line)
    line.recv(1)


def drips(line: socket.socket) -> None:
    received(line)
    for one in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
        line.sendall(bytes([one]))
        time.sleep(0.05)


def never_ends(line: socket.socket) -> None:
    received(line)
    line.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        line.sendall(b"X: " + b"x" * 60_000 + b"\r\n")


@pytest.mark.parametrize(
    ("does", "problem", "again"),
    [
        (hangs, "timed out", True),
        (drips, "timed out", True),
        (never_ends, "its answer has no end", True),
        (lambda line: line.close(), "", True),
        (answers("500 Oh", then="\r\nnot \x1b[2J today"), "it answers 500: not \\x1b[2J today", True),
        (answers("404 No", then="\r\nno_service"), "it answers 404: no_service", False),
        (
            answers("302 There", then="Location: file:///etc/passwd\r\n\r\n"),
            "it answers 302 and leads to file:///",
            False,
        ),
        (
            answers("307 There", then="Location: http://127.0.0.1:1/\r\n\r\n"),
            "it answers 307 and leads to http://",
            False,
        ),
    ],
)
def test_whatever_an_address_does_it_has_its_time_and_is_said_without_being_named(
    host: Host, serve: Serve, does: Callable[[socket.socket], None], problem: str, again: bool
) -> None:
    host.state.create()
    webhook.keep(host.state, serve(does))
    transaction, began = fell_back(host), time.monotonic()
    found = told(transaction)
    assert time.monotonic() - began < 3
    assert problem in found.problem
    assert found.problem
    assert found.again is again
    assert SECRET not in found.problem


def test_an_address_that_nobody_has_brought_and_one_that_nobody_is_at_are_problems(host: Host) -> None:
    host.state.create()
    assert told(fell_back(host)) == Tried(NO_ADDRESS)
    webhook.keep(host.state, f"http://127.0.0.1:1/{SECRET}")
    assert told(Transaction(host.state, ID)).again
    wanted = settings(notify={"url": {"env": "X"}}).for_host().notify
    assert wanted
    layout = Layout(settings(app_username=ME).for_host(), Path("/nowhere"))
    assert unreachable(host.state, layout, wanted) == ""
    webhook.keep(host.state, "https://nowhere.invalid/x")
    assert unreachable(host.state, layout, wanted).startswith("its host can't be found: ")
    webhook.keep(host.state, "")
    assert not host.state.webhook.exists()
    assert unreachable(host.state, layout, wanted) == NO_ADDRESS


def test_a_certificate_that_the_host_does_not_know_is_not_trusted(host: Host, serve: Serve) -> None:
    host.state.create()

    def says_what_is_no_tls(line: socket.socket) -> None:
        line.recv(100)
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    webhook.keep(host.state, serve(says_what_is_no_tls).replace("http:", "https:"))
    found = told(fell_back(host))
    assert "SSL" in found.problem
    assert SECRET not in found.problem


def test_an_address_that_comes_with_a_run_is_the_host_s_own_secret_and_in_nothing_that_is_said_or_written_of_it(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.service.verdicts.look", lambda _: type("Look", (), {"ailing": ()})())
    monkeypatch.setattr("agent.service.health.app_problem", lambda *_, **__: None)
    monkeypatch.setattr(beginning, "installed_agent", lambda *_: "a1b2")
    address = f"https://hooks.example.com/{SECRET}"
    host.ask(replace(begin(), webhook=address))
    assert webhook.read(host.state) == address
    assert SECRET not in unhidden(f"it is {address}, or /{SECRET}")
    assert SECRET not in Transaction(host.state, ID).journal.path.read_text()


def a_run(**more: Any) -> Run:
    """A run as the controller has it."""
    usual = {"kind": "deploy", "deploy": ID, "host": "web1", "hosts": ("web1",), "primary": "web1"}
    went = {"version": "django-2", "was": "django-1", "steps": ("code",), "settings": settings()}
    return Run(**{**usual, **went, **more})


def test_only_a_deploy_brings_an_address_and_it_is_read_where_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_NOTIFY_URL", f"https://hooks.example.com/{SECRET}")
    run = a_run(settings=settings(notify={"url": {"env": "A_NOTIFY_URL"}}))
    begins = run.begins()
    assert (begins.webhook, begins.intent.host) == (f"https://hooks.example.com/{SECRET}", "web1")
    assert SECRET not in str(begins.intent)
    assert a_run(settings=settings(notify={"run": "tell"})).begins().webhook == ""


def test_a_run_that_brings_none_leaves_the_address_and_one_that_has_none_takes_it_away(host: Host) -> None:
    host.state.create()
    webhook.keep(host.state, "https://a.example.com/x")
    for kind in ("revert", "restart", "build"):
        assert replace(a_run(), kind=kind).begins().webhook is None
    assert a_run().begins().webhook == ""
    webhook.keep(host.state, "")
    assert webhook.read(host.state) == ""


# --- A command


def test_a_command_reads_the_document_and_has_nothing_of_it_in_its_words(host: Host, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    transaction = fell_back(host, run=["sh", "-c", f"cat >{heard}; pwd >>{heard}"])
    assert told(transaction) == Tried()
    body, folder = heard.read_text().split("\n")[:2]
    assert json.loads(body)["id"] == f"{ID}/web1/1"
    assert folder == str(transaction.layout.home)


def test_a_command_that_fails_or_hangs_is_stopped_and_said(host: Host) -> None:
    found = told(fell_back(host, run=["sh", "-c", "echo oh no; exit 3"]))
    assert found.again
    assert found.problem == "sh -c ended with exit code 3\n  oh no"
    assert "no such" in told(_other(host, ["~/no-such-program"])).problem.lower()
    began = time.monotonic()
    assert "took too long" in told(_other(host, ["sleep", "60"])).problem
    assert time.monotonic() - began < 10


def _other(host: Host, run: list[str]) -> Transaction:
    """Another run in the place of the one before."""
    free_lock(host.state, ID)
    remove(Transaction(host.state, ID).folder)
    return fell_back(host, run=run)


# --- Who does it, and when


class Loop:
    """A loop whose workers answer as a test says, when it is told to go round."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, float | None]] = []
        self.then: list[Callable[[Any], None]] = []

    def work(self, name: str, job: Any, bounds: Any, heard: Any, then: Any) -> None:
        """Take a job."""
        self.begun.append((name, bounds.seconds))
        self.then.append(then)

    def end(self, **found: Any) -> None:
        """Have the worker end with what it has found."""
        self.then.pop()(type("Worker", (), {"found": found})())


class Box:
    """An outbox, its loop, and what it has said."""

    def __init__(self, state: State) -> None:
        self.loop, self.said = Loop(), list[str]()
        loop: Any = self.loop
        self.outbox = Outbox(state, loop, lambda _, text: self.said.append(text))
        self.go_on = self.outbox.go_on


def over(host: Host, **more: Any) -> Transaction:
    """A run that is over, and whose host is free."""
    host.begin(settings=settings(app_username=ME, notify={"url": {"env": "X"}, **more}).for_host())
    host.run("swap")
    assert host.fall_back("it broke") == "fell back"
    return Transaction(host.state, ID)


def written(transaction: Transaction) -> list[Event]:
    return [line.says for line in transaction.progress.lines if isinstance(line.says, Told)]


def test_a_run_that_is_over_is_told_of_by_whichever_runner_comes_next_and_then_forgotten(host: Host) -> None:
    transaction = over(host)
    assert [path.name for path in host.state.untold.iterdir()] == [ID]
    # The runner is killed while it tells: nothing is written down, and the next one tells again.
    first = Box(host.state)
    assert first.go_on(None) is not None
    assert first.loop.begun
    second = Box(host.state)
    assert second.go_on(None) is not None
    second.loop.end(problem="")
    assert second.go_on(None) is None
    assert written(transaction) == [Told(1, "fell_back")]
    assert list(host.state.untold.iterdir()) == []
    assert second.said == []
    assert Box(host.state).go_on(None) is None


def test_what_may_go_better_is_tried_again_later_a_few_times_and_then_said(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction, box, now = over(host), Box(host.state), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for wait in AGAIN:
        box.go_on(None)
        box.loop.end(problem="timed out", again=True)
        assert box.go_on(None) == wait
        now[0] += wait
    box.go_on(None)
    box.loop.end(problem="timed out", again=True)
    assert len(box.loop.begun) == 1 + len(AGAIN)
    assert box.go_on(None) is None
    assert written(transaction) == [Told(1, "fell_back", "timed out")]
    says = "notify: WARNING: nobody could be told (fell_back): timed out"
    assert box.said == [says]


def test_a_disk_that_takes_no_line_tells_nobody_again_and_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    transaction, box, now = over(host), Box(host.state), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr("agent.transaction.journal.append_line", read_only)
        assert box.go_on(None) == 0
        assert box.go_on(None) == AGAIN[-1]
        assert box.loop.begun == []
    now[0] += AGAIN[-1]
    box.go_on(None)
    box.loop.end(problem="")
    assert box.go_on(None) is None
    assert written(transaction) == [Told(1, "fell_back")]


def test_runners_that_end_in_it_one_after_the_other_come_to_an_end(host: Host) -> None:
    transaction = over(host)
    for _ in range(MOST):
        box = Box(host.state)
        box.go_on(None)
        assert box.loop.begun
    last = Box(host.state)
    assert last.go_on(None) == 0
    assert last.go_on(None) is None
    assert last.loop.begun == []
    assert written(transaction) == [Told(1, "fell_back", f"it was begun {MOST} times, and did not end")]


def test_a_worker_that_is_killed_is_tried_again_and_one_that_was_refused_is_not(host: Host) -> None:
    transaction, box = over(host), Box(host.state)
    box.go_on(None)
    box.loop.end(failed="it took too long and was killed")
    assert written(transaction) == []
    other = Box(host.state)
    other.go_on(None)
    other.loop.end(problem="it answers 404", again=False)
    assert written(transaction) == [Told(1, "fell_back", "it answers 404")]


def test_one_that_is_open_since_a_person_is_needed_is_told_while_it_is_open(host: Host) -> None:
    transaction, box = fell_back(host, Outcome.NEEDS_A_PERSON), Box(host.state)
    box.go_on(transaction)
    box.loop.end(problem="")
    assert written(transaction) == [Told(1, "needs_a_person")]
    assert box.go_on(transaction) is None


def test_a_journal_that_nobody_can_read_or_that_is_gone_holds_nobody_up(host: Host) -> None:
    transaction = over(host)
    (host.state.untold / "gone").touch()
    transaction.journal.path.write_text('{"event": "begin", "at": "x"}\n')
    assert Box(host.state).go_on(None) is None
    assert list(host.state.untold.iterdir()) == []


def test_without_the_setting_nothing_is_left_to_tell(host: Host) -> None:
    host.begin()
    host.run("swap")
    host.fall_back("it broke")
    assert not host.state.untold.exists()
    assert Box(host.state).go_on(None) is None


def test_status_and_check_say_that_nobody_was_told_and_that_nobody_can_be(host: Host) -> None:
    transaction = over(host)
    assert untold(host.state, []) == ""
    assert untold(host.state, past_runs(host.state)) == ""
    transaction.journal.note(Told(1, "fell_back", "it answers 404"))
    says = untold(host.state, past_runs(host.state))
    assert says == f"{ID}: it answers 404"
    told = settings(notify={"url": {"env": "X"}})
    site = replace(healthy.site(), untold=says, unreachable="its host can't be found: no such name")
    assert notify_notices(site, told) == [
        f"notify: nobody could be told how the last run has ended: {ID}: it answers 404",
        "notify: its host can't be found: no such name",
    ]
    assert notify_notices(site, settings()) == []
    assert notify_notices(healthy.site(), told) == []


# --- Beside another agent


class OneRound:
    """A loop that hands out what it would do in a round."""

    rounds: ClassVar[list[Callable[[], float | None]]] = []

    def __init__(self, *_: object) -> None:
        self.cgroups = None

    def ready(self) -> None:
        """Hear that the host may start the app."""

    def work(self, *_: object) -> None:
        """Take a job that never ends."""

    def run(self, step: Callable[[], float | None], _: object) -> None:
        """Keep it."""
        self.rounds.append(step)

    def close(self) -> None:
        """Nothing."""


def test_a_runner_that_only_has_to_tell_leaves_that_to_the_agent_that_is_installed_meanwhile(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    over(host)
    host.state.agent.symlink_to("/usr/local/lib/switchback/old")
    monkeypatch.setattr(runner_main, "Loop", OneRound)
    monkeypatch.setattr(runner_main, "own_cgroups", lambda: None)
    monkeypatch.setattr(runner_main, "say_through", lambda _: None)
    monkeypatch.setattr("gc.freeze", lambda: None)
    runner_main.run(host.state)
    (go_round,) = OneRound.rounds
    assert go_round() is not None
    host.state.agent.unlink()
    host.state.agent.symlink_to("/usr/local/lib/switchback/new")
    assert go_round() is None
    assert [path.name for path in host.state.untold.iterdir()] == [ID]
