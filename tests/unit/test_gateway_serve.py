"""One connection, from what was asked to its exit code; in pyinfra's place a program that says what it was given."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from itertools import pairwise
from pathlib import Path

import pytest

from switchback.gateway import hints
from switchback.gateway.__main__ import main
from switchback.gateway.following import UNREAD, Asker, follow
from switchback.gateway.handed import Handed
from switchback.gateway.kept import plans
from switchback.gateway.kept.holding import Held, held
from switchback.gateway.kept.log import LARGEST, Log
from switchback.gateway.owned import home
from switchback.gateway.serve import Gateway
from switchback.typed import BY_KEY
from tests.unit.test_gateway_commits import Repository
from tests.unit.test_gateway_words import MAY_NOT

# What stands for pyinfra: it writes down what it was given, and does what `does` says.
PROGRAM = """\
#!{python}
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
with open(here + "/started", "a") as file:
    file.write(json.dumps([sys.argv[1:], dict(os.environ), sys.stdin.read()]) + "\\n")
words = dict(word.partition("=")[::2] for word in sys.argv if "=" in word)
exec(open(here + "/does").read())
"""


@dataclass
class Bench:
    """A gateway, and what it has started."""

    checkout: Path
    program: Path
    repository: Repository
    capfd: pytest.CaptureFixture[str]

    def ask(self, text: str, name: str = "ci") -> int:
        return Gateway(self.checkout, Handed(name, text, "10.0.0.7")).serve()

    def does(self, code: str) -> None:
        (self.program.parent / "does").write_text(code)

    @property
    def started(self) -> list[tuple[list[str], dict[str, str], str]]:
        file = self.program.parent / "started"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def log(self) -> str:
        return (self.checkout / ".gateway" / "log").read_text()

    def rules(self, text: str) -> None:
        (self.checkout / "group_data" / "gateway.yml").write_text(text)


@pytest.fixture(scope="module")
def commits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit, which two branches have."""
    repository = Repository(tmp_path_factory.mktemp("commits") / "code")
    repository.commit("one")
    repository.git("branch", "other")
    return repository.path


@pytest.fixture
def bench(
    commits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Bench]:
    """A checkout whose key ci may deploy and plan, and whose key boss may ask for all there is."""
    checkout, program = tmp_path / "checkout", tmp_path / "bin" / "pyinfra"
    (checkout / "group_data").mkdir(parents=True)
    program.parent.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    repository = Repository(Path(shutil.copytree(commits, tmp_path / "code")), made=True)
    (checkout / "group_data" / "prod.yml").write_text(f"code_repo_url: {repository.path}\n")
    monkeypatch.setattr("switchback.gateway.runs._PYINFRA", program)
    monkeypatch.chdir(checkout)
    bench = Bench(checkout, program, repository, capfd)
    bench.does("print('shown', flush=True); print('as it goes', file=sys.stderr)")
    bench.rules("keys:\n  ci:\n  boss: {may: [deploy, plan, revert, status, history, why]}\n")
    yield bench


def data_of(argv: Sequence[str]) -> dict[str, str]:
    """What a run was given with --data."""
    return dict(value.split("=", 1) for flag, value in pairwise(argv) if flag == "--data")


def test_a_deploy_is_pyinfras_of_the_whole_commit_by_the_keys_name(bench: Bench) -> None:
    sha = bench.repository.git("rev-parse", "main")
    assert bench.ask("deploy main") == 0
    [(argv, environ, given)] = bench.started
    assert argv[:2] == ["inventories/prod.py", "deploys/deploy.py"]
    assert data_of(argv) == {"code": sha, "by": "ci", "ssh_strict_host_key_checking": "yes"}
    assert [word for word in argv if word.startswith("-") and word != "--data"] == ["-y"]
    assert given == ""
    out, err = bench.capfd.readouterr()
    # What the run says to people goes there, whichever way it says it.
    assert (out, err) == ("", "shown\nas it goes\n")
    assert f"ci from 10.0.0.7: deploy of {sha} begins" in bench.log
    assert "asked 'deploy main': 0 after" in bench.log
    assert set(environ) - {"LC_CTYPE"} == {"HOME", "USER", "LOGNAME", "PATH", "LANG", "SWITCHBACK_EXIT_CODES", BY_KEY}


