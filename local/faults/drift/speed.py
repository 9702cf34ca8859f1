"""Storage that is slower than it was, however fast this machine is: the past was faster than any could be."""

import json
from datetime import timedelta
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.core.utils import utcnow

from local.aws.hooks import Undo
from local.faults.drift.change import Change
from local.faults.scene import Scene

_PROOFS = 3
_NEVER_MIB_PER_SECOND = 1e9


def was_faster(scene: Scene) -> Undo:
    """As the record would tell had 4 MiB taken some nanoseconds in earlier proofs; today its clients keep it busy."""
    dynamodb, table = scene.client("dynamodb"), _claims_table(scene)
    key = {"cluster": {"S": f"{scene.request['account_id']}#{scene.region}#{scene.cluster_name}"}}
    recorded = dynamodb.get_item(TableName=table, Key=key)["Item"]["measured"]["S"]

    def record(measured: str) -> None:
        values = {":measured": {"S": measured}}
        dynamodb.update_item(
            TableName=table, Key=key, UpdateExpression="SET measured = :measured", ExpressionAttributeValues=values
        )

    *_, last = json.loads(recorded)
    fast = {"median": _NEVER_MIB_PER_SECOND, "worst": _NEVER_MIB_PER_SECOND, "count": 1}
    here = {subnet["availability_zone"] for subnet in scene.payload["network"]["private_subnets"]}
    zones = {zone: {"sequential_write_mib_per_second": fast, "sequential_read_mib_per_second": fast} for zone in here}
    record(json.dumps([{**last, "run_id": f"faster-{number}", "zones": zones} for number in range(_PROOFS)]))
    _tell(scene, "PercentIOLimit", 100.0)
    return lambda: record(recorded)


def _claims_table(scene: Scene) -> str:
    (table,) = (each for each in scene.client("dynamodb").list_tables()["TableNames"] if "ClaimsTable" in each)
    return str(table)


def _tell(scene: Scene, metric: str, value: float) -> None:
    """As EFS told CloudWatch a minute ago, where nobody else may use its namespace."""
    datum: dict[str, Any] = {
        "MetricName": metric,
        "Value": value,
        "Unit": "Percent",
        "Timestamp": utcnow() - timedelta(minutes=1),
        "Dimensions": [{"Name": "FileSystemId", "Value": scene.file_system_id}],
    }
    backend = cloudwatch_backends[str(scene.request["account_id"])][scene.region]
    backend.put_metric_data("AWS/EFS", [datum])


CHANGES = (
    Change(
        "storage-was-faster",
        "the file system is slower than in earlier proofs, as its clients keep it busy",
        "slower.SLOWER",
        "file system {file_system}",
        "sequential_*_mib_per_second.*",
        was_faster,
        "speed",
        by_pods=True,
    ),
)
