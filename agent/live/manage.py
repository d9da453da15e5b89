"""A command of manage.py's in the version that is live, as the app: as `~app/bin/manage` runs it for a person there."""

from __future__ import annotations

import time

from agent.environment.launcher import RUN
from agent.environment.variables import conceal
from agent.host.command import SAYS_AT_MOST, TOO_MUCH, CommandFailed, Runner, ending
from agent.host.output import say_all
from agent.host.processes import stop_group
from agent.host.users import acting_as
from agent.state import State
from agent.transaction.transaction import describe_holder, open_transaction
from agent.versions.layout import Layout
from agent.versions.marks import linked_version
from agent.words.outcomes import Refused
from agent.words.requests import Manage
from agent.words.result import Result

# Python would keep what it prints until there is much of it.
AT_ONCE = {"PYTHONUNBUFFERED": "1"}
NO_VERSION = "no version is live whose manage.py could be run: deploy first"
# How it is said of a command that was stopped.
TOO_LONG = "took too long"


def manage(state: State, request: Manage) -> Result:
    """Run it. Raises Refused."""
    conceal(state)
    layout = Layout.of(request.settings)
    live = linked_version(layout, layout.path("current_main"))
    if live is None:
        raise Refused(NO_VERSION)
    opened = open_transaction(state)
    if opened is not None and not request.force:
        holder = describe_holder(state, opened.deploy)
        raise Refused(f"{holder}: wait for its end, or --data force=true runs it all the same")
    folder = layout.version(live)
    with acting_as(layout.app):
        # What was built before versions had a launcher has no environment of its own either.
        launched = (folder / RUN).exists()
    start = [str(folder / RUN), "python"] if launched else [str(layout.part(live, "venv") / "bin" / "python")]
    runner = Runner(layout.app, None, time.time() + request.seconds, shown=SAYS_AT_MOST)
    say_all()
    try:
        started = runner.start([*start, "manage.py", *request.words], cwd=layout.part(live, "config"), env=AT_ONCE)
    except OSError as problem:
        raise Refused(f"manage.py of {live} can't be started: {problem.strerror or problem}") from None
    try:
        runner.finish(started)
        return Result(True, code=0)
    except CommandFailed as problem:
        why = str(problem.args[0])
        code = started.process.returncode
        sentence = f"manage.py ended with {ending(code)}"
        if TOO_LONG in why:
            more = "(--data timeout=SECONDS gives it more)"
            sentence = f"manage.py took longer than {request.seconds:g} s and was stopped {more}"
        elif TOO_MUCH in why:
            sentence = f"manage.py {TOO_MUCH} and was stopped: have it print less, or write a file"
        return Result(False, sentence=sentence, code=code if code > 0 else 1)
    finally:
        # Whatever it has left behind ends with it.
        stop_group(started.process.pid)
