"""Other accounts of the embedded cloud: an organization, and the roles that the application becomes in its accounts."""

import json
from collections.abc import Callable
from typing import Any

from moto.organizations.models import organizations_backends

from local.aws.administrators import administrator_of
from local.aws.lambda_runtime import Credentials
from local.aws.patches.stack_sets import STACK_SETS
from local.aws.service_events import emit
from local.cloud import ROOT, EmbeddedCloud
from tools.templates import load_template

MANAGEMENT = "999999999999"


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
        organizations_backends[MANAGEMENT]["aws"]._reset()
        for account_id, (managed_by, _) in list(organizations_backends.master_accounts.items()):
            if managed_by == MANAGEMENT:
                del organizations_backends.master_accounts[account_id]

    def new_unit(self, name: str, *, within: str) -> str:
        made = self.client("organizations").create_organizational_unit(ParentId=within, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    def new_account(
        self, name: str, *, unit: str | None = None, before_its_unit: Callable[[str], None] = lambda _: None
    ) -> str:
        """In `unit`, the first one unless it is given, once what is to be there beforehand is."""
        organizations = self.client("organizations")
        status = organizations.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
        account_id = str(status["AccountId"])
        before_its_unit(account_id)
        if unit != self.root:
            self.move(account_id, unit or self.unit)
        return account_id

    def move(self, account_id: str, unit: str) -> None:
        """Out of the root, where accounts are made."""
        ends = {"SourceParentId": self.root, "DestinationParentId": unit}
        self.client("organizations").move_account(AccountId=account_id, **ends)


def told(region: str, sample: str, account_id: str, unit: str = "ou-ab12-l3zc8b3h") -> None:
    """The management account's own bus gets an event about a new account, which Control Tower knows the unit of."""
    text = (ROOT / "events" / sample).read_text().replace("111122223333", account_id)
    assert account_id in text
    emit(json.loads(text.replace("ou-ab12-l3zc8b3h", unit)), MANAGEMENT, region)


def forwarding(organization: Organization, cloud: EmbeddedCloud, region: str) -> Callable[[], None]:
    """The management account forwards what it is told in that region to the app's account, until this is called."""
    bus = f"arn:aws:events:{cloud.region}:{cloud.account_id}:event-bus/default"
    stacks = organization.client("cloudformation", region=region)
    stacks.create_stack(
        StackName="forward",
        TemplateBody=json.dumps(load_template(ROOT / "accounts" / "management.yaml")),
        Parameters=[{"ParameterKey": "HubEventBusArn", "ParameterValue": bus}],
        Capabilities=["CAPABILITY_IAM"],
    )

    def stop() -> None:
        with cloud.server.instantly():
            stacks.delete_stack(StackName="forward")

    return stop
