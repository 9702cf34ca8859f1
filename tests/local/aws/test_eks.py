"""The embedded EKS makes, changes and removes clusters as EKS does: in its time, and refusing what EKS refuses."""

import base64
import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.calls import code, make_profile, request_for


def log_groups(parts: Any) -> dict[str, int | None]:
    groups = parts.client("logs").describe_log_groups(logGroupNamePrefix="/aws/eks/")["logGroups"]
    return {group["logGroupName"]: group.get("retentionInDays") for group in groups}


def test_a_cluster_with_logs_has_a_log_group_that_keeps_everything_and_outlives_it(
    parts: Any, cluster: dict[str, Any]
) -> None:
    eks = parts.client("eks")
    assert log_groups(parts) == {}
    on = {"clusterLogging": [{"types": ["audit"], "enabled": True}]}
    eks.update_cluster_config(name="demo", logging=on)
    parts.clock.pass_time()
    assert log_groups(parts) == {"/aws/eks/demo/cluster": None}
    eks.delete_cluster(name="demo")
    parts.clock.pass_time()
    assert log_groups(parts) == {"/aws/eks/demo/cluster": None}


def test_a_log_group_deleted_before_the_cluster_has_written_its_last_comes_back(
    parts: Any, cluster: dict[str, Any]
) -> None:
    eks, logs = parts.client("eks"), parts.client("logs")
    on = {"clusterLogging": [{"types": ["audit"], "enabled": True}]}
    eks.update_cluster_config(name="demo", logging=on)
    parts.clock.pass_time()
    eks.delete_cluster(name="demo")
    logs.delete_log_group(logGroupName="/aws/eks/demo/cluster")
    parts.clock.pass_time("control plane logs")
    assert list(log_groups(parts)) == ["/aws/eks/demo/cluster"]
    parts.clock.pass_time("cluster deletion")
    logs.delete_log_group(logGroupName="/aws/eks/demo/cluster")
    parts.clock.pass_time("control plane logs")
    assert list(log_groups(parts)) == ["/aws/eks/demo/cluster"]
    logs.delete_log_group(logGroupName="/aws/eks/demo/cluster")
    parts.clock.pass_time()
    assert log_groups(parts) == {}


def test_a_log_group_that_is_there_before_the_cluster_is_used_as_it_is(parts: Any, cluster: dict[str, Any]) -> None:
    logs = parts.client("logs")
    logs.create_log_group(logGroupName="/aws/eks/demo/cluster")
    logs.put_retention_policy(logGroupName="/aws/eks/demo/cluster", retentionInDays=7)
    on = {"clusterLogging": [{"types": ["audit"], "enabled": True}]}
    parts.client("eks").update_cluster_config(name="demo", logging=on)
    parts.clock.pass_time()
    assert log_groups(parts) == {"/aws/eks/demo/cluster": 7}


def test_a_cluster_is_creating_without_an_endpoint_and_then_active_with_one(parts: Any, network: Any) -> None:
    eks = parts.client("eks")
    created = eks.create_cluster(**request_for(parts, network))["cluster"]
    seen = eks.describe_cluster(name="demo")["cluster"]
    parts.clock.pass_time("cluster")
    active = eks.describe_cluster(name="demo")["cluster"]
    assert (created["status"], seen["status"], active["status"]) == ("CREATING", "CREATING", "ACTIVE")
    assert "endpoint" not in seen
    assert "certificateAuthority" not in seen
    plane = parts.control_planes.started["demo"]
    assert active["endpoint"] == plane.url
    assert base64.b64decode(active["certificateAuthority"]["data"]).decode() == plane.ca_pem
    assert isinstance(active["createdAt"], datetime.datetime)
    assert active["health"] == {"issues": []}


def test_eks_itself_puts_the_efs_driver_and_gp2_into_a_new_cluster(parts: Any, cluster: Any) -> None:
    requests = parts.control_planes.started["demo"].requests
    assert {(body["kind"], body["metadata"]["name"]) for _, _, body in requests} == {
        ("CSIDriver", "efs.csi.aws.com"),
        ("StorageClass", "gp2"),
    }
    assert all(token == "Bearer admin-token" and "fieldManager=eks" in path for path, token, _ in requests)
    assert next(body for _, _, body in requests if body["kind"] == "CSIDriver")["spec"]["attachRequired"] is False


