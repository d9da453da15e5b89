"""The documentation of plans is made from the model."""

from __future__ import annotations

import json

from switchback import plan_docs, preview

AGAIN = "run `python -m switchback.plan_docs`"


def test_the_page_of_plans_is_up_to_date() -> None:
    assert plan_docs.DOCS.read_text() == plan_docs.plan_page(), AGAIN


def test_the_schema_of_plans_is_up_to_date() -> None:
    assert plan_docs.SCHEMA_FILE.read_text() == plan_docs.schema_text(), AGAIN


def test_every_field_of_the_schema_is_on_the_page() -> None:
    page = plan_docs.plan_page()
    schema = json.loads(plan_docs.schema_text())
    for part in (schema, *schema["$defs"].values()):
        assert [key for key in part["properties"] if f"| `{key}` |" not in page] == []


def test_the_version_of_the_schema_is_that_of_the_model() -> None:
    assert preview.Preview.model_fields["schema_version"].default == preview.SCHEMA