def test_what_is_around_it_reaches_no_run(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hostile = {
        "LD_PRELOAD": "",
        "PYTHONPATH": str(tmp_path),
        "PYTHONSTARTUP": "x",
        "GIT_DIR": str(tmp_path),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.sshCommand",
        "GIT_CONFIG_VALUE_0": "false",
        "GIT_SSH_COMMAND": "false",
        "BASH_ENV": "x",
        "SSH_AUTH_SOCK": "/x",
        "SWITCHBACK_ANYTHING": "x",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    assert bench.ask("deploy") == 0
    [(_, environ, _)] = bench.started
    assert not set(hostile) & set(environ)


@pytest.mark.parametrize("code", [0, 1, 10, 20, 30])
def test_it_ends_as_the_run_does(code: int, bench: Bench) -> None:
    bench.does(f"sys.exit({code})")
    assert bench.ask("deploy") == code


def test_a_run_that_is_killed_has_ended_nobody_knows_how(bench: Bench) -> None:
    bench.does("os.kill(os.getpid(), 9)")
    assert bench.ask("deploy") == 30


def test_what_may_not_be_asked_starts_nothing_ends_with_64_and_is_written_down(bench: Bench) -> None:
    for text in MAY_NOT:
        assert (text, bench.ask(text, name="boss")) == (text, 64)
        out, err = bench.capfd.readouterr()
        [line] = err.splitlines()
        assert line.startswith("refused: ")
        assert "What may be asked: deploy [CODE [CONFIG]], deploy --plan NAME, plan [CODE" in line
        assert line.isprintable()
        told = json.loads(out) if out else None
        assert told is None or (told["exit_code"], told["run"]) == (64, None)
    assert bench.started == []
    # One line each, whatever is in it, and no more of it than somebody reads.
    noted = bench.log.splitlines()
    assert len(noted) == len(MAY_NOT)
    assert all(line.isprintable() and len(line) < 1200 for line in noted)


@pytest.mark.parametrize("verb", ["revert", "status", "history", "why"])
def test_what_a_key_may_not_ask_for_is_refused_and_what_it_may_is_named(verb: str, bench: Bench) -> None:
    assert bench.ask(verb) == 64
    assert bench.started == []
    err = bench.capfd.readouterr().err
    assert f"this key may not ask for {verb}" in err
    assert "What may be asked: deploy [CODE [CONFIG]], deploy --plan NAME, plan [CODE [CONFIG]], help;" in err


def test_a_commit_that_may_not_be_deployed_starts_nothing(bench: Bench) -> None:
    bench.repository.git("checkout", "--quiet", "other")
    elsewhere = bench.repository.commit("elsewhere")
    bench.repository.git("checkout", "--quiet", "main")
    for ref in ("other", elsewhere, "nothing"):
        assert bench.ask(f"deploy {ref}") == 64
        assert bench.ask(f"plan {ref}") == 64
    bench.rules("signed_by: signers\nkeys:\n  ci:\n")
    (bench.checkout / "group_data" / "signers").write_text("")
    assert bench.ask("deploy main") == 64
    assert bench.started == []


def test_a_name_that_is_nobodys_and_a_gateway_that_is_not_set_up_well_start_nothing(bench: Bench) -> None:
    assert bench.ask("deploy", name="mallory") == 64
    bench.rules("keys: {ci: {may: s3cret}}")
    assert bench.ask("deploy") == 10
    bench.rules("keys:\n  ci:\n")
    (bench.checkout / "group_data" / "gateway.yml").chmod(0o666)
    assert bench.ask("deploy") == 10
    assert bench.started == []
    # What is wrong is for the log.
    assert "s3cret" not in bench.capfd.readouterr().err
    assert "s3cret" in bench.log
    assert "can be written by others" in bench.log


def test_a_repository_that_does_not_answer_begins_nothing(bench: Bench) -> None:
    (bench.checkout / "group_data" / "prod.yml").write_text("code_repo_url: https://ann:s3cret@127.0.0.1:9/x.git\n")
    assert bench.ask("deploy") == 10
    assert bench.started == []
    assert "s3cret" not in bench.capfd.readouterr().err + bench.log


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("revert", ["inventories/prod.py", "deploys/revert.py", "by", "-y"]),
        ("status", ["inventories/prod.py", "deploys/status.py"]),
        ("history", ["inventories/prod.py", "deploys/history.py"]),
        ("why", ["inventories/prod.py", "deploys/why.py"]),
        ("why 20261123-deploy", ["inventories/prod.py", "deploys/why.py", "deploy"]),
    ],
)
def test_each_other_verb_is_one_run(text: str, ends: list[str], bench: Bench) -> None:
    assert bench.ask(text, name="boss") == 0
    [(argv, _, _)] = bench.started
    data = data_of(argv)
    assert data.pop("ssh_strict_host_key_checking") == "yes"
    plain = [word for word in argv if word != "--data" and "=" not in word]
    assert [*plain[:2], *data, *plain[2:]] == ends
    assert data.get("deploy") in (None, "20261123-deploy")
    assert data.get("by") in (None, "boss")
    # What changes something is written down when it begins, too.
    assert ("boss from 10.0.0.7: revert begins" in bench.log) == (text == "revert")


