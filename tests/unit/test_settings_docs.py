"""The documentation of the settings is made from the model, and what it shows works."""

from __future__ import annotations

import re
from pathlib import Path

from switchback.settings import docs
from switchback.settings.files import read_yaml
from switchback.settings.given import Given, checked
from switchback.settings.model import Settings

AGAIN = "run `python -m switchback.settings.docs`"


def test_the_page_of_settings_is_up_to_date() -> None:
    assert docs.DOCS.read_text() == docs.settings_page(), AGAIN


def test_the_example_is_up_to_date() -> None:
    assert docs.EXAMPLE.read_text() == docs.example_file(), AGAIN


def test_every_key_is_in_the_example() -> None:
    keys = re.findall(r"^(?:# )?(\w+):", docs.example_file(), re.MULTILINE)
    assert keys == list(Settings.model_fields)


def loaded(path: Path) -> Settings:
    return checked(Settings, {key: Given(entry.value, "") for key, entry in read_yaml(path).items()}, "")


def test_the_example_works_as_it_is_and_uncommented_it_says_the_same(tmp_path: Path) -> None:
    everything = tmp_path / "prod.yml"
    everything.write_text(re.sub(r"^# (\w+: )", r"\1", docs.example_file(), flags=re.MULTILINE))
    assert len(read_yaml(everything)) == len(Settings.model_fields)
    assert loaded(everything) == loaded(docs.EXAMPLE)
