"""The doors: AWS in the target account and in one that lends the file system, and the cluster's API."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from provisioner.aws.session import Target, of_file_system
from provisioner.diagnosis.once import once
from provisioner.kubernetes.client import KubernetesApi
from provisioner.request import Request

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_iam import IAMClient


class Connection:
    def __init__(
        self, request: Request, connect: Callable[[], Target], open_api: Callable[[Target, str], KubernetesApi]
    ) -> None:
        self._request = request
        self._connect = connect
        self._open_api = open_api

    @once
    def target(self) -> Target:
        return self._connect()

    @once
    def api(self) -> KubernetesApi:
        return self._open_api(self.target, self._request.cluster.name)

    @property
    def eks(self) -> "EKSClient":
        return self.target.client("eks")

    @once
    def lender(self) -> Target:
        """Where the file system is looked at: the target as well, unless another account has it."""
        return of_file_system(self._request, self.target)

    @property
    def efs(self) -> "EFSClient":
        return self.lender.client("efs")

    @property
    def ec2(self) -> "EC2Client":
        return self.target.client("ec2")

    @property
    def mounts_ec2(self) -> "EC2Client":
        """Of the account that has the mount targets."""
        return self.lender.client("ec2")

    @property
    def iam(self) -> "IAMClient":
        return self.target.client("iam")

    @property
    def cloudformation(self) -> "CloudFormationClient":
        return self.target.client("cloudformation")
