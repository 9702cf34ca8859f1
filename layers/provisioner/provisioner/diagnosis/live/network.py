"""The network between pods and mount targets, as EC2 describes it."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from provisioner.diagnosis.live.connection import Connection
from provisioner.diagnosis.live.eks import LiveEks
from provisioner.diagnosis.once import once
from provisioner.kubernetes.verification_objects import ROLE_LABEL, RUN_LABEL
from provisioner.request import ExistingNetwork, Request
from provisioner.resources import vpc_endpoints
from provisioner.resources.egress import Egress
from provisioner.resources.vpc import Network, PrivateSubnet, own_resolvers
from provisioner.resources.vpc_endpoints import VpcEndpoints

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import (
        NetworkAclTypeDef,
        SecurityGroupTypeDef,
        SubnetTypeDef,
    )
    from mypy_boto3_eks.type_defs import FargateProfileTypeDef


class LiveNetwork:
    def __init__(
        self,
        request: Request,
        run_id: str,
        connection: Connection,
        eks: LiveEks,
        network: Mapping[str, Any] | None,
    ) -> None:
        self._request = request
        self._labels = {RUN_LABEL: run_id, ROLE_LABEL: "writer"}
        self._connection = connection
        self._eks = eks
        self._network = network

    def selecting(self, namespace: str, labels: Mapping[str, str] | None = None) -> "list[FargateProfileTypeDef]":
        """The ACTIVE profiles that take pods of the namespace; by default pods labelled as the verification's are."""
        wanted = self._labels if labels is None else labels
        return [
            profile
            for profile in self._eks.profiles
            if profile["status"] == "ACTIVE"
            and any(_selects(selector, namespace, wanted) for selector in profile.get("selectors", []))
        ]

    @once
    def pod_subnets(self) -> list[PrivateSubnet]:
        """Where pods of the storage namespace run: the subnets of the profiles that take them, else the network's."""
        subnet_ids = self._profile_subnet_ids or self._subnet_ids
        return [] if not subnet_ids else list(Network.from_subnets("", self.subnets(subnet_ids)).private_subnets)

    @once
    def described_subnets(self) -> "list[SubnetTypeDef]":
        return self.subnets(self._subnet_ids or self._profile_subnet_ids)

    def subnets(self, subnet_ids: Iterable[str]) -> "list[SubnetTypeDef]":
        # Filters, not ids: a subnet that is gone is then absent, not an error.
        return self._connection.ec2.describe_subnets(
            Filters=[{"Name": "subnet-id", "Values": sorted(set(subnet_ids))}]
        )["Subnets"]

    @once
    def _profile_subnet_ids(self) -> list[str]:
        try:
            profiles = self.selecting(self._request.storage.namespace)
        except Exception:  # no cluster, or no answer: the network tells where pods would run
            return []
        return [subnet_id for profile in profiles for subnet_id in profile.get("subnets", [])]

    @property
    def _subnet_ids(self) -> list[str]:
        if self._network and self._network.get("private_subnets"):
            return [subnet["subnet_id"] for subnet in self._network["private_subnets"]]
        wanted = self._request.network
        return list(wanted.private_subnet_ids) if isinstance(wanted, ExistingNetwork) else []

    @once
    def vpc_id(self) -> str | None:
        """The pods' VPC."""
        config = (self._eks.cluster or {}).get("resourcesVpcConfig", {})
        return config.get("vpcId") or (self._network or {}).get("vpc_id")

    def security_groups(self, group_ids: Iterable[str]) -> "dict[str, SecurityGroupTypeDef]":
        """Of the pods' account."""
        return _groups(group_ids, self._connection.ec2)

    def mounts_groups(self, group_ids: Iterable[str]) -> "dict[str, SecurityGroupTypeDef]":
        """Of the account that has the mount targets."""
        return _groups(group_ids, self._connection.mounts_ec2)

    @once
    def acls(self) -> "dict[str, NetworkAclTypeDef]":
        """Subnet id -> its network ACL, of the pods' VPC and the mount targets'."""
        peer = self._request.file_system.peer
        vpcs: Any = [{"Name": "vpc-id", "Values": [self.vpc_id or "unknown", *([peer.vpc_id] if peer else [])]}]
        accounts = [self._connection.ec2, *([self._connection.mounts_ec2] if self._request.lender else [])]
        found = [acl for ec2 in accounts for acl in ec2.describe_network_acls(Filters=vpcs)["NetworkAcls"]]
        return {association["SubnetId"]: acl for acl in found for association in acl.get("Associations", [])}

    @once
    def egress(self) -> Egress:
        """The ways out of the pods' VPC."""
        return Egress(self.vpc_id or "unknown", self._request.account_id, self._connection.ec2)

    @once
    def own_resolvers(self) -> list[str]:
        """Resolvers that the VPC's DHCP options name in place of its own."""
        ec2 = self._connection.ec2
        vpcs = ec2.describe_vpcs(Filters=self._in_vpc)["Vpcs"]
        return own_resolvers(vpcs[0], ec2) if vpcs else []

    @once
    def endpoints(self) -> VpcEndpoints:
        """The VPC endpoints of the pods' VPC."""
        return vpc_endpoints.of_vpc(self._request, self.vpc_id or "unknown", self._connection.ec2)

    @once
    def dns_attributes(self) -> dict[str, bool]:
        ec2, vpc_id = self._connection.ec2, self.vpc_id or ""
        support = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsSupport")
        hostnames = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsHostnames")
        return {
            "enableDnsSupport": bool(support["EnableDnsSupport"].get("Value")),
            "enableDnsHostnames": bool(hostnames["EnableDnsHostnames"].get("Value")),
        }

    @property
    def _in_vpc(self) -> Any:
        return [{"Name": "vpc-id", "Values": [self.vpc_id or "unknown"]}]


def _groups(group_ids: Iterable[str], ec2: "EC2Client") -> "dict[str, SecurityGroupTypeDef]":
    of_ids: Any = [{"Name": "group-id", "Values": sorted(set(group_ids))}]
    return {group["GroupId"]: group for group in ec2.describe_security_groups(Filters=of_ids)["SecurityGroups"]}


def _selects(selector: Mapping[str, Any], namespace: str, labels: Mapping[str, str]) -> bool:
    """Source: EKS User Guide, "Define which Pods use AWS Fargate when launched": * and ? in namespaces and labels."""
    wanted: Mapping[str, str] = selector.get("labels") or {}
    return fnmatchcase(namespace, str(selector.get("namespace", ""))) and all(
        name in labels and fnmatchcase(labels[name], pattern) for name, pattern in wanted.items()
    )
