"""Whether the cluster security group, which pods on Fargate and the control plane share, still lets them work.

EKS makes it with the cluster: it admits itself and lets everything out.
Source: EKS User Guide, "View Amazon EKS security group requirements for clusters".
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from provisioner.difference import Difference, DriftKind, Inspected, Severity
from provisioner.request import Request
from provisioner.resources import vpc_endpoints
from provisioner.resources.egress import way_of_group
from provisioner.resources.traffic import names_prefix_list, uncovered
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import SecurityGroupTypeDef
    from mypy_boto3_eks.type_defs import ClusterTypeDef

KUBELET_PORT = 10250

EGRESS_CLOSED = DriftKind(
    resource="security group {group}",
    path="egress.443/tcp",
    severity=Severity.CRITICAL,
    meaning="The cluster security group, which pods on Fargate have, lets no HTTPS out to the internet: no new pod "
    "gets its image.",
    fix="allow outbound tcp 443 in {group}, which EKS made to let everything out",
    repairable=False,
)
KUBELETS_CLOSED = DriftKind(
    resource="security group {group}",
    path="ingress.10250/tcp",
    severity=Severity.CRITICAL,
    meaning="The cluster security group no longer admits itself: the API server reaches no pod on Fargate, for its "
    "logs among others.",
    fix="let {group} admit all traffic from itself again, as EKS made it",
    repairable=False,
)


def inspect(
    request: Request, cluster: "ClusterTypeDef | None", network: Network | None, ec2: "EC2Client"
) -> list[Inspected]:
    """The group of a cluster that is there, when something of that ails it. Only reads."""
    group_id = (cluster or {}).get("resourcesVpcConfig", {}).get("clusterSecurityGroupId")
    if group_id is None or network is None:
        return []
    found = ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": [group_id]}])["SecurityGroups"]
    inspected = [
        Inspected.of(f"security group {group_id}", _differences(request, group_id, group, network)) for group in found
    ]
    return [each for each in inspected if each.differences]


def _differences(
    request: Request, group_id: str, group: "SecurityGroupTypeDef", network: Network
) -> Iterable[Difference]:
    # Where the VPC's endpoints have all that pods need, a group that keeps them in may be meant to.
    needs_internet = not vpc_endpoints.has_endpoint(request.verification.image, request.region)
    if needs_internet and way_of_group(group_id, group.get("IpPermissionsEgress", [])).is_ == "closed":
        yield EGRESS_CLOSED.found(expected="open", actual="closed", group=group_id)
    rules, cidrs = group.get("IpPermissions", []), [subnet.cidr for subnet in network.private_subnets]
    admits_nobody = all(uncovered(cidr, rules, KUBELET_PORT, from_group=group_id) == [cidr] for cidr in cidrs)
    if cidrs and admits_nobody and not names_prefix_list(rules, KUBELET_PORT):
        yield KUBELETS_CLOSED.found(expected="open", actual="closed", group=group_id)
