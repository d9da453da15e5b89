"""A process of which there is one over all hosts: on two of them, and where only the other one takes part."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.conftest import Hosts
from tests.projects.project import Project
from tests.projects.story import Story
from tests.projects.test_processes import URLS, WORK
from tests.projects.tools import DJANGO, startapp, startproject
from tests.runs import Runs

KEY = '\nSECRET_KEY = "the same on both hosts, as a setting of the project"\n'
WORKS = "python manage.py work"
STORY = Story(
    "startproject on two hosts, with a process that runs on one of them",
    {
        "health_url": "http://127.0.0.1:8000/",
        "processes": {"worker": WORKS, "clock": {"run": f"{WORKS} --verbosity 0", "once": True}},
    },
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, with two commits."""
    made = Project(tmp_path_factory.mktemp("once"), DJANGO)
    code = made.code
    startproject(code.folder)
    startapp(code.folder, "jobs")
    code.change("mysite/settings.py", "INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "jobs",')
    code.append("mysite/settings.py", KEY)
    code.write("mysite/urls.py", URLS)
    for name, text in {"__init__": "", "commands/__init__": "", "commands/work": WORK}.items():
        code.write(f"jobs/management/{name}.py", text)
    made.require()
    code.commit("first")
    code.append("mysite/urls.py", "# another commit\n")
    code.commit("second")
    return made


@pytest.fixture(scope="module")
def both(project: Project, hosts: Hosts, run: Runs) -> list[Host]:
    """Two hosts that were provisioned, with the project's repository."""
    found = hosts(2, bare=True)
    for host in found:
        project.place(host)
        run("provision", host).worked()
    return found


def running(host: Host) -> list[str]:
    """Which of both processes run on a host."""
    said = host.read(["pgrep", "-a", "-u", "app", "-f", "manage.py work"])
    return sorted("clock" if "--verbosity" in line else "worker" for line in said.splitlines())


def test_it_runs_on_the_first_host_alone_also_where_only_the_other_one_is_deployed_to(
    both: list[Host], run: Runs
) -> None:
    first, second = both
    run("deploy", *both, data={"code": "first"}).worked()
    assert (running(first), running(second)) == (["clock", "worker"], ["worker"])
    run("deploy", *both, data={"code": "second"}, args=["--limit", second.name]).worked()
    assert (running(first), running(second)) == (["clock", "worker"], ["worker"])
    run("deploy", *both, data={"code": "second"}).worked()
    assert (running(first), running(second)) == (["clock", "worker"], ["worker"])
