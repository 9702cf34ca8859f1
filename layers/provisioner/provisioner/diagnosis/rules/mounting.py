"""A pod is placed and its volume cannot be mounted.

Sources of the messages: aws-efs-csi-driver pkg/driver/node.go; efs-utils mount_efs and watchdog; EFS User Guide,
"Troubleshooting mount issues"; the issues named in docs/assumptions.md.
"""

from typing import Final

from provisioner.diagnosis.model import Rule, seen
from provisioner.diagnosis.probes import file_system, kubernetes, network
from provisioner.diagnosis.rules.states import INSIDE, VERIFYING

_MOUNT: Final = ("FailedMount", "FailedAttachVolume")
# With TLS the tunnel accepts at once, and only then finds that the mount target does not answer.
_NO_ANSWER: Final = r"mount\.nfs4?: Connection timed out|DeadlineExceeded"
_TUNNEL_CUT: Final = r"mount\.nfs4?: Connection reset by peer|Connection reset by peer"
# The watchdog's complaint alone; where the server answered after it, that answer counts.
_ONLY_WATCHDOG: Final = r"(?s)Could not start amazon-efs-mount-watchdog(?!.*mount\.nfs4?:)"
_UNRESOLVED: Final = (
    r"Failed to resolve \"fs-[^\"]*\"(?!(?s:.)*(No matching mount target|is in available state yet|in the az))"
)
_NO_TARGET: Final = r"No matching mount target in the az|Cannot find mount target"
_NOT_READY: Final = r"is in available state yet|Mount target in the az \S+ is \w+"
_DENIED: Final = r"access denied by server while mounting"
_NO_DIRECTORY: Final = r"reason given by server: No such file or directory|mount\.nfs4?:.*No such file or directory"

# By address, the port is tried before there is a tunnel.
_NO_CONNECTION: Final = r"Cannot connect to file system mount target ip address"

_UNREACHABLE: Final = (
    seen(*_MOUNT, text=_NO_CONNECTION),
    seen(*_MOUNT, text=_NO_ANSWER),
    seen(*_MOUNT, text=_TUNNEL_CUT),
    seen(*_MOUNT, text=_ONLY_WATCHDOG),
)

