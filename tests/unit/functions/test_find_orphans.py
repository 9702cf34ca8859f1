"""The function of state "Find orphans": what carries our tag and no record speaks for, with what it costs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from functions.find_orphans.app import lambda_handler
from provisioner.aws.session import Target
from provisioner.errors import ErrorReason, RetryableError
from provisioner.fleet.new_accounts import Enrolled
from provisioner.request import Request
from tests.unit.functions.records import ACCOUNT, REGION, Context, Table

OWNER_TAG = "eks-efs-provisioner/cluster"
CLUSTER_ARN = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/forgotten"


class Account:
    """What the tagging API lists there, and what costs are asked of."""

    def __init__(self) -> None:
        self.tagged: dict[str, str] = {}
        self.nat_state = "available"
        self.size_bytes = 10 * 2**30
        self.refused: str | None = None
        self.gone: set[str] = set()

    def client(self, _service: str) -> Any:
        return self

    def get_paginator(self, _operation: str) -> "Account":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        if self.refused:
            raise ClientError({"Error": {"Code": self.refused, "Message": "no"}}, "GetResources")
        listed = [{"ResourceARN": arn, "Tags": [{"Key": OWNER_TAG, "Value": tag}]} for arn, tag in self.tagged.items()]
        return [{"ResourceTagMappingList": listed}]

    def describe_tags(self, *, Filters: Any) -> dict[str, Any]:  # noqa: N803 (boto3's name)
        return {"Tags": [each for each in Filters[0]["Values"] if each not in self.gone]}

    def describe_cluster(self, *, name: str) -> dict[str, Any]:
        if name in self.gone:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "DescribeCluster")
        return {"cluster": {"name": name}}

    def describe_access_points(self, **_: Any) -> dict[str, Any]:
        return {"AccessPoints": [{}]}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"Stacks": [{"StackStatus": "DELETE_COMPLETE" if StackName in self.gone else "CREATE_COMPLETE"}]}

    def describe_log_groups(self, *, logGroupNamePrefix: str) -> dict[str, Any]:  # noqa: N803
        return {"logGroups": [{"logGroupName": logGroupNamePrefix}] if logGroupNamePrefix not in self.gone else []}

    def describe_nat_gateways(self, **_: Any) -> dict[str, Any]:
        return {"NatGateways": [{"State": self.nat_state}]}

    def describe_file_systems(self, **_: Any) -> dict[str, Any]:
        return {"FileSystems": [{"SizeInBytes": {"Value": self.size_bytes}}]}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    with mock_aws():
        yield Table(monkeypatch)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account()
    monkeypatch.setattr(Target, "of", lambda *_, **__: made)
    return made


def found() -> dict[str, Any]:
    answer = lambda_handler({}, Context())
    assert json.loads(json.dumps(answer)) == answer
    return answer


def arn_of(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def test_what_a_record_speaks_for_is_no_orphan_and_what_none_does_is_told_the_dearest_first(
    table: Table, account: Account
) -> None:
    table.put("eks-orders")
    file_system = arn_of("elasticfilesystem", "file-system/fs-0123456789abcdef0")
    account.tagged = {
        arn_of("eks", "cluster/eks-orders"): "eks-orders",
        file_system: "forgotten",
        CLUSTER_ARN: "forgotten",
        arn_of("ec2", "natgateway/nat-0123456789abcdef0"): "forgotten",
        arn_of("ec2", "subnet/subnet-0123456789abcdef0"): "forgotten",
    }
    answer = found()
    assert [(each["arn"].rsplit(":", 1)[1].split("/")[0], each["monthly_usd"]) for each in answer["orphans"]] == [
        ("cluster", 73.0),
        ("natgateway", 32.85),
        ("file-system", 3.0),
        ("subnet", 0.0),
    ]
    assert answer["orphans"][0]["cluster"] == "forgotten"
    assert (answer["orphans_monthly_usd"], answer["orphans_left_out"]) == (108.85, 0)


def test_after_a_removal_the_record_speaks_for_the_kept_file_system_alone(table: Table, account: Account) -> None:
    kept = {"id": "fs-0123456789abcdef0"}
    table.put("eks-orders", removed_at="2026-09-01", kept_file_system=json.dumps(kept))
    left = arn_of("eks", "cluster/eks-orders")
    account.tagged = {
        arn_of("elasticfilesystem", "file-system/fs-0123456789abcdef0"): "eks-orders",
        arn_of("elasticfilesystem", "access-point/fsap-0123456789abcdef0"): "eks-orders",
        left: "eks-orders",
    }
    assert [each["arn"] for each in found()["orphans"]] == [left]


def test_what_is_only_listed_still_is_none(table: Table, account: Account) -> None:
    table.put("eks-orders")
    stack = arn_of("cloudformation", "stack/eks-efs-provisioner-forgotten-network/1")
    left = {
        arn_of("ec2", "natgateway/nat-0123456789abcdef0"): "nat-0123456789abcdef0",
        arn_of("ec2", "subnet/subnet-0123456789abcdef0"): "subnet-0123456789abcdef0",
        CLUSTER_ARN: "forgotten",
        stack: stack,
        arn_of("logs", "log-group:/aws/eks/forgotten/cluster"): "/aws/eks/forgotten/cluster",
    }
    account.tagged = dict.fromkeys(left, "forgotten")
    assert len(found()["orphans"]) == len(left)
    account.gone, account.nat_state = set(left.values()), "deleted"
    assert found()["orphans"] == []


def test_more_than_an_event_has_room_for_are_counted(table: Table, account: Account) -> None:
    table.put("eks-orders")
    account.tagged = {arn_of("ec2", f"elastic-ip/eipalloc-{number:017x}"): "forgotten" for number in range(205)}
    answer = found()
    assert (len(answer["orphans"]), answer["orphans_left_out"]) == (200, 5)
    assert answer["orphans_monthly_usd"] == pytest.approx(205 * 3.65)


def test_where_nobody_could_look_is_told_and_keeps_nobody_from_looking_elsewhere(
    table: Table, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.put("eks-orders")
    table.put("eks-payments", account="444455556666")
    table.put("eks-billing", account="777788889999")
    account.tagged = {CLUSTER_ARN: "forgotten"}
    refused = Account()
    refused.refused = "AccessDeniedException"

    def of(request: Request, **_: Any) -> Account:
        if request.account_id == "444455556666":
            raise RetryableError(ErrorReason.ROLE_NOT_ASSUMABLE, "its inspector", remedy="deploy it")
        return refused if request.account_id == "777788889999" else account

    monkeypatch.setattr(Target, "of", of)
    answer = found()
    assert [each["arn"] for each in answer["orphans"]] == [CLUSTER_ARN]
    assert {each["account_id"]: each["cause"].split(":")[0] for each in answer["orphans_not_looked_at"]} == {
        "444455556666": "RoleNotAssumable",
        "777788889999": "AccessDenied",
    }


def test_enrolled_accounts_are_looked_into_though_no_record_names_them(
    table: Table, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENROLLED_UNITS", "ou-ab12-11111111")
    enrolled = Enrolled({"444455556666": "ou-ab12-11111111"}, ["ou-ab12-11111111"])
    monkeypatch.setattr(Enrolled, "at_or_below", lambda *_: enrolled)
    account.tagged = {arn_of("ec2", "elastic-ip/eipalloc-0"): "forgotten"}
    assert [each["account_id"] for each in found()["orphans"]] == ["444455556666"]


def test_it_looks_as_the_inspector(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    roles: list[str] = []

    def of(*_: Any, role: str) -> Account:
        roles.append(role)
        return Account()

    monkeypatch.setattr(Target, "of", of)
    table.put("eks-orders")
    assert found()["orphans"] == []
    assert roles == ["inspector"]
