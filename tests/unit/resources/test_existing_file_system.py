"""A file system that a request names is looked at before anything is made, in a run and in its plan."""

from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.request import KEPT_TAG, Request
from provisioner.resources import account, existing_file_system, file_system, file_system_removal
from tests.unit.resources.aws_calls import Calls
from tests.unit.resources.networks import SomebodysVpc, subnet
from tests.unit.resources.samples import ACCOUNT_ID, NOW, REGION, key_values, request_for
from tests.unit.resources.test_account import target as target

KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/00000000-0000-0000-0000-000000000001"
NO_SUCH = "fs-0123456789abcdef0"


@pytest.fixture
def kept(efs: Any, efs_backend: Any) -> Any:
    """The file system in moto's memory, as a removal of the cluster left it."""
    file_system_id = file_system.ensure(request_for(), efs).facts["file_system_id"]
    file_system_removal.keep(request_for(), file_system_id, NOW, efs)
    return efs_backend.file_systems_by_id[file_system_id]


def naming(found: Any, **more: Any) -> Request:
    return request_for(file_system={"existing": found.file_system_id, **more})


def told(efs: Any, request: Request, vpc_id: str | None = None) -> list[tuple[ErrorReason, str]]:
    return [(each.reason, each.what) for each in existing_file_system.problems(request, vpc_id, efs)]


def tag(efs: Any, found: Any, owner: str) -> None:
    efs.tag_resource(ResourceId=found.file_system_id, Tags=key_values({"eks-efs-provisioner/cluster": owner}))


def test_one_that_a_removal_kept_is_taken_and_looking_changes_nothing(efs: Any, kept: Any) -> None:
    calls = Calls(efs)
    assert told(efs, naming(kept)) == []
    assert told(efs, request_for()) == []
    assert calls.mutating == []


def test_one_that_does_not_exist_here_is_told_with_the_account_and_the_region(efs: Any) -> None:
    (problem,) = existing_file_system.problems(request_for(file_system={"existing": NO_SUCH}), None, efs)
    assert (problem.reason, problem.what) == (
        ErrorReason.UNUSABLE,
        f"file_system.existing is {NO_SUCH}, which does not exist",
    )
    assert problem.remedy.startswith(f"name one that {ACCOUNT_ID} has in {REGION}")


def test_one_of_another_cluster_is_told_and_nobody_is_told_to_remove_it(efs: Any, kept: Any) -> None:
    tag(efs, kept, "orders")
    (problem,) = existing_file_system.problems(naming(kept), None, efs)
    assert problem.reason is ErrorReason.OWNED_BY_ANOTHER
    assert problem.what.endswith("whose tag eks-efs-provisioner/cluster is 'orders'")
    assert "remove fs-" not in problem.remedy
    with pytest.raises(TerminalError, match="is 'orders'"):
        file_system.ensure(naming(kept), efs)


def test_one_beside_another_that_the_cluster_uses_is_told_with_that_one(efs: Any, kept: Any) -> None:
    in_use = file_system.ensure(request_for(), efs).facts["file_system_id"]
    expected = f"file_system.existing is {kept.file_system_id}, and cluster eks-example has {in_use}"
    assert told(efs, naming(kept)) == [(ErrorReason.CONFLICT, expected)]


def test_one_that_somebody_tagged_for_the_cluster_does_not_take_the_place_of_its_own(efs: Any, kept: Any) -> None:
    """It was never kept, so that nothing but the cluster's own file system tells."""
    efs.untag_resource(ResourceId=kept.file_system_id, TagKeys=[KEPT_TAG])
    tags = key_values({"eks-efs-provisioner/cluster": "eks-example"})
    theirs = efs.create_file_system(CreationToken="theirs", Encrypted=True, Tags=tags)["FileSystemId"]
    request = request_for(file_system={"existing": theirs})
    assert [reason for reason, _ in told(efs, request)] == [ErrorReason.CONFLICT]
    calls = Calls(efs)
    with pytest.raises(TerminalError, match=kept.file_system_id):
        file_system.ensure(request, efs)
    assert calls.mutating == []


