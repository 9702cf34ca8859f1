"""Evidence and reports in the stack's bucket: found, kept in a folder, and opened without any right to the bucket."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from eks_efs.records import Record
from eks_efs.stack import Stack
from provisioner.report.attestation import ATTESTATION

LINK_SECONDS: Final = 3600
_PAGE: Final = "report.html"
_EVIDENCE: Final = "evidence.json"


@dataclass(frozen=True)
class Report:
    """`link` is a presigned URL, good for LINK_SECONDS: whoever has it can read the page."""

    cluster: str
    account_id: str
    region: str
    execution: str
    written_at: str
    report_url: str
    evidence_url: str | None
    link: str

    @property
    def urls(self) -> Iterator[str]:
        if self.evidence_url:
            yield from (self.evidence_url, f"{self.evidence_url}{ATTESTATION}")
        yield self.report_url

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def latest(stack: Stack, record: Record) -> Report | None:
    """The newest page about a cluster; None when there is none. Source: S3 API, ListObjectsV2."""
    bucket, s3 = stack.outputs["EvidenceBucketName"], stack.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=record.folder)
    written = {each["Key"]: each["LastModified"] for page in pages for each in page.get("Contents", [])}
    keys = [key for key in written if key.endswith(f"/{_PAGE}")]
    if not keys:
        return None
    key = max(keys, key=lambda each: written[each])
    evidence = key.removesuffix(_PAGE) + _EVIDENCE
    return Report(
        record.cluster,
        record.account_id,
        record.region,
        key.split("/")[-2],
        written[key].isoformat(timespec="seconds"),
        f"s3://{bucket}/{key}",
        f"s3://{bucket}/{evidence}" if evidence in written else None,
        s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=LINK_SECONDS),
    )


def saved(stack: Stack, urls: Iterator[str], folder: Path) -> Iterator[Path]:
    """Each s3://bucket/…/<execution>/<name> as <folder>/<execution>/<name>."""
    for url in urls:
        parts = urlsplit(url)
        path = folder.joinpath(*parts.path.split("/")[-2:])
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = stack.client("s3").get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))
        path.write_bytes(stored["Body"].read())
        yield path
