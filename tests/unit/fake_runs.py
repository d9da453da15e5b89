"""Whole runs through pyinfra's own command line, against hosts that are not there but answer as real ones would."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat
from tempfile import TemporaryFile
from typing import IO, Any

import yaml

from agent.words.outcomes import Outcome
from agent.words.result import Result, framed
from agent.words.shapes import to_json
from switchback.document.model import Document
from switchback.wire.payload import LOADER, agent_fingerprint
from tests.bed.places import ROOT
from tests.forked import FORKED
from tests.runs import NOTHING, PYINFRA, STYLE, document_of, environment
from tests.unit.examples import CLIENT, CODE_URL, CONFIG_URL, NEW, foreseen, host_facts

# What a host answers, by a pattern of its command.
Answers = Mapping[str, Any]
HOSTS = ("web1", "web2", "web3")
SETTINGS = {
    "website_url": "https://www.example.com/",
    "code_repo_url": CODE_URL,
    "config_repo_url": CONFIG_URL,
    "code_branch": "main",
    "config_branch": "main",
}
# Nobody listens there.
NOWHERE: dict[str, Any] = {"nowhere": {}}


@dataclass(frozen=True)
class Done:
    """What a run did.

    + output: what people read of it, with each command as it was sent; stdout: what programs read
    """

    code: int
    output: str
    stdout: str

    def asked(self, host: str) -> list[str]:
        """What a host's runner was asked for, in order: the verbs, and of steps their names."""
        client = re.escape(CLIENT)
        found = re.findall(rf"^\[@fake/{host}\] >>> .*{client} # ([\w-]+)(?: (\w+))?", self.output, re.MULTILINE)
        return [step if verb == "go" else verb for verb, step in found]

    @property
    def last_screen(self) -> list[str]:
        """All from the last headline on."""
        return self.output[self.output.rfind("\n--> ") :].strip().splitlines()

    @property
    def document(self) -> Document:
        """The one document that is all of standard output. Raises AssertionError where there is anything else."""
        return document_of(self.stdout)


def says(result: Result, *lines: str) -> dict[str, Any]:
    """What an agent answers that ends a call in some way."""
    return {"success": result.ok, "stdout": [*lines, result.sentence, framed(result)]}


@dataclass(frozen=True)
class FakeRuns:
    """Runs deploy files on three hosts.

    + folder: where the inventory and the settings are written
    """

    folder: Path

    def __call__(
        self,
        deploy: str,
        *arguments: str,
        facts: Mapping[str, Any] | None = None,
        answers: Mapping[str, Answers] | None = None,
        found: Mapping[str, Any] | None = None,
        typed: str | None = None,
        settings: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
        inventory: Path | None = None,
        apart: bool = False,
    ) -> Done:
        """Run a deploy file.

        + facts: what is seen of hosts; answers: what else they answer; found: what a look ahead finds
        + typed: what stands on its standard input, which is /dev/null otherwise
        + settings: besides the usual ones; variables: of the environment, likewise
        + inventory: one of its own, instead of these hosts
        + apart: whether standard output is kept apart, as it is under --json
        """
        inventory = inventory or self._written(facts or {}, answers or {}, found or {}, settings or {})
        argv = [PYINFRA, "-vvv", str(inventory), f"deploys/{deploy}.py", *arguments]
        with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as said, NOTHING.open("rb") as nothing:
            given.write((typed or "").encode())
            given.seek(0)
            files = nothing if typed is None else given, out if apart or "--json" in arguments else said, said
            code = FORKED.run(argv, ROOT, {**environment(), **(variables or {})}, files, timeout=120)
            return Done(code, STYLE.sub("", _text(said)).replace(LOADER, "LOADER"), _text(out))

    def _written(
        self,
        facts: Mapping[str, Any],
        answers: Mapping[str, Answers],
        found: Mapping[str, Any],
        settings: Mapping[str, Any],
    ) -> Path:
        """Write the inventory."""
        (self.folder / "group_data").mkdir(exist_ok=True)
        (self.folder / "group_data" / "fakes.yml").write_text(yaml.safe_dump({**SETTINGS, **settings}))
        seen = {name: host_facts(agent=agent_fingerprint()) for name in HOSTS} | dict(facts)
        hosts = []
        for name, known in seen.items():
            usual = {
                r" survey\b": to_json(known),
                r" preview\b": to_json(foreseen(**found)),
                r" commit'?$": says(Result(True, Outcome.COMMITTED, f"committed: {NEW} is live and healthy")),
            }
            answer = {**answers.get(name, {}), **usual}
            hosts.append((f"@fake/{name}", {"fake_delay": 0, "fake_delay_jitter": 0, "answers": answer}))
        if facts == NOWHERE:
            hosts = [("127.0.0.1", {"ssh_port": 1, "ssh_allow_agent": False, "answers": {}})]
        inventory = self.folder / "fakes.py"
        inventory.write_text(
            "import re\n\nfrom switchback.hosts.inventory import inventory\n\n"
            f"_hosts = {pformat(hosts, width=200, sort_dicts=False)}\n"
            "for _, _data in _hosts:\n"
            "    _data['fake_responses'] = {re.compile(one): how for one, how in _data.pop('answers').items()}\n"
            "app = inventory(__file__, hosts=_hosts)\n"
        )
        return inventory


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