WRITES_A_PLAN = "open(words['save_plan'], 'w').write('{}') if 'save_plan' in words else None"


def test_a_plan_has_a_name_and_is_what_is_deployed_then_or_nothing_is(bench: Bench) -> None:
    bench.does(WRITES_A_PLAN)
    assert bench.ask("plan main") == 0
    out, err = bench.capfd.readouterr()
    name = out.strip()
    assert err == f"the plan is {name}; to do exactly this: deploy --plan {name}\n"
    # What main is by then is no matter, as long as the commit is on it.
    sha = bench.repository.git("rev-parse", "main")
    bench.repository.commit("two")
    assert bench.ask(f"deploy --plan {name}") == 0
    planned, deployed = (argv for argv, _, _ in bench.started)
    assert data_of(planned)["code"] == sha
    assert {"--dry", "--diff"} <= set(planned)
    assert "-y" not in planned
    data = data_of(deployed)
    assert data["plan"] == data_of(planned)["save_plan"]
    assert "code" not in data
    assert oct(Path(data["plan"]).parent.stat().st_mode)[-3:] == "700"


def test_a_plan_of_a_commit_that_may_not_be_deployed_any_more_is_refused(bench: Bench) -> None:
    bench.does(WRITES_A_PLAN)
    bench.ask("plan main")
    name = bench.capfd.readouterr().out.strip()
    bench.repository.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "other")
    assert bench.ask(f"deploy --plan {name}") == 64
    assert bench.ask("deploy --plan plan-20000101-000000-00000000") == 64
    assert len(bench.started) == 1


def test_a_plan_that_was_refused_leaves_nothing(bench: Bench) -> None:
    bench.does("sys.exit(10)")
    assert bench.ask("plan main") == 10
    assert bench.capfd.readouterr().out == ""
    assert list((bench.checkout / ".gateway" / "plans" / "prod").iterdir()) == []


def test_only_so_many_plans_are_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "KEPT", 2)
    bench.does(WRITES_A_PLAN)
    for _ in range(4):
        bench.ask("plan main")
    assert len(list((bench.checkout / ".gateway" / "plans" / "prod").iterdir())) == 2


def test_a_program_gets_one_document_whatever_becomes_of_it(bench: Bench) -> None:
    bench.does(WRITES_A_PLAN + "\nprint(json.dumps({'kind': 'deploy'}))")
    assert bench.ask("json plan main") == 0
    told = json.loads(bench.capfd.readouterr().out)
    assert told["run"] == {"kind": "deploy"}
    assert (told["exit_code"], told["plan"][:5]) == (0, "plan-")
    assert "--json" in bench.started[0][0]
    assert bench.ask("json deploy $(id)") == 64
    told = json.loads(bench.capfd.readouterr().out)
    assert (told["exit_code"], told["run"], told["plan"]) == (64, None, None)
    assert "is no ref" in told["says"][0]


