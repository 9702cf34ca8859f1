"""The function of state "Locate account": the unit of an event's account, and the cluster that it has already."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from functions.locate_account import app
from tests.unit.functions.records import REGION, Context, Table
from tests.unit.kubernetes.samples import a_request

ROOT = Path(__file__).parents[3]
DEFAULTS = "/eks-efs-provisioner/defaults"
UNIT = "ou-ab12-l3zc8b3h"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    monkeypatch.setenv("DEFAULTS_PARAMETER", DEFAULTS)
    with mock_aws():
        yield Table(monkeypatch)


def left_out(account_id: str) -> str | None:
    because: str | None = located(account_id)["left_out"]
    return because


def event(sample: str, account_id: str) -> dict[str, Any]:
    text = (ROOT / "events" / f"{sample}.json").read_text()
    told: dict[str, Any] = json.loads(text.replace("111122223333", account_id))
    return told


def located(account_id: str, sample: str = "organizations-create-account-result") -> dict[str, Any]:
    return app.lambda_handler({"execution_arn": "x", "input": event(sample, account_id)}, Context())


def unit_has_defaults(unit: str = UNIT) -> None:
    boto3.client("ssm").put_parameter(Name=f"{DEFAULTS}/{unit}", Value="{}", Type="String")


class Organization:
    def __init__(self) -> None:
        self.client = boto3.client("organizations")
        self.client.create_organization(FeatureSet="ALL")
        self.root = self.client.list_roots()["Roots"][0]["Id"]
        self.unit = self.client.create_organizational_unit(ParentId=self.root, Name="unit")["OrganizationalUnit"]["Id"]
        made = self.client.create_account(AccountName="new", Email="new@example.com")
        self.account_id = made["CreateAccountStatus"]["AccountId"]

    def tag(self, value: str) -> None:
        tag = {"Key": "eks-efs-provisioner/left-out", "Value": value}
        self.client.tag_resource(ResourceId=self.account_id, Tags=[tag])

    def move(self) -> None:
        ends = {"SourceParentId": self.root, "DestinationParentId": self.unit}
        self.client.move_account(AccountId=self.account_id, **ends)


def test_the_unit_in_control_towers_event_is_the_accounts(table: Table) -> None:
    answer = located("111122223333", "control-tower-create-managed-account")
    assert (answer["ready"], answer["located"]) == (True, {"organizational_unit_id": UNIT})


def test_an_account_in_the_root_is_waited_for_until_it_is_in_its_unit(table: Table) -> None:
    organization = Organization()
    unit_has_defaults()
    waiting = located(organization.account_id)
    assert (waiting["ready"], waiting["reason"]) == (False, "WaitingForOrganizationalUnit")
    assert (waiting["retry_after_seconds"], waiting["located"]) == (60, {})
    assert waiting["because"] == f"{organization.account_id} is in {organization.root} still"
    organization.move()
    answer = located(organization.account_id)
    assert (answer["ready"], answer["located"]) == (True, {"organizational_unit_id": organization.unit})


def test_where_no_unit_differs_nothing_is_waited_for(table: Table) -> None:
    answer = located("111122223333")
    assert (answer["ready"], answer["located"]) == (True, {})


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "AWSOrganizationsNotInUseException", "ChildNotFoundException"]
)
def test_who_may_not_ask_the_organization_waits_for_control_towers_event(
    table: Table, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    unit_has_defaults()
    organizations = boto3.client("organizations")
    clients = boto3.client
    monkeypatch.setattr(
        boto3, "client", lambda name, **how: organizations if name == "organizations" else clients(name, **how)
    )
    with Stubber(organizations) as stub:
        stub.add_client_error("list_parents", code)
        stub.add_client_error("list_tags_for_resource", code)
        waiting = located("111122223333")
    assert waiting["ready"] is False
    assert code in waiting["because"]
    assert code in waiting["tag_unknown"]
    table.put("eks-unit", account="111122223333", for_account_event="true", organizational_unit_id=UNIT)
    answer = located("111122223333")
    assert answer["ready"]
    assert answer["located"]["organizational_unit_id"] == UNIT


def test_the_cluster_that_an_earlier_event_had_made_stays_the_accounts_only_one(table: Table) -> None:
    table.put("eks-mine", account="111122223333")  # a person's: no event's concern
    table.put("eks-early", account="111122223333", for_account_event="true")
    answer = located("111122223333", "control-tower-create-managed-account")
    network = a_request().model_dump(mode="json")["network"]
    assert answer["located"] == {
        "organizational_unit_id": UNIT,
        "region": REGION,
        "cluster": {"name": "eks-early"},
        "network": network,
    }


def test_a_cluster_of_another_account_is_none_of_this_one(table: Table) -> None:
    table.put("eks-early", account="444455556666", for_account_event="true")
    assert located("111122223333")["located"] == {}


def test_an_attempt_that_could_make_nothing_does_not_tell_what_the_accounts_cluster_is(table: Table) -> None:
    failure = json.dumps({"cause": "RoleNotAssumable: the role in 111122223333; deploy accounts/target.yaml"})
    table.put("eks-early", account="111122223333", proven=False, for_account_event="true", failure=failure)
    assert located("111122223333")["located"] == {}


def test_an_account_whose_tag_says_so_is_left_out_wherever_it_is(table: Table) -> None:
    organization = Organization()
    unit_has_defaults()
    organization.tag("true")
    answer = located(organization.account_id)
    assert (answer["ready"], answer["account_id"]) == (True, organization.account_id)
    assert answer["left_out"] == f"account {organization.account_id} has the tag eks-efs-provisioner/left-out = true"


def test_an_account_of_a_unit_that_is_left_out_is_too_and_so_is_one_of_a_unit_in_it(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = Organization()
    inner = organization.client.create_organizational_unit(ParentId=organization.unit, Name="inner")
    monkeypatch.setenv("LEFT_OUT", f"000000000000,{organization.unit}")
    assert located(organization.account_id)["reason"] == "WaitingForOrganizationalUnit"
    organization.move()
    why = f"the stack's parameter LeftOut names {organization.unit}"
    assert left_out(organization.account_id) == why
    ends = {"SourceParentId": organization.unit, "DestinationParentId": inner["OrganizationalUnit"]["Id"]}
    organization.client.move_account(AccountId=organization.account_id, **ends)
    assert left_out(organization.account_id) == why
    organization.tag("false")
    assert left_out(organization.account_id) is None


def test_an_account_that_the_parameter_names_is_left_out_without_the_organization(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert left_out("111122223333") is None
    monkeypatch.setenv("LEFT_OUT", "444455556666,111122223333")
    assert left_out("111122223333") == "the stack's parameter LeftOut names 111122223333"
