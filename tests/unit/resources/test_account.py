"""What is known to end a run before it has made anything."""

from datetime import timedelta
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ReadTimeoutError

from provisioner.aws.session import Target
from provisioner.errors import ErrorReason, TerminalError
from provisioner.resources import account, nat_stack, network
from provisioner.resources.service_roles import NEEDED, ServiceRole
from tests.unit.resources.aws_calls import alter, refuse
from tests.unit.resources.fake_cloudwatch import FakeCloudWatch
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import LONG_AGO, FakeIam
from tests.unit.resources.fake_quotas import FakeQuotas
from tests.unit.resources.samples import ACCOUNT_ID, REGION, request_for

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/00000000-0000-0000-0000-000000000000"


@pytest.fixture
def target(
    eks: FakeEks,
    ec2: Any,
    efs: Any,
    cloudformation: Any,
    cloudwatch: FakeCloudWatch,
    kms: Any,
    iam: FakeIam,
    service_quotas: FakeQuotas,
) -> Target:
    target = Target(botocore.session.Session(), account_id=ACCOUNT_ID, region=REGION, role_prefix="p")
    target._clients = {
        "eks": eks.client,
        "ec2": ec2,
        "efs": efs,
        "cloudformation": cloudformation,
        "kms": kms,
        "iam": iam.client,
        "service-quotas": service_quotas.client,
        "cloudwatch": cloudwatch.client,
    }
    return target


def problems(target: Target, **parts: Any) -> list[str]:
    return [each.what for each in account.look(request_for(**parts), target).problems]


@pytest.mark.parametrize(
    ("code", "allowed", "said"),
    [
        ("L-F678F1CE", 1, "vpc/L-F678F1CE (VPCs per Region) is 1 in ap-northeast-1: 1 in use, 1 more needed"),
        ("L-0263D0A3", 2, "ec2/L-0263D0A3 (EC2-VPC Elastic IPs) is 2 in ap-northeast-1: 0 in use, 3 more needed"),
        (
            "L-FE5A380F",
            0,
            "vpc/L-FE5A380F (NAT gateways per Availability Zone) is 0 in ap-northeast-1: 0 in use, 1 more",
        ),
        ("L-1194D53C", 0, "eks/L-1194D53C (Clusters) is 0 in ap-northeast-1: 0 in use, 1 more needed"),
        ("L-848C634D", 0, "elasticfilesystem/L-848C634D (File systems per account) is 0 in ap-northeast-1: 0 in use"),
        (
            "L-3032A538",
            1,
            "fargate/L-3032A538 (Fargate On-Demand vCPU resource count) is 1 in ap-northeast-1: 0 in use, 1.5",
        ),
    ],
)
def test_a_quota_that_a_run_would_exceed_is_told_with_what_is_in_use(
    code: str, allowed: float, said: str, target: Target, service_quotas: FakeQuotas
) -> None:
    assert problems(target, network={"nat": "per_zone"}) == []
    service_quotas.applied[code] = allowed
    (problem,) = problems(target, network={"nat": "per_zone"})
    assert problem.startswith(f"quota {said}")


def test_volumes_are_proven_side_by_side_and_so_need_their_vcpus_at_once(
    target: Target, service_quotas: FakeQuotas
) -> None:
    service_quotas.applied["L-3032A538"] = 1
    volumes = [{"name": f"v{number}", "claim": f"c{number}"} for number in range(4)]
    (told,) = problems(target, storage={"volumes": volumes})
    assert "0 in use, 5.5 more needed" in told


@pytest.mark.parametrize(
    ("in_use", "said"),
    [
        ([5.0, 5.0, 5.0], "is 6 in ap-northeast-1: 5 in use, 1.5 more needed"),
        ([5.0], "is 6 in ap-northeast-1: 5 in use, 1.5 more needed"),
        ([5.0, 4.5, 5.0], ""),  # of what came and went there will be room again
        ([], ""),
    ],
)
def test_what_runs_on_fargate_for_a_quarter_of_an_hour_takes_room_from_a_run(
    in_use: list[float], said: str, target: Target, cloudwatch: FakeCloudWatch
) -> None:
    cloudwatch.in_use = in_use
    found = problems(target)
    assert [each.partition(") ")[2] for each in found] == ([said] if said else [])
    assert cloudwatch.asked["EndTime"] - cloudwatch.asked["StartTime"] == timedelta(minutes=15)


