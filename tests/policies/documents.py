"""Every policy that we ship, as IAM would get it: of the templates as CloudFormation has them after the SAM transform.

What only a deployment knows (a resource's name, the account) stands in as a name without wildcards; an ARN has the form
that the Service Authorization Reference gives that type of resource. Which service a type belongs to, and whether Ref
gives an ARN, is what the CloudFormation registry says.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from local.aws.deploy import translated
from local.aws.permissions import reference
from local.aws.resource_schemas import resource_schema
from provisioner.resources import file_system_settings
from tools.templates import load_template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ("template.yaml", "accounts/*.yaml", "operations/*.yaml", "layers/provisioner/provisioner/resources/*.yaml")
PLACE = {"partition": "aws", "region": "us-east-1", "account_id": "111122223333"}
PSEUDO_PARAMETERS = {
    "AWS::Partition": PLACE["partition"],
    "AWS::Region": PLACE["region"],
    "AWS::AccountId": PLACE["account_id"],
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}
BUCKET_URL = "https://s3.us-east-1.amazonaws.com/bucket/"
IN_BRACES = re.compile(r"\$\{(!?)([^}]+)\}")

Kind = Literal["identity", "resource", "trust"]


@dataclass(frozen=True)
class Document:
    """`where` says file, resource and policy; statements have no intrinsic functions left."""

    where: str
    kind: Kind
    statements: tuple[Mapping[str, Any], ...]


def shipped() -> Iterator[Document]:
    for pattern in TEMPLATES:
        for path in sorted(ROOT.glob(pattern)):
            yield from documents(load_template(path), str(path.relative_to(ROOT)))
    (file_system,) = [reference.service("elasticfilesystem").resource_types["file-system"]]
    policy = file_system_settings.policy(file_system.arn_of(**PLACE, FileSystemId="fs-1"))
    yield Document("the policy of file systems", "resource", tuple(policy["Statement"]))


def documents(template: dict[str, Any], name: str) -> Iterator[Document]:
    """The policies of one template, which may be one of SAM's. Raises: LookupError for what cannot be resolved."""
    template = as_deployed(template)
    resolver = _Resolver(template)
    for logical_id, resource in template["Resources"].items():
        for path, found in _policies(resolver.resolved(resource.get("Properties", {}))):
            kind: Kind = "identity" if resource["Type"].startswith("AWS::IAM::") else "resource"
            where = ", ".join([name, logical_id, *path])
            yield Document(where, "trust" if "AssumeRolePolicyDocument" in path else kind, tuple(flat(found)))


def as_deployed(template: dict[str, Any]) -> dict[str, Any]:
    """With what SAM makes of it, where it is one of SAM's."""
    return translated(_packaged(template), {}, PLACE["region"]) if "Transform" in template else template


def _policies(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Whatever has a Statement, wherever it is, also in JSON."""
    if isinstance(value, str) and '"Statement"' in value:
        value = json.loads(value)
    if isinstance(value, list):
        for each in value:
            yield from _policies(each, path)
    if isinstance(value, dict):
        if "PolicyName" in value:
            path = (*path, str(value["PolicyName"]))
        for key, each in value.items():
            if key == "Statement":
                yield path, each
            else:
                yield from _policies(each, (*path, key) if key == "AssumeRolePolicyDocument" else path)


def _packaged(template: dict[str, Any]) -> dict[str, Any]:
    """Code and nested templates are somewhere in S3, as after `sam package`: no policy depends on where."""
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for name in ("CodeUri", "ContentUri", "DefinitionUri"):
            if name in properties:
                properties[name] = "s3://bucket/key"
        if resource["Type"] == "AWS::Serverless::Application":
            properties["Location"] = f"{BUCKET_URL}{properties['Location']}"
    return template


class _Resolver:
    def __init__(self, template: Mapping[str, Any]) -> None:
        self._resources = template["Resources"]
        self._parameters = template.get("Parameters", {})

    def resolved(self, value: Any) -> Any:
        """Of a condition both branches, in one list."""
        if isinstance(value, list):
            return [self.resolved(each) for each in value if each != {"Ref": "AWS::NoValue"}]
        if not isinstance(value, dict):
            return value
        match value:
            case {"Ref": name, **rest} if not rest:
                return self._reference(name)
            case {"Fn::GetAtt": [name, attribute], **rest} if not rest:
                return self._attribute(name, attribute)
            case {"Fn::Sub": [text, names], **rest} if not rest:
                return self._substituted(text, self.resolved(names))
            case {"Fn::Sub": text, **rest} if not rest:
                return self._substituted(text, {})
            case {"Fn::Join": [separator, parts], **rest} if not rest:
                return separator.join(str(each) for each in flat(self.resolved(parts)))
            case {"Fn::If": [_, yes, no], **rest} if not rest:
                return self.resolved([yes, no])
        return {key: self.resolved(each) for key, each in value.items()}

    def _reference(self, name: str) -> str:
        if name in self._parameters:
            return _example(name, self._parameters[name].get("AllowedPattern", ""))
        if name in self._resources:
            schema = resource_schema(self._resources[name]["Type"], PLACE["region"])
            return self._attribute(name, "Arn") if schema.identifiers[0].endswith("Arn") else name
        return PSEUDO_PARAMETERS[name]

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute.startswith("Outputs."):
            nested = load_template(ROOT / self._resources[name]["Properties"]["TemplateURL"].removeprefix(BUCKET_URL))
            return str(_Resolver(nested).resolved(nested["Outputs"][attribute.removeprefix("Outputs.")]["Value"]))
        if not attribute.endswith("Arn"):
            return f"{name}.{attribute}"
        resource_type = self._resources[name]["Type"]
        found = _in_reference(resource_type)
        if found is None:
            return f"{name}.{attribute}"
        arn = found.arn_of(**PLACE, **dict.fromkeys(found.placeholders, name))
        # CloudFormation guide, AWS::Logs::LogGroup, return values.
        return f"{arn}:*" if resource_type == "AWS::Logs::LogGroup" else arn

    def _substituted(self, text: str, names: Mapping[str, Any]) -> str:
        def value(found: re.Match[str]) -> str:
            literal, name = found[1], found[2]
            if literal:
                return f"${{{name}}}"
            if name in names:
                return str(names[name])
            owner, _, attribute = name.partition(".")
            return self._attribute(owner, attribute) if attribute else self._reference(name)

        return IN_BRACES.sub(value, text)


def _example(name: str, pattern: str) -> str:
    """A parameter's value: its name, a path, or an ARN with wildcards when that is all that it may be."""
    if pattern.startswith("/"):
        return f"/{name}/"
    return re.sub(r"\[[^\]]*\](\+|\*|\{[^}]*\})?", "*", pattern) if pattern.startswith("arn:") else name


def _in_reference(resource_type: str) -> reference.ResourceType | None:
    """The type of that name in one of the services that the registry's create handler calls."""
    wanted = resource_type.rsplit("::", 1)[1].lower()
    permissions = resource_schema(resource_type, PLACE["region"]).permissions("create")
    for prefix in dict.fromkeys(permission.partition(":")[0] for permission in permissions):
        for name, found in reference.service(prefix).resource_types.items():
            if name.replace("-", "").lower() == wanted:
                return found
    return None


def flat(value: Any) -> list[Any]:
    """IAM takes one or a list; conditions make lists in lists."""
    return [each for inner in value for each in flat(inner)] if isinstance(value, list) else [value]
