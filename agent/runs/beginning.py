"""Opening a deploy: what the host is like before it, and whether it is still what the controller saw."""

from __future__ import annotations

from dataclasses import fields

from agent.environment import given, webhook
from agent.environment.given import Given
from agent.environment.secrets import to_change
from agent.host.command import CommandFailed
from agent.host.links import NotALink, Recorded, read_link
from agent.host.output import emit
from agent.host.reading import matching
from agent.restart.mode import decide_restart_mode
from agent.runs.ending import end_refused
from agent.schedule.timers import Timers
from agent.service import health, verdicts
from agent.sites.shared import with_others
from agent.state import State, installed_agent
from agent.text.masking import masked_urls
from agent.transaction import reserve
from agent.transaction.transaction import Transaction, begin, this_boot
from agent.versions import hotfixes, marks
from agent.versions.layout import Layout
from agent.visitors import site
from agent.words.journal import Begin, Intent
from agent.words.outcomes import Refused

# Of what a run may be given.
NOTHING = Given()


def begin_deploy(
    state: State, deploy: str, told: Intent, known: Given = NOTHING, address: str | None = None
) -> Transaction:
    """Take the host for a deploy.

    + told: what it is to do, and what the controller saw (`was`)
    + known: its variables and the site's secrets; address: the one that is told how runs end, None where it stays

    Raises Refused when another deploy holds the host, or when it is no longer what the controller saw.
    """
    layout, was, version = Layout.of(told.settings), told.was, told.version
    ailing = {one.name: str(one) for one in verdicts.look(layout).ailing} if was else {}
    begun = Begin(
        **{field.name: getattr(told, field.name) for field in fields(told)},
        links=record_links(layout),
        has_worked=bool(marks.read_mark(state, version).working),
        # A version that is there already can be looked at now; one to be built, once it is.
        restart=decide_restart_mode(layout, was, version) if layout.part(version, "config").is_dir() else None,
        # What was not well before need not be on the way back; all else has to be.
        ailing=ailing,
        site_before=site.look(told.settings),
        healthy_before=bool(was and health.app_problem(layout, was, timeout=3.0, known=ailing) is None),
        boot=this_boot(),
        secrets=to_change(state, known.secrets),
        timed=_timed(Timers(state, layout, told.single), told),
    )
    state.create()
    transaction = Transaction(state, deploy)
    begin(transaction, begun)
    problem = _refusal(transaction, begun, known, address)
    if problem:
        live = marks.linked_version(layout, layout.path("current_main"))
        says = f"{problem}; nothing was changed ({live or 'no version'} is live); evidence: {transaction.folder}"
        end_refused(transaction, says)
        raise Refused(says)
    return transaction


def _timed(timers: Timers, told: Intent) -> bool:
    """Whether anything runs at times before the run, or is to after it."""
    return bool(timers.there or told.settings.schedule or timers.wanted(told.version))


def _refusal(transaction: Transaction, begun: Begin, told: Given, address: str | None) -> str:
    """Do what comes before the first step. Returns why it could not be done; nothing where it was."""
    try:
        _our_own_agent(transaction.state, begun)
        _shares_nothing(transaction.state, begun)
        _still_as_seen(transaction.layout, begun)
        given.keep(transaction, told)
        if address is not None:
            webhook.keep(transaction.state, address)
        reserve.set_aside_for_links(transaction.layout)
        for text in begun.ailing.values():
            emit(f"before this {begun.kind}: {text}")
        _keep_hotfixes(transaction, begun)
    except (Refused, CommandFailed) as problem:
        return masked_urls(str(problem))
    except OSError as problem:
        where = f" ({problem.filename})" if problem.filename else ""
        return masked_urls(f"what a way back needs could not be set aside: {problem.strerror or problem}{where}")
    return ""


def _keep_hotfixes(transaction: Transaction, begun: Begin) -> None:
    """Keep the live version's hotfixes as patches, when the run goes on without them."""
    was, layout = begun.was, transaction.layout
    if not was or begun.hotfixes != "discard":
        return
    runner = transaction.runner("hotfixes", layout.app, begun.settings.script_timeout)
    for path in hotfixes.keep_patches(runner, layout, was):
        emit(f"hotfixes of {was} are kept in {path}")


def _our_own_agent(state: State, begun: Begin) -> None:
    """Refuse to begin with another agent than the controller's. From here on it is not replaced any more."""
    if begun.agent != installed_agent(state):
        raise Refused("another checkout has put its own agent on this host just now; run the deploy again")


def _shares_nothing(state: State, begun: Begin) -> None:
    """Refuse to build what would use another site's: two may begin at once, and neither has seen the other before."""
    shared = with_others(state, begun.settings) if begun.kind in ("deploy", "build") else []
    if shared:
        raise Refused("; ".join(shared))


def _still_as_seen(layout: Layout, begun: Begin) -> None:
    current = marks.linked_version(layout, layout.path("current_main"))
    if current != begun.was:
        raise Refused(
            "{} is live now, not {}: somebody else has deployed since you looked; run the deploy again".format(
                current or "no version", begun.was or "none"
            )
        )


def record_links(layout: Layout) -> Recorded:
    """Where every link that a deploy may touch leads now. Raises Refused for one that is no link."""
    paths = [*layout.main_links().values(), *layout.fixed_links()]
    folder = layout.path("deployment_dir")
    paths += [path for path in matching(folder, "*") if path.is_symlink()]
    try:
        return {str(path): read_link(path) for path in paths}
    except NotALink as problem:
        raise Refused(f"{problem}: move it away, so that a link can stand there") from None
