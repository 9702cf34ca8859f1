"""Requests by hand: a sample with comments, and fields of the command line."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from eks_efs.documents import load
from eks_efs.endings import WrongInput
from eks_efs.requests import with_settings
from provisioner.request import Request, json_schema
from tests.command.conftest import run

OF_THE_PROGRAM = {"from_defaults"}
"""Nobody asks for it: the program fills it in."""
SAMPLE = files("eks_efs").joinpath("sample.yaml").read_text()


def fields(schema: dict[str, Any], root: dict[str, Any]) -> set[str]:
    """Every field that a request may have, its parts joined by dots; of alternatives all of them."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    found = set()
    for name, inner in schema.get("properties", {}).items():
        found |= {name} | {f"{name}.{each}" for each in fields(inner, root)}
    for choice in (*schema.get("anyOf", []), *schema.get("oneOf", [])):
        found |= fields(choice, root)
    return found


def test_the_sample_is_the_request_of_somebody_who_asks_for_nothing() -> None:
    given = {"account_id": "111122223333", "region": "ap-northeast-1"}
    assert Request.model_validate({**yaml.safe_load(SAMPLE), **given}) == Request.model_validate(given)


def test_the_sample_has_every_field_that_there_is() -> None:
    schema = json_schema()
    for field in fields(schema, schema) - OF_THE_PROGRAM:
        assert f"{field.rsplit('.', 1)[-1]}:" in SAMPLE, f"{field} is not in eks_efs/sample.yaml"


def test_the_sample_is_valid_for_editors_too() -> None:
    Draft202012Validator(json_schema()).validate(yaml.safe_load(SAMPLE))


def test_the_schema_is_the_one_that_is_published() -> None:
    assert json.loads(run("eks-efs schema").stdout) == json_schema()
    assert run("eks-efs schema --sample").stdout == SAMPLE


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        (["cluster.version=1.33"], {"cluster": {"version": "1.33"}}),
        (["cluster.version=null"], {"cluster": {"version": None}}),
        (["account_id=111122223333"], {"account_id": "111122223333"}),
        (["verification.writers=2"], {"verification": {"writers": 2}}),
        (["verification.writers=two"], {"verification": {"writers": "two"}}),
        (["file_system.backup=false"], {"file_system": {"backup": False}}),
        (["cluster.admin_principal_arns=a,b"], {"cluster": {"admin_principal_arns": ["a", "b"]}}),
        (['cluster.admin_principal_arns=["a"]'], {"cluster": {"admin_principal_arns": ["a"]}}),
        (["cluster.public_access_cidrs="], {"cluster": {"public_access_cidrs": []}}),
        (["storage.access_point.uid=1000"], {"storage": {"access_point": {"uid": 1000}}}),
        (["tags.example.com/team=orders"], {"tags": {"example.com/team": "orders"}}),
        (["cluster.name=a", "cluster.name=b"], {"cluster": {"name": "b"}}),
    ],
)
def test_a_field_of_the_command_line_is_read_as_its_type(settings: list[str], asked: dict[str, Any]) -> None:
    assert with_settings({}, settings) == asked


def test_fields_of_the_command_line_are_added_to_those_of_a_file(tmp_path: Any) -> None:
    file = tmp_path / "request.yaml"
    file.write_text("cluster: {name: eks-orders}\nprotect: true\n")
    assert with_settings(load(str(file)), ["cluster.version=1.33"]) == {
        "cluster": {"name": "eks-orders", "version": "1.33"},
        "protect": True,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"cluster": {"name": "a"}, "cluster": {}}', "it says cluster twice"),
        ("mode: plan\nmode: apply\n", "it says mode twice"),
        ("[" * 100_000, "maximum recursion depth exceeded"),
    ],
)
def test_a_file_that_says_a_thing_twice_or_is_too_deep_cannot_be_used(text: str, said: str, tmp_path: Path) -> None:
    (file := tmp_path / "request.json").write_text(text)
    with pytest.raises(WrongInput, match=said):
        load(str(file))
