"""The function of state "Write pages" against a table and a bucket that behave (moto)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from functions.write_pages.app import lambda_handler
from provisioner.errors import RetryableError, TerminalError
from provisioner.report.index import IndexStore
from tests.unit.functions.records import ACCOUNT, BUCKET, REGION, Context, Table
from tests.unit.functions.report_seam import Bucket, detail, execution
from tests.unit.report.clusters import CHECKS, HOSTILE, NOW, Links, fleet

INDEX = f"s3://{BUCKET}/index.html"


class Stack:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bucket = Bucket(monkeypatch)
        self.table = Table(monkeypatch)

    def write(self, request: Any = None, told: Any = None, arn: str = "x:run", *, index: bool = True) -> dict[str, Any]:
        event = {"execution_arn": arn, "request": request, "detail": told, "index": index}
        return lambda_handler(event, Context())

    def page(self, url: str = INDEX) -> str:
        return self.bucket.object(url)["Body"].read().decode()

    @property
    def store(self) -> IndexStore:
        return IndexStore(BUCKET, self.bucket.s3, "claims", self.table.dynamodb)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    with mock_aws():
        yield Stack(monkeypatch)


def refusal(code: str, operation: str) -> Any:
    def refuse(**_arguments: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    return refuse


def test_the_index_has_every_cluster_and_links_to_pages_where_they_lie(stack: Stack) -> None:
    stack.table.put("eks-one", status="Ready", execution_arn="x:run-1", checks=json.dumps(CHECKS))
    stack.table.put("eks-two", proven=False, claimed_by=stack.table.one)
    assert stack.write() == {"report_url": None, "index_url": INDEX}
    page, place = stack.page(), f"{ACCOUNT}/{REGION}/eks-one"
    assert "eks-two" in page
    assert Links(page).found == [f"{place}/{name}/report.html" for name in ("run-1", "check-27", "check-26")]


def test_an_index_that_is_there_is_replaced(stack: Stack) -> None:
    stack.write()
    assert "No cluster is recorded" in stack.page()
    stack.table.put("eks-late")
    stack.write()
    assert "eks-late" in stack.page()
    assert stack.bucket.object(INDEX)["ContentType"].startswith("text/html")


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_that_end_at_once_neither_loses_what_the_other_has_told(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    """The slower one has read the records before the faster one's was there, and writes after it."""
    if not is_first:
        stack.write()
    stack.table.put("eks-slow")
    put = stack.bucket.s3.put_object
    overtaken: list[bool] = []

    def put_late(**arguments: Any) -> Any:
        if not overtaken:
            overtaken.append(True)
            stack.table.put("eks-fast")
            stack.store.rewrite(NOW)
        return put(**arguments)

    slow = stack.store
    monkeypatch.setattr(slow.s3, "put_object", put_late)
    slow.rewrite(NOW)
    page = stack.page()
    assert overtaken
    assert "eks-slow" in page
    assert "eks-fast" in page


def test_who_is_overtaken_every_time_tries_again_later_and_says_so(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack.bucket.s3, "put_object", refusal("ConditionalRequestConflict", "PutObject"))
    with pytest.raises(RetryableError, match=r"index.html was written by others 10 times"):
        stack.store.rewrite(NOW)


def test_an_index_that_nobody_may_write_is_not_taken_for_a_race(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack.bucket.s3, "put_object", refusal("AccessDenied", "PutObject"))
    with pytest.raises(ClientError, match="AccessDenied"):
        stack.store.rewrite(NOW)


def test_s3_that_does_not_say_whether_there_is_an_index_writes_none_over_another(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack.bucket.s3, "head_object", refusal("403", "HeadObject"))
    stack.store.rewrite(NOW)
    with pytest.raises(TerminalError, match=r"arn:aws:s3:::\S+/index.html is there, and s3:GetObject on it is refused"):
        stack.store.rewrite(NOW)


def checked(arn: str, **more: Any) -> dict[str, Any]:
    found = {"behaviour": None, "support": None, "repaired": [], "refused": [], "slower": [], "drift": [], **more}
    return detail(arn, checked_at="2026-11-28T12:00:00Z", depth="configuration", **found)


def test_a_check_that_found_nothing_has_a_page(stack: Stack) -> None:
    arn = execution()
    page = stack.page(stack.write({}, checked(arn), arn)["report_url"])
    assert "Verified: eks-example is as it was asked for" in page
    assert "not asked for" in page


def test_a_check_of_the_fleet_has_its_page_and_leaves_the_index_to_the_fleet(stack: Stack) -> None:
    arn = execution()
    answer = stack.write({}, checked(arn), arn, index=False)
    assert answer["index_url"] is None
    assert not stack.bucket.under("index.html")
    assert "Verified" in stack.page(answer["report_url"])


def test_a_check_that_found_differences_says_each_with_its_fix(stack: Stack) -> None:
    arn, text = execution(), {"expected": "on", "actual": "off", "fix": "switch it on"}
    different = {"resource": "file system", "path": "backup", "severity": "warning", "repairable": True, **text}
    page = stack.page(stack.write({}, checked(arn, drift=[different]), arn)["report_url"])
    assert "Drifted: eks-example" in page
    assert "switch it on" in page


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("Verify storage", "its storage no longer works"),
        ("Remediate drift", "could not be repaired"),
        ("Inspect storage", "could not be checked: nobody knows how it is"),
    ],
)
def test_a_check_that_failed_says_what_is_known_since(stack: Stack, state: str, said: str) -> None:
    arn = execution()
    failure = {"state": state, "error": "TerminalError", "cause": "why"}
    page = stack.page(stack.write({}, detail(arn, failure=failure, drift=[], diagnosis=[]), arn)["report_url"])
    assert said in page
    assert "Nothing that the run made" not in page


def test_a_fleet_has_a_page_that_stays_and_one_that_the_index_links_to(stack: Stack) -> None:
    answer = stack.write(None, fleet())
    assert answer["report_url"] == f"s3://{BUCKET}/fleet/fleet-1/report.html"
    for url, up in ((answer["report_url"], "../../"), (f"s3://{BUCKET}/fleet/report.html", "../")):
        assert Links(stack.page(url)).found == [
            f"{up}index.html",
            f"{up}{ACCOUNT}/{REGION}/eks-one/check-27/report.html",
        ]
    assert Links(stack.page()).found == ["fleet/report.html"]


def test_a_fleets_page_tells_of_accounts_that_are_not_what_they_were(stack: Stack) -> None:
    page = stack.page(stack.write(None, fleet("tagged"))["report_url"])
    assert "Changed: eks-one<small>111122223333, eu-west-1</small>" in page
    assert "<code>left_out</code> was None, is tagged: nothing is changed by itself: tagged" in page
    assert '<th scope="row">Changed besides</th><td>2 more</td>' in page


def test_what_a_record_holds_is_shown_as_text(stack: Stack) -> None:
    stack.table.put("eks-one", organizational_unit_id=HOSTILE)
    stack.write()
    assert "<script" not in stack.page()
    assert "&lt;script&gt;" in stack.page()


def test_a_table_of_more_than_one_answer_is_read_whole(stack: Stack) -> None:
    for number in range(40):
        stack.table.put(f"eks-{number}", removal_failure="x" * 30_000)
    stack.write()
    assert stack.page().count('<th scope="row"') == 40
