"""EFS with lifecycles, and refusing what EFS refuses; over moto's EFS, which is always available at once.

Source: EFS API reference and botocore's service model (error codes, patterns), read for every operation here.
"""

import json
import shutil
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import moto.efs.models as models
import moto.efs.urls as efs_urls
from botocore.model import StructureShape
from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import JsonRESTError
from moto.efs.exceptions import EFSError
from moto.efs.models import AccessPoint, EFSBackend, FileSystem, MountTarget
from moto.moto_api._internal import mock_random

from local.aws import backup, ec2_interfaces, efs_replication, efs_rules, efs_size, keys, network, quotas
from local.aws.efs_replication import ReplicationOperations, is_replicated
from local.aws.interfaces import Cloud
from local.aws.models import service_model
from local.aws.refusals import refusal

LOCK = threading.RLock()
DESCRIPTION = cast(StructureShape, service_model("efs").shape_for("FileSystemDescription"))
PATHS_THAT_MOTO_LACKS = (
    "account-preferences",
    "file-systems/(?P<id>[^/]+)/protection",
    "file-systems/(?P<id>[^/]+)/replication-configuration",
    "file-systems/replication-configurations",
)
PAGE = 100
"""Of any list. Source: EFS API reference, MaxItems: "automatically set to 100" (moto: 10)."""
LONG_ID_DIGITS = 17
ID_DIGITS = LONG_ID_DIGITS


def install(cloud: Cloud) -> None:
    """Routes every EFS call to StrictEfs; ids have 17 digits, as DescribeAccountPreferences says (moto's have 8)."""
    StrictEfs.cloud = cloud
    efs_size.install(cloud)
    efs_replication.install()
    setattr(EFSError, "__init__", _error)  # noqa: B010
    setattr(EFSBackend, "_mark_description", _next_page)  # noqa: B010
    long = SimpleNamespace(get_random_hex=lambda _length=0: mock_random.get_random_hex(ID_DIGITS))
    setattr(models, "mock_random", long)  # noqa: B010
    paths = (*efs_urls.url_paths, *(f"{{0}}/2015-02-01/{path}$" for path in PATHS_THAT_MOTO_LACKS))
    efs_urls.url_paths = dict.fromkeys(paths, StrictEfs.dispatch)


def _next_page(self: EFSBackend, found: list[Any], max_items: int) -> str | None:
    """moto's marker is a hash of all that is yet to come, described anew for every page."""
    if max_items >= len(found):
        return None
    marker: str = mock_random.get_random_hex(32)
    self.next_markers[marker] = found[max_items:]
    return marker


