"""What is known of this process, for its document: what was asked for on its command line, and how that has ended."""

from __future__ import annotations


class Process:
    """What is known of this process's command line, and how that has ended.

    + json: where the document goes; none where nobody has asked for it
    + owns_exit_code: whether it ends with the document's
    """

    kind = ""
    only_looks = False
    json: int | None = None
    owns_exit_code = False
    error: BaseException | None = None
