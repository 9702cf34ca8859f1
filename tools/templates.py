"""CloudFormation templates as plain data."""

from pathlib import Path
from typing import Any

import yaml


def load_template(path: Path) -> dict[str, Any]:
    """A template with `!Ref x` as {"Ref": "x"} and so on."""
    template: dict[str, Any] = yaml.load(path.read_text(), _TemplateLoader)  # noqa: S506 (a safe one)
    return template


class _TemplateLoader(yaml.CSafeLoader):
    """Dates stay text: AWSTemplateFormatVersion and policy versions look like dates."""


_TemplateLoader.yaml_implicit_resolvers = {
    first: [resolver for resolver in resolvers if resolver[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _short_form(loader: yaml.CSafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 (YAML has no fourth kind of node)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


yaml.add_multi_constructor("!", _short_form, Loader=_TemplateLoader)
