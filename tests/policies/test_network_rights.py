"""The provisioner's role has all that CloudFormation may need for the network, through CloudFormation only."""

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

NETWORK: Mapping[str, Any] = load_template(Path(network_stack.__file__).with_name("network.yaml"))["Resources"]
HANDLERS: tuple[Handler, ...] = ("create", "delete")


def granted() -> list[Mapping[str, Any]]:
    found = documents(load_template(ROOT / "accounts" / "target.yaml"), "target")
    return [each for document in found if document.where == "target, NetworkPolicy" for each in document.statements]


def demanded(handler: Handler) -> Iterator[Demand]:
    place = Place(PLACE["account_id"], PLACE["region"], PLACE["partition"])
    for resource in NETWORK.values():
        # What a property refers to has some id.
        properties = {name: "*" if isinstance(value, dict) else value for name, value in resource["Properties"].items()}
        yield from stacks.demands(place, handler, resource["Type"], properties)


@pytest.mark.parametrize("handler", HANDLERS)
def test_everything_that_the_registry_names_is_granted(handler: Handler) -> None:
    statements, demands = granted(), list(demanded(handler))
    refused = [each for each in demands if verdict(statements, each.action, each.context, each.resource) != "allow"]
    assert len({each.action for each in demands}) > 15
    assert refused == []


@pytest.mark.parametrize("handler", HANDLERS)
def test_what_changes_the_network_is_granted_through_cloudformation_only(handler: Handler) -> None:
    statements = granted()
    changing = [each for each in demanded(handler) if not each.action.startswith("ec2:Describe")]
    assert changing
    alone = [each for each in changing if verdict(statements, each.action, {}, each.resource) == "allow"]
    assert alone == []
