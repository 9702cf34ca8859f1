"""The function of state "Find new accounts": active accounts below the enrolled units that no record names."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.organizations.models import FakeAccount

from functions.find_new_accounts.app import lambda_handler
from tests.unit.functions.records import Context, Table


class Organization:
    """A unit with a unit in it, and a unit beside them."""

    def __init__(self) -> None:
        self.client = boto3.client("organizations")
        self.client.create_organization(FeatureSet="ALL")
        self.root = self.client.list_roots()["Roots"][0]["Id"]
        self.outer, self.beside = self.unit(self.root, "outer"), self.unit(self.root, "beside")
        self.inner = self.unit(self.outer, "inner")

    def unit(self, parent: str, name: str) -> str:
        made = self.client.create_organizational_unit(ParentId=parent, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    def account(self, unit: str, name: str) -> str:
        made = self.client.create_account(AccountName=name, Email=f"{name}@example.com")
        account_id = str(made["CreateAccountStatus"]["AccountId"])
        self.client.move_account(AccountId=account_id, SourceParentId=self.root, DestinationParentId=unit)
        return account_id


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    describe = FakeAccount.describe

    def described(self: FakeAccount) -> dict[str, Any]:
        """moto still says Status, which the service has retired in favour of State."""
        account = describe(self)
        return {**{name: value for name, value in account.items() if name != "Status"}, "State": account["Status"]}

    monkeypatch.setattr(FakeAccount, "describe", described)
    with mock_aws():
        yield Table(monkeypatch)


def found() -> list[str]:
    return [each["account_id"] for each in lambda_handler({"execution_arn": "x"}, Context())["accounts"]]


def test_accounts_at_and_below_the_enrolled_units_are_found_unless_recorded_or_closed(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = Organization()
    new = [organization.account(organization.outer, "at"), organization.account(organization.inner, "below")]
    organization.account(organization.beside, "elsewhere")
    table.put("eks-example", account=organization.account(organization.inner, "proven"))
    table.put("eks-example", account=organization.account(organization.inner, "failed"), proven=False)
    organization.client.close_account(AccountId=organization.account(organization.inner, "closed"))
    monkeypatch.setenv("ENROLLED_UNITS", f"{organization.outer}, {organization.inner}")
    assert found() == sorted(new)


def test_more_accounts_than_a_page_are_all_found(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    organization = Organization()
    new = [organization.account(organization.outer, f"a{number}") for number in range(25)]
    monkeypatch.setenv("ENROLLED_UNITS", organization.root)
    assert set(new) <= set(found())


def test_without_enrolled_units_nobody_is_asked(table: Table) -> None:
    assert found() == []


def test_each_is_told_with_the_unit_it_is_in(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    organization = Organization()
    account_id = organization.account(organization.inner, "below")
    in_the_root = organization.client.create_account(AccountName="root", Email="root@example.com")
    monkeypatch.setenv("ENROLLED_UNITS", organization.root)
    accounts = lambda_handler({"execution_arn": "x"}, Context())["accounts"]
    assert {"account_id": account_id, "organizational_unit_id": organization.inner} in accounts
    root_id = in_the_root["CreateAccountStatus"]["AccountId"]
    assert {"account_id": root_id, "organizational_unit_id": None} in accounts


@pytest.mark.parametrize(
    ("cause", "again"),
    [
        ("RoleNotAssumable: role in 111122223333; deploy accounts/target.yaml", True),
        ("QuotaExceeded: CreateVpc: VpcLimitExceeded; raise the quota", False),
    ],
)
def test_an_account_that_got_its_roles_late_is_found_again_and_one_that_failed_otherwise_is_not(
    table: Table, monkeypatch: pytest.MonkeyPatch, cause: str, again: bool
) -> None:
    organization = Organization()
    account_id = organization.account(organization.outer, "late")
    table.put("eks-example", account=account_id, proven=False, failure=json.dumps({"cause": cause}))
    monkeypatch.setenv("ENROLLED_UNITS", organization.outer)
    assert (account_id in found()) is again


def test_accounts_that_are_left_out_are_told_with_the_reason_and_get_nothing(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = Organization()
    tagged, inside, kept = (
        organization.account(unit, name)
        for unit, name in (
            (organization.outer, "tagged"),
            (organization.inner, "inside"),
            (organization.inner, "kept"),
        )
    )
    for account_id, value in ((tagged, "true"), (kept, "false")):
        tag = {"Key": "eks-efs-provisioner/left-out", "Value": value}
        organization.client.tag_resource(ResourceId=account_id, Tags=[tag])
    monkeypatch.setenv("ENROLLED_UNITS", organization.outer)
    monkeypatch.setenv("LEFT_OUT", organization.inner)
    answer = lambda_handler({"execution_arn": "x"}, Context())
    assert [each["account_id"] for each in answer["accounts"]] == [kept]
    assert {each["account_id"]: each["because"] for each in answer["left_out"]} == {
        tagged: f"account {tagged} has the tag eks-efs-provisioner/left-out = true",
        inside: f"the stack's parameter LeftOut names {organization.inner}",
    }
