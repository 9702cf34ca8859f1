"""Three accounts: management tells of a new one, the hub runs the app, the new one gets its roles and the cluster."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.service_events import emit
from local.cloud import ROOT, EmbeddedCloud
from tests.end_to_end.accounts import MANAGEMENT, Organization, forwarding, told
from tests.end_to_end.runs import Machine
from tools.templates import load_template

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


@pytest.fixture(scope="module")
def hub(cloud: EmbeddedCloud, machine: Machine, organization: Organization) -> Iterator[Machine]:
    """The stack as it was, told of its organization for the time being."""
    told_so = {"ManagementAccountId": MANAGEMENT, "OrganizationalUnitIds": organization.unit}
    yield Machine(cloud, cloud.deploy(parameters=told_so))
    cloud.deploy(parameters=dict.fromkeys(told_so, ""))


@pytest.fixture(scope="module", params=["ap-northeast-1", "us-east-1"], ids=["home region", "us-east-1"])
def region(request: pytest.FixtureRequest, organization: Organization, hub: Machine) -> Iterator[str]:
    """A region in which the management account forwards."""
    stop = forwarding(organization, hub.cloud, str(request.param))
    yield str(request.param)
    stop()


TELLS = {
    "ap-northeast-1": "control-tower-create-managed-account.json",
    "us-east-1": "organizations-create-account-result.json",
}
"""Which event comes where."""


def test_a_new_account_of_the_organization_gets_a_proven_cluster(
    organization: Organization, hub: Machine, region: str
) -> None:
    sample = TELLS[region]
    account_id = organization.new_account(f"{region}-{sample.partition('-')[0]}")
    before = set(hub.executions())
    told(region, sample, account_id)
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


def new_account(account_id: str) -> dict[str, Any]:
    text = (ROOT / "events" / "control-tower-create-managed-account.json").read_text()
    event: dict[str, Any] = json.loads(text.replace("111122223333", account_id))
    return event


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
    emit(new_account(stranger), stranger, hub.cloud.region)
    assert set(hub.executions()) == before


@pytest.mark.parametrize("who", [MANAGEMENT, "hub"])
def test_nobody_can_forge_an_event_about_an_account_not_even_where_events_are_believed(
    organization: Organization, hub: Machine, region: str, who: str
) -> None:
    """The management account, whose events the hub forwards and lets in, and whoever may do all in the hub."""
    before, forged = set(hub.executions()), new_account(hub.cloud.account_id)
    bus = f"arn:aws:events:{hub.cloud.region}:{hub.cloud.account_id}:event-bus/default"
    forger = hub.cloud.client("events") if who == "hub" else organization.client("events", who, region=region)
    entry = {"Source": forged["source"], "DetailType": forged["detail-type"], "Detail": json.dumps(forged["detail"])}
    direct = {"EventBusName": bus} if region == hub.cloud.region else {}
    answer = forger.put_events(Entries=[entry, {**entry, **direct}])
    assert [each["ErrorCode"] for each in answer["Entries"]] == ["NotAuthorizedForSourceException"] * 2
    assert set(hub.executions()) == before
