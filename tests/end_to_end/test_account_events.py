"""Two events tell of an account that Control Tower makes: it gets one cluster, with its unit's defaults."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.aws.patches.stack_sets import STACK_SETS
from local.cloud import ROOT, EmbeddedCloud
from tests.end_to_end.accounts import MANAGEMENT, Organization
from tests.end_to_end.runs import Machine, Run, held

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
CONTROL_TOWER = "control-tower-create-managed-account.json"
ORGANIZATIONS = "organizations-create-account-result.json"
QUICK = {"verification": {"writers": 1, "lines_per_writer": 1}}
DEFAULTS = "/eks-efs-provisioner/defaults"
OWN = {"cluster": {"name": "eks-unit", "control_plane_logs": []}}


class Hub:
    """The app in an account that is told of new ones, and what its runs looked at."""

    def __init__(self, machine: Machine, organization: Organization) -> None:
        self.machine = machine
        self.organization = organization
        self._numbers = itertools.count()

    def new_account(self) -> str:
        """In the root, as Organizations makes it; its roles are there already."""
        organization = self.organization
        account_id = organization.new_account(f"new-{next(self._numbers)}")
        organization.client("organizations").move_account(
            AccountId=account_id, SourceParentId=organization.unit, DestinationParentId=organization.root
        )
        return account_id

    def move_into_the_unit(self, account_id: str) -> None:
        ends = {"SourceParentId": self.organization.root, "DestinationParentId": self.organization.unit}
        self.organization.client("organizations").move_account(AccountId=account_id, **ends)

    def tell(self, sample: str, account_id: str) -> str:
        """The execution that the event starts; Control Tower knows the unit."""
        text = (ROOT / "events" / sample).read_text().replace("111122223333", account_id)
        return self.machine.start(json.loads(text.replace("ou-ab12-l3zc8b3h", self.organization.unit)))

    def at_look(self, number: int, act: Callable[[], None]) -> Callable[[], None]:
        """A look a minute: what happens just before the one with this number, from 0, at the account's parent."""
        looks = itertools.count()
        return self.machine.cloud.server.hooks.before(
            "organizations:ListParents", lambda _call: act() if next(looks) == number else None
        )

    def clusters(self, account_id: str) -> list[str]:
        names: list[str] = self.organization.client("eks", account_id).list_clusters()["clusters"]
        return names

    def logs(self, account_id: str, cluster: str) -> list[str]:
        found = self.organization.client("eks", account_id).describe_cluster(name=cluster)["cluster"]
        return [kind for setup in found["logging"]["clusterLogging"] if setup["enabled"] for kind in setup["types"]]


@pytest.fixture(scope="module")
def hub(cloud: EmbeddedCloud, machine: Machine) -> Iterator[Hub]:
    organization = Organization(cloud)
    told_so = {
        "ManagementAccountId": MANAGEMENT,
        "OrganizationalUnitIds": organization.root,
        "DefaultRequest": json.dumps(QUICK),
    }
    deployed = Machine(cloud, cloud.deploy(parameters=told_so))
    yield Hub(deployed, organization)
    cloud.deploy(parameters={**dict.fromkeys(told_so, ""), "DefaultRequest": "{}"})
    organization.dissolve()


@pytest.fixture
def unit_defaults(hub: Hub) -> Iterator[Callable[[dict[str, Any]], None]]:
    ssm, name = hub.machine.cloud.client("ssm"), f"{DEFAULTS}/{hub.organization.unit}"
    yield lambda values: ssm.put_parameter(Name=name, Value=json.dumps(values), Type="String", Overwrite=True)
    ssm.delete_parameter(Name=name)


def ended_well(*runs: Run) -> None:
    assert [(run.status, run.cause) for run in runs] == [("SUCCEEDED", "")] * len(runs)


