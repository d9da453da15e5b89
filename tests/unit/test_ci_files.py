"""The files for CI: they can be read, do what their page says, and their words are those of the command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from switchback.cli.main import cli
from tests.bed.places import ROOT
from tests.hosts.ci_machines import kept_on_github, kept_on_gitlab, read

PAGE = (ROOT / "docs" / "ci.md").read_text()
FILES = ("github.yml", "gitlab.yml")
SWITCHBACK = "~/switchback/bin/switchback "
# Else a host that is met for the first time is believed.
STRICT = "ssh_strict_host_key_checking=yes"


def scripts(file: str) -> Iterator[str]:
    """All that the jobs of a file run."""
    told = read(file)
    for job in told["jobs"].values() if file == "github.yml" else (told["plan"], told["deploy"]):
        for step in job.get("steps", ()):
            yield step.get("run", "")
        yield from job.get("before_script", ())
        yield from job.get("script", ())


@pytest.mark.parametrize("file", FILES)
def test_each_word_and_option_is_one_of_the_command_line_and_no_host_that_is_not_known_is_believed(file: str) -> None:
    whole = [script.replace("\\\n", " ") for script in scripts(file)]
    lines = [line.strip() for script in whole for line in script.splitlines() if line.strip().startswith(SWITCHBACK)]
    words = [shlex.split(re.split(r" \d?>", line)[0])[1:] for line in lines]
    assert [word for word, *_ in words] == ["plan", "deploy"]
    for word, *arguments in words:
        given = cli.commands[word].make_context(word, list(arguments)).params
        assert STRICT in given["data"]


@pytest.mark.parametrize("file", FILES)
def test_what_the_plan_job_keeps_is_what_the_deploy_job_does(file: str) -> None:
    text = "\n".join(scripts(file))
    kept = kept_on_github("plan") if file == "github.yml" else kept_on_gitlab("plan")
    assert kept == ["plan.json", "plan-run.json", "preview.txt"]
    assert "--save plan.json" in text
    assert "--plan plan.json" in text


@pytest.mark.parametrize("file", FILES)
def test_no_secret_is_in_a_command_line_and_a_host_is_known_before_it_is_met(file: str) -> None:
    text = "\n".join(scripts(file))
    for line in text.splitlines():
        if "TOKEN" in line or '"$SSH_KEY"' in line:
            # printf is the shell's own, and install is given the name of a file.
            assert line.strip().startswith(("printf ", "(umask 077; printf ", 'install -m 600 "$SSH_KEY"'))
    assert "cp deploy/known_hosts ~/.ssh/known_hosts" in text
    assert "ssh-keyscan" not in text


def test_a_person_agrees_before_anything_is_deployed() -> None:
    assert read("github.yml")["jobs"]["deploy"]["environment"] == "production"
    assert read("github.yml")["jobs"]["deploy"]["needs"] == "plan"
    (rule,) = read("gitlab.yml")["deploy"]["rules"]
    assert rule["when"] == "manual"


@pytest.mark.parametrize("file", FILES)
def test_whatever_a_file_asks_for_is_on_the_page(file: str) -> None:
    asked = set(re.findall(r"(?:secrets|vars)\.(\w+)", (ROOT / "docs" / "ci" / file).read_text()))
    asked |= {
        name
        for name in re.findall(r"\$(\w+)", "\n".join(scripts(file)))
        if name.startswith(("SSH", "SWITCHBACK", "GITLAB_T"))
    }
    assert asked
    assert [name for name in asked if name not in PAGE] == []
