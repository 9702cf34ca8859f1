"""Whether the file system is there, safe and set up as asked for."""

from typing import TYPE_CHECKING

from provisioner.difference import EXISTS, Difference, DriftKind, Inspected, Severity
from provisioner.request import Request
from provisioner.resources.file_system_settings import Settings, meaning
from provisioner.resources.ownership import ownership

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import FileSystemDescriptionTypeDef

POLICY = "only over TLS, only through mount targets"

MISSING = DriftKind(
    resource="file system of {cluster}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="The file system is gone. If there was one, so is its data, unless a backup has it.",
    fix="a run makes an empty one, which a PersistentVolume of the lost one cannot take; restore a backup first if "
    "there is one, and delete claim and volume of {cluster} by hand",
    repairable=False,
)
IN_PROGRESS = DriftKind(
    resource="file system {file_system}",
    path="status",
    severity=Severity.WARNING,
    meaning="EFS is creating or changing the file system right now.",
    fix="a run waits until {file_system} is no longer {actual}",
)
UNUSABLE = DriftKind(
    resource="file system {file_system}",
    path="status",
    severity=Severity.CRITICAL,
    meaning="Somebody deletes the file system, or EFS gave it up: its data is lost or about to be.",
    fix="save what can be saved of {file_system}, ask AWS Support about it, then start a run for a new one",
    repairable=False,
)
NOT_ENCRYPTED = DriftKind(
    resource="file system {file_system}",
    path="encrypted",
    severity=Severity.CRITICAL,
    meaning="The data lies unencrypted. Encryption is fixed at creation.",
    fix="copy the data of {file_system} to an encrypted file system under another cluster name",
    repairable=False,
)
OTHER_KEY = DriftKind(
    resource="file system {file_system}",
    path="kmsKeyId",
    severity=Severity.WARNING,
    meaning="The data is encrypted with another key than asked for. The key is fixed at creation.",
    fix="ask for {actual}, or copy the data of {file_system} to a file system under another cluster name",
    repairable=False,
)
THROUGHPUT = DriftKind(
    resource="file system {file_system}",
    path="throughputMode",
    severity=Severity.WARNING,
    meaning="Another throughput mode costs and performs otherwise than asked for.",
    fix="a run changes {file_system} to {expected}; EFS allows that once in 24 hours",
)
LIFECYCLE = DriftKind(
    resource="file system {file_system}",
    path="lifecycle",
    severity=Severity.WARNING,
    meaning="Idle files move to cheaper storage at another time than asked for, or not at all.",
    fix="a run writes the lifecycle configuration of {file_system} again",
)
BACKUP = DriftKind(
    resource="file system {file_system}",
    path="backup",
    severity=Severity.WARNING,
    meaning="The daily backup was switched off, or on, behind the request's back.",
    fix="a run sets the backup policy of {file_system} to {expected}",
)
DEFAULT_POLICY = DriftKind(
    resource="file system {file_system}",
    path="policy",
    severity=Severity.WARNING,
    meaning="The file system policy is gone: EFS's default lets everybody who reaches a mount target in, without TLS.",
    fix="a run writes the policy of {file_system} again",
)
OTHER_POLICY = DriftKind(
    resource="file system {file_system}",
    path="policy",
    severity=Severity.CRITICAL,
    meaning="Another file system policy may refuse the pods' mounts, or let others in.",
    fix="a run writes the policy of {file_system} again, over whoever changed it",
)


def is_going(found: "FileSystemDescriptionTypeDef | None") -> bool:
    """Whether it is being deleted or broken: then what belongs to it says nothing more."""
    return found is not None and found["LifeCycleState"] in ("deleting", "deleted", "error")


def inspect(request: Request, found: "FileSystemDescriptionTypeDef | None", efs: "EFSClient") -> Inspected:
    """The file system as it is, None when absent, against what `ensure` converges to; reads its settings."""
    if found is None:
        cluster = request.cluster.name
        return Inspected.of(f"file system of {cluster}", [MISSING.missing(cluster=cluster)])
    file_system_id = found["FileSystemId"]
    resource = f"file system {file_system_id}"
    differences = ownership(request, {tag["Key"]: tag["Value"] for tag in found["Tags"]}, resource)
    differences += _encryption(request, found)
    match found["LifeCycleState"]:
        case "available":
            differences += _settings(request, found, efs)
        case "creating" | "updating" as state:
            differences.append(IN_PROGRESS.found(expected="available", actual=state, file_system=file_system_id))
        case state:
            differences.append(UNUSABLE.found(expected="available", actual=state, file_system=file_system_id))
    return Inspected.of(resource, differences)


def _encryption(request: Request, found: "FileSystemDescriptionTypeDef") -> list[Difference]:
    key_arn, actual, name = request.file_system.kms_key_arn, found.get("KmsKeyId"), found["FileSystemId"]
    if not found.get("Encrypted"):
        return [NOT_ENCRYPTED.found(expected=True, actual=False, file_system=name)]
    if key_arn not in (None, actual):
        return [OTHER_KEY.found(expected=key_arn, actual=actual, file_system=name)]
    return []


def _settings(request: Request, found: "FileSystemDescriptionTypeDef", efs: "EFSClient") -> list[Difference]:
    name = found["FileSystemId"]
    wanted, actual = Settings.wanted(request, found["FileSystemArn"]), Settings.of(name, efs)
    mode = request.file_system.throughput_mode
    differences = []
    if found.get("ThroughputMode") != mode:
        differences.append(THROUGHPUT.found(expected=mode, actual=found.get("ThroughputMode"), file_system=name))
    if actual.lifecycle != wanted.lifecycle:
        lifecycles = dict(wanted.lifecycle), dict(actual.lifecycle)
        differences.append(LIFECYCLE.found(expected=lifecycles[0], actual=lifecycles[1], file_system=name))
    if actual.is_backed_up != wanted.is_backed_up:
        on, off = "ENABLED", "DISABLED"
        expected, now = (on, off) if wanted.is_backed_up else (off, on)
        differences.append(BACKUP.found(expected=expected, actual=now, file_system=name))
    if not actual.policy:
        differences.append(DEFAULT_POLICY.found(expected=POLICY, actual=None, file_system=name))
    elif meaning(actual.policy) != meaning(wanted.policy):
        differences.append(OTHER_POLICY.found(expected=POLICY, actual="another policy", file_system=name))
    return differences
