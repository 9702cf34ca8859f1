"""The account: roles, quotas, rights, and how often AWS may be asked."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from provisioner.aws.errors import boundary_error
from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding
from provisioner.diagnosis.probes import denial
from provisioner.errors import BoundaryError, ErrorReason
from provisioner.request import OWNER_TAG
from provisioner.resources import keys, principals
from provisioner.resources.given_roles import GivenRole
from provisioner.resources.problem import instructions

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

READS: Final[dict[str, Callable[[Live], object]]] = {
    "eks ListClusters": lambda live: live.connection.eks.list_clusters(maxResults=1),
    "efs DescribeFileSystems": lambda live: live.connection.efs.describe_file_systems(MaxItems=1),
    "ec2 DescribeVpcs": lambda live: live.connection.ec2.describe_vpcs(MaxResults=5),
    "cloudformation ListStacks": lambda live: live.connection.cloudformation.list_stacks(),
}
_SERVICES: Final = (
    ("efs", re.compile(r"FileSystem|MountTarget|AccessPoint|BackupPolicy|LifecycleConfiguration")),
    ("cloudformation", re.compile(r"Stack")),
    ("ec2", re.compile(r"Vpc|Subnet|SecurityGroup|RouteTable|AvailabilityZones|NatGateway|Address")),
    ("eks", re.compile(r"Cluster|FargateProfile|Addon|AccessEntry|AccessPolic")),
)


def role(live: Live, _text: str) -> Finding:
    """Assumed again, which is what everything else here needs too."""
    looked_at = f"the provisioner's role in account {live.request.account_id}"
    try:
        live.connection.target  # noqa: B018 - to assume the role is the look
    except BoundaryError as error:
        if error.reason is not ErrorReason.ROLE_NOT_ASSUMABLE:
            raise
        return Finding.proved(
            looked_at, f"{error.subject} cannot be assumed", the_role=error.subject, the_account=live.request.account_id
        )
    return Finding.refuted(looked_at, "it can be assumed now")


def throttling(live: Live, text: str) -> Finding:
    """One read of the same service now. Buckets are per action: an answer does not say that the other call passes."""
    read = _read_like(text)
    looked_at = f"{read} asked once now"
    error = _refused(live, read)
    if error is None:
        return Finding.possible(looked_at, "it is answered; other calls may have limits of their own")
    if error.reason is ErrorReason.THROTTLED:
        return Finding.proved(looked_at, error.subject, the_service=read.split()[0])
    return Finding.possible(looked_at, error.subject)


def rights(live: Live, text: str) -> Finding:
    """One read of the same service now, as the same role."""
    read = _read_like(text)
    looked_at = f"{read} as the provisioner's role"
    error = _refused(live, read)
    if error is None:
        return Finding.possible(looked_at, "it is allowed; the refused call may need a right of its own")
    if error.reason is ErrorReason.ACCESS_DENIED and not re.search(denial.DECIDED, error.subject):
        return Finding.proved(looked_at, error.subject)
    return Finding.possible(looked_at, error.subject)


def quota(live: Live, text: str) -> Finding:
    """Quotas and what is in use; else AWS's refusal is the limit itself, and the wanted thing is not there."""
    name = live.request.cluster.name
    if reached := live.account_problems(ErrorReason.QUOTA_EXCEEDED):
        saw = "; ".join(each.what for each in reached)
        return Finding.proved(f"quotas of {live.request.account_id} in {live.request.region}", saw, the_quota=saw)
    if "CreateCluster" in text:
        names = live.eks.cluster_names
        looked_at = f"clusters in {live.request.region} of account {live.request.account_id}"
        if name in names:
            return Finding.refuted(looked_at, f"{name} is there now")
        saw = f"{len(names)} ({', '.join(names) or 'none'}) and no {name}: CreateCluster was refused over its quota"
        return Finding.proved(
            looked_at, saw, the_quota=f"the quota of EKS clusters ({len(names)} exist) in {live.request.region}"
        )
    if "CreateFileSystem" in text:
        looked_at = "the file system of the request"
        if live.file_system.own is not None:
            return Finding.refuted(looked_at, f"{live.file_system.own['FileSystemId']} is there now")
        return Finding.proved(
            looked_at,
            "there is none: CreateFileSystem was refused over its quota",
            the_quota="the quota of EFS file systems",
        )
    if re.match(r"(QuotaExceeded|UnsuitableAccount): .*quota \w+/L-", text):
        return Finding.refuted("quotas of the account", "nothing that is still to be made exceeds one")
    return Finding.possible("what was refused", "it cannot be counted from here", the_quota="the quota that it names")


