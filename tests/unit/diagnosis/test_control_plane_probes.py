"""What EKS, CloudFormation and the account report is told as they report it."""

import json
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from provisioner.diagnosis.live.objects import DNS_LABELS
from provisioner.errors import ErrorReason, RetryableError
from provisioner.resources import nat_stack, network_stack
from tests.unit.diagnosis.looking import look, rule
from tests.unit.diagnosis.world import World
from tests.unit.resources.aws_calls import alter, http, refuse
from tests.unit.resources.fake_iam import PERSON_ARN
from tests.unit.resources.networks import stack_becomes
from tests.unit.resources.samples import CLUSTER_ROLE_ARN, PODS_ROLE_ARN, PROVISIONER_ROLE_ARN, key_values, request_for

ISSUE = {"code": "AccessDenied", "message": "not allowed", "resourceIds": ["subnet-1"]}
NETWORK_STACK = network_stack.stack_name("eks-example")
NAT_STACK = nat_stack.stack_name("eks-example")
ZONE = "Fargate Profile creation for the Availability Zone ap-northeast-1a is not supported"


def test_a_failed_cluster_is_told_with_its_health(world: World) -> None:
    world.cluster.update(status="FAILED", health={"issues": [{**ISSUE, "code": "InsufficientFreeAddresses"}]})
    finding, fix = look(world, "cluster-failed")
    assert finding.verdict == "proved"
    assert finding.saw == "it is FAILED: InsufficientFreeAddresses: not allowed (subnet-1)"
    assert "(InsufficientFreeAddresses: not allowed (subnet-1)), delete eks-example" in fix


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED"])
def test_a_failed_profile_is_told_with_its_health(world: World, status: str) -> None:
    world.profile(status=status, health={"issues": [ISSUE]})
    finding, fix = look(world, "fargate-profile-failed")
    assert finding.verdict == "proved"
    assert finding.saw == f"provisioner is {status}: AccessDenied: not allowed (subnet-1)"
    assert "delete provisioner" in fix
    assert look(world, "zone-without-fargate")[0].verdict == "refuted"


def test_a_zone_without_fargate_is_told_with_its_subnet(world: World) -> None:
    world.profile(status="CREATE_FAILED", health={"issues": [{"code": "Unknown", "message": ZONE}]})
    finding, fix = look(world, "zone-without-fargate")
    assert finding.verdict == "proved"
    assert f"leave out {world.subnet_ids[0]} in " in fix
    assert world.subnet_ids[1] not in fix


def test_a_zone_that_eks_refused_at_once_is_told_with_its_subnet(world: World) -> None:
    finding, fix = look(world, "zone-without-fargate", f"Rejected: CreateFargateProfile: X ({ZONE}); correct")
    assert finding.verdict == "proved"
    assert f"leave out {world.subnet_ids[0]} in " in fix
    other = look(world, "zone-without-fargate", ZONE.replace("1a", "1d"))[0]
    assert other.verdict == "possible"


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        ("configuration", 'set its configuration to {"computeType":"Fargate"}'),
        ("profile", "add a Fargate profile that selects kube-system, then delete its Pending pods"),
        ("pods", "restart it: kubectl --namespace kube-system rollout restart deployment coredns"),
        ("refused pods", "remove the cause: InsufficientNumberOfReplicas: none"),
        ("nothing", "remove the cause: InsufficientNumberOfReplicas: none"),
    ],
)
def test_a_degraded_add_on_is_told_with_what_it_lacks(world: World, change: str, fix: str) -> None:
    issue = {"code": "InsufficientNumberOfReplicas", "message": "none"}
    world.addon.update(status="DEGRADED", health={"issues": [issue]})
    if change == "configuration":
        world.addon["configurationValues"] = "{}"
    if change == "profile":
        world.profile(selectors=[{"namespace": "default"}])
    if change.endswith("pods"):
        world.pod("coredns-1", namespace="kube-system", labels=DNS_LABELS, schedulerName="default-scheduler")
    if change == "refused pods":
        world.warn(
            "FailedScheduling", "blocked", component="fargate-scheduler", about="coredns-1", namespace="kube-system"
        )
    finding, said = look(world, "addon-degraded")
    is_seen = change not in ("refused pods", "nothing")
    assert finding.verdict == ("proved" if is_seen else "possible"), "that it has none is no cause"
    assert ("coredns-1 was made before" in finding.saw) == (change == "pods")
    assert "it is DEGRADED: InsufficientNumberOfReplicas: none" in finding.saw
    assert said == fix


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UPDATE_FAILED"])
def test_a_failed_add_on_is_told_with_its_health(world: World, status: str) -> None:
    world.addon.update(status=status, health={"issues": [{"code": "ConfigurationConflict", "message": "no"}]})
    finding, fix = look(world, "addon-failed")
    assert finding.verdict == "proved"
    assert "(ConfigurationConflict: no)" in fix
    assert look(world, "addon-degraded")[0].verdict == "refuted"


