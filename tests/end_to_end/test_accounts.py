"""Three accounts: management tells of a new one, the hub runs the app, the new one gets its roles and the cluster."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.organizations.models import organizations_backends

from local.aws.lambda_runtime import Credentials
from local.aws.patches.stack_sets import STACK_SETS
from local.cloud import ROOT, EmbeddedCloud
from tests.administrators import administrator_of
from tests.end_to_end.runs import Machine
from tools.templates import load_template

MANAGEMENT = "999999999999"
pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


class Organization:
    """Managed elsewhere than where the app is deployed; the app's account is a delegated administrator of StackSets."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self._cloud = cloud
        self._administrators: dict[str, Credentials] = {}
        organizations = self.client("organizations")
        organizations.create_organization(FeatureSet="ALL")
        self.root = organizations.list_roots()["Roots"][0]["Id"]
        unit = organizations.create_organizational_unit(ParentId=self.root, Name="workloads")
        self.unit = str(unit["OrganizationalUnit"]["Id"])
        self._join(cloud.account_id)
        organizations.register_delegated_administrator(AccountId=cloud.account_id, ServicePrincipal=STACK_SETS)

    def client(self, service: str, account_id: str = MANAGEMENT, *, region: str | None = None) -> Any:
        if account_id not in self._administrators:
            self._administrators[account_id] = administrator_of(account_id)
        return self._cloud.server.client(service, region=region, credentials=self._administrators[account_id])

    def _join(self, account_id: str) -> None:
        """moto cannot invite an account that there is already: one is made, and given that id."""
        made = self.client("organizations").create_account(AccountName="hub", Email="hub@example.com")
        given = made["CreateAccountStatus"]["AccountId"]
        (account,) = [each for each in organizations_backends[MANAGEMENT]["aws"].accounts if each.id == given]
        account.id = account_id
        organizations_backends.master_accounts[account_id] = (MANAGEMENT, "aws")

    def dissolve(self) -> None:
        """Other tests have organizations of their own."""
        organizations_backends.master_accounts.pop(self._cloud.account_id)

    def new_account(self, name: str) -> str:
        organizations = self.client("organizations")
        status = organizations.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
        account_id = str(status["AccountId"])
        organizations.move_account(AccountId=account_id, SourceParentId=self.root, DestinationParentId=self.unit)
        return account_id


@pytest.fixture(scope="module")
def organization(cloud: EmbeddedCloud) -> Iterator[Organization]:
    made = Organization(cloud)
    yield made
    made.dissolve()


@pytest.fixture(scope="module")
def hub(cloud: EmbeddedCloud, machine: Machine, organization: Organization) -> Iterator[Machine]:
    """The stack as it was, told of its organization for the time being."""
    told_so = {"ManagementAccountId": MANAGEMENT, "OrganizationalUnitIds": organization.unit}
    yield Machine(cloud, cloud.deploy(parameters=told_so))
    cloud.deploy(parameters=dict.fromkeys(told_so, ""))


@pytest.fixture(scope="module", params=["ap-northeast-1", "us-east-1"], ids=["home region", "us-east-1"])
def region(request: pytest.FixtureRequest, organization: Organization, hub: Machine) -> str:
    """A region in which the management account forwards."""
    bus = f"arn:aws:events:{hub.cloud.region}:{hub.cloud.account_id}:event-bus/default"
    organization.client("cloudformation", region=request.param).create_stack(
        StackName="forward",
        TemplateBody=json.dumps(load_template(ROOT / "accounts" / "management.yaml")),
        Parameters=[{"ParameterKey": "HubEventBusArn", "ParameterValue": bus}],
        Capabilities=["CAPABILITY_IAM"],
    )
    return str(request.param)


def told(organization: Organization, region: str, sample: str, account_id: str) -> None:
    """The management account's own bus gets an event about a new account."""
    event = json.loads((ROOT / "events" / sample).read_text().replace("111122223333", account_id))
    assert account_id in json.dumps(event)
    entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
    organization.client("events", region=region).put_events(Entries=[entry])


@pytest.mark.parametrize(
    "sample", ["control-tower-create-managed-account.json", "organizations-create-account-result.json"]
)
def test_a_new_account_of_the_organization_gets_a_proven_cluster(
    organization: Organization, hub: Machine, region: str, sample: str
) -> None:
    account_id = organization.new_account(f"{region}-{sample.partition('-')[0]}")
    before = set(hub.executions())
    told(organization, region, sample, account_id)
    (arn,) = set(hub.executions()) - before
    run = hub.wait(arn)
    assert (run.status, run.cause) == ("SUCCEEDED", "")
    assert run.output["account_id"] == account_id
    assert f":{account_id}:cluster/" in run.output["cluster"]["arn"]


def test_the_roles_are_in_every_account_below_the_unit_and_in_no_other(
    organization: Organization, hub: Machine
) -> None:
    inside = organization.new_account("inside")
    elsewhere = organization.client("organizations").create_account(AccountName="elsewhere", Email="e@example.com")
    outside = elsewhere["CreateAccountStatus"]["AccountId"]
    for account_id, expected in ((inside, True), (outside, False), (MANAGEMENT, False)):
        roles = organization.client("iam", account_id).list_roles()["Roles"]
        assert ("eks-efs-provisioner-provisioner" in [role["RoleName"] for role in roles]) is expected


def test_the_management_account_may_send_the_hub_events_about_accounts_only(
    organization: Organization, hub: Machine
) -> None:
    bus = f"arn:aws:events:{hub.cloud.region}:{hub.cloud.account_id}:event-bus/default"
    entry = {"EventBusName": bus, "Source": "anything", "DetailType": "else", "Detail": "{}"}
    with pytest.raises(ClientError, match="no resource-based policy allows the events:PutEvents action"):
        organization.client("events", region=hub.cloud.region).put_events(Entries=[entry])


def test_another_account_may_not_send_the_hub_events(organization: Organization, hub: Machine) -> None:
    stranger, before = organization.new_account("stranger"), set(hub.executions())
    bus = f"arn:aws:events:{hub.cloud.region}:{hub.cloud.account_id}:event-bus/default"
    organization.client("cloudformation", stranger).create_stack(
        StackName="forward",
        TemplateBody=json.dumps(load_template(ROOT / "accounts" / "management.yaml")),
        Parameters=[{"ParameterKey": "HubEventBusArn", "ParameterValue": bus}],
        Capabilities=["CAPABILITY_IAM"],
    )
    event = json.loads((ROOT / "events" / "control-tower-create-managed-account.json").read_text())
    entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
    organization.client("events", stranger).put_events(Entries=[entry])
    assert set(hub.executions()) == before
