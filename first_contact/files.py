"""The repository's files, as AWS is asked about them."""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from first_contact.intrinsics import Surroundings, Template
from first_contact.root import ROOT
from tools.templates import load_template

RECORDINGS = Path(__file__).resolve().parent / "recordings"
MACHINES = ("provision", "reverify", "fleet")
TEMPLATES = (
    "template.yaml",
    "accounts/management.yaml",
    "accounts/target.yaml",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "operations").glob("*.yaml")),
    "layers/provisioner/provisioner/resources/nat.yaml",
    "layers/provisioner/provisioner/resources/network.yaml",
)
POLICIES_IN = ("template.yaml", "accounts/management.yaml", "accounts/target.yaml", "operations/notifications.yaml")

ANYWHERE = Surroundings("aws", "us-east-1", "111122223333", "eks-efs-provisioner")
"""For what is the same wherever a template is deployed."""


@dataclass(frozen=True)
class Policy:
    """`kind` as Access Analyzer names it; `resource` is its resource type where it knows one."""

    name: str
    kind: str
    document: Mapping[str, Any]
    resource: str = ""


@functools.cache
def template(path: str) -> dict[str, Any]:
    return load_template(ROOT / path)


@functools.cache
def recording(name: str) -> Any:
    """What runs on the embedded cloud have left (`make recordings`)."""
    return json.loads((RECORDINGS / f"{name}.json").read_text())


def definition(machine: str, around: Surroundings) -> dict[str, Any]:
    """A state machine as it is deployed, with made-up names of what it calls."""
    return substituted((ROOT / "statemachine" / f"{machine}.asl.yaml").read_text(), _substitutions(machine, around))


def substituted(text: str, values: Mapping[str, str]) -> dict[str, Any]:
    """As CloudFormation does it: in the text, before it is parsed."""
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", str(value))
    found: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return found


def patterns() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every rule of ours, by its logical id, and its event pattern, with the parameters' defaults."""
    for path in ("template.yaml", "accounts/management.yaml", "operations/notifications.yaml"):
        made = Template(template(path), ANYWHERE)
        for name, resource in made.resources.items():
            if resource["Type"] == "AWS::Events::Rule":
                prefix = "management." if path.startswith("accounts") else ""
                pattern = made.resolved(resource["Properties"]["EventPattern"])
                yield prefix + name.removeprefix("ProvisionStateMachine"), pattern


def policies(around: Surroundings) -> Iterator[Policy]:
    """Every policy that we ship: of identities, of resources, and who may assume a role."""
    for path in POLICIES_IN:
        made = Template(template(path), around)
        for name, resource in made.resources.items():
            if made.exists(name):
                yield from _policies_of(f"{Path(path).stem}.{name}", resource["Type"], resource, made)


def role_policies(role: str, around: Surroundings) -> list[str]:
    """The policies that accounts/target.yaml gives a role, its own and managed ones, as JSON."""
    made = Template(template("accounts/target.yaml"), around, {"HubAccountId": around.account_id})
    properties = made.resources[role]["Properties"]
    named = [each["Ref"] for each in properties.get("ManagedPolicyArns", []) if "Ref" in each]
    managed = [made.resources[name]["Properties"]["PolicyDocument"] for name in named]
    own = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    return [json.dumps(made.resolved(document)) for document in (*own, *managed)]


@functools.cache
def role_names(around: Surroundings) -> dict[str, str]:
    """Of the roles of accounts/target.yaml, unless RolePrefix is another one."""
    made = Template(template("accounts/target.yaml"), around)
    roles = {name: each for name, each in made.resources.items() if each["Type"] == "AWS::IAM::Role"}
    return {name: made.resolved(each["Properties"]["RoleName"]) for name, each in roles.items()}


def _policies_of(name: str, kind: str, resource: Mapping[str, Any], made: Template) -> Iterator[Policy]:
    properties = resource.get("Properties", {})
    trust = properties.get("AssumeRolePolicyDocument")
    if trust:
        yield Policy(f"{name}.trust", "RESOURCE_POLICY", made.resolved(trust), "AWS::IAM::AssumeRolePolicyDocument")
    for index, policy in enumerate(properties.get("Policies", [])):
        inline = policy.get("PolicyDocument", policy)
        yield Policy(f"{name}.{policy.get('PolicyName', index)}", "IDENTITY_POLICY", made.resolved(inline))
    match kind:
        case "AWS::IAM::ManagedPolicy":
            yield Policy(name, "IDENTITY_POLICY", made.resolved(properties["PolicyDocument"]))
        case "AWS::KMS::Key":
            yield Policy(name, "RESOURCE_POLICY", made.resolved(properties["KeyPolicy"]))
        case "AWS::S3::BucketPolicy":
            yield Policy(name, "RESOURCE_POLICY", made.resolved(properties["PolicyDocument"]), "AWS::S3::Bucket")
        case "AWS::SQS::QueuePolicy" | "AWS::SNS::TopicPolicy":
            yield Policy(name, "RESOURCE_POLICY", made.resolved(properties["PolicyDocument"]))


def _substitutions(machine: str, around: Surroundings) -> dict[str, str]:
    made = Template(template("template.yaml"), around)
    named = made.resources[f"{machine.title()}StateMachine"]["Properties"]["DefinitionSubstitutions"]
    values: dict[str, str] = made.resolved(named)
    return values
