"""The function of state "Report removal" against a bucket that behaves (moto)."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from functions.report_removal.app import lambda_handler
from tests.unit.functions.report_seam import BUCKET, FOLDER, REQUEST, Bucket, Context, detail, execution

KEPT: dict[str, Any] = {
    "id": "fs-0123456789abcdef0",
    "size_bytes": 12,
    "attach": "start provision with file_system.existing: fs-0123456789abcdef0",
}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with mock_aws():
        yield Bucket(monkeypatch)


def page(bucket: Bucket, **more: Any) -> str:
    arn = execution()
    told = detail(
        arn,
        **{
            "removed": [{"resource": "cluster", "id": "eks-example"}],
            "kept": [{"resource": "file system", "id": KEPT["id"], "why": "its data was not given up"}],
            "kept_file_system": KEPT,
            "reason": "the account is closed",
            **more,
        },
    )
    answer = lambda_handler({"execution_arn": arn, "request": REQUEST, "detail": told}, Context())
    assert answer == {"report_url": f"s3://{BUCKET}/{FOLDER}/report.html"}
    return bucket.object(answer["report_url"])["Body"].read().decode()


def test_the_page_says_what_is_gone_what_was_kept_and_how_to_use_it_again(bucket: Bucket) -> None:
    html = page(bucket)
    for said in ("Removed: eks-example is gone", "the account is closed", KEPT["attach"], "its data was not given up"):
        assert said in html


def test_a_page_without_anything_kept_says_that_no_data_is(bucket: Bucket) -> None:
    html = page(bucket, kept=[], kept_file_system=None, removed=[], reason=None)
    assert "No data of it is kept" in html
    assert "everything was gone already" in html
    assert 'id="kept"' not in html
