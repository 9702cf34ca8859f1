"""Pages of real runs of the embedded cloud, and pages of runs that are meant to break the layout."""

from pathlib import Path
from typing import Any

from local.cloud import EmbeddedCloud
from local.faults import FAULTS
from provisioner.report.model import report
from provisioner.report.render import render, render_fleet, render_index
from tests.end_to_end.runs import Machine
from tests.unit.functions.report_seam import REQUEST, detail, evidence
from tests.unit.report.clusters import HOSTILE, NOW, SUPPORT, fleet, hostile_index, index
from tests.unit.report.samples import ARN, good


def good_and_failed(directory: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """name -> the page and the detail of the event that the run ended with: one good run, one with a closed group."""
    with EmbeddedCloud(directory) as cloud:
        machine = Machine(cloud, cloud.deploy())
        ready = machine.run({"cluster": {"name": "eks-orders"}})
        fault = FAULTS["security-group"]
        fault.install(cloud, "eks-billing")
        failed = machine.run(
            fault.asked(
                {"cluster": {"name": "eks-billing"}, "verification": {"timeout_seconds": 60, "writers": 2}}, cloud
            )
        )
        details = {each["Detail"]["execution_arn"]: each["Detail"] for each in cloud.server.published_events}
        return {
            name: (_kept(cloud, details[run.arn]["report_url"]), details[run.arn])
            for name, run in (("good", ready), ("failed", failed))
        }


def of_clusters() -> dict[str, str]:
    """Of records in every state, and of a fleet; each also with values that are long and markup."""
    return {
        "index": render_index(index()),
        "hostile-index": render_index(hostile_index()),
        "fleet": render_fleet(fleet(), NOW, "../"),
        "hostile-fleet": render_fleet(fleet(HOSTILE), NOW, "../"),
    }


def verified() -> str:
    proof = {"proven": True, "evidence": evidence()}
    told = {"checked_at": "2026-11-28T12:00:00Z", "drift": [], "behaviour": proof, "support": SUPPORT, "slower": []}
    different = {"resource": "file system", "path": "backup", "expected": "on", "actual": "off"}
    return render(
        report(REQUEST, detail(ARN, **told, evidence=evidence(), repaired=[different], refused=[]), good().events)
    )


def _kept(cloud: EmbeddedCloud, url: str) -> str:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    page: bytes = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return page.decode()


def hostile() -> str:
    """Every value of a failed run is long and markup."""
    probe = {"looked_at": HOSTILE, "saw": HOSTILE}
    cause = {"rule": HOSTILE, "cause": HOSTILE, "symptom": HOSTILE, "probe": probe, "fix": HOSTILE}
    told = detail(
        ARN,
        evidence=_hostile_evidence(),
        failure={"state": HOSTILE, "error": HOSTILE, "cause": HOSTILE},
        diagnosis=[{**cause, "verdict": verdict} for verdict in ("proved", "possible", "refuted")],
    )
    return render(report({**REQUEST, "tags": {HOSTILE: HOSTILE}}, told, good().events))


def _hostile_evidence() -> dict[str, Any]:
    found = evidence()
    for pod in (*found["writers"], found["appender"], found["reader"]):
        pod |= {"pod": HOSTILE, "node": HOSTILE, "created": HOSTILE}
    found["reader"] |= {"listing": [HOSTILE], "text": [HOSTILE]}
    return found
