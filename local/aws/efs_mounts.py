"""Whether a Fargate node may mount an EFS file system, and what its kubelet says when it may not.

The texts are those of aws-efs-csi-driver (pkg/driver/node.go) and efs-utils (mount_efs), as users quote them in
aws-efs-csi-driver #262, #576, #1052, #1353, #1947 and efs-utils #90, #287. Fargate's own handler may word them
slightly differently.
"""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.efs.models import AccessPoint, EFSBackend, FileSystem, MountTarget, efs_backends

from local.aws import efs, network
from local.aws.policies import ANONYMOUS, decide
from local.kubernetes.interfaces import MountRefused

NFS_PORT = 2049
NOBODY = 65534
FILE_SYSTEM_ID = re.compile(r"fs-[0-9a-f]{8,40}")
TLS_OUTPUT = 'Could not start amazon-efs-mount-watchdog, unrecognized init system "supervisord"\n'


@dataclass(frozen=True)
class Volume:
    """A parsed volume handle."""

    file_system_id: str
    subpath: str
    access_point_id: str | None


@dataclass(frozen=True)
class Asked:
    """What the volume's attributes ask for: `address` in place of the file system's name."""

    tls: bool = True
    address: str | None = None


@dataclass(frozen=True)
class Node:
    account_id: str
    region: str
    partition: str
    interface: NetworkInterface

    @property
    def address(self) -> str:
        return str(self.interface.private_ip_address)

    @property
    def zone(self) -> str:
        return str(self.interface.subnet.availability_zone)


@dataclass(frozen=True)
class Granted:
    """A mount the server lets through."""

    address: str
    writable: bool
    root_access: bool
    access_point: AccessPoint | None


def parse_handle(handle: str) -> Volume:
    """Fargate's handler takes fs-…, fs-…:/path and fs-…::fsap-…, not the efs:fs-… of newer drivers."""
    if not handle.startswith("fs-"):
        raise _invalid_argument(f"volume ID '{handle}' is invalid: Expected a file system ID of the form 'fs-...'")
    fields = handle.split(":")
    if len(fields) > 3:
        raise _invalid_argument(f"volume ID '{handle}' is invalid: Expected at most three fields separated by ':'")
    file_system_id, subpath, access_point_id = (*fields, "", "")[:3]
    if access_point_id and not access_point_id.startswith("fsap-"):
        raise _invalid_argument(
            f"volume ID '{handle}' has an invalid access point ID '{access_point_id}': "
            "Expected it to be of the form 'fsap-...'"
        )
    return Volume(file_system_id, os.path.normpath(subpath) if subpath else "/", access_point_id or None)


def check_attributes(attributes: Mapping[str, str]) -> Asked:
    """The driver knows these alone of a static volume; `mounttargetipmap` came with 3.1, whose handles Fargate refuses.

    Names count in any case, but the driver reads the address under the lower one.
    Source: aws-efs-csi-driver, pkg/driver/node.go, docs/parameters.md, CHANGELOG-3.x.md; efs-utils, mount_efs.
    """
    tls, crossaccount = True, False
    for name, value in attributes.items():
        match name.lower():
            case "encryptintransit":
                tls = _boolean(name, value)
            case "crossaccount":
                crossaccount = _boolean(name, value)
            case "mounttargetip":
                if not _is_address(value):
                    raise _invalid_argument(f'Volume context property "{name}"="{value}" is not a valid IP address')
            case other if not other.startswith("csi.storage.k8s.io/"):
                raise _invalid_argument(f"Volume context property {name} not supported.")
    address = attributes.get("mounttargetip")
    if crossaccount:
        why = (
            "mounttargetip option is incompatible with crossaccount option."
            if address
            else "Cannot retrieve AZ-ID from metadata service. This is required for the crossaccount mount option."
        )
        raise MountRefused(f"rpc error: code = Internal desc = Could not mount: exit status 1\nOutput: {why}")
    return Asked(tls, address)


