"""The function of state "Report failure" against a bucket that behaves (moto)."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from functions.report_failure.app import lambda_handler
from tests.unit.functions.report_seam import BUCKET, FOLDER, REQUEST, Bucket, Context, detail, execution

FAILURE = {"state": "Verify storage", "error": "TerminalError", "cause": "VerificationFailed: nothing mounted"}
CAUSE: dict[str, Any] = {
    "rule": "security-group-closed",
    "verdict": "proved",
    "cause": "No rule lets NFS in.",
    "symptom": "mount.nfs4: Connection timed out",
    "probe": {"looked_at": "sg-1", "saw": "no ingress on 2049"},
    "fix": "Admit 2049/tcp from 10.0.0.0/19 in sg-1.",
}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with mock_aws():
        yield Bucket(monkeypatch)


def tell(request: dict[str, Any] = REQUEST, **more: Any) -> dict[str, Any]:
    arn = execution()
    event = {"execution_arn": arn, "request": request, "detail": detail(arn, failure=FAILURE, **more)}
    return lambda_handler({**event, "network": None, "built": None}, Context())


def page(bucket: Bucket, answer: dict[str, Any]) -> str:
    return bucket.object(answer["report_url"])["Body"].read().decode()


def test_the_report_lies_where_the_evidence_would(bucket: Bucket) -> None:
    assert tell() == {"report_url": f"s3://{BUCKET}/{FOLDER}/report.html", "evidence_url": None}
    assert bucket.keys() == {f"{FOLDER}/report.html"}


def test_the_diagnosis_comes_before_the_error_and_the_error_before_the_timeline(bucket: Bucket) -> None:
    html = page(bucket, tell(diagnosis=[CAUSE]))
    places = [html.index(said) for said in (CAUSE["cause"], FAILURE["cause"], 'id="timeline"')]
    assert places == sorted(places)
    for said in (CAUSE["fix"], "no ingress on 2049", CAUSE["symptom"], "Proved"):
        assert said in html


@pytest.mark.parametrize("more", [{}, {"diagnosis": []}, {"diagnosis": None}])
def test_a_failure_without_a_diagnosis_is_told_word_for_word(bucket: Bucket, more: dict[str, Any]) -> None:
    html = page(bucket, tell(**more))
    assert "No rule knows this failure" in html
    assert FAILURE["cause"] in html


def test_a_refused_request_has_a_report_too(bucket: Bucket) -> None:
    answer = tell({}, account_id=None, region=None, cluster=None)
    assert answer["report_url"] == f"s3://{BUCKET}/refused/run-1/report.html"
    assert "Failed: Verify storage" in page(bucket, answer)
