"""What the registry gets is what our own schemas say, in the dialect that it takes."""

import json
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError

from tools.event_schemas import ROOT, TEMPLATE, as_draft_4, event_schema, template

SCHEMAS = sorted((ROOT / "schemas").glob("storage-*.schema.json"), key=lambda path: path.name)


def test_the_template_is_current() -> None:
    assert TEMPLATE.read_text() == template()


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_each_is_a_valid_draft_4_schema_small_enough_for_the_registry(path: Any) -> None:
    schema = event_schema(json.loads(path.read_text()))
    Draft4Validator.check_schema(schema)
    assert len(json.dumps(schema, indent=1)) <= 100_000


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_no_word_that_draft_4_does_not_know_is_left(path: Any) -> None:
    later = {"const", "$defs", "$id", "contains", "if", "then", "prefixItems", "examples", "propertyNames"}
    schema = event_schema(json.loads(path.read_text()))
    assert not later & set(_keywords(schema))


def _keywords(node: Any) -> list[str]:
    if isinstance(node, list):
        return [word for each in node for word in _keywords(each)]
    if not isinstance(node, dict):
        return []
    names = {"properties", "definitions"}
    return [*node] + [
        word
        for key, value in node.items()
        for word in (_keywords(list(value.values())) if key in names else _keywords(value))
    ]


def test_a_constant_and_a_definition_mean_the_same_in_both_dialects() -> None:
    later = {"$defs": {"V": {"const": "1"}}, "properties": {"version": {"$ref": "#/$defs/V"}}}
    earlier = {"definitions": as_draft_4(later["$defs"]), "properties": as_draft_4(later["properties"])}
    for validator in (Draft202012Validator(later), Draft4Validator(earlier)):
        validator.validate({"version": "1"})
        with pytest.raises(ValidationError):
            validator.validate({"version": "2"})
