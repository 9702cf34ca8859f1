"""Whether the functions still come to a private endpoint; where they do not, nothing inside the cluster is seen."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioner.difference import Difference, DriftKind, Inspected, Severity
from provisioner.request import Request
from provisioner.resources import functions_way
from provisioner.resources.functions_access import Functions
from provisioner.resources.functions_way import FunctionsWay

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_eks.type_defs import ClusterTypeDef

KEPT_OUT = DriftKind(
    resource="security group {group}",
    path="ingress.443/tcp.{functions}",
    severity=Severity.CRITICAL,
    meaning="The cluster security group no longer admits the functions of this application to the private endpoint: "
    "nothing inside the cluster is seen, let alone proven.",
    fix="a run lets {group} admit {functions} at tcp 443 again",
)
WAY_CLOSED = DriftKind(
    resource="functions' way to cluster {cluster}",
    path="{part}.{id}",
    severity=Severity.CRITICAL,
    meaning="What joins the functions' VPC with that of a cluster with a private endpoint is gone, or a route of "
    "either, or behind a transit gateway the cluster security group's rule for their addresses: nothing inside the "
    "cluster is seen.",
    fix="{remedy}: a run never changes that",
    repairable=False,
)
_PARTS = {"route": "routes", "route back": "routes back", "link": "link"}


def inspect(request: Request, functions: Functions, cluster: "ClusterTypeDef", ec2: "EC2Client") -> list[Inspected]:
    """What keeps the functions out, if anything does; none of what is not seen from the account. Only reads."""
    way = functions_way.of_cluster(request, functions, cluster, ec2)
    rules = [
        Inspected.of(
            f"security group {each.by}",
            [KEPT_OUT.found(expected="open", actual="closed", group=each.by, functions=each.group_id)],
        )
        for each in way.kept_out
        if each.is_for_a_run
    ]
    closed = tuple(_closed(way, request.cluster.name))
    return [*rules, Inspected(f"functions' way to cluster {request.cluster.name}", closed)] if closed else rules


def _closed(way: FunctionsWay, cluster: str) -> Iterator[Difference]:
    lacking = [(_PARTS[each.kind], each.resource, each.what, each.remedy) for each in way.gaps]
    kept_out = [("ingress.443/tcp", each.by, each.what, each.remedy) for each in way.kept_out if not each.is_for_a_run]
    for part, resource_id, what, remedy in (*lacking, *kept_out):
        yield WAY_CLOSED.found(expected="open", actual=what, cluster=cluster, part=part, id=resource_id, remedy=remedy)
