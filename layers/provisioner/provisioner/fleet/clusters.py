"""Which clusters a run over the fleet checks: the proven ones that nobody works on, and that nobody has removed."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from provisioner.checking import CheckRequest
from provisioner.claim import ClaimsTable
from provisioner.fleet.records import scan
from provisioner.fleet.request import FleetRequest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class ClusterList:
    """The bucket that the map reads its items from, and the table of all clusters."""

    bucket: str
    s3: "S3Client"
    claims: ClaimsTable

    def write(self, asked: FleetRequest, execution_arn: str, now: datetime) -> dict[str, Any]:
        """Write the items, each the whole input of a check, and say where they are and how many were left out.

        Idempotency key: the execution's name, in the object's key.
        Returns {find_new_accounts, find_orphans, depth, items: {bucket, key}, listed, busy, never_proven}.
        Source: Step Functions developer guide, "ItemReader (Map)", JSON; S3 API, PutObject.
        """
        items, busy, never_proven = [], 0, 0
        names = ("cluster", "claimed_by", "claimed_at", "verified_at", "removed_at")
        for item in scan(self.claims.dynamodb, self.claims.name, *names):
            if self.claims.holder_runs(item, now):
                busy += 1
            elif "removed_at" in item:
                continue
            elif "verified_at" not in item:
                never_proven += 1
            else:
                items.append(_check(item["cluster"]["S"], asked).model_dump(mode="json"))
        key = f"fleet/{execution_arn.rsplit(':', 1)[-1]}/clusters.json"
        self.s3.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=json.dumps(items).encode(),
            ContentType="application/json",
        )
        return {
            "depth": asked.depth,
            "find_new_accounts": asked.find_new_accounts,
            "find_orphans": asked.find_orphans,
            "items": {"bucket": self.bucket, "key": key},
            "listed": len(items),
            "busy": busy,
            "never_proven": never_proven,
        }


def _check(claim_key: str, asked: FleetRequest) -> CheckRequest:
    account_id, region, cluster_name = claim_key.split("#")
    return CheckRequest(
        account_id=account_id,
        region=region,
        cluster_name=cluster_name,
        depth=asked.depth,
        remediate=asked.remediate,
        of_fleet=True,
    )