@pytest.mark.parametrize(
    ("status", "then"),
    [
        ("ROLLBACK_COMPLETE", "run again: the stack is removed and made anew"),
        ("ROLLBACK_FAILED", "run again: the stack is removed and made anew"),
        ("UPDATE_ROLLBACK_FAILED", "finish or roll back the change made to {name} and run again"),
    ],
)
@pytest.mark.parametrize("name", [NETWORK_STACK, NAT_STACK])
def test_a_stack_that_was_rolled_back_is_told_with_its_first_failure(
    world: World, name: str, status: str, then: str
) -> None:
    world.cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}),
        Tags=key_values(world.request.owner_tags),
    )
    assert look(world, "network-stack-failed")[0].verdict == "refuted"
    stack_becomes(world.cloudformation, name, StackStatus=status)
    failed = {
        "LogicalResourceId": "NatAddress1",
        "PhysicalResourceId": "",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": "AddressLimitExceeded",
    }
    alter(world.cloudformation, "DescribeStackEvents", lambda answer: answer.update(StackEvents=[failed]))
    finding, fix = look(world, "network-stack-failed")
    assert finding.verdict == "proved"
    assert finding.saw == f"it is {status}: NatAddress1 CREATE_FAILED: AddressLimitExceeded"
    remedy = then.format(name=name)
    assert fix == f"remove the cause (NatAddress1 CREATE_FAILED: AddressLimitExceeded), then {remedy}"
    assert finding.looked_at == f"stack {name} and its events"


def test_a_network_that_does_not_suit_is_checked_again(world: World) -> None:
    request = request_for(network={"vpc_id": world.vpc_id, "private_subnet_ids": world.subnet_ids})
    probe = rule("network-unsuitable").probe
    assert probe(world.live(request), "").verdict == "refuted"
    world.ec2.modify_vpc_attribute(VpcId=world.vpc_id, EnableDnsHostnames={"Value": False})
    finding = probe(world.live(request), "")
    assert finding.verdict == "proved"
    assert f"{world.vpc_id} has enableDnsHostnames off" in finding.saw


def test_a_full_subnet_is_named(world: World) -> None:
    def fill(answer: dict[str, Any]) -> None:
        for subnet in answer["Subnets"]:
            if subnet["SubnetId"] == world.subnet_ids[1]:
                subnet["AvailableIpAddressCount"] = 0

    alter(world.ec2, "DescribeSubnets", fill)
    finding, fix = look(world, "subnet-full")
    assert finding.verdict == "proved"
    assert fix.startswith(f"free addresses in {world.subnet_ids[1]} (192.168.128.0/19)")


def test_a_subnet_that_never_had_ipv4_addresses_is_not_full(world: World) -> None:
    def take_ipv4_away(answer: Any) -> None:
        for subnet in answer["Subnets"]:
            subnet.pop("CidrBlock")
            subnet["AvailableIpAddressCount"] = 0

    alter(world.ec2, "DescribeSubnets", take_ipv4_away)
    assert look(world, "subnet-full")[0].verdict == "refuted"


REFUSED = "QuotaExceeded: CreateCluster: ResourceLimitExceededException (limit); raise the quota"


def test_a_quota_of_clusters_is_told_with_those_that_there_are(world: World) -> None:
    world.eks.clusters["other"] = world.eks.clusters.pop("eks-example")
    finding, fix = look(world, "quota-reached", REFUSED)
    assert finding.verdict == "proved"
    assert finding.saw == "1 (other) and no eks-example: CreateCluster was refused over its quota"
    assert "the quota of EKS clusters (1 exist) in ap-northeast-1" in fix


def test_a_cluster_that_is_there_refutes_its_quota(world: World) -> None:
    assert look(world, "quota-reached", REFUSED)[0].verdict == "refuted"


