"""The documentation of plans is made from the model."""

from __future__ import annotations

import json

from switchback.plan import docs, model

AGAIN = "run `python -m switchback.plan.docs`"


def test_the_page_of_plans_is_up_to_date() -> None:
    assert docs.DOCS.read_text() == docs.plan_page(), AGAIN


def test_the_schema_of_plans_is_up_to_date() -> None:
    assert docs.SCHEMA_FILE.read_text() == docs.schema_text(), AGAIN


def test_every_field_of_the_schema_is_on_the_page() -> None:
    page = docs.plan_page()
    schema = json.loads(docs.schema_text())
    for part in (schema, *schema["$defs"].values()):
        assert [key for key in part["properties"] if f"| `{key}` |" not in page] == []


def test_the_version_of_the_schema_is_that_of_the_model() -> None:
    assert model.Preview.model_fields["schema_version"].default == model.SCHEMA
