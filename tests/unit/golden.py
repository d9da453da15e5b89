"""Sentences as they are meant, a file for each sort of them in golden/. After a change that is meant,
`WRITE_GOLDEN=1 pytest …` writes them anew, to be read before they are committed. No decision hangs on them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

FOLDER = Path(__file__).with_name("golden")


def assert_as_meant(name: str, said: Mapping[str, Sequence[str]]) -> None:
    """Assert that sentences are those of a file.

    + said: what is said in each case, by the case's name
    """
    file = FOLDER / f"{name}.yml"
    found = {case: list(lines) for case, lines in said.items()}
    if os.environ.get("WRITE_GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=120))
    assert found == yaml.safe_load(file.read_text())
