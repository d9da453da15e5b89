"""What workers do, each in a process of its own: what they find is what they answer with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from agent.database import schema
from agent.environment.given import Given
from agent.environment.variables import conceal
from agent.environment.webhook import secret_of
from agent.host.output import emit, say_through
from agent.inside.lean import fields_of
from agent.loop.channel import Channel, Frame
from agent.loop.worker import FAILED, Job, Worker
from agent.runs import ending, recover
from agent.runs.beginning import begin_deploy
from agent.runs.carry_out import Carried, carry_out
from agent.runs.clean import clean
from agent.runs.finish import finish_commit
from agent.state import State
from agent.text.masking import hide
from agent.transaction.end import finish_end
from agent.transaction.transaction import Kept, Transaction
from agent.visitors import probes
from agent.words import requests
from agent.words.journal import UndoDone, Written
from agent.words.outcomes import Refused
from agent.words.shapes import Unreadable, bare, read

REFUSED = "refused"


def why_not(worker: Worker) -> str:
    """Why what a worker was to do is not done; empty where it is."""
    return str(worker.found.get(REFUSED) or worker.found.get(FAILED) or "")


def _saying(work: Callable[[Channel], Frame]) -> Job:
    """A job whose words are the loop's to hand on."""

    def job(channel: Channel) -> Frame:
        say_through(lambda loud, text: channel.send({"say": text, "loud": loud}))
        try:
            return work(channel)
        except Refused as refusal:
            return {REFUSED: str(refusal)}

    return job


def _at_work_on(transaction: Transaction, work: Callable[[Transaction], Frame]) -> Job:
    """A job that works on a transaction: the loop writes its journal, and keeps what is left to it."""

    def job(channel: Channel) -> Frame:
        def written(how: str, line: Written) -> None:
            channel.send({"write": how, "line": line})
            error = (channel.receive() or {}).get("error")
            if isinstance(error, list):
                raise OSError(*error)

        def kept(one: Kept) -> None:
            channel.send({"keep": {**fields_of(one), "files": []}}, one.files)
            channel.receive()

        conceal(transaction.state, transaction)
        return work(transaction.for_worker(written, kept))

    return _saying(job)


def begin(state: State, request: requests.Begin) -> Job:
    """Take the host for a run, or refuse to."""

    def work(_: Channel) -> Frame:
        conceal(state, also=request.secrets)
        hide(secret_of(request.webhook or ""))
        given = Given(request.env, request.secrets)
        begin_deploy(state, request.deploy, request.intent, given, request.webhook)
        return {}

    return _saying(work)


def step(transaction: Transaction, name: str, url: str) -> Job:
    """Do a step."""
    return _at_work_on(transaction, lambda its: fields_of(carry_out(its, name, url)))


def carried(worker: Worker, name: str) -> Carried:
    """How a step has ended, by what its worker has answered."""
    try:
        return read(Carried, {"seconds": 0.0, "note": {}, **worker.found}, name)
    except Unreadable as problem:
        return Carried(0.0, {}, failed=str(problem))


def undo(transaction: Transaction, name: str) -> Job:
    """Do one action of the way back."""

    def work(its: Transaction) -> Frame:
        found = ending.undo(its, name)
        return {"done" if isinstance(found, UndoDone) else "problem": bare(found)}

    return _at_work_on(transaction, work)


def commit(transaction: Transaction) -> Job:
    """Do what follows from the decision to commit."""
    return _doing(transaction, finish_commit)


def end_fallback(transaction: Transaction) -> Job:
    """End a fallback of which all was tried."""
    return _doing(transaction, ending.end_fallback)


def finish(transaction: Transaction) -> Job:
    """Do what follows from how it has ended."""
    return _doing(transaction, finish_end)


def look_on(transaction: Transaction) -> Job:
    """Free a host that needs a person for nothing but a site that is not well, once it is."""
    return _doing(transaction, ending.end_if_well)


def prepare_recovery(transaction: Transaction, database: str) -> Job:
    """Tell a person what happened, and get ready for another try."""
    return _doing(transaction, partial(recover.prepare, database=database))


def look_at_database(transaction: Transaction) -> Job:
    """Look whether the primary host has yet to take the database back."""
    return _at_work_on(transaction, lambda its: {"changed": schema.still_changed(its, its.progress)})


def delete(state: State, request: requests.Clean) -> Job:
    """Delete versions."""

    def work(_: Channel) -> Frame:
        for line in clean(state, request).says():
            emit(line)
        return {}

    return _saying(work)


def ask_visitors_addresses(transaction: Transaction) -> Job:
    """Ask what visitors get, until the loop says that it is enough."""
    return lambda channel: {"found": bare(probes.ask(transaction.progress, channel.receive))}


def _doing(transaction: Transaction, work: Callable[[Transaction], object]) -> Job:
    def done(its: Transaction) -> Frame:
        work(its)
        return {}

    return _at_work_on(transaction, done)
