"""One change behind the program's back is one difference; a run repairs it, or refuses, as the difference says."""

from typing import Any

import pytest

from provisioner.errors import TerminalError
from tests.unit.inspection.changes import CHANGES, Change
from tests.unit.inspection.world import World
from tests.unit.resources.aws_calls import Calls


def known(world: World) -> dict[str, str]:
    groups = world.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["other"]}])["SecurityGroups"]
    subnets = world.ec2.describe_subnets(Filters=[{"Name": "cidr", "Values": ["10.0.9.0/24"]}])["Subnets"]
    return {
        "vpc": world.network.vpc_id,
        "group": world.group_id,
        "file_system": world.file_system_id,
        "first_subnet": world.network.private_subnets[0].subnet_id,
        "last_subnet": world.profile_subnets[-1],
        "other_group": groups[0]["GroupId"] if groups else "",
        "new_subnet": subnets[0]["SubnetId"] if subnets else "",
    }


def filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return sorted(filled(each, names) for each in value)
    return value.format_map(names) if isinstance(value, str) else value


def test_what_a_run_leaves_has_no_difference_and_looking_is_cheap_and_changes_nothing(world: World) -> None:
    calls = Calls(world.ec2, world.efs, world.eks.client, world.cloudformation, world.logs, world.iam.client)
    assert world.differences() == []
    assert calls.mutating == []
    assert len(calls.names) <= 37


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_one_change_is_one_difference_and_a_run_does_with_it_what_is_said(change: Change, world: World) -> None:
    change.make(world)
    (difference,) = world.differences()
    names = known(world)
    assert (difference.resource, difference.path) == (filled(change.resource, names), filled(change.path, names))
    assert difference.expected == filled(change.expected, names)
    assert difference.actual == filled(change.actual, names)
    assert difference.severity == change.severity
    assert difference.repairable == (change.outcome == "repaired")
    if change.outcome == "refused":
        with pytest.raises(TerminalError):
            world.provision()
    else:
        world.provision()
        assert world.differences() == ([] if change.outcome == "repaired" else [difference])
