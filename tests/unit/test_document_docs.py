"""The documentation of the document of a run is made from the model."""

from __future__ import annotations

import json

from switchback.document import docs, model
from switchback.ended import Ended

AGAIN = "run `python -m switchback.document.docs`"


def test_the_page_of_documents_is_up_to_date() -> None:
    assert docs.DOCS.read_text() == docs.page(), AGAIN


def test_the_schema_of_documents_is_up_to_date() -> None:
    assert docs.SCHEMA_FILE.read_text() == docs.schema_text(), AGAIN


def test_every_part_and_field_of_the_schema_is_on_one_of_the_two_pages() -> None:
    pages = docs.page() + (docs.ROOT / "docs" / "plan.md").read_text()
    schema = json.loads(docs.schema_text())
    for name, part in (("Document", schema), *schema["$defs"].items()):
        assert [key for key in part.get("properties", ()) if f"| `{key}` |" not in pages] == [], name


def test_every_way_to_end_is_on_the_page_with_its_exit_code() -> None:
    for ended in Ended:
        assert f"| `{ended}` | {ended.exit_code} | " in docs.page()


def test_the_version_of_the_schema_is_that_of_the_model() -> None:
    assert model.Document.model_fields["schema_version"].default == model.SCHEMA