def test_two_at_once_the_second_is_told_who_holds_it_and_starts_nothing(bench: Bench) -> None:
    lock = bench.checkout / "lock"
    with held(lock, "boss", "deploy to prod"), pytest.raises(Held) as holder, held(lock, "ci", "deploy"):
        raise AssertionError("not reached")
    assert str(holder.value).startswith("boss has a deploy to prod on, since ")
    with held(home(bench.checkout) / "lock-prod", "boss", "revert to prod"):
        assert bench.ask("deploy") == 10
        assert bench.ask("revert", name="boss") == 10
        # Who only looks holds nobody up.
        assert bench.ask("status", name="boss") == 0
    assert "refused, nothing was begun: boss has a revert to prod on, since" in bench.capfd.readouterr().err
    assert len(bench.started) == 1
    assert bench.ask("deploy") == 0


def test_a_full_disk_keeps_nobody_from_holding_it_and_the_next_one_is_told_so(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with held(lock, "ann", "deploy to prod"):
        pass
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file of this process can become any longer.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, usual[1]))
    try:
        with held(lock, "boss", "revert to prod"), pytest.raises(Held) as holder, held(lock, "ci", "deploy to prod"):
            raise AssertionError("not reached")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    # Nobody's name, rather than that of the one before.
    assert str(holder.value) == "another run has just begun"


@pytest.mark.parametrize(
    ("breaks", "text", "why"),
    [
        ("lock-prod/x", "revert", "Is a directory"),
        ("repositories/lock/x", "deploy", "Is a directory"),
        ("plans/prod", "plan", "File exists"),
        ("", "status", "No such file or directory"),
    ],
)
def test_what_the_machine_can_not_do_is_refused_in_a_sentence_and_written_down(
    breaks: str, text: str, why: str, bench: Bench
) -> None:
    if breaks:
        path = home(bench.checkout) / breaks
        path.parent.mkdir(exist_ok=True)
        path.touch()
    else:
        bench.program.unlink()
    assert bench.ask(text, name="boss") == 10
    said = f"refused, nothing was begun: the gateway's machine can't do it now ({why}); its log says more"
    assert bench.capfd.readouterr().err == said + "\n"
    assert bench.started == []
    # Which of the owner's files it is about is for the log.
    assert "boss from 10.0.0.7: can't serve: [Errno" in bench.log
    assert f"asked '{text}': 10 ({said}) after" in bench.log


def test_a_host_whose_key_is_not_known_or_another_says_what_to_do(bench: Bench) -> None:
    bench.does("print('No host key for 10.0.0.9 found in known_hosts', file=sys.stderr); sys.exit(10)")
    assert bench.ask("deploy") == 10
    assert "a host's key is not known here, so nothing was sent to it" in bench.capfd.readouterr().err
    bench.does("print('    [web1] SSH host key error (Host key for 10.0.0.9 does not match.)'); sys.exit(10)")
    assert bench.ask("deploy") == 10
    assert "a host shows another key than the one that is known here" in bench.capfd.readouterr().err


@pytest.mark.parametrize(
    "said",
    [
        b"the checksum does not match: got x\nHost key for the lock file does not match\n",
        b"    [web1] Connected\n    web1  app: SSH host key error (Host key for 10.0.0.9 does not match.)\n",
        b"    [web1] Connected\n    web1  app: No host key for 10.0.0.9 found in known_hosts\n",
    ],
)
def test_what_an_app_says_is_no_word_about_a_hosts_key(said: bytes) -> None:
    heard = hints.Hints()
    for one in said.splitlines(keepends=True):
        heard(one)
    assert heard.lines == []


def test_a_word_that_comes_in_two_pieces_is_overheard_all_the_same() -> None:
    heard = hints.Hints()
    heard(b"No host key for x fou")
    heard(b"nd in known_")
    assert heard.lines == []
    heard(b"hosts")
    assert len(heard.lines) == 1


GOES_ON = """\
import signal
def told(number, frame):
    open(here + "/told", "a").write(f"{number}\\\\n")
    sys.exit(20)
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
    signal.signal(number, told)
print("begun", file=sys.stderr, flush=True)
time.sleep(60)
"""