def test_a_cluster_that_is_there_has_its_dns_already(target: Target, eks: FakeEks, cloudwatch: FakeCloudWatch) -> None:
    cloudwatch.in_use = [5.0]
    eks.clusters["eks-example"] = {"name": "eks-example"}
    assert problems(target) == []


def test_without_a_metric_of_the_quota_nothing_is_known_to_be_in_use(
    target: Target, service_quotas: FakeQuotas, cloudwatch: FakeCloudWatch
) -> None:
    cloudwatch.in_use = [5.0]
    alter(service_quotas.client, "GetAWSDefaultServiceQuota", lambda answer: answer["Quota"].pop("UsageMetric", None))
    assert problems(target) == []


@pytest.mark.parametrize("role", NEEDED, ids=lambda role: str(role.name))
def test_a_services_own_role_that_is_missing_is_no_problem_where_it_can_be_made(
    role: ServiceRole, target: Target, iam: FakeIam
) -> None:
    del iam.made[role.arn("aws", ACCOUNT_ID)]
    assert problems(target) == []


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        ({"EvalDecision": "implicitDeny"}, "none of its policies allows it"),
        ({"EvalDecision": "explicitDeny"}, "its policies deny it"),
        (
            {"EvalDecision": "explicitDeny", "OrganizationsDecisionDetail": {"AllowedByOrganizations": False}},
            "a service control policy does not let it",
        ),
        (
            {
                "EvalDecision": "implicitDeny",
                "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False},
            },
            "its permissions boundary does not let it",
        ),
    ],
)
def test_a_services_own_role_that_cannot_be_made_is_told_with_who_stands_in_the_way(
    decision: dict[str, Any], why: str, target: Target, iam: FakeIam
) -> None:
    iam.simulated = decision
    del iam.made[NEEDED[1].arn("aws", ACCOUNT_ID)]
    (problem,) = account.look(request_for(), target).problems
    assert problem.what == (
        "AWSServiceRoleForAmazonEKSForFargate is missing, which eks-fargate.amazonaws.com needs, and "
        f"arn:aws:iam::{ACCOUNT_ID}:role/p-provisioner may not make it: {why}"
    )
    assert "aws iam create-service-linked-role --aws-service-name SERVICE" in problem.remedy


def test_nat_gateways_count_in_the_zones_where_one_is_to_be_made(
    target: Target, ec2: Any, service_quotas: FakeQuotas
) -> None:
    service_quotas.applied["L-FE5A380F"] = 1
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    # Zones are taken by their ids: apne1-az1 is ap-northeast-1c here.
    for zone, cidr, expected in (("a", "10.0.1.0/24", 0), ("c", "10.0.2.0/24", 1)):
        subnet = ec2.create_subnet(VpcId=vpc_id, AvailabilityZone=f"ap-northeast-1{zone}", CidrBlock=cidr)["Subnet"]
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ec2.create_nat_gateway(SubnetId=subnet["SubnetId"], AllocationId=address)
        assert len(problems(target, network={"nat": "single"})) == expected


def test_what_is_there_already_needs_no_room_in_a_full_account(
    target: Target, ec2: Any, efs: Any, cloudformation: Any, eks: FakeEks, service_quotas: FakeQuotas
) -> None:
    service_quotas.applied |= dict.fromkeys(("L-F678F1CE", "L-0263D0A3", "L-FE5A380F", "L-1194D53C", "L-848C634D"), 0)
    assert len(problems(target)) == 5
    request = request_for()
    network.ensure(request, "run", ec2, cloudformation)
    assert len(problems(target)) == 4  # the way out is still to be made
    nat_stack.ensure(request, "run", cloudformation)
    eks.clusters["eks-example"] = {"name": "eks-example"}
    efs.create_file_system(CreationToken=request.idempotency_token("file-system"))
    assert problems(target) == []


def test_a_vpc_that_others_share_with_the_account_does_not_count(
    target: Target, ec2: Any, service_quotas: FakeQuotas
) -> None:
    service_quotas.applied["L-F678F1CE"] = 1
    alter(ec2, "DescribeVpcs", lambda answer: answer["Vpcs"][0].update(OwnerId="999988887777"))
    assert problems(target) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"version": "1.31"}, ["cluster.version 1.31 is none that EKS offers"]),
        (
            {"version": "1.32", "upgrade_policy": "STANDARD"},
            ["cluster.upgrade_policy STANDARD, and cluster.version 1.32 is in extended support"],
        ),
        ({"version": "1.32"}, []),
        ({"version": "1.33", "upgrade_policy": "STANDARD"}, []),
    ],
)
def test_a_version_that_no_new_cluster_can_have_is_told(asked: dict[str, Any], said: list[str], target: Target) -> None:
    assert problems(target, cluster=asked) == said