def test_a_cluster_whose_api_does_not_start_is_failed_and_says_why(parts: Any, network: Any) -> None:
    parts.control_planes.fail_with = RuntimeError("no memory")
    eks = parts.client("eks")
    eks.create_cluster(**request_for(parts, network))
    parts.clock.pass_time()
    failed = eks.describe_cluster(name="demo")["cluster"]
    assert failed["status"] == "FAILED"
    assert failed["health"]["issues"][0]["message"] == "no memory"


def test_who_waits_for_clusters_is_told_of_ready_and_deleted_ones(parts: Any, network: Any) -> None:
    told: list[str] = []
    parts.on_cluster_ready.append(lambda cluster, plane: told.append(f"ready {cluster.name} {plane.url}"))
    parts.on_cluster_deleted.append(lambda cluster: told.append(f"deleted {cluster.name}"))
    eks = parts.client("eks")
    eks.create_cluster(**request_for(parts, network))
    parts.clock.pass_time()
    plane = parts.control_planes.started["demo"]
    eks.delete_cluster(name="demo")
    assert eks.describe_cluster(name="demo")["cluster"]["status"] == "DELETING"
    parts.clock.pass_time()
    assert told == [f"ready demo {plane.url}", "deleted demo"]
    assert plane.stopped
    assert code(eks.describe_cluster, name="demo") == "ResourceNotFoundException"


