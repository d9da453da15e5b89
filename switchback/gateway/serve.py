"""What a key asks for, from its words to the run's end: the story of one connection."""

from __future__ import annotations

import json
import sys
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from agent.text.lines import one_line
from switchback.ended import ASKED_FOR
from switchback.gateway.clean import environment
from switchback.gateway.commits.choice import Chooser, Commits
from switchback.gateway.commits.mirror import Unreached
from switchback.gateway.following import Asker, follow
from switchback.gateway.handed import Handed
from switchback.gateway.hints import Hints
from switchback.gateway.kept.holding import Held, held
from switchback.gateway.kept.log import Log
from switchback.gateway.kept.plans import Plan, find_plan, is_kept, new_plan
from switchback.gateway.owned import HOME, check_owned, home
from switchback.gateway.rules import Rule, Rules, read_rules
from switchback.gateway.runs import CHANGES, argv_of
from switchback.gateway.words import JSON, VERBS, Asked, NotAsked, forms, parse
from switchback.settings.errors import Refused
from switchback.typed import BY_KEY

RULES = Path("group_data/gateway.yml")
# How a connection ends besides as its run does: what may not be asked for; what may, and can't be done now; a run that
# has ended without a word.
NOT_ASKED, REFUSED, UNKNOWN = 64, 10, 30


@dataclass(frozen=True)
class Answer:
    """How a connection ends.

    + code: its exit code; says: what is said last, to people; plan: the name of the plan that was made
    + document: the run's, where a program has asked for it
    """

    code: int
    says: tuple[str, ...] = ()
    plan: str = ""
    document: bytes = b""


class Gateway:
    """One connection.

    + checkout: the folder that runs are started from; handed: what was asked for, by which key
    """

    def __init__(self, checkout: Path, handed: Handed) -> None:
        self._checkout = checkout
        self._handed = handed
        self._home = checkout / HOME
        self._log = Log(self._home / "log", handed.name, handed.came_from)

    def serve(self) -> int:
        """Do what was asked for, or refuse it. Returns the exit code."""
        may, began = VERBS, time.monotonic()
        try:
            home(self._checkout)
            rules, rule = self._rule()
            may = rule.may
            asked = parse(self._handed.asked)
            if asked.verb != "help" and asked.verb not in may:
                raise NotAsked(f"this key may not ask for {asked.verb}")
            answer = self._answer(asked, rules, rule)
        except NotAsked as problem:
            answer = Answer(NOT_ASKED, (f"refused: {problem}. What may be asked: {forms(may)}",))
        except Held as holder:
            answer = Answer(REFUSED, (f"refused, nothing was begun: {holder}; ask again when it is over",))
        except Unreached as problem:
            self._log(f"a repository does not answer: {problem}")
            answer = Answer(REFUSED, ("refused, nothing was begun: a repository does not answer; the log says more",))
        except Refused as problem:
            # What is wrong with the settings is their owner's to read.
            self._log(f"can't serve: {'; '.join(problem.problems)}")
            answer = Answer(REFUSED, ("refused, nothing was begun: the gateway is not set up well; its log says why",))
        except OSError as problem:
            # A full disk, say. A run that is on raises none, wherever its asker is by then.
            self._log(f"can't serve: {problem}")
            why = f"the gateway's machine can't do it now ({problem.strerror}); its log says more"
            answer = Answer(REFUSED, (f"refused, nothing was begun: {why}",))
        self._log(f"asked {self._handed.asked!r}: {self._ended(answer)} after {time.monotonic() - began:.0f} s")
        # Nobody may be there any more.
        with suppress(OSError):
            self._tell(answer, as_json=self._handed.asked.split()[:1] == [JSON])
        return answer.code

    def _rule(self) -> tuple[Rules, Rule]:
        path = self._checkout / RULES
        check_owned(path)
        rules = read_rules(path)
        rule = rules.of(self._handed.name)
        if rule is None:
            raise NotAsked("this key is not in gateway.yml")
        return rules, rule

    def _answer(self, asked: Asked, rules: Rules, rule: Rule) -> Answer:
        if asked.verb == "help":
            return Answer(0, (f"What may be asked: {forms(rule.may)}",))
        with self._alone(asked, rule):
            commits, plan = self._chosen(asked, rules, rule)
            argv = argv_of(asked, rule.environment, self._handed.name, commits, plan)
            if commits or asked.verb in CHANGES:
                self._log(f"{asked.verb}{_of(commits)} begins")
            hints = Hints()
            asker = Asker(sys.stderr.fileno())
            env = {**environment(), ASKED_FOR: "1", BY_KEY: "1"}
            run = follow(argv, self._checkout, env, asker, hints, as_json=asked.as_json)
            made = plan.name if plan and asked.verb == "plan" and is_kept(plan) else ""
        says = [*hints.lines, *([f"the plan is {made}; to do exactly this: deploy --plan {made}"] if made else [])]
        if run.left:
            self._log("the connection was closed: each host falls back, or goes on to its commit")
        code = run.code if run.code >= 0 else UNKNOWN
        return Answer(code, tuple(says), made, run.document)

    def _alone(self, asked: Asked, rule: Rule) -> AbstractContextManager[None]:
        """Hold the gateway, where something is to change."""
        if asked.verb not in CHANGES:
            return nullcontext()
        return held(self._home / f"lock-{rule.environment}", self._handed.name, f"{asked.verb} to {rule.environment}")

    def _chosen(self, asked: Asked, rules: Rules, rule: Rule) -> tuple[Commits | None, Plan | None]:
        """The commits that are deployed or planned, each of which may be; and the plan that says so."""
        if asked.verb not in ("deploy", "plan"):
            return None, None
        chooser = Chooser(rule, rules.folder, self._home / "repositories")
        plans = self._home / "plans" / rule.environment
        if asked.plan:
            plan, commits = find_plan(plans, asked.plan)
            # Whoever made it, this key deploys it: and a branch may have been taken back since.
            return chooser.chosen(commits.code, commits.config), plan
        commits = chooser.chosen(asked.code, asked.config)
        return commits, new_plan(plans, commits) if asked.verb == "plan" else None

    def _ended(self, answer: Answer) -> str:
        return f"{answer.code}{f' ({answer.says[0]})' if answer.says and answer.code in (NOT_ASKED, REFUSED) else ''}"

    def _tell(self, answer: Answer, as_json: bool) -> None:
        """The last words: for people on standard error; on standard output what a program reads, and a plan's name."""
        for line in answer.says:
            print(one_line(line), file=sys.stderr)
        if as_json:
            told = {
                "exit_code": answer.code,
                "says": answer.says,
                "plan": answer.plan or None,
                "run": _document(answer.document),
            }
            print(json.dumps(told, indent=2), flush=True)
        elif answer.plan:
            print(answer.plan, flush=True)


def _of(commits: Commits | None) -> str:
    shas = [one for one in (commits.code, commits.config) if one] if commits else []
    return f" of {' and '.join(shas)}" if shas else ""


def _document(text: bytes) -> object:
    try:
        return json.loads(text) if text else None
    except ValueError:
        # The run was cut off.
        return None
