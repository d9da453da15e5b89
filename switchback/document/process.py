"""What is known of this process, for its document: what was asked for on its command line, and how that has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from switchback.document.model import Document


class Process:
    """What is known of this process's command line, and how that has ended.

    + json: where the document goes; none where nobody has asked for it
    + owns_exit_code: whether it ends with the document's
    + makes: makes the document; None where nobody needs it
    """

    kind = ""
    only_looks = False
    json: int | None = None
    owns_exit_code = False
    error: BaseException | None = None
    makes: Callable[[Process], Document] | None = None