@pytest.mark.parametrize("state", ["deleting", "error"])
def test_one_that_no_waiting_makes_available_is_told(state: str, efs: Any, kept: Any) -> None:
    kept.life_cycle_state = state
    assert told(efs, naming(kept)) == [(ErrorReason.UNUSABLE, f"{kept.file_system_id} is in the state {state}")]


@pytest.mark.parametrize("state", ["creating", "updating"])
def test_one_that_efs_is_about_to_finish_is_waited_for_later(state: str, efs: Any, kept: Any) -> None:
    kept.life_cycle_state = state
    assert told(efs, naming(kept)) == []


def test_one_that_is_encrypted_otherwise_or_not_at_all_is_told(efs: Any, kept: Any) -> None:
    ((reason, what),) = told(efs, naming(kept, kms_key_arn=KEY_ARN))
    assert (reason, what.rpartition(", ")[2]) == (ErrorReason.IMMUTABLE, f"asked for {KEY_ARN}")
    kept.encrypted = False
    assert told(efs, naming(kept)) == [(ErrorReason.IMMUTABLE, f"{kept.file_system_id} is not encrypted")]


def test_one_with_mount_targets_in_another_vpc_than_the_clusters_is_told(efs: Any, ec2: Any, kept: Any) -> None:
    elsewhere = SomebodysVpc.made(ec2)
    efs.create_mount_target(FileSystemId=kept.file_system_id, SubnetId=elsewhere.subnet_ids[0])
    assert told(efs, naming(kept), elsewhere.vpc_id) == []
    for vpc_id, said in (("vpc-0123456789abcdef0", "vpc-0123456789abcdef0"), (None, "one that is yet to be made")):
        ((reason, what),) = told(efs, naming(kept), vpc_id)
        assert reason is ErrorReason.IMMUTABLE
        assert f"has its mount targets in {elsewhere.vpc_id}, asked for in {said}" in what


def test_one_of_a_single_zone_or_that_is_only_a_replica_is_told(efs: Any, kept: Any) -> None:
    kept.availability_zone_name, kept.availability_zone_id = "ap-northeast-1a", "apne1-az4"
    ((reason, what),) = told(efs, naming(kept))
    assert (reason, "is of one zone, ap-northeast-1a" in what) == (ErrorReason.UNUSABLE, True)
    kept.availability_zone_name = kept.availability_zone_id = None
    protection = {"ReplicationOverwriteProtection": "REPLICATING"}
    efs.meta.events.register(
        "after-call.efs.DescribeFileSystems",
        lambda parsed, **_: [each.update(FileSystemProtection=protection) for each in parsed["FileSystems"]] and None,
    )
    ((reason, what),) = told(efs, naming(kept))
    assert (reason, "the destination of a replication" in what) == (ErrorReason.UNUSABLE, True)


def test_all_that_is_wrong_with_it_is_told_together_with_all_else(
    target: Any, efs: Any, ec2: Any, kept: Any, service_quotas: Any
) -> None:
    tag(efs, kept, "orders")
    kept.encrypted = False
    vpc_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    place = subnet(ec2, vpc_id, "ap-northeast-1a", "10.9.1.0/24")
    efs.create_mount_target(FileSystemId=kept.file_system_id, SubnetId=place)
    service_quotas.applied["L-1194D53C"] = 0
    with pytest.raises(TerminalError) as refused:
        account.check(naming(kept), target)
    message = str(refused.value)
    for said in ("is 'orders'", "is not encrypted", f"mount targets in {vpc_id}", "(Clusters) is 0"):
        assert said in message
    assert message.endswith("nothing was created; correct this and start again")


def test_a_kept_file_system_needs_no_room_in_a_full_account(target: Any, kept: Any, service_quotas: Any) -> None:
    service_quotas.applied["L-848C634D"] = 0
    assert account.look(naming(kept), target).problems == []
    assert len(account.look(request_for(), target).problems) == 1
