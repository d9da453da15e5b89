"""The texts that provision writes, as it writes them and as it once has. Pure: names and values in, text out."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from string import Template

from agent.words.settings import STOPS

FILES = Path(__file__).parents[2] / "operations" / "files"
# What was written before, each as NAME.NUMBER: a host that still has it gets what is written now.
EARLIER = FILES / "earlier"
UNIT, SUPERVISORD = "django.service", "supervisord.conf"
# What a unit may take besides its programs, and what it has at least, seconds.
MARGIN, SHORTEST = 15, 30
# How long the server that we write of in a supervisord config may take to end, with a worker that a project may have of
# its own, seconds.
OF_OUR_OWN = 10 + STOPS
# Under this name among the values: the same with what the settings say.
NEEDS = "needs"
# How the unit says how long its programs may take.
TOLD = re.compile(r"they may take (\d+) s by their stopwaitsecs")

Values = Mapping[str, str]


def stop_limit(needs: int) -> int:
    """The TimeoutStopSec of a unit whose programs may take so long to end, seconds."""
    return max(SHORTEST, needs + MARGIN)


def supervisord_text(values: Values) -> str:
    """The config with its values; what supervisord would take for more than itself is escaped."""
    return _supervisord(FILES / SUPERVISORD, values)


def _supervisord(file: Path, values: Values) -> str:
    escaped = {word: value.replace("%", "%%") for word, value in values.items()}
    # It takes its command apart as a shell does.
    commanded = {"venv": escaped["venv"], "modules": escaped["config"], "python": f"{escaped['venv']}/bin/python"}
    return Template(file.read_text()).substitute(
        escaped | {word: shlex.quote(path) for word, path in commanded.items()}
    )


def unit_text(values: Values, needs: int | None = None) -> str:
    """The unit with its values; what systemd would take for more than itself is escaped.

    + needs: how long its programs may take to end, seconds; unless it is given, what the values say
    """
    return _unit(FILES / UNIT, values, int(values.get(NEEDS, OF_OUR_OWN)) if needs is None else needs)


def _unit(file: Path, values: Values, needs: int) -> str:
    escaped = {word: value.replace("%", "%%") for word, value in values.items()}
    return Template(file.read_text()).substitute({**escaped, NEEDS: str(needs), "stop": str(stop_limit(needs))})


def rotation_text(home: str, user: str, group: str) -> str:
    """How the logs of an app's user are rotated."""
    return signed(Template((FILES / "logrotate").read_text()).substitute(home=home, user=user, group=group))


def is_own_unit(text: str, values: Values) -> bool:
    """Whether a unit is one that we have written, with whatever limit, and that nobody has changed."""
    told = TOLD.search(text)
    needs = int(told[1]) if told else 0
    return text in [_unit(file, values, needs) for file in (FILES / UNIT, *_earlier(UNIT))]


def is_own_supervisord(text: str, values: Values) -> bool:
    """Whether a supervisord config is one that we have written, and that nobody has changed."""
    return text in [_supervisord(file, values) for file in (FILES / SUPERVISORD, *_earlier(SUPERVISORD))]


def is_own_script(text: str, name: str) -> bool:
    """Whether a script is one that we have written, and that nobody has changed."""
    return text in [file.read_text() for file in (FILES / name, *_earlier(name))]


def told_needs(text: str) -> int | None:
    """How long a unit of ours says that its programs may take to end, seconds."""
    told = TOLD.search(text)
    return int(told[1]) if told else None


def _earlier(name: str) -> list[Path]:
    return sorted(EARLIER.glob(f"{name}.*"))


# How a text of ours begins that says itself whether anybody has changed it.
SIGNED = "Written by Switchback ({}): provision writes it anew as long as nobody changes it; from then on it is yours."
MARK = re.compile(r"Written by Switchback \(([0-9a-f]{16})\): ")


def signed(text: str, comment: str = "# {}") -> str:
    """A text with a first line by which it is known for ours, whatever was filled in.

    + comment: how the kind of file has one
    """
    return comment.format(SIGNED.format(_digest(text))) + "\n" + text


def is_signed(text: str) -> bool:
    """Whether a text is one that we have written, and that nobody has changed."""
    first, _, rest = text.partition("\n")
    told = MARK.search(first)
    return told is not None and told[1] == _digest(rest)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
