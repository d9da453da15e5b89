"""pyinfra reads this first: from here on Ctrl-C is no success, and a malformed --data is refused before pyinfra trips
over it."""

import gc
import sys
from pathlib import Path

# Nothing of what is loaded is garbage, and to look for that takes a tenth of the time.
gc.disable()
# From wherever pyinfra was started, and whatever else is installed: the tree around this file is what is imported.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from switchback.document.end import end_at_once, see_to_the_end

# Before all else: whoever presses Ctrl-C while that is loaded has a document as well.
end_at_once()
see_to_the_end()

from switchback.hosts.call_order import read_no_source
from switchback.hosts.pyinfra_words import answer_prompt, ask_alone, obey_no_color, say_less
from switchback.settings.options import read_command_line
from switchback.typed import call_runs_as_typed
from switchback.wire.results import keep_results_from_sight

call_runs_as_typed()
answer_prompt()
ask_alone()
say_less()
obey_no_color()
read_no_source()
keep_results_from_sight()
read_command_line()
# All that is imported by now stays to the end. Python would look through it for what can be freed when a run is over,
# and whoever waits for that run would wait a tenth of a second longer.
gc.freeze()
gc.enable()
