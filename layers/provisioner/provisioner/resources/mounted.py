"""What pods are to mount, whosever it is: the cluster's own account's is made as asked for, another's is looked at."""

from provisioner.aws.session import Target, of_file_system
from provisioner.observation import Observation
from provisioner.request import Request
from provisioner.resources import file_system, lent_file_system, mount_targets, peer, security_group
from provisioner.resources.vpc import Network


def ensure_file_system(request: Request, target: Target) -> Observation:
    """Facts {file_system_id, access_point_id, access_point_ids}. Raises: as `file_system.ensure`."""
    if request.lender:
        return lent_file_system.observe(request, of_file_system(request, target).client("efs"))
    return file_system.ensure(request, target.client("efs"))


def ensure_security_group(request: Request, network: Network, target: Target) -> Observation:
    """Facts {security_group_id}, null where the mount targets have groups of their account's own."""
    if request.lender:
        return Observation.ready_with(security_group_id=None)
    return security_group.ensure(request, network, target.client("ec2"))


def ensure_mount_targets(
    request: Request, network: Network, security_group_id: str | None, file_system_id: str, target: Target
) -> Observation:
    """Facts {mount_targets}; `network` is the pods'. Raises: as `peer.network_of` and `mount_targets.ensure`."""
    if security_group_id is None:
        theirs = of_file_system(request, target).client("efs")
        return lent_file_system.observe_mount_targets(request, file_system_id, theirs)
    efs, mounts = target.client("efs"), peer.network_of(request, network, target.client("ec2"))
    return mount_targets.ensure(request, mounts, security_group_id, file_system_id, efs)
