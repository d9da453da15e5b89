"""The step that makes the version the current one."""

from __future__ import annotations

import os
from pathlib import Path

from agent.environment import given, secrets
from agent.host.links import replace_link, restore_links
from agent.host.output import emit
from agent.host.users import acting_as
from agent.steps.kind import SwitchStep, Turn, Undo
from agent.transaction import reserve
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext
from agent.transaction.transaction import Transaction
from agent.versions import assets
from agent.words.notes import Note, Undone


class PutLinksBack(Undo):
    """Put all links back to where they led."""

    name = "links"
    turn = Turn.LINKS
    keeps_visitors_out = True
    holds_up_the_rest = True
    before_the_app = True
    before_the_database = True

    def needed(self, progress: Progress) -> bool:
        """Where any may have been laid."""
        return "swap" in progress.started

    def make_room(self, transaction: Transaction) -> None:
        """Give back the room that is set aside for links."""
        reserve.give_back_for_links(transaction.layout)

    def do(self, step: StepContext) -> Undone:
        """Put all links back to where they led."""
        with acting_as(step.layout.app):
            before = step.begin.links
            laid = step.layout.deployment_links(step.layout.part(step.version, "config"))
            restore_links({**{str(link): None for link in laid}, **before})
        _keep_assets(step)
        return Undone()


class PutSecretsBack(Undo):
    """Give the site the secrets back that it had before."""

    name = "secrets"
    turn = Turn.LINKS
    keeps_visitors_out = True
    before_the_app = True
    before_the_database = True
    says = "undone: the secrets are those from before"

    def needed(self, progress: Progress) -> bool:
        """Where any may have been written."""
        return "swap" in progress.started and bool(progress.begin.secrets)

    def do(self, step: StepContext) -> Undone:
        """Write the file as it was."""
        secrets.put(step.transaction.state, step.layout.app, given.of(step.transaction).before)
        return Undone()


class Swap(SwitchStep):
    """Make the version the current one: every link by itself in one step, the one that decides last.

    Secrets that become others do so right before: whatever starts from then on has them.
    """

    name = "swap"
    touches = True
    undos = (PutLinksBack(), PutSecretsBack())

    def do(self, step: StepContext) -> Note:
        """Write the secrets and lay the links."""
        layout, was = step.layout, step.begin.was
        if step.begin.secrets:
            secrets.write(step.transaction.state, layout.app, given.of(step.transaction).secrets or {})
            emit("swap: secrets: " + ", ".join(f"{name} {what}" for name, what in step.begin.secrets.items()))
        if was:
            assets.carry(layout, was, step.version, step.settings.static_keep_days)
        with acting_as(layout.app):
            links = {**layout.deployment_links(layout.part(step.version, "config")), **layout.fixed_links()}
            layout.path("deployment_dir").mkdir(exist_ok=True)
            for link, target in links.items():
                _link_if_needed(link, target)
            replace_link(layout.path("current_main"), str(layout.version(step.version)))
            gone = [name for name in step.begin.links if _left_dangling(Path(name), layout.path("deployment_dir"))]
            for name in gone:
                Path(name).unlink()
        return Note()


def _link_if_needed(link: Path, target: Path) -> None:
    """Lay a fixed link, unless one is there that a person has laid to lead to the same place in another way."""
    if link.is_symlink() and Path(os.path.normpath(link.parent / os.readlink(str(link)))) == target:
        return
    replace_link(link, str(target))


def _left_dangling(link: Path, folder: Path) -> bool:
    """Whether a link of the deployment directory leads to a name that the new config no longer has."""
    return link.parent == folder and link.is_symlink() and not link.exists()


def _keep_assets(step: StepContext) -> None:
    """Keep what pages of the failed version ask for, if a visitor has got one. The site works without."""
    was = step.begin.was
    try:
        if was:
            assets.carry(step.layout, step.version, was, step.settings.static_keep_days)
    except OSError as problem:
        emit(f"  the static files of the failed version are not kept for its visitors: {problem}")