def _boolean(name: str, value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise _invalid_argument(f'Volume context property "{name}" must be a boolean value: {value}')
    return value.lower() == "true"


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def open_mount(ec2: EC2Backend, node: Node, volume: Volume, asked: Asked) -> Granted:
    """Follows a mount through name resolution, network, policy and path, and stops where AWS would.

    Whose account the file system is, is not asked: what is reached at a mount target's port decides by its policy.
    Source: EFS guide, "Mounting EFS file systems from another AWS account or VPC".
    """
    tls = asked.tls
    backend = _backend_of(volume.file_system_id, node.region)
    file_system = backend.file_systems_by_id.get(volume.file_system_id) if backend is not None else None
    if asked.address is not None:
        target = _at(ec2, node, volume, file_system, asked.address, tls=tls)
    elif file_system is None:
        raise _unresolved(node, volume, "")
    else:
        target = _resolve(ec2, node, volume, file_system)
        _connect(ec2, node, volume, target, tls=tls)
    assert backend is not None  # noqa: S101
    assert file_system is not None, "an address is a mount target's of a file system"  # noqa: S101
    access_point = _access_point(backend.access_points, volume, tls=tls)
    context = {
        "aws:SecureTransport": str(tls).lower(),
        "aws:SourceIp": node.address,
        "elasticfilesystem:AccessedViaMountTarget": "true",
    }
    if access_point is not None:
        context["elasticfilesystem:AccessPointArn"] = access_point.access_point_arn
    if not _allows(file_system, "ClientMount", context):
        raise _could_not_mount(volume, 32, _server_says("access denied by server while mounting 127.0.0.1:/", tls), tls)
    return Granted(
        address=str(target.ip_address),
        writable=_allows(file_system, "ClientWrite", context),
        root_access=_allows(file_system, "ClientRootAccess", context),
        access_point=access_point,
    )


def _backend_of(file_system_id: str, region: str) -> EFSBackend | None:
    """EFS of the account that has the file system."""
    every = (of_account[region] for of_account in list(efs_backends.values()) if region in of_account)
    return next((each for each in every if file_system_id in each.file_systems_by_id), None)


def may_write_root(granted: Granted) -> bool:
    """Whether whom the server takes the client for may write in the root of what it mounted.

    An access point's user replaces the client's; without ClientRootAccess root is nobody. A root directory belongs to
    root, mode 0755, unless an access point's CreationInfo says otherwise.
    Source: EFS guide, "Enforcing a user identity using an access point", "Using IAM to control access".
    """
    point = granted.access_point
    user = (point.posix_user if point is not None else None) or {"Uid": 0, "Gid": 0}
    uid, gid = int(user["Uid"]), int(user["Gid"])
    if uid == 0:
        if granted.root_access:
            return True
        uid = gid = NOBODY
    directory: dict[str, Any] = point.root_directory if point is not None else {}
    created: dict[str, Any] = directory.get("CreationInfo") or {}
    mode = int(str(created.get("Permissions", "0755")), 8)
    if uid == int(created.get("OwnerUid", 0)):
        return bool(mode & 0o200)
    return bool(mode & (0o020 if gid == int(created.get("OwnerGid", 0)) else 0o002))


def prepare_directory(root: Path, volume: Volume, granted: Granted) -> Path:
    """The directory a mount shows. EFS makes an access point's root when told how (CreationInfo), nothing else."""
    top = root / volume.file_system_id
    top.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = granted.access_point.root_directory if granted.access_point is not None else {}
    base = top / str(settings.get("Path", "/")).lstrip("/")
    created = settings.get("CreationInfo")
    if created and not base.exists():
        base.mkdir(parents=True, exist_ok=True)  # another pod may be faster
        base.chmod(int(str(created["Permissions"]), 8))
        if os.geteuid() == 0:
            os.chown(base, int(created["OwnerUid"]), int(created["OwnerGid"]))
    if base.is_dir():
        _let_write(base, may_write_root(granted))
    directory = base / volume.subpath.lstrip("/")
    if not directory.is_dir():
        what = (
            "access denied by server while mounting 127.0.0.1:/"
            if not base.is_dir()
            else (f"mounting 127.0.0.1:{volume.subpath} failed, reason given by server: No such file or directory")
        )
        raise _could_not_mount(volume, 32, _server_says(what, tls=True), tls=True)
    return directory


def _let_write(directory: Path, allowed: bool) -> None:
    """Every client here is the same user of this machine, so the owner's own right says what the client may do."""
    mode = directory.stat().st_mode & 0o7777
    wanted = mode | 0o200 if allowed else mode & ~0o222
    if wanted != mode:
        directory.chmod(wanted)


def _resolve(ec2: EC2Backend, node: Node, volume: Volume, file_system: FileSystem) -> MountTarget:
    """The mount target fs-….efs.<region>.amazonaws.com names from the node's zone.

    The name resolves, through the VPC's own resolver, to the mount target of the asker's Availability Zone; resolvers
    that the VPC's DHCP options name in its place do not know it (aws/efs-utils#21).
    Source: EFS guide, "Mounting on Amazon EC2 with a DNS name".
    """
    vpc = ec2.get_vpc(node.interface.subnet.vpc_id)
    targets = [t for t in file_system.iter_mount_targets() if t.vpc_id == vpc.id]
    in_zone = [target for target in targets if target.availability_zone_name == node.zone]
    if not network.resolves_private_names(ec2, vpc.id) or not targets:
        raise _unresolved(node, volume, "")
    if in_zone and in_zone[0].life_cycle_state == "updating" and in_zone[0].mount_target_id in efs.DNS_KNOWN:
        return in_zone[0]
    available = [str(target.availability_zone_name) for target in targets if target.life_cycle_state == "available"]
    if not available:
        raise _unresolved(
            node,
            volume,
            f"No mount target created for the file system {volume.file_system_id} is in available state yet, "
            "please retry in 5 minutes.",
        )
    listed = f"Available mount target(s) are in az {available}"
    if not in_zone:
        raise _unresolved(
            node,
            volume,
            f"No matching mount target in the az {node.zone}. Please create one mount target in {node.zone}, or try "
            f"the mount target in another AZ by passing the availability zone name option. {listed}",
        )
    target = in_zone[0]
    if target.life_cycle_state != "available":
        raise _unresolved(
            node,
            volume,
            f"Mount target in the az {node.zone} is {target.life_cycle_state}, please retry in 5 minutes, or use the "
            f"mount target in the other az by passing the availability zone name option. {listed}",
        )
    if target.mount_target_id not in efs.DNS_KNOWN:
        raise _unresolved(node, volume, "")
    return target


def _at(
    ec2: EC2Backend, node: Node, volume: Volume, file_system: FileSystem | None, address: str, *, tls: bool
) -> MountTarget:
    """The mount target with that address, once its port has answered: no name is asked for, and no zone matters.

    What has the address and is no mount target of this file system's answers nothing here.
    Source: efs-utils, mount_efs, mount_target_ip_address_can_be_resolved.
    """
    targets = list(file_system.iter_mount_targets()) if file_system is not None else []
    target = next((each for each in targets if each.ip_address == address), None)
    if target is None or not _is_reached(ec2, node, target):
        output = (
            f"Cannot connect to file system mount target ip address {address}. \n"
            f"Connection to the mount target IP address {address} timeout. Please retry in 5 minutes if the mount "
            "target is newly created. Otherwise check your VPC and security group configuration to ensure your file "
            "system is reachable via TCP port 2049 from your instance."
        )
        raise _could_not_mount(volume, 1, output, tls, address=address)
    if target.life_cycle_state != "available":
        raise _could_not_mount(volume, 32, _server_says("Connection reset by peer", tls), tls, address=address)
    return target


def _is_reached(ec2: EC2Backend, node: Node, target: MountTarget) -> bool:
    interface = target._subnet.ec2_backend.get_network_interface(str(target.network_interface_id))
    return network.connects(ec2, network.End.of(node.interface), network.End.of(interface), NFS_PORT)


def _connect(ec2: EC2Backend, node: Node, volume: Volume, target: MountTarget, *, tls: bool) -> None:
    if not _is_reached(ec2, node, target):
        raise _could_not_mount(
            volume,
            32,
            _server_says("Connection timed out", tls),
            tls,
            code="DeadlineExceeded",
            after="context deadline exceeded",
        )
    if target.life_cycle_state != "available":  # the tunnel is up and its other end is not (efs-utils#32)
        raise _could_not_mount(volume, 32, _server_says("Connection reset by peer", tls), tls)


def _access_point(points: Mapping[str, AccessPoint], volume: Volume, *, tls: bool) -> AccessPoint | None:
    if volume.access_point_id is None:
        return None
    found = points.get(volume.access_point_id)
    if found is None or found.file_system_id != volume.file_system_id:
        raise _could_not_mount(volume, 32, _server_says("access denied by server while mounting 127.0.0.1:/", tls), tls)
    return found


def _allows(file_system: FileSystem, action: str, context: Mapping[str, str]) -> bool:
    """Without a policy, everything; Fargate mounts as nobody in particular, so only * principals speak of it."""
    if not file_system.file_system_policy:
        return True
    document = json.loads(file_system.file_system_policy)
    return decide(document, ANONYMOUS, f"elasticfilesystem:{action}", context, file_system.file_system_arn) == "allow"


def _unresolved(node: Node, volume: Volume, fallback: str) -> MountRefused:
    suffix = "amazonaws.com.cn" if node.partition == "aws-cn" else "amazonaws.com"
    name = f"{volume.file_system_id}.efs.{node.region}.{suffix}"
    if fallback:
        output = (
            f'Failed to resolve "{name}". The file system mount target ip address cannot be found, please pass mount '
            f"target ip address via mount options. \n{fallback}"
        )
    else:
        output = (
            f'Failed to resolve "{name}" - check that your file system ID is correct, and ensure that the VPC has an '
            "EFS mount target for this file system ID.\n"
            "See https://docs.aws.amazon.com/console/efs/mount-dns-name for more detail."
        )
    return _could_not_mount(volume, 1, output, tls=True)


def _server_says(what: str, tls: bool) -> str:
    return f"{TLS_OUTPUT}b'mount.nfs4: {what}'" if tls else f"mount.nfs4: {what}"


def _could_not_mount(
    volume: Volume,
    status: int,
    output: str,
    tls: bool,
    *,
    code: str = "Internal",
    after: str = "",
    address: str | None = None,
) -> MountRefused:
    options = [*([f"mounttargetip={address}"] if address else []), *(["tls"] if tls else [])]
    options = [f"accesspoint={volume.access_point_id}", *options] if volume.access_point_id else options
    arguments = f"-t efs {'-o ' + ','.join(options) + ' ' if options else ''}"
    source = f"{volume.file_system_id}:{volume.subpath}"
    lead = f"{after}: " if after else ""
    return MountRefused(
        f'rpc error: code = {code} desc = {lead}Could not mount "{source}": mount failed: exit status {status}\n'
        f"Mounting command: mount\nMounting arguments: {arguments}{source}\nOutput: {output}"
    )


def _invalid_argument(what: str) -> MountRefused:
    return MountRefused(f"rpc error: code = InvalidArgument desc = {what}")
