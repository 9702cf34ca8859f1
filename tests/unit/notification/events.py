"""One event of every kind, as the machines publish it, for tests of what is made of it."""

from typing import Any, Final

ACCOUNT: Final = "111122223333"
REGION: Final = "eu-west-1"
NAME: Final = "eks-example"
SHA256: Final = "ab" * 32
_EKS: Final = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{NAME}"


def execution(machine: str) -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT}:execution:eks-efs-provisioner-{machine}:run-1"


def event(kind: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "source": "eks-efs-provisioner",
        "account": ACCOUNT,
        "region": REGION,
        "time": "2026-01-02T03:04:05Z",
        "resources": [],
        "detail-type": kind,
        "detail": {"schema_version": "1", "request_id": "run-1", **detail},
    }


_PLACE: Final[dict[str, Any]] = {"account_id": ACCOUNT, "region": REGION}
_CLUSTER: Final = {"name": NAME, "arn": _EKS, "endpoint": "https://x.eks.amazonaws.com", "version": "1.34"}
_VOLUME: Final = {
    "volume_handle": "fs-0123456789abcdef0",
    "namespace": "default",
    "storage_class": "efs-sc",
    "persistent_volume": "efs-pv",
    "claim": "efs-claim",
}
_MOUNT_TARGET: Final = {
    "mount_target_id": "fsmt-0123456789abcdef0",
    "availability_zone_id": "euw1-az1",
    "subnet_id": "subnet-0123456789abcdef0",
    "ip_address": "10.0.0.1",
}
_BUILT: Final[dict[str, Any]] = {
    **_PLACE,
    "cluster": _CLUSTER,
    "file_system": {"id": "fs-0123456789abcdef0", "access_point_id": None, "mount_targets": [_MOUNT_TARGET]},
    "storage": {**_VOLUME, "volumes": [_VOLUME], "unlisted": []},
}
_EVIDENCE: Final = {"sha256": SHA256, "writers": [{"pod": "a"}, {"pod": "b"}, {"pod": "c"}]}
_CHECKED: Final[dict[str, Any]] = {
    **_BUILT,
    "checked_at": "2026-01-02T03:04:05Z",
    "depth": "behaviour",
    "behaviour": {"proven": True, "evidence": _EVIDENCE},
    "support": {
        "version": "1.34",
        "upgrade_policy": "STANDARD",
        "is_extended": False,
        "standard_until": "2026-12-02",
    },
    "repaired": [],
    "remediation": None,
    "report_url": "s3://bucket/report.html",
    "execution_arn": execution("reverify"),
}


def difference(resource: str, severity: str = "warning", *, repairable: bool = True) -> dict[str, Any]:
    return {
        "resource": resource,
        "path": "lifecycle",
        "expected": "AFTER_30_DAYS",
        "actual": None,
        "severity": severity,
        "fix": f"set the lifecycle of {resource}",
        "repairable": repairable,
    }


READY: Final = event(
    "Storage Cluster Ready",
    {**_BUILT, "evidence": _EVIDENCE, "timings": {"Ensure cluster": 600}, "execution_arn": execution("provision")},
)
FAILED: Final = event(
    "Storage Cluster Failed",
    {
        **_PLACE,
        "cluster": {"name": NAME},
        "failure": {"state": "Verify storage", "error": "TerminalError", "cause": "The pods could not mount."},
        "diagnosis": [
            {
                "rule": "port-closed",
                "verdict": "proved",
                "cause": "The security group sg-1 admits nobody at port 2049.",
                "symptom": "mount.nfs4: Connection timed out",
                "probe": {"looked_at": "sg-1", "saw": "no rule"},
                "fix": "Open port 2049 of sg-1.",
            }
        ],
        "left_behind": "the pods of the proof",
        "report_url": "s3://bucket/report.html",
        "execution_arn": execution("provision"),
    },
)
REFUSED: Final = event(
    "Storage Cluster Failed",
    {
        "account_id": None,
        "region": None,
        "cluster": None,
        "failure": {"state": "Validate request", "error": "RequestError", "cause": "cluster.name: 'Not A Name'"},
        "diagnosis": [],
        "execution_arn": execution("provision"),
    },
)
DRIFTED: Final = event(
    "Storage Cluster Drifted",
    {**_CHECKED, "drift": [difference("fs-1"), difference("sg-1", "critical")], "refused": []},
)
VERIFIED: Final = event("Storage Cluster Verified", {**_CHECKED, "drift": [], "refused": []})
REMOVED: Final = event(
    "Storage Cluster Removed",
    {
        **_PLACE,
        "cluster": {"name": NAME},
        "removed": [{"resource": "cluster", "id": NAME}],
        "kept": [],
        "kept_file_system": {"id": "fs-0123456789abcdef0", "size_bytes": 6144, "attach": "name it in a request"},
        "reason": None,
        "timings": {"Remove cluster": 300},
        "report_url": "s3://bucket/report.html",
        "execution_arn": execution("teardown"),
    },
)
CHECKED: Final = event(
    "Storage Fleet Checked",
    {
        "depth": "configuration",
        "counts": {"verified": 38, "drifted": 1, "failed": 0, "unreachable": 1, "busy": 0, "never_proven": 0},
        "attention": [
            {
                **_PLACE,
                "cluster_name": NAME,
                "status": "Unreachable",
                "differences": 0,
                "execution_arn": None,
                "cause": "the role is gone",
            }
        ],
        "attention_left_out": 1,
        "leaving_support": [],
        "leaving_support_left_out": 3,
        "new_accounts": [],
        "new_accounts_failure": None,
        "accounts_left_out": [],
        "accounts_changed": [],
        "accounts_changed_left_out": 0,
        "orphans": None,
        "orphans_left_out": 0,
        "orphans_monthly_usd": 0,
        "orphans_not_looked_at": [],
        "orphans_failure": None,
        "report_url": "s3://bucket/report.html",
        "execution_arn": execution("fleet"),
    },
)
EVERY: Final = {
    "ready": READY,
    "failed": FAILED,
    "refused": REFUSED,
    "drifted": DRIFTED,
    "verified": VERIFIED,
    "removed": REMOVED,
    "checked": CHECKED,
}