def test_a_cluster_that_is_not_ready_for_its_next_version_is_told_before_anything_is_changed(
    target: Target, eks: FakeEks
) -> None:
    eks.clusters["eks-example"] = {"name": "eks-example", "status": "ACTIVE", "version": "1.33"}
    eks.insights["1"] = {
        "name": "Cluster health issues",
        "kubernetesVersion": "1.34",
        "insightStatus": {"status": "ERROR", "reason": "InsufficientFreeAddresses: subnet-1"},
        "recommendation": "Resolve the health issues.",
    }
    said = "cluster eks-example is not ready for 1.34: Cluster health issues: InsufficientFreeAddresses: subnet-1"
    assert problems(target, cluster={"version": "1.35"}) == [said]
    assert problems(target, cluster={"version": "1.33"}) == []
    assert problems(target, cluster={"version": "1.40"}) == ["cluster.version 1.40 is none that EKS offers"]


@pytest.mark.parametrize("service", ["service-quotas", "kms", "eks"])
def test_what_may_not_be_looked_at_is_a_warning_that_names_the_call(service: str, target: Target, kms: Any) -> None:
    operation = {"service-quotas": "GetServiceQuota", "kms": "DescribeKey", "eks": "DescribeCluster"}[service]
    refuse(target._clients[service], operation, "AccessDeniedException")
    found = account.look(request_for(cluster={"secrets_key_arn": kms.create_key()["KeyMetadata"]["Arn"]}), target)
    assert found.problems == []
    (warning,) = found.warnings
    assert f"could not be read: {operation}: AccessDeniedException" in warning


def test_quotas_that_nobody_answers_for_are_asked_for_once(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def never_answer(**quota: str) -> None:
        asked.append(quota["QuotaCode"])
        raise ReadTimeoutError(endpoint_url="https://servicequotas")

    monkeypatch.setattr(target.client("service-quotas"), "get_service_quota", never_answer)
    found = account.look(request_for(), target)
    assert found.problems == []
    assert found.warnings == [
        "quota vpc/L-F678F1CE (VPCs per Region) and those after it could not be read: ReadTimeoutError"
    ]
    assert len(asked) == 1


def test_a_region_with_too_few_zones_is_told_with_all_else(
    target: Target, ec2: Any, service_quotas: FakeQuotas
) -> None:
    alter(ec2, "DescribeAvailabilityZones", lambda answer: answer.update(AvailabilityZones=[]))
    service_quotas.applied["L-1194D53C"] = 0
    with pytest.raises(TerminalError, match=r"0 zones with EKS and Fargate.*L-1194D53C") as refused:
        account.check(request_for(), target)
    assert refused.value.reason is ErrorReason.UNSUITABLE_ACCOUNT


def test_a_key_that_does_not_exist_or_cannot_encrypt_is_told(target: Target, kms: Any) -> None:
    signing = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["Arn"]
    found = problems(target, cluster={"secrets_key_arn": KEY}, file_system={"kms_key_arn": signing})
    assert found == [
        f"cluster.secrets_key_arn {KEY} does not exist",
        f"file_system.kms_key_arn {signing} is a RSA_2048 key for SIGN_VERIFY",
    ]


def test_a_key_that_is_about_to_be_deleted_is_told(target: Target, kms: Any) -> None:
    key = kms.create_key()["KeyMetadata"]
    kms.schedule_key_deletion(KeyId=key["KeyId"])
    assert problems(target, cluster={"secrets_key_arn": key["Arn"]}) == [
        f"cluster.secrets_key_arn {key['Arn']} is PendingDeletion"
    ]


def test_a_principal_that_does_not_exist_or_has_another_path_is_told_with_the_arn_to_use(
    target: Target, iam: FakeIam
) -> None:
    role = f"arn:aws:iam::{ACCOUNT_ID}:role"
    whole = f"{role}/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123"
    iam.made[whole] = LONG_AGO
    asked = [f"{role}/nobody", f"{role}/AWSReservedSSO_Admin_0123", whole, "arn:aws:iam::999988887777:role/elsewhere"]
    found = account.look(request_for(cluster={"admin_principal_arns": asked}), target).problems
    assert [(each.what, each.remedy) for each in found] == [
        (f"cluster.admin_principal_arns has {role}/nobody, which does not exist", "make it, or leave it out"),
        (f"cluster.admin_principal_arns has {asked[1]}, whose ARN is another", f"name {whole}"),
    ]
