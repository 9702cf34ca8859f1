"""Faults of Fargate itself, and of the images it is to run."""

import json
from collections.abc import Callable
from typing import Any

from local.aws import eks_rules, fargate_rules
from local.aws.hooks import Undo
from local.cloud import EmbeddedCloud
from local.faults.fault import Act, Fault, Strike, before
from local.faults.scene import Scene

# Faults of a whole region or zone strike where no other cluster of a test is.
BLOCKED_REGION = "eu-west-2"
FULL_REGION = "sa-east-1"
EXHAUSTED_REGION = "ap-southeast-1"
SLOW_REGION = "ap-southeast-2"
REGION_WITH_A_ZONE_WITHOUT_PODS = "ca-central-1"
REGION_WITH_A_ZONE_WITHOUT_CAPACITY = "ap-south-1"
ANOTHER_ACCOUNT = "999988887777"
MIRRORED = {"verification": {"image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/mirror/busybox:1.37"}}


def during(added_to: set[Any], state: str, what: Callable[[Scene], set[Any]]) -> Strike:
    """From just before `state` until it is disarmed, all of `what` is in the set."""

    def strike(cloud: EmbeddedCloud, cluster_name: str | None) -> Undo:
        added: set[Any] = set()

        def add(scene: Scene) -> None:
            added.update(what(scene))
            added_to.update(added)

        disarm = before(state, add)(cloud, cluster_name)

        def undo() -> None:
            disarm()
            added_to.difference_update(added)

        return undo

    return strike


def _region(scene: Scene) -> set[tuple[str, str]]:
    return {(str(scene.request["account_id"]), scene.region)}


def _first_zone(scene: Scene) -> set[str]:
    return {scene.payload["network"]["private_subnets"][0]["availability_zone"]}