RULES: Final = (
    Rule(
        id="csi-driver-missing",
        states=VERIFYING,
        symptoms=(seen(*_MOUNT, text=r"not found in the list of registered CSI drivers"),),
        cause="The CSIDriver object efs.csi.aws.com is missing, without which no node mounts EFS.",
        probe=kubernetes.csi_driver_missing,
        fix="run again: the CSIDriver efs.csi.aws.com is made anew (EKS makes it once, and removing the EFS add-on "
        "removes it)",
    ),
    Rule(
        id="csi-driver-requires-attacher",
        states=INSIDE,
        symptoms=(
            seen(*_MOUNT, text=r"waiting for external-attacher|waiting for an external attacher"),
            seen("Unusable", text=r"CSIDriver \S+ requires an attacher"),
        ),
        cause="The CSIDriver efs.csi.aws.com asks for an attacher, which Fargate does not have.",
        probe=kubernetes.csi_driver_attacher,
        fix="run `kubectl delete csidriver efs.csi.aws.com` and run again: it is made anew with attachRequired false",
    ),
    Rule(
        id="volume-handle-form",
        states=INSIDE,
        symptoms=(
            seen(*_MOUNT, text=r"volume ID '[^']*' is invalid|Expected a file system ID of the form"),
            seen("Immutable", text=r"PersistentVolume \S+ is the file system (?!fs-)"),
        ),
        cause="The PersistentVolume's volumeHandle is not in the bare form, the only one that Fargate takes.",
        probe=file_system.volume_handle_form,
        fix="delete claim and {the_PersistentVolume} (the file system keeps its data) and make it with volumeHandle "
        "{the_bare_form}: run again",
    ),
    Rule(
        id="security-group-closed",
        states=VERIFYING,
        symptoms=_UNREACHABLE,
        cause="The mount targets' security groups do not admit NFS from the pods.",
        probe=network.security_groups,
        fix="allow tcp 2049 from {pod_subnets_in_the_security_groups_of_the_mount_targets}",
    ),
    Rule(
        id="pod-egress-closed",
        states=VERIFYING,
        symptoms=_UNREACHABLE,
        cause="The cluster security group, which pods on Fargate have, lets no NFS out to the mount targets.",
        probe=network.pod_egress,
        fix="allow outbound tcp 2049 to {the_mount_targets} in {the_cluster_security_group}",
    ),
    Rule(
        id="network-acl-closed",
        states=VERIFYING,
        symptoms=_UNREACHABLE,
        cause="A network ACL between the pods' subnets and the mount targets' refuses NFS or its answers.",
        probe=network.network_acls,
        fix="allow {the_traffic_in_the_network_ACL}",
    ),
    Rule(
        id="mount-target-unroutable",
        states=VERIFYING,
        symptoms=_UNREACHABLE,
        cause="The mount targets are in a network to which the pods have no route.",
        probe=network.routes,
        fix="give the file system mount targets in {the_VPC}, or route to {the_mount_targets}",
    ),
    Rule(
        id="peer-not-joined",
        states=VERIFYING,
        symptoms=_UNREACHABLE,
        cause="The pods' VPC and that of the mount targets are not joined: peering or transit gateway lets nothing by.",
        probe=network.peer_link,
        fix="{what_joins_the_VPCs}",
    ),
    Rule(
        id="peer-route-back-missing",
        states=VERIFYING,
        symptoms=_UNREACHABLE,
        cause="The mount targets' VPC has no route back to the pods, so that no answer comes.",
        probe=network.peer_route_back,
        fix="{routes_back_to_the_pods}",
    ),
    Rule(
        id="wrong-mount-target-address",
        states=VERIFYING,
        symptoms=_UNREACHABLE,
        cause="The PersistentVolume names an address that is not a mount target's.",
        probe=file_system.mount_target_address,
        fix="delete claim and {the_PersistentVolume} (the file system keeps its data) and run again: it is made for "
        "{an_address_of_a_mount_target}",
    ),
    Rule(
        id="wrong-file-system",
        states=VERIFYING,
        symptoms=(
            seen(*_MOUNT, text=_UNRESOLVED),
            seen(*_MOUNT, text=r"File system (id )?'?fs-\w+'? does not exist|FileSystemNotFound"),
        ),
        cause="The PersistentVolume names a file system that does not exist or is not this cluster's.",
        probe=file_system.wrong_file_system,
        fix="delete claim and {the_PersistentVolume} (no data is lost) and run again: it is made for {the_file_system}",
    ),
    Rule(
        id="mount-target-missing",
        states=VERIFYING,
        symptoms=(seen(*_MOUNT, text=_NO_TARGET), seen(*_MOUNT, text=_UNRESOLVED)),
        cause="There is no mount target in the zone of a pod.",
        probe=file_system.missing_mount_targets,
        fix="create a mount target of {the_file_system} in {the_zones_of_the_pods}: run again does so",
    ),
    Rule(
        id="mount-target-not-ready",
        states=VERIFYING,
        symptoms=(
            seen(*_MOUNT, text=_NOT_READY),
            seen(*_MOUNT, text=_TUNNEL_CUT),
            seen(*_MOUNT, text=_ONLY_WATCHDOG),
        ),
        cause="A mount target is there and not available.",
        probe=file_system.unready_mount_targets,
        fix="wait until {the_mount_targets} is available and run again",
    ),
    Rule(
        id="dns-attributes-off",
        states=VERIFYING,
        symptoms=(seen(*_MOUNT, text=_UNRESOLVED),),
        cause="The VPC does not resolve names of file systems: its DNS attributes are off.",
        probe=network.dns_attributes,
        fix="switch {the_DNS_attributes} on in {the_VPC}",
    ),
    Rule(
        id="dns-resolver-of-its-own",
        states=VERIFYING,
        symptoms=(seen(*_MOUNT, text=_UNRESOLVED),),
        cause="The VPC's DHCP options name resolvers that do not know the names of file systems.",
        probe=network.resolvers,
        fix="let {the_resolvers} forward names of EFS to the resolver of {the_VPC}, or give its DHCP options "
        "AmazonProvidedDNS",
    ),
    Rule(
        id="file-system-policy-denies-mount",
        states=VERIFYING,
        symptoms=(seen(*_MOUNT, text=_DENIED),),
        cause="The file-system policy does not let pods on Fargate mount, which have no IAM identity.",
        probe=file_system.mount_policy,
        fix="allow {the_actions} through mount targets in the policy of {the_file_system}: {who_does_so}",
    ),
    Rule(
        id="access-point-missing",
        states=VERIFYING,
        symptoms=(
            seen(*_MOUNT, text=_DENIED),
            seen(*_MOUNT, text=_NO_DIRECTORY),
            seen(*_MOUNT, text=r"AccessPointNotFound|access point .* does not exist"),
        ),
        cause="The access point that the PersistentVolume names cannot be used.",
        probe=file_system.access_point,
        fix="delete claim and PersistentVolume (the data stays) and run again, so that it names an access point of "
        "{the_file_system} that exists, not {the_access_point}",
    ),
    Rule(
        id="volume-shows-another-directory",
        states=VERIFYING,
        symptoms=(seen("VerificationFailed", text=r"is not apart from volume"),),
        cause="The PersistentVolume shows its pods another directory of the file system than the one asked for.",
        probe=file_system.shown_directory,
        fix="delete claim and {the_PersistentVolume} (the data stays) and run again: it is made for an access point "
        "of {the_directory}; what its pods have written is in {the_directory_that_they_saw}",
    ),
    Rule(
        id="access-point-directory-missing",
        states=VERIFYING,
        symptoms=(seen(*_MOUNT, text=_NO_DIRECTORY), seen(*_MOUNT, text=_DENIED)),
        cause="The directory that is to be mounted does not exist on the file system.",
        probe=file_system.directory,
        fix="make the directory {the_directory} on {the_file_system}, or use an access point with CreationInfo",
    ),
    Rule(
        id="file-system-policy-denies-write",
        states=VERIFYING,
        symptoms=(seen("PodFailed", text=r"Permission denied|Operation not permitted|Read-only file system"),),
        cause="The file-system policy lets pods mount, but not write as root.",
        probe=file_system.write_policy,
        fix="allow {the_actions} through mount targets in the policy of {the_file_system}: {who_does_so}",
    ),
    Rule(
        id="access-point-user",
        states=VERIFYING,
        symptoms=(seen("PodFailed", text=r"Permission denied|Operation not permitted"),),
        cause="The user that pods are on the file system may not write where they are.",
        probe=file_system.access_point_user,
        fix="use an access point whose directory belongs to {the_user_of_the_pods}",
    ),
)
