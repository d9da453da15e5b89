"""What a process of the app finds in its environment: as the version's launcher would have it, and with the secrets of
the run while it goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from agent.environment import given, secrets, webhook
from agent.environment.launcher import ENV, GIVEN, read_pairs, with_pairs
from agent.host.output import emit
from agent.host.reading import read_ordinary
from agent.host.users import acting_as, user_env
from agent.state import State
from agent.text.masking import hide
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from agent.versions.layout import Layout
from agent.versions.marks import linked_version

# What the variables of a version may be, bytes.
LARGEST = 4_000_000


def for_app(step: StepContext, version: str = "") -> dict[str, str]:
    """What a process of a version finds in its environment while a run goes on; unless told otherwise, of the run's.

    Raises StepFailed where the variables or the secrets can't be read.
    """
    version = version or step.version
    try:
        return environment(step.layout, version, {**own(step.layout, version), **_secrets(step, version)})
    except (OSError, ValueError) as problem:
        raise StepFailed(f"the environment of {version} can't be read: {problem}") from None


def for_scripts(step: StepContext, version: str = "") -> dict[str, str]:
    """The same for the host's own scripts: unless told otherwise they work with what is live, or on a first deploy with
    what comes.

    A script that ends maintenance may need none of it: one that does will say what it lacks.
    """
    version = version or linked_version(step.layout, step.layout.path("current_main")) or ""
    try:
        return for_app(step, version)
    except StepFailed as problem:
        emit(f"a script is run without the app's environment: {problem}")
        return {}


def environment(layout: Layout, version: str, pairs: Mapping[str, str]) -> dict[str, str]:
    """The environment of a version's processes.

    + pairs: its own variables, and the secrets
    """
    known, folder = user_env(layout.app), os.path.realpath(layout.version(version))
    return {**with_pairs(known, folder, layout.settings.venv_subdir, dict(pairs)), GIVEN: folder}


def own(layout: Layout, version: str) -> dict[str, str]:
    """A version's own variables. Raises OSError, ValueError."""
    with acting_as(layout.app):
        try:
            return read_pairs(read_ordinary(layout.version(version) / ENV, LARGEST).decode())
        except FileNotFoundError:
            return {}


def written(pairs: Mapping[str, str]) -> str:
    """The text of the file with a version's own variables."""
    return json.dumps(dict(pairs), indent=2, sort_keys=True) + "\n"


def _secrets(step: StepContext, version: str) -> dict[str, str]:
    """The secrets that a version meets: the run's own are the new version's, also before they are live and after."""
    told = given.of(step.transaction)
    if told.secrets is None:
        return secrets.read(secrets.text(step.transaction.state))
    return told.secrets if version == step.version else secrets.read(told.before)


def live(state: State, layout: Layout, version: str) -> dict[str, str]:
    """The environment of a version that is live, where no run goes on. Raises OSError, ValueError."""
    return environment(layout, version, {**own(layout, version), **secrets.read(secrets.text(state))})


def conceal(state: State, transaction: Transaction | None = None, also: Mapping[str, str] | None = None) -> None:
    """Have nothing that this process says or writes show a secret: of the site, of a run, or another one."""
    values = [*(also or {}).values()]
    try:
        values += webhook.secret_of(webhook.read(state))
        values += secrets.read(secrets.text(state)).values()
        if transaction:
            told = given.of(transaction)
            values += [*(told.secrets or {}).values(), *secrets.read(told.before).values()]
    except (OSError, ValueError):
        # Whoever needs them says so.
        pass
    hide(values)