def narrow_the_s3_endpoint(scene: Scene) -> None:
    """A gateway endpoint for S3 whose policy knows the team's bucket only."""
    tables = scene.client("ec2").describe_route_tables(Filters=_in_vpc(scene))["RouteTables"]
    statement = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::the-teams-bucket/*"}
    routed = {"VpcEndpointType": "Gateway", "RouteTableIds": [table["RouteTableId"] for table in tables]}
    _make_endpoint(scene, "s3", statement, **routed)


def put_an_endpoint_on_the_way(service: str, statement: dict[str, str], *, admits: bool = True) -> Act:
    """An interface endpoint with private DNS, which everybody in the VPC then meets."""

    def put(scene: Scene) -> None:
        ec2 = scene.client("ec2")
        group_id = ec2.create_security_group(GroupName="endpoints", Description="endpoints", VpcId=scene.vpc_id)[
            "GroupId"
        ]
        if admits:
            https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
            pods = [{"GroupId": scene.cluster.security_group_id}]
            rule = {**https, "UserIdGroupPairs": pods}
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[rule])
        place = {
            "SubnetIds": scene.cluster.vpc_config["subnetIds"],
            "SecurityGroupIds": [group_id],
            "PrivateDnsEnabled": True,
        }
        _make_endpoint(scene, service, statement, VpcEndpointType="Interface", **place)

    return put


def _make_endpoint(scene: Scene, service: str, statement: dict[str, str], **place: Any) -> None:
    allowed = {"Effect": "Allow", "Principal": "*", **statement}
    scene.client("ec2").create_vpc_endpoint(
        VpcId=scene.vpc_id,
        ServiceName=f"com.amazonaws.{scene.region}.{service}",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        **place,
    )


def _in_vpc(scene: Scene) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [scene.vpc_id]}]


def _nothing(_cloud: EmbeddedCloud, _cluster: str | None) -> Undo:
    """The request alone meets it."""
    return lambda: None


FAULTS = (
    Fault(
        "fargate-blocked",
        "AWS has not released the account for Fargate",
        "fargate-account-blocked",
        during(fargate_rules.BLOCKED, "Verify storage", _region),
        request={"region": BLOCKED_REGION},
    ),
    Fault(
        "fargate-pods-quota",
        "the account runs as many pods on Fargate as it may",
        "fargate-pods-quota",
        during(fargate_rules.FULL, "Verify storage", _region),
        request={"region": FULL_REGION},
    ),
    Fault(
        "fargate-capacity",
        "Fargate has no capacity left",
        "fargate-capacity",
        during(fargate_rules.EXHAUSTED, "Verify storage", _region),
        request={"region": EXHAUSTED_REGION},
    ),
    Fault(
        "fargate-unknown",
        "Fargate says what no rule knows",
        "unknown",
        during(fargate_rules.SLOW, "Verify storage", _region),
        request={"region": SLOW_REGION},
        verdict="possible",
    ),
    Fault(
        "zone-without-pods",
        "Fargate runs no pods in the profile's zones",
        "fargate-zone-unsupported",
        during(
            fargate_rules.ZONES_WITHOUT_PODS,
            "Verify storage",
            lambda scene: {subnet["AvailabilityZone"] for subnet in scene.subnets()},
        ),
        request={"region": REGION_WITH_A_ZONE_WITHOUT_PODS},
    ),
    Fault(
        "zone-without-eks",
        "EKS puts no control plane into one of the zones now",
        "zone-without-eks",
        during(eks_rules.ZONES_WITHOUT_CAPACITY, "Ensure cluster", _first_zone),
        request={"region": REGION_WITH_A_ZONE_WITHOUT_CAPACITY},
    ),
    Fault(
        "image-platform",
        "the verification's image is for linux/arm64 only",
        "image-platform",
        _nothing,
        request={"verification": {"image": "docker.io/arm64v8/busybox:1.37"}},
    ),
    Fault(
        "image-without-shell",
        "in the verification's image there is no shell",
        "image-without-shell",
        _nothing,
        request={"verification": {"image": "registry.k8s.io/pause:3.10"}},
    ),
    Fault(
        "image-private",
        "the image is in a registry that gives it to nobody without credentials",
        "image-refused",
        _nothing,
        request={"verification": {"image": "ghcr.io/another-team/busybox:1.37"}},
    ),
    Fault(
        "registry-unknown",
        "no resolver knows the name of the image's registry",
        "image-unreachable",
        _nothing,
        request={"verification": {"image": "registry.example.internal/busybox:1.37"}},
        verdict="possible",
    ),
    Fault(
        "image-of-another-account",
        "the image is in another account's ECR, whose repository policy lets nobody in",
        "image-refused",
        _nothing,
        request={
            "verification": {"image": f"{ANOTHER_ACCOUNT}.dkr.ecr.ap-northeast-1.amazonaws.com/mirror/busybox:1.37"}
        },
    ),
    Fault(
        "s3-endpoint-policy",
        "the policy of the VPC's S3 endpoint does not let ECR's layers through",
        "image-refused",
        before("Verify storage", narrow_the_s3_endpoint),
        request=MIRRORED,
    ),
    Fault(
        "registry-endpoint-policy",
        "the policy of the VPC's endpoint for ECR's registry knows other repositories only",
        "image-refused",
        before(
            "Verify storage",
            put_an_endpoint_on_the_way("ecr.dkr", {"Action": "ecr:*", "Resource": "arn:aws:ecr:*:*:repository/team/*"}),
        ),
        request=MIRRORED,
    ),
    Fault(
        "token-endpoint-policy",
        "the policy of the VPC's endpoint for ECR's API lets nobody have a token",
        "image-without-token",
        before("Verify storage", put_an_endpoint_on_the_way("ecr.api", {"Action": "ecr:Describe*", "Resource": "*"})),
        request=MIRRORED,
    ),
    Fault(
        "endpoint-security-group",
        "the security group of the VPC's endpoint for ECR's registry does not admit the pods",
        "image-unreachable",
        before(
            "Verify storage",
            put_an_endpoint_on_the_way("ecr.dkr", {"Action": "*", "Resource": "*"}, admits=False),
        ),
        request=MIRRORED,
    ),
)
