"""The agent as it travels and as it is installed: it runs where it arrives, on any host's Python."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent import inside
from agent.state import fingerprint
from agent.words import requests
from agent.words.facts import HostFacts
from agent.words.result import read_result
from agent.words.shapes import from_json
from switchback.wire.payload import AGENT, LOADER, agent_fingerprint, agent_sources, stdin_for
from tests.unit.examples import settings

MODULES = sorted(AGENT.rglob("*.py"))
# Of Python 3.10 and later, and not to be seen in the syntax: a keyword, by the call that has it.
TOO_NEW = {"zip": {"strict"}, "dataclass": {"slots", "kw_only"}}


def ask(
    request: requests.Request, folder: Path, loader: str = LOADER, sources: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the agent as a host would, in an empty folder.

    + sources: sent in the place of the agent's own
    """
    brought, asked = stdin_for("django", request)
    return subprocess.run(
        [sys.executable, "-I", "-c", loader],
        input=f"{sources or brought}\n{asked}\n",
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_agent_looks_at_a_host_from_its_standard_input_and_leaves_nothing_there(tmp_path: Path) -> None:
    told = settings(app_username="nobody-of-that-name").for_host()
    done = ask(requests.Survey(told), tmp_path)
    assert done.stderr == ""
    facts = from_json(HostFacts, done.stdout.splitlines()[-1])
    assert facts.site is None
    assert facts.git
    assert list(tmp_path.iterdir()) == []


NEVER = "this deploy was never begun here; nothing was changed"


def test_the_agent_says_that_nothing_was_begun_where_no_deploy_ever_was(tmp_path: Path) -> None:
    done = ask(requests.Go("x", ""), tmp_path)
    result = read_result(done.stdout.removesuffix("\n").split("\n"))
    assert result
    assert (done.returncode, result.sentence) == (1, f"refused: {NEVER}")


@pytest.mark.parametrize("installed", [agent_fingerprint(), "0123456789abcdef"])
def test_the_very_same_agent_is_run_where_it_is_installed_and_no_other(installed: str, tmp_path: Path) -> None:
    library, folder = tmp_path / "library", tmp_path / "folder"
    folder.mkdir()
    (library / installed).mkdir(parents=True)
    shutil.copytree(AGENT, library / installed / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    (library / installed / "switchback-agent").touch()
    loader = LOADER.replace("/usr/local/lib/switchback", str(library))
    assert NEVER in ask(requests.Go("x", ""), folder, loader).stdout
    done = ask(requests.Go("x", ""), folder, loader, sources=f"{agent_fingerprint()} unreadable")
    assert (NEVER in done.stdout) == (installed == agent_fingerprint())
    assert list((library / installed).rglob("*.pyc")) == []


def test_an_error_in_the_agent_names_its_file_and_line(tmp_path: Path) -> None:
    told = settings(app_username="nobody-of-that-name").for_host()
    done = ask(requests.Preview(told, {}, None, "", False, {}, {}, None, False), tmp_path)
    assert done.returncode == 1
    assert "KeyError: " in done.stderr


def test_the_payload_is_every_module_of_the_agent_on_one_line() -> None:
    assert set(agent_sources()) >= {"agent/main.py", "agent/transaction/journal.py", "agent/inside/start.py"}
    # Whatever one of them imports of the agent comes along.
    for text in agent_sources().values():
        for node in ast.walk(ast.parse(text)):
            module = str(node.module) if isinstance(node, ast.ImportFrom) else ""
            if module.partition(".")[0] == "agent":
                path = module.replace(".", "/")
                assert {f"{path}.py", f"{path}/__init__.py"} & agent_sources().keys()
    sources, request = stdin_for("django", requests.Pin("line\nbreak", True))
    assert "\n" not in sources + request


def test_the_fingerprint_is_short_and_tells_any_two_agents_apart_and_nothing_else() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", agent_fingerprint())
    sources = agent_sources()
    assert fingerprint(dict(reversed(sources.items()))) == agent_fingerprint()
    for name, text in sources.items():
        assert fingerprint({**sources, name: text + "\n"}) != agent_fingerprint()
    assert fingerprint({**sources, "agent/another.py": ""}) != agent_fingerprint()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_each_module_of_the_agent_is_python_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            new = {keyword.arg for keyword in node.keywords} & TOO_NEW.get(node.func.id, set())
            assert not new, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_each_module_of_the_agent_imports_the_standard_library_alone(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, "agent"}
    if "inside" in path.parts:
        # They run inside the app's own Django, and know nothing of the agent but each other, whatever that is called.
        allowed = {*sys.stdlib_module_names, "django"}
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) and not node.level else []
        assert {name.partition(".")[0] for name in names} <= allowed


def test_what_runs_inside_the_app_s_django_is_listed_whole() -> None:
    """Where the agent comes from no file, the list is what is laid out for the app's Python."""
    folder = AGENT / "inside"
    there = {".".join(path.relative_to(folder).with_suffix("").parts) for path in folder.rglob("*.py")} - {"__init__"}
    listed = [*inside.MODULES, *(f"{name}.__init__" for name in inside.PACKAGES)]
    assert sorted(listed) == sorted(there)


def test_what_the_agent_itself_takes_of_it_needs_no_django() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, agent.inside.protocol, agent.inside.lean; sys.exit('django' in sys.modules)",
        ],
        cwd=AGENT.parent,
        check=False,
    )
    assert done.returncode == 0


def test_it_takes_nothing_else_of_it() -> None:
    taken = {
        name
        for path in MODULES
        if "inside" not in path.parts
        for name in re.findall(r"agent\.inside\.(\w+)", path.read_text())
    }
    assert taken == {"protocol", "lean"}


def test_a_call_loads_no_runner_no_steps_and_nothing_of_a_look_before_it_is_known_what_for() -> None:
    late = (
        *("agent.loop", "agent.runner", "agent.steps", "agent.look"),
        *("agent.words.foreseen", "agent.words.facts", "agent.words.needs"),
    )
    shown = f"import sys, agent.main; print([name for name in sys.modules if name.startswith({late})])"
    argv = [sys.executable, "-c", shown]
    done = subprocess.run(argv, cwd=AGENT.parent, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_a_runner_that_starts_compiles_no_dataclass_but_those_that_may_be_changed() -> None:
    shown = """
import sys, agent.main, agent.runner.main
for name, module in list(sys.modules.items()):
    for found in vars(module).values() if name.startswith("agent.") else ():
        if isinstance(found, type) and found.__module__ == name and "__dataclass_fields__" in vars(found):
            if found.__init__.__code__.co_filename == "<string>":
                print(found.__name__)
"""
    argv = [sys.executable, "-c", shown]
    done = subprocess.run(argv, cwd=AGENT.parent, capture_output=True, text=True, timeout=60, check=True)
    assert sorted(done.stdout.split()) == ["Question", "StepContext", "Transaction"]


def test_a_call_that_ends_does_not_look_for_garbage_among_what_it_has_loaded() -> None:
    ends = "import sys, gc, agent.main; agent.main.main([]); sys.exit(gc.get_freeze_count() < gc.get_count()[0])"
    argv = [sys.executable, "-c", ends]
    done = subprocess.run(argv, cwd=AGENT.parent, stdin=subprocess.DEVNULL, timeout=60, check=False)
    assert done.returncode == 0