def test_a_role_that_still_cannot_be_assumed_is_named(world: World) -> None:
    world.role_error = RetryableError(ErrorReason.ROLE_NOT_ASSUMABLE, "arn:aws:iam::1:role/p", remedy="deploy it")
    finding, fix = look(world, "role-not-assumable")
    assert finding.verdict == "proved"
    assert "in 123456789012 with" in fix
    assert fix.endswith("so that arn:aws:iam::1:role/p can be assumed")


@pytest.mark.parametrize(
    ("text", "service", "operation"),
    [
        ("Throttled: CreateCluster: ThrottlingException", "eks", "ListClusters"),
        ("Throttled: CreateMountTarget: ThrottlingException", "efs", "DescribeFileSystems"),
        ("Throttled: AuthorizeSecurityGroupIngress: RequestLimitExceeded", "ec2", "DescribeVpcs"),
        ("Throttled: CreateStack: Throttling", "cloudformation", "ListStacks"),
    ],
)
def test_throttling_that_lasts_is_seen_by_asking_the_same_service(
    world: World, text: str, service: str, operation: str
) -> None:
    assert look(world, "throttled", text)[0].verdict == "possible"
    client = world.eks.client if service == "eks" else getattr(world, service)
    refuse(client, operation, "ThrottlingException")
    finding, fix = look(world, "throttled", text)
    assert finding.verdict == "proved"
    assert finding.looked_at == f"{service} {operation} asked once now"
    assert f"who else calls {service}" in fix


def test_a_right_that_is_missing_is_seen_by_asking_the_same_service(world: World) -> None:
    refuse(world.efs, "DescribeFileSystems", "AccessDeniedException")
    finding, _ = look(world, "access-denied", "AccessDenied: CreateFileSystem: AccessDeniedException")
    assert finding.verdict == "proved"
    assert "DescribeFileSystems" in finding.saw


def test_a_cluster_that_is_active_and_not_well_is_told_as_possible_with_what_eks_names(world: World) -> None:
    issue = {"code": "KmsKeyDisabled", "message": "The key is disabled.", "resourceIds": ["arn:aws:kms:::key/1"]}
    world.cluster["health"] = {"issues": [issue]}
    finding, fix = look(world, "cluster-impaired")
    assert finding.verdict == "possible"
    assert "eks-example (KmsKeyDisabled: The key is disabled. (arn:aws:kms:::key/1))" in fix
    world.cluster["status"] = "FAILED"
    assert look(world, "cluster-impaired")[0].verdict == "refuted"


def test_a_read_that_another_policy_denies_does_not_blame_the_roles_own(world: World) -> None:
    def refuse_by_organization(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        said = (
            "User: u is not authorized to perform: x:Y on resource: * with an explicit deny in a service control policy"
        )
        return http(403), {"Error": {"Code": "AccessDeniedException", "Message": said}, "ResponseMetadata": METADATA}

    world.eks.client.meta.events.register_first("before-call.*.ListClusters", refuse_by_organization)
    finding, _ = look(world, "access-denied", "AccessDenied: CreateCluster: x")
    assert (finding.verdict, "service control policy" in finding.saw) == ("possible", True)


METADATA = {"HTTPStatusCode": 403, "RequestId": "0"}
SCP = "arn:aws:organizations::111122223333:policy/o-exampleorgid/service_control_policy/p-examplepolicyid111"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (f"with an explicit deny in a service control policy: {SCP}", f"service control policy {SCP} of the org"),
        ("with an explicit deny in a service control policy", "the service control policy of the organization"),
        ("because no service control policy allows the eks:CreateCluster action", "the service control policy of"),
        ("with an explicit deny in a resource control policy: arn:aws:organizations::1:p", "resource control policy"),
        (f"with an explicit deny in a permissions boundary: {BOUNDARY}", f"permissions boundary {BOUNDARY} of the"),
        ("because no permissions boundary allows the eks:CreateCluster action", "take the boundary off the role"),
        ("because no session policy allows the eks:CreateCluster action", "the session policy with which"),
        ("because no VPC endpoint policy allows the eks:CreateCluster action", "of the endpoint through which"),
        ("with an explicit deny in a VPC endpoint policy", "of the endpoint through which"),
        ("because no resource-based policy allows the eks:CreateCluster action", "policy of arn:aws:eks:::c itself"),
        ("with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/x", "take the deny of eks:Create"),
    ],
)
def test_the_policy_that_denies_is_named_with_what_to_change_in_it(said: str, named: str, world: World) -> None:
    refusal = f"(User: u is not authorized to perform: eks:CreateCluster on resource: arn:aws:eks:::c {said}); x"
    finding, fix = look(world, "denied-by-policy", f"AccessDenied: CreateCluster: AccessDeniedException {refusal}")
    assert (finding.verdict, said in finding.saw) == ("proved", True)
    assert named in fix
    assert "accounts/target.yaml" not in fix


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("cost-center", "give tags.cost-center, which is '4711', a value that the organization's tag policy allows"),
        ("Name", "let the organization's tag policy allow the tag Name"),
    ],
)
def test_a_tag_that_a_tag_policy_does_not_allow_is_named_with_who_gave_it(key: str, named: str, world: World) -> None:
    world.request = world.request.model_copy(update={"tags": {"cost-center": "4711"}})
    words = f"The tag policy does not allow the specified value for the following tag key: '{key}'."
    finding, fix = look(world, "tag-not-allowed", f"Rejected: CreateCluster: InvalidParameterException ({words}); x")
    assert (finding.verdict, key in finding.saw) == ("proved", True)
    assert fix.startswith(named)


