"""What there is to know of a step: its name, its phase, its limit, what it does, what undoes it.

Each is one class in one file, in `build/`, `switch/` or `beside/`, and has its place in `order.py`; whatever else is
said of steps is derived from these.
"""

from __future__ import annotations

from enum import Enum, IntEnum

from agent.inside.lean import dataclass
from agent.transaction.maintenance import Window
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext
from agent.transaction.transaction import Transaction
from agent.words.notes import Note, Undone
from agent.words.settings import Settings

# An old version that was well will be well again, be the host ever so busy: it is given more time than a new one, since
# all that is left after it is to call a person.
PATIENCE = 3


class Phase(Enum):
    """The part of a run that a step belongs to."""

    # Beside the live site, which is not touched.
    BUILD = "build"
    # From the first step that may touch the live site.
    SWITCH = "switch"
    # Once it is written down how the run has ended.
    AFTER = "after"


@dataclass(frozen=True)
class RunAsKnown:
    """What is known of a run when somebody asks whether a step has anything to do: before the run, or when it is due.

    + kind: deploy, build, revert or restart; primary: whether this host migrates and backs up
    + changes_database: whether the run does; window: whether visitors are kept out, and why or why not; both None where
      only the build can tell
    + rolls: whether processes are replaced one by one; watched_shut: whether visitors are let in only after the watch;
      has_no_database: whether the project uses none; none of them where nobody can tell yet
    + timed: whether anything runs at times, before the run or after it; None where nobody can tell
    """

    kind: str
    settings: Settings
    primary: bool
    changes_database: bool | None
    window: Window | None
    rolls: bool = False
    watched_shut: bool = False
    has_no_database: bool = False
    timed: bool | None = None


class Turn(IntEnum):
    """When something is undone: the lower the earlier, and at the same turn what was done last first.

    At one turn, what undoes a later step is done before what undoes an earlier one. Most new steps want HEALTH: the old
    version's processes run, and are not proven well yet. From SITE on visitors are in again.
    """

    STOP = 0
    EVIDENCE = 10
    LINKS = 20
    DATABASE = 30
    PROCESSES = 40
    HEALTH = 50
    VISITORS = 60
    SITE = 70
    WATCH = 75
    MARK = 80


class Undo:
    """What takes back what a step has done. It may be killed anywhere and done again.

    + name: as it stands in the journal; another one than the step's, since both are told of. No two have the same
    + turn: when it is done
    + always: whether it is done again when a fallback is started anew: it costs little, and proves something
    + keeps_visitors_out: whether maintenance stays on if this can't be done
    + lets_visitors_in: whether it ends maintenance
    + holds_up_the_rest: whether nothing after it makes sense if this can't be done
    + even_then: whether it is done all the same
    + only_if_well: whether it makes no sense where anything before it could not be done
    + if_touched: whether there is anything to it only where the live site may have been changed
    + before_the_app: whether a booting host does it before the app starts
    + before_the_database: whether it can be done while the database is still as the new version needs it
    + only_if_open: whether it is left, too, where maintenance stays on since something could not be undone
    + looks: what it is to see, where it undoes nothing; tidies: whether it is ours alone, and no part of the site
    + says: what was done or seen, where its note does not say
    + shape: its note's
    """

    name: str
    turn: Turn
    always = False
    keeps_visitors_out = False
    lets_visitors_in = False
    holds_up_the_rest = False
    even_then = False
    only_if_well = False
    if_touched = False
    before_the_app = False
    before_the_database = False
    only_if_open = False
    looks = ""
    tidies = False
    says = ""
    shape: type[Undone] = Undone

    @property
    def takes_back(self) -> bool:
        """Whether it changes anything of the site."""
        return not self.looks and not self.tidies

    def needed(self, progress: Progress) -> bool:
        """Whether there is anything to undo, by the journal alone."""
        return True

    def limit(self, settings: Settings) -> float:
        """How long it may take, seconds."""
        return settings.script_timeout

    def do(self, step: StepContext) -> Undone:
        """Do it. Where it raises StepFailed, CommandFailed, Unhealthy or OSError, the host is held for a person.

        So what is a nicety catches them, and says so (as `swap` does for old assets).

        + step: its name is `fallback`, its version still the one that failed; the one before is `step.begin.was`
        """
        raise NotImplementedError

    def make_room(self, transaction: Transaction) -> None:
        """Give back what was set aside for it, not a moment earlier: whatever has filled the disk would take it."""
        transaction.free_room_for(self.name)

    def done(self, note: Undone) -> str:
        """What it has done, or seen.

        + note: what `do` has returned, or an older agent's
        """
        return f"kept: {self.name}, {note.kept}" if note.kept else note.says() or self.says or f"undone: {self.name}"

    def failed(self, problem: str) -> str:
        """What it could not do, or see, and why."""
        return f"could not {self.looks or f'undo {self.name}'}: {problem}"


class StepKind:
    """A step as it is in every run.

    + name: as a person, the journal and the controller know it
    + phase: whether it builds, or may touch the live site
    + runs: the kinds of run that have it
    + again: whether a version that was built before has it done once more: it meets a database that may have changed
    + script_setting: the script of the settings that it runs, if it does
    + optional: whether a run only has it where it is `wanted`, and nobody is told why not; else `idle` says it
    + blames_version: whether its failure says something about the version; else about the host, or the run
    + touches: whether it may leave something on the live site that has to be undone. Without it a failure is "refused:
      never touched", what is undone `if_touched` stays, and nobody asks what visitors get
    + at_once: whether on several hosts it waits for none of them: the word for the step before it is enough
    + decides: whether a person reads once more at the end why it had nothing to do
    + undos: what takes it back
    """

    name: str
    phase: Phase
    runs: tuple[str, ...] = ("deploy", "revert")
    again = False
    script_setting = ""
    optional = False
    blames_version = False
    touches = False
    at_once = False
    decides = False
    undos: tuple[Undo, ...] = ()

    def wanted(self, settings: Settings) -> bool:
        """Whether the settings ask for it, where it is optional: they name its script."""
        return not self.optional or bool(getattr(settings, self.script_setting))

    def limit(self, settings: Settings) -> float:
        """How long it may take, seconds."""
        return settings.build_timeout if self.phase is Phase.BUILD else settings.script_timeout

    def idle(self, known: RunAsKnown) -> str:
        """Why it has nothing to do; empty where it has, or where nobody can tell yet. Pure: it takes no worker."""
        return ""

    def noticed(self, progress: Progress) -> bool:
        """Whether visitors may notice it. Until then, to ask what they get would only be a burden."""
        return self.touches

    def do(self, step: StepContext) -> Note:
        """Do it, and return what is to be known of it. Raises StepFailed, CommandFailed, Unhealthy, OSError.

        Its limit ends the commands of `step.runner`; what it does besides has to look at `step.until`.
        """
        raise NotImplementedError

    def skip(self, why: str) -> Note | None:
        """Note that it has nothing to do; None where `do` notes that, since it looks at something in any case."""
        return Note(skipped=why)

    def says(self, note: Note, seconds: float) -> list[str]:
        """What a person reads of it once it went well, a line each."""
        return [f"{self.name}: {note.skipped or f'done in {seconds} s'}"]


class BuildStep(StepKind):
    """A step that builds a version. It touches nothing that is live; what fails in it is the version's."""

    phase = Phase.BUILD
    runs: tuple[str, ...] = ("deploy", "build")
    blames_version = True


class SwitchStep(StepKind):
    """A step of the part in which the live site may be touched."""

    phase = Phase.SWITCH
