"""What can be wrong with the storage objects, and what becomes of it."""

from typing import Final

from provisioner.difference import EXISTS, DriftKind, Severity
from provisioner.kubernetes.client import FIELD_MANAGER
from provisioner.kubernetes.manifests import MANAGED_BY as MANAGED_BY

OURS: Final = FIELD_MANAGER

NAMESPACE_MISSING = DriftKind(
    resource="Namespace {name}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="The namespace of the claim is gone, and with it the claim and every pod; the data stays.",
    fix="a run makes {name} again, and the claim in it",
)
NAMESPACE_TERMINATING = DriftKind(
    resource="Namespace {name}",
    path="status.phase",
    severity=Severity.CRITICAL,
    meaning="Somebody is deleting the namespace: nothing new can be made in it.",
    fix="a run waits until {name} is gone and makes it again; if it stays, see what its status.conditions name",
)
CSI_DRIVER_MISSING = DriftKind(
    resource="CSIDriver {name}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="Removing the EFS add-on removes this object; without it no new pod on Fargate mounts anything.",
    fix="a run makes {name} again",
)
CSI_DRIVER_ATTACHES = DriftKind(
    resource="CSIDriver {name}",
    path="spec.attachRequired",
    severity=Severity.CRITICAL,
    meaning="Every new mount waits for an attacher, which Fargate does not have. The field cannot be changed.",
    fix="run `kubectl delete csidriver {name}`, then start a run, which makes it again; "
    "whoever made it this way may still rely on it",
    repairable=False,
)
NOT_OURS = DriftKind(
    resource="{object}",
    path=f"metadata.labels.{MANAGED_BY}",
    severity=Severity.WARNING,
    meaning="A StorageClass, PersistentVolume or claim without this label is somebody else's and never changed.",
    fix=f"a run refuses to touch it; if {{object}} is this cluster's, label it {MANAGED_BY}={{expected}}",
    repairable=False,
)
ANNOTATION = DriftKind(
    resource="{object}",
    path="{path}",
    severity=Severity.WARNING,
    meaning="The mark that tells which cluster an object was made for was changed or removed.",
    fix="a run writes {path} of {object} again",
)
BEING_DELETED = DriftKind(
    resource="{object}",
    path="metadata.deletionTimestamp",
    severity=Severity.CRITICAL,
    meaning="Somebody deleted it; it stays only while it is used, and nothing new can use it.",
    fix="stop the pods that use the claim, and if it is the volume delete its claim too (the file system keeps its "
    "data): when {object} is gone a run makes it again",
    repairable=False,
)
STORAGE_CLASS_MISSING = DriftKind(
    resource="StorageClass {name}",
    path=EXISTS,
    severity=Severity.WARNING,
    meaning="Bound claims go on; new claims that name the class stay Pending.",
    fix="a run makes {name} again",
)
STORAGE_CLASS_FIELD = DriftKind(
    resource="{object}",
    path="{path}",
    severity=Severity.WARNING,
    meaning="It was made again otherwise: the provisioner of a StorageClass cannot be changed.",
    fix="delete {object} (no data depends on it), then start a run, which makes it with {expected}",
    repairable=False,
)
VOLUME_MISSING = DriftKind(
    resource="PersistentVolume {name}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="The claim is Lost and new pods cannot mount; the file system still has the data.",
    fix="a run makes {name} again, and the claim binds to it",
)
VOLUME_HANDLE = DriftKind(
    resource="{object}",
    path="{path}",
    severity=Severity.CRITICAL,
    meaning="Pods mount another file system or access point than the one that is there. The field is immutable.",
    fix="delete the claim and {object} (the file system keeps its data), then start a run, which makes them with "
    "{expected}; if {actual} is the one that has the data, restore it first",
    repairable=False,
)
VOLUME_ADDRESS = DriftKind(
    resource="{object}",
    path="{path}",
    severity=Severity.CRITICAL,
    meaning="Pods mount an address that no mount target of the file system has (any more). The field is immutable.",
    fix="delete the claim and {object} (the file system keeps its data), then start a run, which makes them with "
    "{expected}",
    repairable=False,
)
VOLUME_SOURCE = DriftKind(
    resource="{object}",
    path="{path}",
    severity=Severity.CRITICAL,
    meaning="The volume was made again as something else than an EFS file system. The field is immutable.",
    fix="delete the claim and {object} (the file system keeps its data), then start a run, which makes them again",
    repairable=False,
)
VOLUME_FIELD = DriftKind(
    resource="{object}",
    path="{path}",
    severity=Severity.WARNING,
    meaning="Capacity, reclaim policy, class or access modes were changed: they decide about the next binding.",
    fix="a run sets {path} of {object} to {expected} again",
)
VOLUME_RELEASED = DriftKind(
    resource="PersistentVolume {name}",
    path="status.phase",
    severity=Severity.CRITICAL,
    meaning="Its claim was deleted and made again: the volume still refers to the old one, so the new one waits.",
    fix="a run drops the reference of {name} to the old {holder}, and the claim binds; the data stays",
)
VOLUME_FAILED = DriftKind(
    resource="PersistentVolume {name}",
    path="status.phase",
    severity=Severity.CRITICAL,
    meaning="Kubernetes tried to reclaim the volume and could not; it never leaves this phase.",
    fix="delete {name} (the file system keeps its data), then start a run, which makes it again",
    repairable=False,
)
VOLUME_BOUND_ELSEWHERE = DriftKind(
    resource="PersistentVolume {name}",
    path="spec.claimRef",
    severity=Severity.CRITICAL,
    meaning="Another claim has the volume, and its pods may be using the data.",
    fix="delete the claim {actual} when nobody needs it, then start a run, which binds {name} to {expected}",
    repairable=False,
)
CLAIM_MISSING = DriftKind(
    resource="PersistentVolumeClaim {name}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="Pods that name the claim do not start. Its volume is Released and keeps the data.",
    fix="a run makes {name} again and binds it to the same volume, data and all",
)
CLAIM_FIELD = DriftKind(
    resource="{object}",
    path="{path}",
    severity=Severity.WARNING,
    meaning="The claim was made again with another volume, class or size: its spec is immutable.",
    fix="delete {object} (the file system keeps its data), then start a run, which makes it with {expected}",
    repairable=False,
)
CLAIM_LOST = DriftKind(
    resource="PersistentVolumeClaim {name}",
    path="status.phase",
    severity=Severity.CRITICAL,
    meaning="The volume belongs to another claim of the same name: this one can never have it.",
    fix="delete {name} (the file system keeps its data), then start a run, which makes and binds it",
    repairable=False,
)
CLAIM_UNBOUND = DriftKind(
    resource="PersistentVolumeClaim {name}",
    path="status.phase",
    severity=Severity.CRITICAL,
    meaning="The claim is not bound although nothing is wrong with its volume: pods that name it do not start.",
    fix="a run waits for the binding of {name}; if it does not come, read the events of the claim",
)