class StrictEfs(ReplicationOperations):
    """One call at a time, as each of EFS's checks and its effect are one."""

    def call_action(self) -> TYPE_RESPONSE:
        with LOCK:
            return super().call_action()

    def _get_int_param(self, param_name: str, if_none: Any = None) -> Any:
        return super()._get_int_param(param_name, PAGE if param_name == "MaxItems" else if_none)

    def describe_account_preferences(self) -> Any:
        form = "LONG_ID" if ID_DIGITS == LONG_ID_DIGITS else "SHORT_ID"
        told = {"ResourceIdType": form, "Resources": ["FILE_SYSTEM", "MOUNT_TARGET"]}
        return json.dumps({"ResourceIdPreference": told}), {"Content-Type": "application/json"}

    # File systems

    def create_file_system(self) -> Any:
        token = self._get_param("CreationToken")
        efs_rules.check_throughput(
            self._get_param("ThroughputMode"),
            self._get_param("ProvisionedThroughputInMibps"),
            self._get_param("PerformanceMode"),
        )
        for existing in self.efs_backend.file_systems_by_id.values():
            if existing.creation_token == token:
                raise refusal(
                    "FileSystemAlreadyExists",
                    f"File system '{existing.file_system_id}' already exists with creation token '{token}'",
                    FileSystemId=existing.file_system_id,
                )
        if self._get_param("KmsKeyId") and not self._get_param("Encrypted"):
            raise refusal("BadRequest", "KmsKeyId can only be used when the file system is encrypted")
        if why := self._unusable_key():
            raise refusal("BadRequest", why)
        region, account = self.region, self.current_account
        if quotas.is_reached(account, region, quotas.FILE_SYSTEMS, len(self.efs_backend.file_systems_by_id)):
            raise refusal(
                "FileSystemLimitExceeded",
                "The AWS account has already created the maximum number of file systems allowed per account.",
            )
        super().create_file_system()
        created = next(fs for fs in self.efs_backend.file_systems_by_id.values() if fs.creation_token == token)
        if created.encrypted and not created.kms_key_id:
            created.kms_key_id = f"arn:{self.partition}:kms:{region}:{account}:alias/aws/elasticfilesystem"
        created.life_cycle_state = "creating"
        created._backup = bool(self._get_param("Backup")) or bool(created.availability_zone_name)
        if created._backup:
            backup.enable_automatic(account, region)
        self._later("file system", lambda: _settle(created, "creating"))
        return json.dumps(_file_system(created)), {"status": 201, "Content-Type": "application/json"}

    def _unusable_key(self) -> str | None:
        """A key goes by its ARN, its id, or an alias. The words are KMS's. Source: aws/aws-cdk#7641."""
        name = str(self._get_param("KmsKeyId") or "")
        if ":key/" not in name and ("alias/" in name or not name):
            return None
        place = f"arn:{self.partition}:kms:{self.region}:{self.current_account}:key/"
        return keys.why_not(name if ":key/" in name else f"{place}{name}")

    def update_file_system(self) -> Any:
        file_system = self._usable_file_system()
        mode = self._get_param("ThroughputMode")
        provisioned = self._get_param("ProvisionedThroughputInMibps")
        efs_rules.check_throughput(mode, provisioned, file_system.performance_mode)
        file_system.throughput_mode = mode or file_system.throughput_mode
        file_system.provisioned_throughput_in_mibps = provisioned or file_system.provisioned_throughput_in_mibps
        file_system.life_cycle_state = "updating"
        self._later("file system update", lambda: _settle(file_system, "updating"))
        return json.dumps(_file_system(file_system)), {"status": 202, "Content-Type": "application/json"}

    def describe_file_systems(self) -> Any:
        body, headers = super().describe_file_systems()
        answer = json.loads(body)
        answer["FileSystems"] = [_of_the_model(described) for described in answer["FileSystems"]]
        return json.dumps(answer), headers

    def delete_file_system(self) -> Any:
        """Its data goes with it; backups stay. Access points hold it, says EFS's guide, "Deleting EFS file systems"."""
        file_system = self._file_system()
        if is_replicated(file_system):  # pulumi-aws-native#2682
            message = f"You cannot delete file system '{file_system.file_system_id}' because it is in a replication."
            raise refusal("FileSystemInUse", message)
        if file_system.number_of_mount_targets or self._access_points_of(file_system):
            raise refusal("FileSystemInUse", f"file system {file_system.file_system_id} is in use")
        file_system.life_cycle_state = "deleting"
        backend = self.efs_backend

        def finish() -> None:
            if file_system.file_system_id in backend.file_systems_by_id:
                backend.delete_file_system(file_system.file_system_id)
            shutil.rmtree(self.cloud.directory / "efs" / file_system.file_system_id, ignore_errors=True)

        self._later("file system deletion", finish)
        return "", {"status": 204, "Content-Type": "application/json"}

    # Mount targets

    def create_mount_target(self) -> Any:
        file_system = self._usable_file_system()
        ec2 = network.backend(self.current_account, self.region)
        subnet = network.find_subnet(ec2, self._get_param("SubnetId"))
        if subnet is None:
            raise refusal("SubnetNotFound", f"The subnet ID '{self._get_param('SubnetId')}' does not exist")
        groups = self._get_param("SecurityGroups")
        efs_rules.check_security_groups(ec2, subnet.vpc_id, groups)
        efs_rules.check_one_vpc_one_zone(file_system, subnet)
        efs_rules.check_address(ec2, subnet, self._get_param("IpAddress"))
        if not groups:
            default = network.default_security_group(ec2, subnet.vpc_id)
            groups = [default.id] if default else []
        try:
            target = self.efs_backend.create_mount_target(
                file_system.file_system_id, subnet.id, self._get_param("IpAddress"), groups
            )
        except (StopIteration, RuntimeError):
            raise refusal("NoFreeAddressesInSubnet", f"no free addresses in subnet {subnet.id}") from None
        interface = ec2.get_network_interface(str(target.network_interface_id))
        description = f"EFS mount target for {file_system.file_system_id} ({target.mount_target_id})"
        ec2_interfaces.hold(interface, description=description)
        target.life_cycle_state = "creating"
        self._later("mount target", lambda: self._open(target))
        return json.dumps(_mount_target(target)), {"Content-Type": "application/json"}

    def _open(self, target: MountTarget) -> None:
        _settle(target, "creating")
        self._later("mount target DNS", lambda: DNS_KNOWN.add(target.mount_target_id))

    def describe_mount_targets(self) -> Any:
        access_point_id = self._get_param("AccessPointId")
        if access_point_id and access_point_id not in self.efs_backend.access_points:
            raise refusal("AccessPointNotFound", f"Access point '{access_point_id}' does not exist.")
        body, headers = super().describe_mount_targets()
        answer = json.loads(body)
        for described in answer["MountTargets"]:
            described.pop("SecurityGroups", None)
        return json.dumps(answer), headers

    def delete_mount_target(self) -> Any:
        target = self._mount_target()
        target.life_cycle_state = "deleting"
        DNS_KNOWN.discard(target.mount_target_id)
        backend, ec2 = self.efs_backend, network.backend(self.current_account, self.region)

        def finish() -> None:
            """Its interface stays a while: until then its groups and its subnet are in use."""
            if backend.mount_targets_by_id.pop(target.mount_target_id, None):
                target._file_system.remove_mount_target(target._subnet)
                interface = ec2.get_network_interface(str(target.network_interface_id))
                ec2_interfaces.let_go(self.cloud, ec2, "mount target interface", [interface])

        self._later("mount target deletion", finish)
        return "", {"status": 204, "Content-Type": "application/json"}

    def modify_mount_target_security_groups(self) -> Any:
        target = self._settled_mount_target()
        ec2 = network.backend(self.current_account, self.region)
        groups = self._get_param("SecurityGroups") or []
        efs_rules.check_security_groups(ec2, target.vpc_id, groups)
        if not groups:
            default = network.default_security_group(ec2, target.vpc_id)
            groups = [default.id] if default else []
        self.efs_backend.modify_mount_target_security_groups(target.mount_target_id, groups)
        return "", {"status": 204, "Content-Type": "application/json"}

    def describe_mount_target_security_groups(self) -> Any:
        self._settled_mount_target()
        return super().describe_mount_target_security_groups()

    # Policies

    def put_backup_policy(self) -> Any:
        file_system = self._usable_file_system()
        status = self._get_param("BackupPolicy")["Status"]
        file_system._backup = status == "ENABLED"
        if file_system._backup:
            backup.enable_automatic(self.current_account, self.region)
        return json.dumps({"BackupPolicy": {"Status": status}}), {"Content-Type": "application/json"}

    def describe_backup_policy(self) -> Any:
        status = "ENABLED" if self._file_system()._backup else "DISABLED"
        return json.dumps({"BackupPolicy": {"Status": status}}), {"Content-Type": "application/json"}

    def put_file_system_policy(self) -> Any:
        file_system = self._usable_file_system()
        efs_rules.check_policy(self._get_param("Policy"), file_system.file_system_arn)
        return super().put_file_system_policy()

    def describe_file_system_policy(self) -> Any:
        file_system = self._file_system()
        if not file_system.file_system_policy:
            raise refusal("PolicyNotFound", f"file system {file_system.file_system_id} has no policy")
        return super().describe_file_system_policy()

    def delete_file_system_policy(self) -> Any:
        self._usable_file_system().file_system_policy = None
        return "", {"Content-Type": "application/json"}

    def put_lifecycle_configuration(self) -> Any:
        self._usable_file_system()
        efs_rules.check_lifecycle_policies(self._get_param("LifecyclePolicies"))
        return super().put_lifecycle_configuration()

    # Access points

    def create_access_point(self) -> Any:
        file_system = self._usable_file_system()
        token = self._get_param("ClientToken")
        for existing in self.efs_backend.access_points.values():
            if existing.client_token == token:
                raise refusal(
                    "AccessPointAlreadyExists",
                    f"Access point already exists with client token '{token}'",
                    AccessPointId=existing.access_point_id,
                )
        point = self.efs_backend.create_access_point(
            token,
            tags=self._get_param("Tags") or [],
            file_system_id=file_system.file_system_id,
            posix_user=self._get_param("PosixUser"),
            root_directory=self._get_param("RootDirectory"),
        )
        ACCESS_POINT_STATES[point.access_point_id] = "creating"
        self._later("access point", lambda: _settle_access_point(point.access_point_id))
        return json.dumps(_access_point(point)), {"Content-Type": "application/json"}

    def describe_access_points(self) -> Any:
        file_system_id, access_point_id = self._get_param("FileSystemId"), self._get_param("AccessPointId")
        if file_system_id:
            self._file_system()
        if access_point_id and access_point_id not in self.efs_backend.access_points:
            raise refusal("AccessPointNotFound", f"Access point '{access_point_id}' does not exist.")
        points = self.efs_backend.describe_access_points(access_point_id, file_system_id)
        return json.dumps({"AccessPoints": [_access_point(p) for p in points]}), {"Content-Type": "application/json"}

    def delete_access_point(self) -> Any:
        access_point_id = self._get_param("AccessPointId")
        if access_point_id not in self.efs_backend.access_points:
            raise refusal("AccessPointNotFound", f"Access point '{access_point_id}' does not exist.")
        self.efs_backend.delete_access_point(access_point_id)
        return "", {"status": 204, "Content-Type": "application/json"}

    # Look-ups

    def _file_system(self) -> FileSystem:
        asked = str(self._get_param("FileSystemId"))
        found = self.efs_backend.file_systems_by_id.get(asked.rsplit("/", 1)[-1])
        if found is None:
            raise refusal("FileSystemNotFound", f"File system '{asked}' does not exist.")
        return found

    def _usable_file_system(self) -> FileSystem:
        file_system = self._file_system()
        if file_system.life_cycle_state != "available":
            raise refusal(
                "IncorrectFileSystemLifeCycleState",
                f"file system {file_system.file_system_id} is in state {file_system.life_cycle_state}, not available",
            )
        return file_system

    def _mount_target(self) -> MountTarget:
        found = self.efs_backend.mount_targets_by_id.get(self._get_param("MountTargetId"))
        if found is None:
            raise refusal("MountTargetNotFound", f"Mount target '{self._get_param('MountTargetId')}' does not exist.")
        return found

    def _settled_mount_target(self) -> MountTarget:
        target = self._mount_target()
        if target.life_cycle_state != "available":
            raise refusal(
                "IncorrectMountTargetState",
                f"mount target {target.mount_target_id} is in state {target.life_cycle_state}, not available",
            )
        return target

    def _access_points_of(self, file_system: FileSystem) -> list[AccessPoint]:
        return self.efs_backend.describe_access_points(None, file_system.file_system_id)

    def _later(self, what: str, action: Callable[[], None]) -> None:
        def locked() -> None:
            with LOCK:
                action()

        self.cloud.clock.later(what, locked)


