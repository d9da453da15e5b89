"""The step that asks the website as a visitor would, and what asks it on the way back."""

from __future__ import annotations

from agent.service import health
from agent.service.last_words import LastWords
from agent.steps.kind import PATIENCE, SwitchStep, Turn, Undo
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext
from agent.visitors import served, site
from agent.words.notes import Note
from agent.words.settings import Settings


class ProveSiteBefore(Undo):
    """Prove that visitors get again what they got before the deploy."""

    name = "site"
    turn = Turn.SITE
    always = True
    if_touched = True
    only_if_well = True
    shape = site.SiteSeen
    looks = "see that visitors get the site"

    def needed(self, progress: Progress) -> bool:
        """An older agent did not look at the site before it began."""
        return progress.begin.site_before is not None

    def do(self, step: StepContext) -> site.SiteSeen:
        """Ask, as long as it takes."""
        return site.prove_back(step, PATIENCE)


class Site(SwitchStep):
    """Ask the website as a visitor would."""

    name = "site"
    runs = ("deploy", "revert", "restart")
    blames_version = True
    touches = True
    undos = (ProveSiteBefore(),)

    def limit(self, settings: Settings) -> float:
        """As long as the website may take to answer, and a little, seconds."""
        return settings.site_timeout + 30

    def do(self, step: StepContext) -> Note:
        """Ask for the page, and for a static file."""
        words = LastWords(step.layout, step.version)
        health.prove_site(step.settings, words)
        return Note(warning=served.prove(step))
