"""Evidence and reports in the stack's bucket: found, kept in a folder, and opened without any right to the bucket."""

import html
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from eks_efs.records import Record
from eks_efs.stack import Stack
from provisioner.report.attestation import ATTESTATION

INDEX: Final = "index.html"
LINK_SECONDS: Final = 3600
_PAGE: Final = "report.html"
_EVIDENCE: Final = "evidence.json"
_LINK: Final = re.compile(r'<a href="([^":]+)"')


@dataclass(frozen=True)
class Report:
    """`link` is a presigned URL, good for LINK_SECONDS: whoever has it can read the page.

    `execution` is the one that the page is about; `evidence_url` the newest evidence, of that one or one before.
    """

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
    evidence = [each for each in written if each.endswith(f"/{_EVIDENCE}")]
    return Report(
        record.cluster,
        record.account_id,
        record.region,
        key.split("/")[-2],
        written[key].isoformat(timespec="seconds"),
        f"s3://{bucket}/{key}",
        f"s3://{bucket}/{max(evidence, key=lambda each: written[each])}" if evidence else None,
        _presigned(stack, key),
    )


def index(stack: Stack) -> str | None:
    """The page of all clusters as it lies in the bucket; None before anything has ended."""
    s3 = stack.client("s3")
    try:
        stored = s3.get_object(Bucket=stack.outputs["EvidenceBucketName"], Key=INDEX)
    except s3.exceptions.NoSuchKey:
        return None
    return str(stored["Body"].read().decode())


def with_links(stack: Stack, page: str, kept: Mapping[str, Path]) -> str:
    """The page of all clusters for a folder of its own: each link leads to what is kept there, or is presigned.

    `kept`: key in the bucket -> path beside the page. As it lies in the bucket a signature for the page is none for
    what it links to.
    """

    def lead(link: re.Match[str]) -> str:
        key = html.unescape(link[1])
        return f'<a href="{html.escape(kept[key].as_posix() if key in kept else _presigned(stack, key))}"'

    return _LINK.sub(lead, page)


def opened(stack: Stack, page: str) -> str:
    """Where a browser finds the page of all clusters with presigned links; only its reader may read the file."""
    path = Path(tempfile.mkdtemp(prefix="eks-efs-")) / INDEX
    path.write_text(with_links(stack, page, {}), encoding="utf-8")
    return path.as_uri()


def _presigned(stack: Stack, key: str) -> str:
    where = {"Bucket": stack.outputs["EvidenceBucketName"], "Key": key}
    return str(stack.client("s3").generate_presigned_url("get_object", Params=where, ExpiresIn=LINK_SECONDS))


def saved(stack: Stack, urls: Iterator[str], folder: Path) -> Iterator[Path]:
    """Each s3://bucket/…/<execution>/<name> as <folder>/<execution>/<name>."""
    for url in urls:
        parts = urlsplit(url)
        path = folder.joinpath(*parts.path.split("/")[-2:])
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = stack.client("s3").get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))
        path.write_bytes(stored["Body"].read())
        yield path