DNS_KNOWN: set[str] = set()
"""Mount targets whose name resolves by now: up to 90 s after they are available."""

ACCESS_POINT_STATES: dict[str, str] = {}
"""Of those that are not available, which is all that moto knows."""


def _settle(resource: FileSystem | MountTarget, state: str) -> None:
    if resource.life_cycle_state == state:
        resource.life_cycle_state = "available"


def _settle_access_point(access_point_id: str) -> None:
    if ACCESS_POINT_STATES.get(access_point_id) == "creating":
        del ACCESS_POINT_STATES[access_point_id]


def _error(self: EFSError, code: str, message: str) -> None:
    """EFS says the code of an error in its body once more, in a member that its model requires."""
    JsonRESTError.__init__(self, code, message)
    self.description = json.dumps({"__type": code, "message": message, "ErrorCode": code})


def _file_system(file_system: FileSystem) -> dict[str, Any]:
    return _of_the_model(file_system.info_json())


def _of_the_model(described: dict[str, Any]) -> dict[str, Any]:
    """moto also tells the policies, for which EFS has calls of their own."""
    return {name: value for name, value in described.items() if name in DESCRIPTION.members}


def _mount_target(target: MountTarget) -> dict[str, Any]:
    return {name: value for name, value in target.info_json().items() if name != "SecurityGroups"}


def _access_point(point: AccessPoint) -> dict[str, Any]:
    state = ACCESS_POINT_STATES.get(point.access_point_id, "available")
    described = {**point.info_json(), "LifeCycleState": state}
    return {name: value for name, value in described.items() if value is not None}