@pytest.fixture
def slow(tmp_path: Path) -> list[str]:
    """A run that goes on until it is told something, and writes down what."""
    program = tmp_path / "run.py"
    program.write_text("import os, sys, time\nhere = os.path.dirname(__file__)\n" + GOES_ON.replace("\\\\n", "\\n"))
    return [sys.executable, "-I", str(program)]


def test_a_connection_that_is_closed_tells_the_run_what_a_closed_terminal_does(slow: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()

    def leave() -> None:
        os.read(reading, 100)
        os.close(reading)

    reader = threading.Thread(target=leave)
    reader.start()
    asker = Asker(writing)
    run = follow(slow, tmp_path, {}, asker, lambda said: None, as_json=False)
    reader.join()
    os.close(writing)
    # Told once, and waited for until it has ended.
    assert (run.code, run.left) == (20, True)
    assert (tmp_path / "told").read_text() == f"{int(signal.SIGHUP)}\n"


def test_a_signal_is_passed_on_and_waited_for(slow: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()

    def stop() -> None:
        os.read(reading, 100)
        os.kill(os.getpid(), signal.SIGTERM)

    reader = threading.Thread(target=stop)
    reader.start()
    run = follow(slow, tmp_path, {}, Asker(writing), lambda said: None, as_json=False)
    reader.join()
    os.close(writing)
    os.close(reading)
    assert (run.code, run.left) == (20, False)
    assert (tmp_path / "told").read_text() == f"{int(signal.SIGTERM)}\n"


def test_who_never_reads_keeps_no_run_from_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchback.gateway.following.LAST_WORDS", 0.1)
    reading, writing = os.pipe()
    words = f"import sys; sys.stderr.write('x' * {2 * UNREAD})"
    began = time.monotonic()
    run = follow([sys.executable, "-I", "-c", words], tmp_path, {}, Asker(writing), lambda said: None, as_json=False)
    assert run.code == 0
    assert time.monotonic() - began < 20
    assert os.get_blocking(writing)
    os.close(writing)
    os.close(reading)


def test_what_a_run_leaves_behind_keeps_nobody_waiting(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    leaves = "import subprocess, sys; subprocess.Popen([sys.executable, '-I', '-c', 'import time; time.sleep(30)'])"
    began = time.monotonic()
    assert (
        follow(
            [sys.executable, "-I", "-c", leaves], tmp_path, {}, Asker(writing), lambda said: None, as_json=False
        ).code
        == 0
    )
    assert time.monotonic() - began < 20
    os.close(writing)
    os.close(reading)


def test_the_log_is_bounded_and_one_line_each(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", "ci", "10.0.0.7\n\x1b[2J")
    log("asked\r\nfor")
    assert (tmp_path / "log").read_text().count("\n") == 1
    assert "10.0.0.7\\n\\x1b[2J: asked\\r\\nfor" in (tmp_path / "log").read_text()
    assert oct((tmp_path / "log").stat().st_mode)[-3:] == "600"
    (tmp_path / "log").write_text("x" * (LARGEST + 1))
    log("more")
    assert (tmp_path / "log.1").stat().st_size == LARGEST + 1
    assert (tmp_path / "log").read_text().count("\n") == 1
    log("y" * 100_000)
    assert (tmp_path / "log").stat().st_size < 3000


def test_the_module_takes_a_frame_a_name_or_install_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # Where it works, and what its files are for others, is its own process's.
    monkeypatch.setattr("switchback.gateway.__main__.os.chdir", lambda folder: None)
    monkeypatch.setattr("switchback.gateway.__main__.os.umask", lambda mask: None)
    monkeypatch.setattr("switchback.gateway.__main__.sys.stdin", TextIOWrapper(BytesIO(b"deploy main")))
    monkeypatch.setattr("switchback.gateway.__main__.CHECKOUT", tmp_path)
    for words in ([], ["a b"], ["ci", "x"], ["--handed-over"], ["--handed-over", "ci"], ["-i"]):
        assert main(words) == 64
        assert capfd.readouterr().err.startswith("refused: ")
    assert (
        "somebody from somewhere: refused: what was handed over is none of" in (tmp_path / ".gateway/log").read_text()
    )
