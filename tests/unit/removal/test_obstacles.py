"""Whatever somebody else has put in the way is named before anything is removed, and nothing of our own is."""

from collections.abc import Callable
from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.removal import inventory
from provisioner.removal.documentation import KINDS
from provisioner.removal.inventory import Inventory, Wanted
from tests.unit.inspection.world import World
from tests.unit.resources.aws_calls import Calls, http, refusal
from tests.unit.resources.samples import INSPECTOR_ROLE_ARN, PROVISIONER_ROLE_ARN, REMOVER_ROLE_ARN

LOAD_BALANCER = {"spec": {"type": "LoadBalancer"}, "metadata": {"name": "shop", "namespace": "default"}}


@pytest.fixture(autouse=True)
def replications(monkeypatch: pytest.MonkeyPatch, created: World) -> list[Any]:
    """A cluster that answers, and EFS with the replications that moto's lacks."""
    monkeypatch.setattr(inventory, "api_of", lambda *_: created.objects)
    found: list[Any] = []

    def answer(model: Any, **_: Any) -> Any:
        if not found:
            return refusal("ReplicationNotFound", model)
        return http(200), {"Replications": found, "ResponseMetadata": {"HTTPStatusCode": 200}}

    created.efs.meta.events.register("before-call.efs.DescribeReplicationConfigurations", answer)
    monkeypatch.setattr(inventory, "_recovery_points", lambda *_: [])
    return found


def look(world: World, *, delete_data: bool = False, delete_logs: bool = False) -> Inventory:
    file_system_id = world.file_system_id
    wanted = Wanted(world.request, file_system_id, file_system_id if delete_data else None, delete_logs)
    return inventory.check(wanted, world.target)


def some_vpc(world: World) -> str:
    return str(world.ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"])


def group(world: World, name: str, **tags: str) -> str:
    made: str = world.ec2.create_security_group(GroupName=name, Description="x", VpcId=world.network.vpc_id)["GroupId"]
    if tags:
        world.ec2.create_tags(Resources=[made], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
    return made


def interface(world: World, description: str) -> None:
    subnet_id = world.network.subnet_ids[0]
    world.ec2.create_network_interface(SubnetId=subnet_id, Description=description, Groups=[group(world, "theirs")])


def endpoint(world: World, service: str) -> None:
    world.ec2.create_vpc_endpoint(VpcId=world.network.vpc_id, ServiceName=service, VpcEndpointType="Gateway")


def reference(world: World) -> None:
    other: str = world.ec2.create_security_group(GroupName="app", Description="x", VpcId=world.network.vpc_id)[
        "GroupId"
    ]
    world.ec2.authorize_security_group_ingress(
        GroupId=other,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": world.group_id}]}
        ],
    )


def vpn(world: World) -> None:
    gateway = world.ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    world.ec2.attach_vpn_gateway(VpnGatewayId=gateway, VpcId=world.network.vpc_id)


def service(world: World) -> None:
    world.objects.put({"apiVersion": "v1", "kind": "Service", **LOAD_BALANCER})


def pod(world: World) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "efs-claim"}}
    metadata = {"name": "app-1", "namespace": "default", "labels": {}}
    world.objects.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"volumes": [volume]}})


def held_claim(world: World) -> None:
    found = world.objects.get("PersistentVolumeClaim", "efs-claim", "default")
    assert found is not None
    world.objects.put(
        {
            **found,
            "metadata": {
                **found["metadata"],
                "deletionTimestamp": "2026-01-02T03:04:05Z",
                "finalizers": ["kubernetes.io/pvc-protection", "snapshots.example.com/hold"],
            },
        }
    )


def somebodys_mount_target(world: World) -> None:
    world.mount_target.subnet_id = "subnet-0123456789abcdef0"


PUT_THERE: dict[str, Callable[[World], Any]] = {
    "deletion-protection": lambda world: world.cluster.update(deletionProtection=True),
    "node-group": lambda world: world.eks.nodegroups.append("workers"),
    "fargate-profile": lambda world: world.eks.fargate_profiles.update(apps={}),
    "load-balancer-service": service,
    "pod-on-claim": pod,
    "held-object": held_claim,
    "foreign-mount-target": somebodys_mount_target,
    "foreign-access-point": lambda world: world.efs.create_access_point(
        FileSystemId=world.file_system_id, ClientToken="theirs"
    ),
    "vpc-endpoint": lambda world: endpoint(world, "com.amazonaws.ap-northeast-1.s3"),
    "vpc-peering": lambda world: world.ec2.create_vpc_peering_connection(
        VpcId=world.network.vpc_id, PeerVpcId=some_vpc(world)
    ),
    "vpn-gateway": vpn,
    "foreign-security-group": lambda world: group(world, "k8s-elb-a1", **{"kubernetes.io/cluster/x": "owned"}),
    "referencing-group": reference,
    "foreign-subnet": lambda world: world.ec2.create_subnet(VpcId=world.network.vpc_id, CidrBlock="192.168.255.0/24"),
    "foreign-route-table": lambda world: world.ec2.create_route_table(VpcId=world.network.vpc_id),
    "foreign-network-acl": lambda world: world.ec2.create_network_acl(VpcId=world.network.vpc_id),
    "egress-only-gateway": lambda world: world.ec2.create_egress_only_internet_gateway(VpcId=world.network.vpc_id),
    "foreign-network-interface": lambda world: interface(world, "ELB app/shop/50dc6c495c0c9188"),
}


