"""The function of state "Find new accounts": active accounts below the enrolled units that no record names."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws
from moto.organizations.models import FakeAccount

from functions.find_new_accounts.app import lambda_handler
from provisioner.defaults import complete_request
from provisioner.fleet.units import known_path_to
from provisioner.published import AccountChanged
from tests.unit.functions.records import ACCOUNT, ENVIRONMENT, REGION, Context, Table


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


DEFAULTS = ENVIRONMENT["DEFAULTS_PARAMETER"]
EVENT = {"for_account_event": "true"}


class Fleet:
    """Accounts of one enrolled unit that got their clusters by themselves."""

    def __init__(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        self.table, self.organization, self.ssm = table, Organization(), boto3.client("ssm")
        monkeypatch.setenv("ENROLLED_UNITS", self.organization.outer)

    def default(self, name: str, values: object) -> None:
        self.ssm.put_parameter(Name=name, Value=json.dumps(values), Type="String", Overwrite=True)

    def provisioned(self, unit: str, name: str = "orders", *, asked: Any = None, **attributes: str) -> str:
        """The account, as a run that an event started has recorded it."""
        account_id = self.organization.account(unit, name)
        request = complete_request(
            {"account_id": account_id, "organizational_unit_id": unit, **(asked or {})},
            own_account_id=ACCOUNT,
            own_region=REGION,
            stack_defaults=ENVIRONMENT["STACK_DEFAULTS"],
            ssm=self.ssm,
            defaults_parameter=DEFAULTS,
            path_to=partial(known_path_to, organizations=self.organization.client),
        )
        record = {"verified_at": "2026-08-29T00:00:00Z", "request": request.model_dump_json(), **(attributes or EVENT)}
        self.table.put("eks-example", proven=False, account=account_id, **record)
        return account_id

    def move(self, account_id: str, here: str, there: str) -> None:
        self.organization.client.move_account(AccountId=account_id, SourceParentId=here, DestinationParentId=there)

    def changed(self) -> list[tuple[str, str, Any, Any]]:
        """(account, path, as recorded, as it is now), in words that anybody is told in an event."""
        found = lambda_handler({"execution_arn": "x"}, Context())
        told = [AccountChanged.model_validate(each) for each in found["changed"]]
        assert {(each.severity, each.repairable) for each in told} <= {("information", False)}
        assert (found["accounts"], found["changed_left_out"]) == ([], 0)
        return [(each.account_id, each.path, each.expected, each.actual) for each in told]


@pytest.fixture
def fleet(table: Table, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    return Fleet(table, monkeypatch)


def test_an_account_that_is_what_it_was_is_not_told(fleet: Fleet) -> None:
    fleet.default(DEFAULTS, {"tags": {"cost.center": "1"}, "network": {"availability_zones": ["euw1-az2", "euw1-az1"]}})
    fleet.default(f"{DEFAULTS}/{fleet.organization.inner}", {"storage": {"access_point": {"uid": 1, "gid": 1}}})
    fleet.provisioned(fleet.organization.inner, asked={"storage": {"access_point": {"path": "/data"}}})
    assert fleet.changed() == []


@pytest.mark.parametrize("by", ["tag", "account", "unit"])
def test_an_account_that_was_left_out_since_is_told_with_the_reason(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    account_id, outer = fleet.provisioned(fleet.organization.inner), fleet.organization.outer
    if by == "tag":
        tag = {"Key": "eks-efs-provisioner/left-out", "Value": "true"}
        fleet.organization.client.tag_resource(ResourceId=account_id, Tags=[tag])
        because = f"account {account_id} has the tag eks-efs-provisioner/left-out = true"
    else:
        named = account_id if by == "account" else outer
        monkeypatch.setenv("LEFT_OUT", named)
        because = f"the stack's parameter LeftOut names {named}"
    assert fleet.changed() == [(account_id, "left_out", None, because)]


def test_an_account_in_another_unit_is_told_with_what_that_units_defaults_say_otherwise(fleet: Fleet) -> None:
    organization = fleet.organization
    fleet.default(f"{DEFAULTS}/{organization.outer}", {"on_failure": "roll_back"})
    fleet.default(f"{DEFAULTS}/{organization.inner}", {"storage": {"capacity": "7Gi"}})
    account_id = fleet.provisioned(organization.outer)
    fleet.move(account_id, organization.outer, organization.inner)
    assert fleet.changed() == [
        (account_id, "organizational_unit_id", organization.outer, organization.inner),
        (account_id, "storage.capacity", "5Gi", "7Gi"),
    ]


@pytest.mark.parametrize("how", ["moved away", "closed"])
def test_an_account_that_is_in_no_enrolled_unit_any_more_is_told(fleet: Fleet, how: str) -> None:
    organization = fleet.organization
    account_id = fleet.provisioned(organization.inner)
    if how == "closed":
        organization.client.close_account(AccountId=account_id)
    else:
        fleet.move(account_id, organization.inner, organization.beside)
    assert fleet.changed() == [(account_id, "organizational_unit_id", organization.inner, None)]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"storage": {"capacity": "7Gi"}}, {"storage": {"capacity": "9Gi"}}, ("storage.capacity", "7Gi", "9Gi")),
        ({"tags": {"team.name": "a"}}, {"tags": {}}, ("tags.team.name", "a", None)),
        ({}, {"tags": {"team.name": "a"}}, ("tags.team.name", None, "a")),
        ({}, {"storage": {"capacity": "9Gi"}}, ("storage.capacity", "5Gi", "9Gi")),
        (
            {"network": {"availability_zones": 2}},
            {"network": {"availability_zones": ["euw1-az3", "euw1-az1"]}},
            ("network.availability_zones", 2, ["euw1-az3", "euw1-az1"]),
        ),
    ],
    ids=["other value", "taken away", "new tag", "new", "other form"],
)
def test_what_the_defaults_say_otherwise_than_when_the_cluster_was_made_is_told(
    fleet: Fleet, before: Any, after: Any, told: tuple[str, Any, Any]
) -> None:
    fleet.default(DEFAULTS, before)
    account_id = fleet.provisioned(fleet.organization.outer)
    fleet.default(DEFAULTS, after)
    assert fleet.changed() == [(account_id, *told)]


def test_a_parameter_of_the_stack_is_a_default_too(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    account_id = fleet.provisioned(fleet.organization.outer)
    monkeypatch.setenv("STACK_DEFAULTS", '{"cluster": {"control_plane_log_retention_days": 30}}')
    assert fleet.changed() == [(account_id, "cluster.control_plane_log_retention_days", 90, 30)]


def test_what_was_asked_for_is_compared_with_no_default(fleet: Fleet) -> None:
    fleet.provisioned(fleet.organization.outer, asked={"storage": {"capacity": "7Gi"}})
    fleet.default(DEFAULTS, {"storage": {"capacity": "9Gi"}})
    assert fleet.changed() == []


def test_what_was_recorded_before_it_was_told_where_values_came_from_is_compared_as_far_as_that_goes(
    fleet: Fleet,
) -> None:
    account_id = fleet.provisioned(fleet.organization.outer)
    key = {"cluster": {"S": f"{account_id}#{REGION}#eks-example"}}
    request = json.loads(fleet.table.dynamodb.get_item(TableName="claims", Key=key)["Item"]["request"]["S"])
    del request["from_defaults"], request["protect"]
    record = {"verified_at": "2026-08-29T00:00:00Z", "request": json.dumps(request), **EVENT}
    fleet.table.put("eks-example", proven=False, account=account_id, **record)
    fleet.default(DEFAULTS, {"storage": {"capacity": "9Gi"}, "protect": True})
    assert fleet.changed() == [(account_id, "storage.capacity", "5Gi", "9Gi")]


def test_defaults_that_are_no_request_are_told_and_new_accounts_are_found_all_the_same(fleet: Fleet) -> None:
    account_id = fleet.provisioned(fleet.organization.inner)
    fleet.ssm.put_parameter(Name=f"{DEFAULTS}/{fleet.organization.inner}", Value="none", Type="String")
    ((found, path, _, actual),) = fleet.changed()
    assert (found, path) == (account_id, "defaults")
    assert f"SSM parameter {DEFAULTS}/{fleet.organization.inner} is 'none'" in actual


@pytest.mark.parametrize("what", ["asked for by a person", "removed", "never proven"])
def test_only_clusters_that_came_by_themselves_and_are_there_are_compared(fleet: Fleet, what: str) -> None:
    attributes = {
        "asked for by a person": {"check_status": "Verified"},
        "removed": {**EVENT, "removed_at": "2026-08-30T00:00:00Z"},
        "never proven": EVENT,
    }
    account_id = fleet.provisioned(fleet.organization.inner, **attributes[what])
    if what == "never proven":
        key = {"cluster": {"S": f"{account_id}#{REGION}#eks-example"}}
        fleet.table.dynamodb.update_item(TableName="claims", Key=key, UpdateExpression="REMOVE verified_at")
    fleet.move(account_id, fleet.organization.inner, fleet.organization.outer)
    assert lambda_handler({"execution_arn": "x"}, Context())["changed"] == []


def test_more_than_an_event_has_room_for_are_counted(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = [fleet.provisioned(fleet.organization.outer, f"a{number}") for number in range(51)]
    monkeypatch.setenv("LEFT_OUT", fleet.organization.outer)
    found = lambda_handler({"execution_arn": "x"}, Context())
    assert [each["account_id"] for each in found["changed"]] == sorted(accounts)[:50]
    assert found["changed_left_out"] == 1


def test_each_parameter_and_each_path_is_asked_for_once(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand accounts most are in the same few units."""
    for number in range(3):
        fleet.provisioned(fleet.organization.inner, f"a{number}")
    asked: list[str] = []
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def noted(self: Any, operation: str, parameters: Any) -> Any:
        asked.append(f"{operation} {parameters.get('Name') or parameters.get('ChildId') or ''}".strip())
        return original(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    assert fleet.changed() == []
    units = fleet.organization.outer, fleet.organization.inner
    assert sorted(each for each in asked if each.startswith("GetParameter ")) == sorted(
        f"GetParameter {name}" for name in (DEFAULTS, *(f"{DEFAULTS}/{unit}" for unit in units))
    )
    assert sorted(each for each in asked if each.startswith("ListParents ")) == sorted(
        f"ListParents {unit}" for unit in units
    )


def test_an_account_of_a_unit_that_is_not_enrolled_is_compared_with_that_units_defaults(fleet: Fleet) -> None:
    """Its event came, and where it is now is not looked up."""
    beside = fleet.organization.beside
    fleet.default(f"{DEFAULTS}/{beside}", {"storage": {"capacity": "7Gi"}})
    account_id = fleet.provisioned(beside)
    assert fleet.changed() == []
    fleet.default(f"{DEFAULTS}/{beside}", {"storage": {"capacity": "9Gi"}})
    assert fleet.changed() == [(account_id, "storage.capacity", "7Gi", "9Gi")]