def test_a_cluster_brings_a_security_group_and_interfaces_and_takes_them_away(parts: Any, cluster: Any) -> None:
    ec2, eks = parts.client("ec2"), parts.client("eks")
    group_id = cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]
    group = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
    assert {"Key": "kubernetes.io/cluster/demo", "Value": "owned"} in group["Tags"]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group_id
    interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert [i["Description"] for i in interfaces] == ["Amazon EKS demo"] * 2
    assert code(ec2.delete_security_group, GroupId=group_id) == "DependencyViolation"
    eks.delete_cluster(name="demo")
    parts.clock.pass_time("cluster deletion")
    assert code(eks.describe_cluster, name="demo") == "ResourceNotFoundException"
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 2
    assert code(ec2.delete_security_group, GroupId=group_id) == "DependencyViolation"
    parts.clock.pass_time("control plane interface")
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    assert code(ec2.describe_security_groups, GroupIds=[group_id]) == "InvalidGroup.NotFound"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "-demo"},
        {"name": "d" * 101},
        {"version": "1.2"},
        {"roleArn": "arn:aws:iam::123456789012:role/nobody"},
        {"resourcesVpcConfig": {"subnetIds": ["subnet-0", "subnet-1"]}},
        {"logging": {"clusterLogging": [{"types": ["everything"], "enabled": True}]}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_bad_parameters_of_a_cluster_are_refused(parts: Any, network: Any, changes: dict[str, Any]) -> None:
    eks = parts.client("eks")
    assert code(eks.create_cluster, **request_for(parts, network, **changes)) == "InvalidParameterException"
    assert eks.list_clusters()["clusters"] == []


def test_a_cluster_needs_two_zones_known_groups_valid_cidrs_and_an_endpoint(parts: Any, network: Any) -> None:
    eks = parts.client("eks")
    one_zone = {"subnetIds": [network.private_subnets[0], network.public_subnet]}
    good = {"subnetIds": network.private_subnets}
    for config in (
        one_zone,
        {**good, "securityGroupIds": ["sg-0"]},
        {**good, "publicAccessCidrs": ["300.0.0.0/8"]},
        {**good, "publicAccessCidrs": ["10.1.0.0/16"]},
        {**good, "publicAccessCidrs": ["0.0.0.0/0", "100.64.0.0/16"]},
        {**good, "endpointPublicAccess": False},
    ):
        request = request_for(parts, network, resourcesVpcConfig=config)
        assert code(eks.create_cluster, **request) == "InvalidParameterException"


def test_a_role_that_does_not_trust_eks_is_refused(parts: Any, network: Any) -> None:
    role = parts.role("lambda", "lambda.amazonaws.com")
    request = request_for(parts, network, roleArn=role)
    assert code(parts.client("eks").create_cluster, **request) == "InvalidParameterException"


def test_the_same_request_with_the_same_token_is_the_same_cluster_and_any_other_is_refused(
    parts: Any, network: Any
) -> None:
    eks = parts.client("eks")
    request = request_for(parts, network, clientRequestToken="token")
    first = eks.create_cluster(**request)["cluster"]
    assert eks.create_cluster(**request)["cluster"]["createdAt"] == first["createdAt"]
    assert code(eks.create_cluster, **{**request, "clientRequestToken": "x"}) == "ResourceInUseException"
    assert code(eks.create_cluster, **{**request, "version": "1.34"}) == "ResourceInUseException"


def test_a_cluster_update_takes_its_time_and_comes_alone(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    logging = {"clusterLogging": [{"types": ["audit"], "enabled": True}]}
    update = eks.update_cluster_config(name="demo", logging=logging)["update"]
    assert eks.describe_cluster(name="demo")["cluster"]["status"] == "UPDATING"
    assert code(eks.update_cluster_config, name="demo", logging=logging) == "ResourceInUseException"
    assert eks.describe_update(name="demo", updateId=update["id"])["update"]["status"] == "InProgress"
    parts.clock.pass_time()
    described = eks.describe_cluster(name="demo")["cluster"]
    assert described["status"] == "ACTIVE"
    assert described["logging"]["clusterLogging"][0] == {"types": ["audit"], "enabled": True}
    assert eks.describe_update(name="demo", updateId=update["id"])["update"]["status"] == "Successful"
    assert code(eks.update_cluster_config, name="demo", logging=logging) == "InvalidParameterException"


def refused(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_cluster_with_profiles_or_protection_is_not_deleted(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    make_profile(parts, eks)
    parts.clock.pass_time()
    message = "Cluster has Fargate Profiles in ACTIVE/CREATING state"
    assert refused(eks.delete_cluster, name="demo") == ("ResourceInUseException", message)
    eks.update_cluster_config(name="demo", deletionProtection=True)
    parts.clock.pass_time()
    assert code(eks.delete_cluster, name="demo") == "InvalidRequestException"


def test_a_cluster_is_not_deleted_until_its_node_groups_are_gone(parts: Any, cluster: Any, network: Any) -> None:
    eks = parts.client("eks")
    named = {"clusterName": "demo", "nodegroupName": "somebody"}
    request = {**named, "subnets": network.private_subnets, "nodeRole": parts.role("node", "ec2.amazonaws.com")}
    assert code(eks.create_nodegroup, **request) == "InvalidRequestException"
    none = {"minSize": 0, "maxSize": 1, "desiredSize": 0}
    made = eks.create_nodegroup(**request, scalingConfig=none)["nodegroup"]
    assert (made["status"], made["scalingConfig"]) == ("CREATING", none)
    assert code(eks.create_nodegroup, **request, scalingConfig=none) == "ResourceInUseException"
    parts.clock.pass_time()
    assert eks.list_nodegroups(clusterName="demo")["nodegroups"] == ["somebody"]
    assert eks.describe_nodegroup(**named)["nodegroup"]["status"] == "ACTIVE"
    attached = ("ResourceInUseException", "Cluster has nodegroups attached")
    assert refused(eks.delete_cluster, name="demo") == attached
    assert eks.delete_nodegroup(**named)["nodegroup"]["status"] == "DELETING"
    assert refused(eks.delete_cluster, name="demo") == attached
    parts.clock.pass_time()
    assert code(eks.describe_nodegroup, **named) == "ResourceNotFoundException"
    eks.delete_cluster(name="demo")


def test_a_cluster_security_group_that_something_else_uses_outlives_the_cluster(
    parts: Any, cluster: Any, network: Any
) -> None:
    ec2, group_id = parts.client("ec2"), cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]
    ec2.create_network_interface(SubnetId=network.private_subnets[0], Groups=[group_id])
    parts.client("eks").delete_cluster(name="demo")
    parts.clock.pass_time()
    assert len(ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]) == 1


def test_who_runs_pods_is_told_of_a_profile_whose_deletion_begins(parts: Any, cluster: Any) -> None:
    told: list[tuple[str, str]] = []
    parts.on_profile_deleted.append(lambda cluster, profile: told.append((cluster.name, profile)))
    eks = parts.client("eks")
    make_profile(parts, eks, "pods")
    parts.clock.pass_time()
    eks.delete_fargate_profile(clusterName="demo", fargateProfileName="pods")
    eks.delete_fargate_profile(clusterName="demo", fargateProfileName="pods")
    assert told == [("demo", "pods")]


def test_tags_of_a_cluster_can_be_added_listed_and_removed(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    eks.tag_resource(resourceArn=cluster["arn"], tags={"a": "1", "b": "2"})
    eks.untag_resource(resourceArn=cluster["arn"], tagKeys=["a"])
    assert eks.list_tags_for_resource(resourceArn=cluster["arn"])["tags"] == {"b": "2"}
    assert code(eks.tag_resource, resourceArn=cluster["arn"] + "x", tags={"a": "1"}) == "NotFoundException"
