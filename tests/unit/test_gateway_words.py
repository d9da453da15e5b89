"""What a key asks for, as words: one of the verbs, or refused, whatever anybody types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from switchback.gateway.words import FORMS, VERBS, Asked, NotAsked, forms, parse

SHA = "1a2b3c4d5e6f1a2b3c4d5e6f1a2b3c4d5e6f1a2b"
PLAN = "plan-20261129-131400-0a1b2c3d"

MAY = {
    "deploy": Asked("deploy"),
    "deploy 1a2b3c4": Asked("deploy", code="1a2b3c4"),
    f"deploy {SHA} {SHA}": Asked("deploy", code=SHA, config=SHA),
    "deploy 0012345 12e4567": Asked("deploy", code="0012345", config="12e4567"),
    "deploy feature/with/slashes": Asked("deploy", code="feature/with/slashes"),
    "deploy refs/tags/v2.4+1": Asked("deploy", code="refs/tags/v2.4+1"),
    "deploy fix/#12@home_2": Asked("deploy", code="fix/#12@home_2"),
    f"deploy --plan {PLAN}": Asked("deploy", plan=PLAN),
    "plan": Asked("plan"),
    "plan main main": Asked("plan", code="main", config="main"),
    "revert": Asked("revert"),
    "status": Asked("status"),
    "history": Asked("history"),
    "why": Asked("why"),
    "why 20261123-204503-deploy-0286": Asked("why", deploy="20261123-204503-deploy-0286"),
    "help": Asked("help"),
    "  deploy   main ": Asked("deploy", code="main"),
}

# Each is refused; grouped by what somebody may be after.
MAY_NOT = [
    # Nothing, or a shell.
    "",
    " ",
    "json",
    "json json status",
    "sh",
    "bash -i",
    "/bin/sh",
    "-c id",
    "exec bash",
    "python -m switchback.gateway ci",
    "pyinfra inventories/prod.py deploys/deploy.py -y",
    # More than a word, to a shell.
    "deploy; id",
    "deploy;id",
    "deploy main; id",
    "deploy && id",
    "deploy | sh",
    "deploy & id",
    "deploy $(id)",
    "deploy `id`",
    "deploy ${HOME}",
    "deploy $HOME",
    "deploy ~",
    "deploy *",
    "deploy ma?n",
    "deploy {a,b}",
    "deploy >x",
    "deploy <x",
    "deploy !1",
    'deploy "main"',
    "deploy 'main'",
    "deploy \\main",
    "deploy main\nid",
    "deploy\nid",
    "deploy main\n",
    "deploy main\r",
    "deploy\tmain",
    "deploy main\x00",
    "deploy\x00main",
    "deploy \x1b[2J",
    "deploy m\u00e4in",
    "deploy \u202emain",
    "deploy \uff4dain",
    "deploy \udcff",
    "deploy\u00a0main",
    "deploy\u2028main",
    "deploy " + "a" * 100_000,
    "deploy " + "a" * 201,
    "a" * 100_000,
    # Options, to us, to git or to pyinfra.
    "--help",
    "deploy -i",
    "deploy --plan",
    "deploy --plan=x",
    f"deploy --plan={PLAN}",
    f"deploy --plan {PLAN} main",
    f"deploy main --plan {PLAN}",
    f"plan --plan {PLAN}",
    f"revert --plan {PLAN}",
    "deploy --data x=y",
    "deploy --data version=x",
    "deploy main --data",
    "deploy -y",
    "deploy --limit web1",
    "deploy --inventory inventories/staging.py",
    "deploy -rf",
    "deploy main -rf",
    "deploy --upload-pack=id",
    "deploy --",
    "deploy -- main",
    "deploy -",
    "plan -rf",
    "status -v",
    "why --data",
    "why -rf",
    "json deploy -y",
    # What a ref may not be.
    "deploy HEAD@{1}",
    "deploy @{u}",
    "deploy @",
    "deploy HEAD~1",
    "deploy HEAD^",
    "deploy main..other",
    "deploy main:file",
    "deploy :/text",
    "deploy ../main",
    "deploy ./main",
    "deploy /etc/passwd",
    "deploy ~/x",
    "deploy a//b",
    "deploy a/",
    "deploy .git",
    "deploy a.lock",
    "deploy a.",
    "deploy x=y",
    "deploy code=main",
    "deploy a,b",
    "deploy ext::id",
    "deploy https://example.com/x.git",
    # What a plan or a run is not called.
    "deploy --plan ../../etc/passwd",
    "deploy --plan plan.json",
    "deploy --plan /etc/passwd",
    f"deploy --plan {PLAN}/../x",
    f"deploy --plan {PLAN.upper()}",
    f"deploy --plan {PLAN}\n",
    "why ../x",
    "why /etc/passwd",
    "why a b",
    "why a/b",
    "why .",
    "why " + "a" * 300,
    # Too many words, other verbs, another case.
    "deploy a b c",
    "plan a b c",
    "revert main",
    "status prod",
    "history 50",
    "help me",
    "Deploy",
    "DEPLOY main",
    "deployy",
    "provision",
    "restart",
    "recover",
    "clean",
    "check",
    "build main",
    "manage shell",
    "logs",
    "install",
    # What sftp, scp, rsync and git ask for.
    "internal-sftp",
    "/usr/lib/openssh/sftp-server",
    "scp -t /tmp",
    "scp -f /etc/passwd",
    "rsync --server -e.iLsfxCIvu . /tmp",
    "git-upload-pack 'x'",
    "git-receive-pack '/srv/git/code.git'",
]


@pytest.mark.parametrize("text", MAY)
def test_what_may_be_asked_is_read_as_it_is_meant(text: str) -> None:
    assert parse(text) == MAY[text]
    assert parse(f"json {text}") == replace(MAY[text], as_json=True)


@pytest.mark.parametrize("text", MAY_NOT, ids=lambda text: ascii(text)[:40])
def test_everything_else_is_refused_in_one_line_that_a_terminal_takes(text: str) -> None:
    with pytest.raises(NotAsked) as refused:
        parse(text)
    said = str(refused.value)
    assert said.isprintable()
    assert len(said) < 200


def test_what_may_be_asked_is_said_for_each_verb() -> None:
    assert set(FORMS) == set(VERBS)
    assert forms(("deploy",)) == ("deploy [CODE [CONFIG]], deploy --plan NAME, help; with json before it for programs")
    assert parse("help").verb in VERBS


PIECES = [
    *MAY,
    *VERBS,
    "json",
    "--plan",
    PLAN,
    SHA,
    "main",
    "-",
    "--",
    "=",
    ";",
    "\n",
    "\x00",
    "$(",
    "..",
    "@{",
    "/",
    "é",
]


@given(st.one_of(st.text(), st.text(alphabet="abc-./@{}$;\n\x00 #="), st.lists(st.sampled_from(PIECES)).map(" ".join)))
@example("json deploy --plan " + PLAN)
def test_whatever_it_is_given_it_ends_in_one_of_the_verbs_or_in_a_refusal(text: str) -> None:
    try:
        asked = parse(text)
    except NotAsked as refused:
        assert str(refused).isprintable()
        return
    assert asked.verb in VERBS
    _assert_harmless(asked)


def _assert_harmless(asked: Asked) -> None:
    """No part of it can be anything else to git, to pyinfra, or to a file system."""
    given: dict[str, Any] = {"code": asked.code, "config": asked.config, "plan": asked.plan, "deploy": asked.deploy}
    for text in given.values():
        assert text.isascii()
        assert text == "" or text.isprintable()
        assert not text.startswith(("-", "/", "."))
        assert ".." not in text
        assert not set(text) & set(" \"'`$;&|<>(){}[]*?!~^:\\=,%\n\r\t\x00")
    assert "/" not in asked.plan + asked.deploy
