"""Whether a cluster can have the version and the upgrade policy that it is to have, before anything is changed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from provisioner.errors import ErrorReason
from provisioner.request import Request
from provisioner.resources import upgrade, versions
from provisioner.resources.problem import Problem

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import ClusterTypeDef

_POLICY: Final = "EKS has STANDARD for versions in standard support alone: ask for EXTENDED, or for a newer version"


def problems(request: Request, found: "ClusterTypeDef | None", eks: "EKSClient") -> Iterator[Problem]:
    """Of the cluster `found`, None before there is one. Raises: ClientError. Source: EKS API, CreateCluster."""
    if found is None:
        yield from _of_creation(request, eks)
    elif found.get("status") == "ACTIVE":
        yield from _of_upgrade(request, found, eks)


def _of_upgrade(request: Request, found: "ClusterTypeDef", eks: "EKSClient") -> Iterator[Problem]:
    """Of the first step; those of later ones are looked at when they are next."""
    following = upgrade.next_version(request, found)
    if following is None:
        return
    if versions.support_of(str(request.cluster.version), eks) is None:
        yield _unknown(str(request.cluster.version), eks)
    else:
        yield from upgrade.obstacles(found, following, eks)


def _unknown(version: str, eks: "EKSClient") -> Problem:
    offered = ", ".join(versions.offered(eks))
    return Problem(
        ErrorReason.UNSUITABLE_ACCOUNT,
        f"cluster.version {version} is none that EKS offers",
        f"ask for one of {offered}, or for null",
    )


def _of_creation(request: Request, eks: "EKSClient") -> Iterator[Problem]:
    version = request.cluster.version
    support = versions.support_of(version, eks) if version else None
    if version and support is None:
        yield _unknown(version, eks)
    elif support is not None and support.is_extended and request.cluster.upgrade_policy == "STANDARD":
        what = f"cluster.upgrade_policy STANDARD, and cluster.version {version} is in extended support"
        yield Problem(ErrorReason.UNSUITABLE_ACCOUNT, what, _POLICY)
