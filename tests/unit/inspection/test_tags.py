"""Tags that a request asks for, as an organization's tag policy may demand them, on all that a run makes."""

import pytest

from tests.unit.inspection.world import World

TAG = "cost-center"
PATH = f"tags.{TAG}"
STACKS = {f"network stack eks-efs-provisioner-eks-example-{of}" for of in ("network", "nat")}
POINT = {"access_point": {"uid": 1000, "gid": 1000, "path": "/data"}}


@pytest.fixture
def tagged(empty: World) -> World:
    """Provisioned with a tag."""
    empty.parts |= {"storage": POINT, "tags": {TAG: "4711"}}
    empty.provision()
    return empty


def told(world: World) -> dict[str, tuple[str | None, str | None, bool]]:
    """Resource -> its tag as it is to be, as it is, and whether a run puts it back."""
    differences = world.differences()
    assert {each.path for each in differences} <= {PATH}
    assert len({each.resource for each in differences}) == len(differences)
    return {each.resource: (each.expected, each.actual, each.repairable) for each in differences}


def everything(world: World) -> set[str]:
    """All that is made and can have tags, but for the stacks, whose tags CloudFormation keeps."""
    roles = (world.target.role_arn(name) for name in ("provisioner", "inspector", "remover"))
    return {
        "cluster eks-example",
        "log group /aws/eks/eks-example/cluster",
        *(f"access entry of {arn}" for arn in roles),
        "Fargate profile provisioner",
        "add-on coredns",
        f"security group {world.group_id}",
        f"file system {world.file_system_id}",
        f"access point {world.access_point_id}",
    }


def test_a_tag_that_is_asked_for_later_is_missing_everywhere_and_a_run_gives_it_to_all_but_the_stacks(
    tagged: World,
) -> None:
    tagged.parts["tags"] = {TAG: "4711", "team": "orders"}
    missing = {each.resource: each for each in tagged.differences()}
    assert missing.keys() == everything(tagged) | STACKS
    assert {(each.path, each.expected, each.actual) for each in missing.values()} == {("tags.team", "orders", None)}
    assert {each for each, difference in missing.items() if not difference.repairable} == STACKS
    tagged.provision()
    assert {each.resource for each in tagged.differences()} == STACKS


def test_a_tag_with_another_value_is_told_with_both_and_put_right(tagged: World) -> None:
    tagged.parts["tags"] = {TAG: "0815"}
    by_a_run, by_hand = dict.fromkeys(everything(tagged), ("0815", "4711", True)), ("0815", "4711", False)
    assert told(tagged) == by_a_run | dict.fromkeys(STACKS, by_hand)
    tagged.provision()
    assert told(tagged).keys() == STACKS


def test_tags_that_nobody_asked_for_are_no_difference_and_stay(tagged: World) -> None:
    tagged.cluster["tags"]["somebodys"] = "own"
    tagged.efs.tag_resource(ResourceId=tagged.file_system_id, Tags=[{"Key": "somebodys", "Value": "own"}])
    tagged.ec2.create_tags(Resources=[tagged.group_id], Tags=[{"Key": "somebodys", "Value": "own"}])
    assert told(tagged) == {}
    tagged.parts["tags"] = {TAG: "0815"}
    tagged.provision()
    (found,) = tagged.efs.describe_file_systems(FileSystemId=tagged.file_system_id)["FileSystems"]
    assert {"Key": "somebodys", "Value": "own"} in found["Tags"]
    assert tagged.cluster["tags"]["somebodys"] == "own"


def test_what_is_somebody_elses_gets_no_tag(tagged: World) -> None:
    arn = tagged.target.role_arn("inspector")
    tagged.eks.access_entries[arn]["tags"] = {}
    assert told(tagged) == {}
    tagged.provision()
    assert tagged.eks.access_entries[arn]["tags"] == {}