def given_roles(live: Live, _text: str) -> Finding:
    """By what IAM says, the roles with which EKS has made nothing yet. What EKS has heard of them, only EKS knows."""
    target, iam = live.connection.target, live.connection.iam
    of_cluster, of_pods = target.role_arn("cluster"), target.role_arn("fargate-pods")
    roles = [] if live.eks.cluster else [GivenRole.of_cluster(of_cluster)]
    if not (live.eks.cluster and any(each["podExecutionRoleArn"] == of_pods for each in live.eks.profiles)):
        roles.append(GivenRole.of_pods(of_pods))
    looked_at = "the roles of the cluster and of its pods: whether they exist, whom they trust, their policies"
    if not roles:
        return Finding.refuted(looked_at, "EKS has taken both of them")
    if faults := [fault for fault in (role.fault(iam) for role in roles) if fault]:
        saw = "; ".join(faults)
        account_id = live.request.account_id
        return Finding.proved(
            looked_at, saw, what_to_do=f"deploy the present accounts/target.yaml in {account_id} ({saw}) and run again"
        )
    made = ", ".join(f"{name} was made at {made_at:%Y-%m-%d %H:%M} UTC" for name, made_at in _ages(roles, iam))
    return Finding.possible(
        looked_at,
        f"nothing is wrong with them by what IAM says; {made}",
        what_to_do="run again in some minutes: IAM takes a while to tell EKS of roles and policies that were changed "
        f"({made})",
    )


def _ages(roles: Iterable[GivenRole], iam: "IAMClient") -> Iterator[tuple[str, datetime]]:
    for role in roles:
        if principal := principals.find(role.arn, iam):
            yield role.name, principal.made_at


def keys_use(live: Live, _text: str) -> Finding:
    """The keys that the request names, described as the provisioner's role: a key's own policy has to let it.

    One that could be used when the account was looked at may have been disabled since.
    """
    named, role = keys.named_in(live.request), live.connection.target.role_arn("provisioner")
    looked_at = f"keys of the request as {role.rpartition('/')[2]}"
    saw = []
    for field, arn in named.items():
        try:
            problem = keys.problem(field, arn, live.connection.target.client("kms"))
        except ClientError as error:
            refused = boundary_error(error, error.operation_name)
            if refused.reason is ErrorReason.ACCESS_DENIED:
                return Finding.proved(looked_at, refused.subject, what_to_do=_let_role_use(arn, role))
            saw.append(refused.subject)
        else:
            if problem:
                return Finding.proved(looked_at, problem.what, what_to_do=problem.remedy)
            saw.append(f"{field} {arn} may be described")
    if not named:
        return Finding.refuted(looked_at, "it names none")
    return Finding.possible(looked_at, "; ".join(saw), what_to_do=_let_role_use(" and of ".join(named.values()), role))


def _let_role_use(arn: str, role: str) -> str:
    """Source: EKS user guide, "Encrypt Kubernetes secrets with KMS"; EFS user guide, "Using AWS KMS keys"."""
    return (
        f"let the policy of {arn} allow {role} kms:DescribeKey and kms:CreateGrant, and of a key for files also "
        "kms:Decrypt and kms:GenerateDataKeyWithoutPlaintext"
    )


def unsuitable(live: Live, _text: str) -> Finding:
    """Keys and principals of the request and the services' own roles, as Check account looks at them."""
    looked_at = f"keys, principals and service-linked roles in {live.request.account_id}"
    if found := live.account_problems(ErrorReason.UNSUITABLE_ACCOUNT):
        return Finding.proved(looked_at, "; ".join(each.what for each in found), what_to_do=instructions(found))
    return Finding.refuted(looked_at, "all of them can be used now")


def ownership(live: Live, text: str) -> Finding:
    """Owner tags of the things that have a name of the request's choosing."""
    name = live.request.cluster.name
    looked_at = f"tag {OWNER_TAG} of what the error names"
    if re.search(r"OwnedByAnother: cluster ", text):
        cluster = live.eks.cluster
        if cluster is None:
            return Finding.refuted(looked_at, f"cluster {name} is gone")
        owner = cluster.get("tags", {}).get(OWNER_TAG)
        if owner == name:
            return Finding.refuted(looked_at, f"cluster {name} is ours now")
        return Finding.proved(looked_at, f"cluster {name} has {owner!r}", the_resource=f"cluster {name}")
    return Finding.possible(looked_at, "its owner cannot be looked up from here")


def _read_like(text: str) -> str:
    service = next((name for name, pattern in _SERVICES if pattern.search(text)), "eks")
    return next(read for read in READS if read.startswith(f"{service} "))


def _refused(live: Live, read: str) -> BoundaryError | None:
    try:
        READS[read](live)
    except ClientError as error:
        return boundary_error(error, error.operation_name)
    except BoundaryError as error:
        return error
    return None
