"""What keeps a built version from being started is found before the live site is touched."""

from __future__ import annotations

import contextlib
import os
import pwd
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.inside.protocol import Writes
from agent.service import in_the_way, startable
from agent.service.startable import unit_of, would_not_start, written_inside
from agent.steps.build import venv
from agent.versions.layout import Layout
from tests.unit.examples import NEW
from tests.unit.healthy import host_settings

ME = pwd.getpwuid(os.getuid()).pw_name
CONFIG = """\
[fcgi-program:web]
command={python} -m gunicorn --bind fd://0 wsgi:application
[program:worker]
command={worker}
"""


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A step for a version whose environment has Python and supervisord, with a unit that starts the latter."""
    monkeypatch.setattr("agent.service.in_the_way.systemd.unit_property", lambda unit, name: ME)
    for module in (startable, venv, in_the_way):
        monkeypatch.setattr(module, "acting_as", lambda user: contextlib.nullcontext())
    layout = Layout(host_settings(app_username=ME, requirements="requirements.txt"), tmp_path)
    programs, config = layout.part(NEW, "venv") / "bin", layout.part(NEW, "config")
    programs.mkdir(parents=True)
    config.mkdir()
    layout.part(NEW, "code").mkdir()
    (programs / "python").symlink_to(sys.executable)
    (programs / "supervisord").write_text("#!/bin/sh\necho 4.3.0\n")
    (programs / "supervisord").chmod(0o755)
    program = f"{tmp_path}/venv/bin/supervisord"
    argv = f"{program} --nodaemon --configuration {tmp_path}/deployment/supervisord.conf"
    monkeypatch.setattr(startable, "started_by", lambda unit: unit_of(f"{{ path={program} ; argv[]={argv} ; x }}"))
    write_config(layout, f"{tmp_path}/venv/bin/python")

    def runner(user: str | None) -> Any:
        from agent.host.command import Runner  # noqa: PLC0415

        return Runner(None, None, 1e12)

    return SimpleNamespace(layout=layout, settings=layout.settings, version=NEW, runner=runner, notes=lambda step: {})


def write_config(layout: Layout, worker: str) -> None:
    text = CONFIG.format(python=f"{layout.home}/django-current/venv/bin/python", worker=worker)
    (layout.part(NEW, "config") / "supervisord.conf").write_text(text)


def found(step: Any, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...] = ()) -> list[str]:
    monkeypatch.setattr(startable, "_missing", lambda step, names: [name for name in names if name in missing])
    return would_not_start(step)


def test_a_version_with_all_that_is_started_has_no_problem(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(step, monkeypatch) == []


def test_a_program_that_is_started_by_a_launcher_needs_one_in_the_version(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = step.layout.part(NEW, "config") / "supervisord.conf"
    config.write_text(f"[program:web]\ncommand={step.layout.home}/django-current/run python -m gunicorn a:b\n")
    (problem,) = found(step, monkeypatch)
    assert problem.startswith(f"web is started by {step.layout.home}/django-current/run, and the version was built ")
    launcher = step.layout.version(NEW) / "run"
    launcher.touch(0o555)
    assert found(step, monkeypatch) == []
    assert found(step, monkeypatch, ("gunicorn",)) == [
        "web runs gunicorn, and the version has none: add it to requirements.txt"
    ]


def test_a_process_whose_program_is_nowhere_is_named(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    version, home = step.layout.version(NEW), step.layout.home
    (version / "run").touch(0o555)
    start = f"{home}/django-current/run python {home}/django-current/config/start_switchback.py"

    def problems(command: str) -> list[str]:
        text = f"[program:worker]\ncommand={start} {command}\ndirectory={home}/django-current/code\n"
        (step.layout.part(NEW, "config") / "supervisord.conf").write_text(text)
        return found(step, monkeypatch)

    assert problems("celery -A mysite worker") == [
        "worker runs celery, which neither the version nor the host has: add it to requirements.txt"
    ]
    (version / "venv/bin/celery").touch(0o755)
    assert problems("celery -A mysite worker") == problems("sh -c x") == problems("python -m work") == []
    assert problems("--expand A=1 ./work.sh") == [
        "worker runs ./work.sh, which neither the version nor the host has: add it to the code"
    ]
    (version / "code/work.sh").touch(0o755)
    assert problems("./work.sh") == []


def test_a_server_that_is_in_no_requirements_is_named(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(step, monkeypatch, ("gunicorn",)) == [
        "web runs gunicorn, and the version has none: add it to requirements.txt"
    ]


def test_what_a_python_finds_is_not_missing(step: Any) -> None:
    assert startable._missing(step, ["json", "no_such_server"]) == ["no_such_server"]


def test_a_supervisord_that_is_in_no_requirements_is_named(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (step.layout.part(NEW, "venv") / "bin" / "supervisord").unlink()
    assert found(step, monkeypatch) == [
        "the service django starts supervisord, and the version has none: add supervisor to requirements.txt"
    ]


def test_a_supervisord_that_this_python_can_not_run_is_told_with_its_last_words(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = step.layout.part(NEW, "venv") / "bin" / "supervisord"
    program.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'pkg_resources'\" >&2\nexit 1\n")
    (problem,) = found(step, monkeypatch)
    assert "which fails: ModuleNotFoundError: No module named 'pkg_resources'" in problem
    assert "supervisor>=4.3" in problem


def test_a_folder_that_a_program_runs_in_and_the_version_lacks_is_named(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = step.layout.part(NEW, "config") / "supervisord.conf"
    file.write_text(f"{file.read_text()}directory={step.layout.home}/django-current/config/django\n")
    (problem,) = found(step, monkeypatch)
    assert problem.startswith(f"worker runs in {file.parent}/django, which is not there: add it (a link to the code, ")
    (file.parent / "django").symlink_to("../code")
    assert found(step, monkeypatch) == []


def test_a_log_that_the_app_could_not_write_is_found_before_the_live_site_is_touched(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = step.layout.part(NEW, "config") / "supervisord.conf"
    file.write_text(f"{file.read_text()}stdout_logfile={step.layout.home}/django-current/log/worker.log\n")
    folder = step.layout.version(NEW) / "log"
    (problem,) = found(step, monkeypatch)
    assert problem.startswith(f"{folder} is not there, so supervisord won't start worker: install -d -o ")
    folder.mkdir()
    (folder / "worker.log").touch()
    assert found(step, monkeypatch) == []
    monkeypatch.setattr(in_the_way, "may_write", lambda user, info: False)
    (problem,) = found(step, monkeypatch)
    assert f"{folder}/worker.log belongs to {ME} and " in problem
    assert "so supervisord won't start worker again: chown " in problem


def test_a_worker_that_is_not_there_is_named(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(step.layout, f"{step.layout.home}/django-current/venv/bin/celery -A mysite worker")
    (problem,) = found(step, monkeypatch)
    assert problem.startswith(
        f"worker starts {step.layout.part(NEW, 'venv')}/bin/celery, which is not there: add celery"
    )


def test_a_config_that_supervisord_can_not_read_is_told_with_its_file(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = step.layout.part(NEW, "config") / "supervisord.conf"
    file.write_text("nothing in a section\n")
    (problem,) = found(step, monkeypatch)
    assert problem.startswith(f"supervisord can't read its config {file}: ")


def test_a_service_that_runs_something_else_is_left_alone(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        startable, "started_by", lambda unit: unit_of("{ path=/usr/bin/other ; argv[]=/usr/bin/other ; x }")
    )
    (step.layout.part(NEW, "venv") / "bin" / "supervisord").unlink()
    assert found(step, monkeypatch) == []


def test_a_unit_that_nobody_knows_has_no_program() -> None:
    assert unit_of("") == startable.Unit()


def test_uploads_and_databases_inside_the_version_are_told_with_the_line_to_write(step: Any) -> None:
    code = step.layout.part(NEW, "code")
    writes = Writes({"docs.Document.file": f"{code}/media"}, {"default": f"{code}/db.sqlite3"})
    database, uploads = written_inside(step, writes)
    assert database.endswith("write into the settings (docs/media.md)\n  shared_files: [db.sqlite3]")
    assert uploads.endswith("write into the settings (docs/media.md)\n  shared_dirs: [media]")
    assert "docs.Document.file" in uploads


def test_what_would_be_inside_the_version_but_not_in_its_code_is_to_be_kept_elsewhere(step: Any) -> None:
    config = step.layout.part(NEW, "config")
    database, uploads = written_inside(step, Writes({"a.B.c": f"{config}/media"}, {"default": f"{config}/db.sqlite3"}))
    assert f'DATABASES["default"]["NAME"] = "{step.layout.home}/data/db.sqlite3"' in database
    assert f'MEDIA_ROOT = "{step.layout.home}/media"' in uploads


def test_what_is_shared_is_not_inside_the_version(step: Any) -> None:
    (step.layout.home / "shared").mkdir()
    for name in ("media", "db.sqlite3"):
        (step.layout.part(NEW, "code") / name).symlink_to(step.layout.home / "shared" / name)
    current = f"{step.layout.home}/django-current/code"
    assert written_inside(step, Writes({"a.B.c": f"{current}/media"}, {"default": f"{current}/db.sqlite3"})) == []


@pytest.mark.parametrize("place", ["django-current/code/media", "django/media"])
def test_a_link_that_will_lead_into_the_version_leads_there(step: Any, place: str) -> None:
    (problem,) = written_inside(step, Writes({"docs.Document.file": f"{step.layout.home}/{place}"}, {}))
    assert "MEDIA_ROOT" in problem


def test_a_folder_of_the_version_that_leads_outside_is_no_problem(step: Any, tmp_path: Path) -> None:
    (step.layout.part(NEW, "code") / "media").symlink_to(tmp_path)
    uploads = {"docs.Document.file": f"{step.layout.part(NEW, 'code')}/media"}
    assert written_inside(step, Writes(uploads, {})) == []
