"""Our roles have all that CloudFormation may need for the network, through CloudFormation only: the provisioner's to
make it and to take back what failed, the remover's to take it down."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.aws.permissions import stacks
from local.aws.permissions.demand import Demand, Place
from local.aws.policies import verdict
from local.aws.resource_schemas import Handler
from provisioner.resources import network_stack
from tests.policies.documents import PLACE, ROOT, documents
from tools.templates import load_template

BESIDE = Path(network_stack.__file__)
NETWORK: Mapping[str, Any] = {
    **load_template(BESIDE.with_name("network.yaml"))["Resources"],
    **load_template(BESIDE.with_name("nat.yaml"))["Resources"],
}
HANDLERS: tuple[tuple[str, Handler], ...] = (
    ("NetworkPolicy", "create"),
    ("NetworkPolicy", "delete"),
    ("NetworkRemovalPolicy", "delete"),
)


def granted(policy: str) -> list[Mapping[str, Any]]:
    found = documents(load_template(ROOT / "accounts" / "target.yaml"), "target")
    return [each for document in found if document.where == f"target, {policy}" for each in document.statements]


def demanded(handler: Handler) -> Iterator[Demand]:
    place = Place(PLACE["account_id"], PLACE["region"], PLACE["partition"])
    for resource in NETWORK.values():
        # What a property refers to has some id.
        properties = {name: "*" if isinstance(value, dict) else value for name, value in resource["Properties"].items()}
        yield from stacks.demands(place, handler, resource["Type"], properties)


@pytest.mark.parametrize(("policy", "handler"), HANDLERS)
def test_everything_that_the_registry_names_is_granted(policy: str, handler: Handler) -> None:
    statements, demands = granted(policy), list(demanded(handler))
    refused = [each for each in demands if verdict(statements, each.action, each.context, each.resource) != "allow"]
    assert len({each.action for each in demands}) > 15
    assert refused == []


@pytest.mark.parametrize(("policy", "handler"), HANDLERS)
def test_what_changes_the_network_is_granted_through_cloudformation_only(policy: str, handler: Handler) -> None:
    statements = granted(policy)
    changing = [each for each in demanded(handler) if not each.action.startswith("ec2:Describe")]
    assert changing
    alone = [each for each in changing if verdict(statements, each.action, {}, each.resource) == "allow"]
    assert alone == []
