"""The schemas of the events about checks are those of the models."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from provisioner.published import EVENTS, file_name, json_schema

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("detail_type", EVENTS)
def test_the_published_schema_is_current(detail_type: str) -> None:
    published = json.loads((SCHEMAS / file_name(detail_type)).read_text())
    assert published == json_schema(detail_type), "python -m provisioner.published schemas"
    Draft202012Validator.check_schema(published)