OWNED = "OwnedByAnother: cluster eks-example exists and its tag eks-efs-provisioner/cluster is None; choose another"


def test_a_cluster_of_somebody_else_is_told_with_its_owner(world: World) -> None:
    assert look(world, "owned-by-another", OWNED)[0].verdict == "refuted"
    world.cluster["tags"] = {"eks-efs-provisioner/cluster": "theirs"}
    finding, fix = look(world, "owned-by-another", OWNED)
    assert finding.verdict == "proved"
    assert finding.saw == "cluster eks-example has 'theirs'"
    assert fix.endswith("remove cluster eks-example")


def test_a_role_that_eks_has_taken_is_not_blamed(world: World) -> None:
    assert look(world, "service-role-unusable")[0].verdict == "refuted"


def test_a_role_with_which_nothing_was_made_is_told_with_what_is_wrong_or_how_old_it_is(world: World) -> None:
    world.eks.fargate_profiles.clear()
    finding, fix = look(world, "service-role-unusable")
    assert finding.verdict == "possible"
    assert "fargate-pods was made at 20" in finding.saw
    assert "cluster was made" not in finding.saw
    assert fix.startswith("run again in some minutes: IAM takes a while")
    world.iam.trusted[PODS_ROLE_ARN] = "ec2.amazonaws.com"
    finding, fix = look(world, "service-role-unusable")
    assert finding.verdict == "proved"
    assert f"role {PODS_ROLE_ARN} does not let eks-fargate-pods.amazonaws.com assume it" in fix
    world.eks.clusters.clear()
    del world.iam.made[CLUSTER_ROLE_ARN]
    assert f"role {CLUSTER_ROLE_ARN} does not exist" in look(world, "service-role-unusable")[0].saw


def test_a_principal_that_the_request_names_and_that_is_not_there_is_told(world: World) -> None:
    world.request = request_for(cluster={"admin_principal_arns": [PERSON_ARN]})
    assert look(world, "account-unsuitable")[0].verdict == "refuted"
    del world.iam.made[PERSON_ARN]
    finding, fix = look(world, "account-unsuitable")
    assert finding.verdict == "proved"
    assert fix.startswith("make it, or leave it out")


def test_a_key_that_is_not_enabled_now_is_proved_with_its_state(world: World) -> None:
    key = world.kms.create_key()["KeyMetadata"]["Arn"]
    world.request = request_for(file_system={"kms_key_arn": key})
    world.kms.disable_key(KeyId=key.rpartition("/")[2])
    finding, fix = look(world, "key-denied")
    assert (finding.verdict, finding.saw) == ("proved", f"file_system.kms_key_arn {key} is Disabled")
    assert fix == "enable it, or name another key; then run again"


def test_a_key_whose_policy_keeps_the_role_out_is_told_with_what_its_policy_has_to_allow(world: World) -> None:
    assert look(world, "key-denied")[0].verdict == "refuted"
    key = world.kms.create_key()["KeyMetadata"]["Arn"]
    world.request = request_for(cluster={"secrets_key_arn": key})
    finding, fix = look(world, "key-denied")
    assert finding.verdict == "possible"
    refuse(world.kms, "DescribeKey", "AccessDeniedException")
    finding, fix = look(world, "key-denied")
    assert finding.verdict == "proved"
    assert fix.startswith(f"let the policy of {key} allow {PROVISIONER_ROLE_ARN} kms:DescribeKey and kms:CreateGrant")