def test_a_cluster_that_only_we_have_touched_has_nothing_in_its_way_and_looking_changes_nothing(
    created: World,
) -> None:
    calls = Calls(created.ec2, created.efs, created.eks.client, created.cloudformation, created.logs)
    found = look(created, delete_data=True, delete_logs=True)
    assert found.obstacles == []
    assert found.stays == []
    assert [each["resource"] for each in found.goes] == [
        *("add-on", "Fargate profile", "cluster", "log group"),
        *(*["mount target"] * 3, "file system", "security group", "network stack", "network stack", "network"),
    ]
    assert calls.mutating == []


def test_without_the_word_the_file_system_stays_and_its_size_and_use_are_told(created: World) -> None:
    found = look(created)
    file_system_id = created.file_system_id
    assert [each["resource"] for each in found.stays] == ["log group", "file system"]
    assert found.file_system is not None
    assert found.file_system.keys() == {"id", "size_bytes", "attach"}
    assert found.file_system["attach"] == f"start provision with file_system.existing: {file_system_id}"


def test_the_access_points_and_pods_of_every_volume_are_looked_at_those_that_are_listed_no_more_too(
    created: World,
) -> None:
    teams = [
        {
            "name": f"efs-{team}",
            "claim": "shared",
            "namespace": team,
            "access_point": {"uid": 1, "gid": 1, "path": path},
        }
        for team, path in (("red", "/red"), ("blue", "/blue"))
    ]
    created.parts["storage"] = {"volumes": teams}
    created.provision()
    created.objects.objects["PersistentVolume", None, "efs-blue"]["spec"]["claimRef"] = {
        "namespace": "blue",
        "name": "shared",
    }
    created.parts["storage"] = {"volumes": teams[:1]}
    ids = {each["AccessPointId"] for each in created.efs.describe_access_points()["AccessPoints"]}
    going = look(created, delete_data=True).goes
    assert {each["id"] for each in going if each["resource"] == "access point"} == ids
    assert {each["id"] for each in look(created).stays if each["resource"] == "access point"} == ids
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "shared"}}]
    for team in ("red", "blue"):
        metadata: dict[str, Any] = {"name": "app", "namespace": team, "labels": {}}
        created.objects.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"volumes": volumes}})
    told = str([each.payload() for each in look(created).obstacles])
    assert "red/app mounts shared" in told
    assert "blue/app mounts shared" in told


@pytest.mark.parametrize("rule", PUT_THERE)
def test_what_others_put_there_is_named_with_its_id_and_whom_to_ask(rule: str, created: World) -> None:
    PUT_THERE[rule](created)
    found = look(created, delete_data=True).obstacles
    (obstacle,) = [each.payload() for each in found if each.kind.rule == rule]
    assert obstacle["verdict"] == "proved"
    assert "most likely of " in obstacle["cause"]
    assert "{" not in str(obstacle["fix"]) + obstacle["cause"]
    assert obstacle["probe"]["saw"]


def test_a_second_copy_of_the_data_is_somebodys(created: World, replications: list[Any]) -> None:
    destination = {"FileSystemId": "fs-0fedcba9876543210", "Region": "eu-west-1", "Status": "ENABLED"}
    replications.append({"SourceFileSystemId": created.file_system_id, "Destinations": [destination]})
    (obstacle,) = look(created, delete_data=True).obstacles
    assert obstacle.kind.rule == "replication"
    assert "fs-0fedcba9876543210 in eu-west-1, ENABLED" in obstacle.saw


def test_a_data_holding_obstacle_is_none_where_the_data_stays(created: World) -> None:
    PUT_THERE["foreign-access-point"](created)
    assert look(created).obstacles == []


