"""Whoever goes over moto's resources while others make some sees those that there were, and no error."""

from __future__ import annotations

from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.ec2.models import ec2_backends

from local.aws.server import DEFAULT_ACCOUNT_ID
from tests.local.aws.patches.conftest import Sandbox


@pytest.mark.parametrize("name", ["enis", "subnets", "groups", "route_tables"])
@pytest.mark.parametrize("way", ["__iter__", "keys", "values", "items"])
def test_what_is_made_meanwhile_is_not_seen_and_breaks_nothing(aws: Sandbox, name: str, way: str) -> None:
    # No other region's resources are in anybody's way.
    resources = getattr(ec2_backends[DEFAULT_ACCOUNT_ID]["eu-south-2"], name)
    before = len(resources)
    resources["one"] = resources["two"] = None
    for number, _ in enumerate(getattr(resources, way)()):
        resources[f"another-{number}"] = None
    assert len(resources) == 2 * (before + 2)
    for each in list(resources)[before:]:
        del resources[each]


def test_what_has_an_order_keeps_it(aws: Sandbox) -> None:
    tables: Any = dynamodb_backends[DEFAULT_ACCOUNT_ID]["eu-south-2"].tables
    tables["one"] = tables["two"] = None
    tables.move_to_end("one")
    assert list(tables) == ["two", "one"]
    tables.clear()