@pytest.mark.parametrize("minutes", [0, 1, 30])
@pytest.mark.parametrize("own", [OWN, {}], ids=["defaults of its own", "defaults that change nothing"])
def test_organizations_event_first(
    hub: Hub, unit_defaults: Callable[[dict[str, Any]], None], minutes: int, own: dict[str, Any]
) -> None:
    unit_defaults(own)
    account_id = hub.new_account()
    later: list[str] = []

    def control_tower_is_through() -> None:
        hub.move_into_the_unit(account_id)
        later.append(hub.tell(CONTROL_TOWER, account_id))

    undo = hub.at_look(minutes, control_tower_is_through)
    first = hub.machine.wait(hub.tell(ORGANIZATIONS, account_id))
    undo()
    ended_well(first, hub.machine.wait(later[0]))
    assert len(first.entered("Wait for the account's unit")) == minutes
    assert hub.clusters(account_id) == ["eks-unit" if own else "eks-example"]


@pytest.mark.parametrize("minutes", [0, 1, 30])
@pytest.mark.parametrize("own", [OWN, {}], ids=["defaults of its own", "defaults that change nothing"])
def test_control_towers_event_first(
    hub: Hub, unit_defaults: Callable[[dict[str, Any]], None], minutes: int, own: dict[str, Any]
) -> None:
    unit_defaults(own)
    account_id = hub.new_account()
    hub.move_into_the_unit(account_id)
    first = hub.tell(CONTROL_TOWER, account_id)
    if minutes == 1:
        hub.machine.until_entered(first, "Build cluster and storage")
    elif minutes == 30:
        hub.machine.wait(first)
    ended_well(hub.machine.wait(hub.tell(ORGANIZATIONS, account_id)), hub.machine.wait(first))
    assert hub.clusters(account_id) == ["eks-unit" if own else "eks-example"]


def test_a_hub_that_may_not_ask_the_organization_waits_for_control_towers_event(
    hub: Hub, unit_defaults: Callable[[dict[str, Any]], None]
) -> None:
    unit_defaults(OWN)
    account_id = hub.new_account()
    organizations, principal = hub.organization.client("organizations"), {"ServicePrincipal": STACK_SETS}
    organizations.deregister_delegated_administrator(AccountId=hub.machine.cloud.account_id, **principal)
    later: list[str] = []
    undo = hub.at_look(2, lambda: later.append(hub.tell(CONTROL_TOWER, account_id)))
    first = hub.machine.wait(hub.tell(ORGANIZATIONS, account_id))
    undo()
    organizations.register_delegated_administrator(AccountId=hub.machine.cloud.account_id, **principal)
    ended_well(first, hub.machine.wait(later[0]))
    assert hub.clusters(account_id) == ["eks-unit"]


def test_a_run_that_began_with_the_stacks_defaults_is_waited_for_and_its_cluster_gets_the_units(
    hub: Hub, unit_defaults: Callable[[dict[str, Any]], None]
) -> None:
    unit_defaults(OWN)
    account_id = hub.new_account()
    with held(hub.machine.cloud, "EnsureSecurityGroup"):
        first = hub.tell(ORGANIZATIONS, account_id)  # an hour of looks passes, and the account is still in the root
        hub.machine.until_entered(first, "Ensure security group")
        hub.move_into_the_unit(account_id)
        later = hub.tell(CONTROL_TOWER, account_id)
        hub.machine.until_entered(later, "Wait for the other execution")
    second = hub.machine.wait(later)
    ended_well(hub.machine.wait(first), second)
    assert second.entered("Wait for the other execution")
    assert hub.clusters(account_id) == ["eks-example"]
    assert hub.logs(account_id, "eks-example") == []


def test_an_event_that_is_delivered_twice_makes_one_cluster_and_is_told_once(hub: Hub) -> None:
    """Source: EventBridge user guide, "Event delivery": at least once."""
    account_id, cloud = hub.new_account(), hub.machine.cloud
    hub.move_into_the_unit(account_id)
    with held(cloud, "EnsureSecurityGroup"):
        started = hub.tell(CONTROL_TOWER, account_id)
        hub.machine.until_entered(started, "Ensure security group")
        second = hub.machine.wait(hub.tell(CONTROL_TOWER, account_id))
    first = hub.machine.wait(started)
    ended_well(first, second)
    assert (second.output.get("status"), second.output.get("holder")) == ("AlreadyInProgress", first.arn)
    assert hub.clusters(account_id) == ["eks-example"]
    about_it = [each for each in cloud.server.published_events if each["Detail"].get("account_id") == account_id]
    assert [each["DetailType"] for each in about_it] == ["Storage Cluster Ready"]