@pytest.mark.parametrize(
    ("description", "owner"),
    [
        ("ELB net/shop/50dc6c495c0c9188", "a load balancer"),
        ("AWS Lambda VPC ENI-orders-0a1b", "a Lambda function"),
        ("RDSNetworkInterface", "an RDS database"),
        ("", "whoever runs something in this VPC"),
    ],
)
def test_an_interface_tells_by_its_description_whose_it_is(description: str, owner: str, created: World) -> None:
    interface(created, description)
    (cause,) = [each.owner for each in look(created).obstacles if each.kind.rule == "foreign-network-interface"]
    assert cause.startswith(owner)


def test_the_group_of_a_cluster_that_is_gone_is_in_the_way_when_eks_has_left_it_behind(created: World) -> None:
    tags = [{"Key": "aws:eks:cluster-name", "Value": "eks-example"}]
    left = created.ec2.create_security_group(
        GroupName="eks-cluster-sg-eks-example-1",
        Description="EKS created security group",
        VpcId=created.network.vpc_id,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]
    assert look(created).obstacles == []
    late = created.ec2.create_network_interface(
        SubnetId=created.network.subnet_ids[0], Groups=[left], Description="Amazon EKS eks-example"
    )["NetworkInterface"]["NetworkInterfaceId"]
    created.eks.clusters.clear()
    assert look(created).obstacles == []  # EKS removes it with the last interface that has it
    created.ec2.delete_network_interface(NetworkInterfaceId=late)
    (obstacle,) = look(created).obstacles
    assert left in obstacle.what
    assert obstacle.owner.startswith("EKS, for the cluster eks-example")


def test_in_a_vpc_that_stays_only_what_holds_our_group_is_in_the_way(created: World) -> None:
    network = created.network
    created.parts["network"] = {"vpc_id": network.vpc_id, "private_subnet_ids": network.subnet_ids}
    PUT_THERE["foreign-subnet"](created)
    interface(created, "theirs")
    assert look(created).obstacles == []
    created.ec2.create_network_interface(SubnetId=network.subnet_ids[0], Groups=[created.group_id])
    (obstacle,) = look(created).obstacles
    assert obstacle.kind.rule == "group-in-use"


def test_what_is_not_ours_is_in_the_way_and_not_taken(created: World) -> None:
    created.cluster["tags"] = {}
    created.ec2.delete_tags(Resources=[created.group_id], Tags=[{"Key": "eks-efs-provisioner/cluster"}])
    found = look(created)
    named = [each.what.partition(" does")[0] for each in found.obstacles if each.kind.rule == "not-ours"]
    assert named == ["cluster eks-example", f"security group {created.group_id}"]
    assert not {"cluster", "security group"} & {each["resource"] for each in found.goes}


def test_a_cluster_that_lets_no_role_look_is_in_the_way_until_a_run_lets_them_in(created: World) -> None:
    created.objects.access_after_calls = 100
    assert look(created).obstacles == []  # the remover looks itself before it takes anything
    created.eks.policies[REMOVER_ROLE_ARN].clear()
    del created.eks.access_entries[INSPECTOR_ROLE_ARN], created.eks.policies[INSPECTOR_ROLE_ARN]
    (obstacle,) = look(created).obstacles
    assert obstacle.kind.rule == "no-way-in"
    assert obstacle.saw == "inspector has no access entry, remover has an access entry without a policy"
    assert obstacle.fix.startswith("start a run of provision for eks-example, which lets both in again")
    del created.eks.access_entries[PROVISIONER_ROLE_ARN], created.eks.policies[PROVISIONER_ROLE_ARN]
    assert look(created).obstacles == []  # nobody can have anything in it


def test_a_cluster_that_is_being_changed_is_looked_into_as_well(created: World) -> None:
    service(created)
    created.cluster["status"] = "UPDATING"
    assert [each.kind.rule for each in look(created).obstacles] == ["load-balancer-service"]


def test_the_data_of_another_file_system_is_not_given_up(created: World) -> None:
    """Of a cluster that was never proven no id is recorded: the one that is there decides."""
    wanted = Wanted(created.request, None, "fs-0123456789abcdef0", delete_logs=False)
    with pytest.raises(TerminalError, match=created.file_system_id) as refused:
        inventory.check(wanted, created.target)
    assert refused.value.reason is ErrorReason.INVALID_REQUEST


def test_every_kind_is_tried_here_or_on_the_embedded_cloud() -> None:
    in_tests_of_their_own = {"replication", "group-in-use", "not-ours", "no-way-in"}
    on_the_embedded_cloud = {"guardduty-endpoint", "termination-protection"}
    assert {kind.rule for kind in KINDS} == PUT_THERE.keys() | in_tests_of_their_own | on_the_embedded_cloud
