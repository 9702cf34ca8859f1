"""Tags that a request asks for, put back on what is this cluster's own. Those that nobody asked for stay."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provisioner.request import Request
from provisioner.resources.ownership import wrong_tags

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_logs import CloudWatchLogsClient

# All of them each time: the role may tag only by a request that names the owner.


def ensure_eks_tags(request: Request, arn: str, tags: Mapping[str, str], eks: "EKSClient") -> None:
    """Converge the tags of a cluster, or of a part of it. Source: EKS API, TagResource."""
    if wrong_tags(request, tags):
        eks.tag_resource(resourceArn=arn, tags=request.owner_tags)


def ensure_efs_tags(request: Request, resource_id: str, tags: Mapping[str, str], efs: "EFSClient") -> None:
    """Converge the tags of a file system or an access point. Source: EFS API, TagResource."""
    if wrong_tags(request, tags):
        efs.tag_resource(
            ResourceId=resource_id, Tags=[{"Key": key, "Value": value} for key, value in request.owner_tags.items()]
        )


def ensure_ec2_tags(request: Request, resource_id: str, tags: Mapping[str, str], ec2: "EC2Client") -> None:
    """Converge the tags of a security group. Source: EC2 API, CreateTags."""
    if wrong_tags(request, tags):
        ec2.create_tags(
            Resources=[resource_id], Tags=[{"Key": key, "Value": value} for key, value in request.owner_tags.items()]
        )


def ensure_logs_tags(request: Request, arn: str, tags: Mapping[str, str], logs: "CloudWatchLogsClient") -> None:
    """Converge the tags of a log group. Source: CloudWatch Logs API, TagResource."""
    if wrong_tags(request, tags):
        logs.tag_resource(resourceArn=arn, tags=request.owner_tags)
