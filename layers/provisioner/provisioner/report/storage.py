"""Where evidence and reports are kept: one folder per run in the evidence bucket of the application's account."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from provisioner.errors import ErrorReason, TerminalError
from provisioner.kubernetes.evidence import digest
from provisioner.report.attestation import ATTESTATION, EVIDENCE, EvidenceKey, canonical, envelope, statement
from provisioner.report.history import Event
from provisioner.report.index import FLEET
from provisioner.report.model import report
from provisioner.report.render import HTML, render, render_fleet

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

KEYS: Final = "keys"
_EVENTS_PER_PAGE: Final = 1000


@dataclass(frozen=True)
class ReportStore:
    """The bucket, and the execution's history that a report tells."""

    bucket: str
    s3: "S3Client"
    states: "SFNClient"

    def keep_proof(
        self, execution_arn: str, request: Mapping[str, Any], detail: Mapping[str, Any], key: EvidenceKey
    ) -> dict[str, Any]:
        """Write the evidence, what the key signs of it, then the report; where they are.

        Idempotency key: the execution's name, in both keys; written again, a version is added and nothing is lost.
        Raises: TerminalError VerificationFailed when the evidence is not what its own sha256 says it is.
        Source: S3 API, PutObject; Step Functions API, GetExecutionHistory.
        """
        evidence = detail["evidence"]
        if evidence.get("sha256") != digest(evidence):
            raise TerminalError(
                ErrorReason.VERIFICATION_FAILED,
                f"the evidence of run {evidence.get('run_id')} is not what its sha256 says it is",
                remedy="something changed it on its way: start again, and do not use this evidence",
            )
        folder, body = folder_of(detail), canonical(evidence)
        signed = envelope(statement(evidence, hashlib.sha256(body).hexdigest(), detail), key)
        # Again with every proof: the bucket lets go of what is old, and of a key that still signs never.
        self._put(f"{KEYS}/{key.fingerprint}.pem", key.public_pem, "application/x-pem-file")
        evidence_url = self._put(f"{folder}/{EVIDENCE}", body, "application/json")
        self._put(f"{folder}/{EVIDENCE}{ATTESTATION}", signed, "application/vnd.in-toto+dsse")
        return {"report_url": self._report(folder, execution_arn, request, detail), "evidence_url": evidence_url}

    def tell_failure(self, execution_arn: str, request: Mapping[str, Any], detail: Mapping[str, Any]) -> dict[str, Any]:
        """Write the report on a run that failed; where it is. `request` is {} when it was refused.

        Idempotency key: the execution's name.
        Source: as `keep_proof`.
        """
        return {"report_url": self._report(folder_of(detail), execution_arn, request, detail), "evidence_url": None}

    def tell_removal(self, execution_arn: str, request: Mapping[str, Any], detail: Mapping[str, Any]) -> dict[str, Any]:
        """Write the report on a removal; where it is.

        Idempotency key: the execution's name.
        Source: as `keep_proof`.
        """
        return {"report_url": self._report(folder_of(detail), execution_arn, request, detail)}

    def tell_check(self, execution_arn: str, request: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
        """Write the report on a check, whatever came of it; where it is.

        Idempotency key: the execution's name; a check that looks again after a repair writes it again.
        Source: as `keep_proof`.
        """
        proof = (detail.get("behaviour") or {}).get("evidence")
        told = {**detail, "evidence": proof} if proof else detail
        return self._report(folder_of(detail), execution_arn, request, told)

    def tell_fleet(self, detail: Mapping[str, Any], now: datetime) -> str:
        """Write the report on a check of all clusters, where the index links to and where it stays; where it stays.

        Idempotency key: the execution's name.
        Source: S3 API, PutObject.
        """
        kept = self._put(
            f"fleet/{detail['request_id']}/report.html", render_fleet(detail, now, "../../").encode(), HTML
        )
        self._put(FLEET, render_fleet(detail, now, "../").encode(), HTML)
        return kept

    def _report(self, folder: str, execution_arn: str, request: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
        page = render(report(request, detail, self._history(execution_arn)))
        return self._put(f"{folder}/report.html", page.encode(), HTML)

    def _history(self, execution_arn: str) -> list[Event]:
        pages = self.states.get_paginator("get_execution_history").paginate(
            executionArn=execution_arn, includeExecutionData=True, PaginationConfig={"PageSize": _EVENTS_PER_PAGE}
        )
        return [event for page in pages for event in page["events"]]

    def _put(self, key: str, body: bytes, content_type: str) -> str:
        self.s3.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=body,
            ContentType=content_type,
            Metadata={"sha256": hashlib.sha256(body).hexdigest()},
        )
        return f"s3://{self.bucket}/{key}"


def folder_of(detail: Mapping[str, Any]) -> str:
    """<account>/<region>/<cluster>/<execution>; a refused request has named none of the first three."""
    name = detail["request_id"]
    cluster = detail.get("cluster")
    if not (detail.get("account_id") and detail.get("region") and cluster):
        return f"refused/{name}"
    return f"{detail['account_id']}/{detail['region']}/{cluster['name']}/{name}"
