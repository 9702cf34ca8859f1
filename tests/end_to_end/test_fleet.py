"""The fleet, end to end: a stack with a dozen recorded clusters is checked as a whole, and new accounts are found.

Several records are of the same few clusters: to what looks at them each is one of its own.
"""

import pytest

from local.aws.patches import scheduler
from local.cloud import EmbeddedCloud
from tests.end_to_end.accounts import roll_out_roles
from tests.end_to_end.records import Records
from tests.end_to_end.runs import Machine, Run
from tests.end_to_end.test_provision import validate
from tests.end_to_end.test_reverify import held

PREFIX = "fleet"
NOBODY = "999988887777"
GOOD = ["fleet-good", "good-2", "good-3", "good-4"]
BROKEN = ["fleet-broken", "broken-2", "broken-3"]


class Organization:
    """The accounts around the application's: one enrolled, one not."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self._client = cloud.client("organizations")
        self._client.create_organization(FeatureSet="ALL")
        self.root = self._client.list_roots()["Roots"][0]["Id"]
        self.enrolled_unit, other_unit = self._unit("workloads"), self._unit("sandbox")
        self.enrolled, self.other = self._account(self.enrolled_unit, "orders"), self._account(other_unit, "play")

    def _unit(self, name: str) -> str:
        made = self._client.create_organizational_unit(ParentId=self.root, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    def _account(self, unit: str, name: str) -> str:
        made = self._client.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
        self._client.move_account(AccountId=made["AccountId"], SourceParentId=self.root, DestinationParentId=unit)
        return str(made["AccountId"])


@pytest.fixture(scope="module")
def organization(cloud: EmbeddedCloud) -> Organization:
    return Organization(cloud)


@pytest.fixture(scope="module")
def outputs(cloud: EmbeddedCloud, organization: Organization) -> dict[str, str]:
    """A stack of its own: the other tests' clusters are not its fleet, and their new accounts are not its."""
    parameters = {
        "RolePrefix": PREFIX,
        "EnrolledUnits": organization.enrolled_unit,
        "FleetConcurrency": "4",
        "NewAccountTrigger": "DISABLED",
    }
    return cloud.deploy(stack_name=PREFIX, parameters=parameters)


@pytest.fixture(scope="module")
def provision(cloud: EmbeddedCloud, outputs: dict[str, str]) -> Machine:
    return Machine(cloud, outputs)


@pytest.fixture(scope="module")
def fleet(cloud: EmbeddedCloud, outputs: dict[str, str]) -> Machine:
    return Machine(cloud, outputs, "Fleet")


@pytest.fixture(scope="module")
def checked(cloud: EmbeddedCloud, provision: Machine, fleet: Machine) -> Run:
    """Four good clusters, three broken ones, two out of reach, one never proven, and two that are being provisioned."""
    runs = {name: provision.start({"cluster": {"name": name}}) for name in (GOOD[0], BROKEN[0])}
    assert {provision.wait(arn).status for arn in runs.values()} == {"SUCCEEDED"}
    close_nfs(cloud, BROKEN[0])
    records = Records(provision)
    for name in GOOD[1:]:
        records.copy(GOOD[0], name)
    for name in BROKEN[1:]:
        records.copy(BROKEN[0], name)
    for name in ("gone-1", "gone-2"):
        records.copy(GOOD[0], name, account_id=NOBODY)
    records.copy(GOOD[0], "never", verified_at=None, proven=None)
    records.copy(GOOD[0], "fleet-changing")
    with held(cloud, "EnsureSecurityGroup") as go_on:
        changing = [provision.start({"cluster": {"name": name}}) for name in ("fleet-changing", "fleet-first-time")]
        for arn in changing:
            provision.until_entered(arn, "Ensure security group")
        run = fleet.run({"find_new_accounts": False})
        go_on.set()
    assert {provision.wait(arn).status for arn in changing} == {"SUCCEEDED"}
    assert (run.status, run.cause) == ("SUCCEEDED", "")
    return run


def close_nfs(cloud: EmbeddedCloud, cluster: str) -> None:
    ec2 = cloud.client("ec2")
    owned = [{"Name": "tag:eks-efs-provisioner/cluster", "Values": [cluster]}]
    (group,) = ec2.describe_security_groups(Filters=owned)["SecurityGroups"]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])


def test_exactly_what_is_wrong_in_the_fleet_is_reported(checked: Run) -> None:
    assert checked.output["counts"] == {
        "verified": 4,
        "drifted": 3,
        "failed": 0,
        "unreachable": 2,
        "busy": 2,
        "never_proven": 1,
    }
    told = [(each["cluster_name"], each["status"]) for each in checked.output["attention"]]
    assert told == [
        ("broken-2", "Drifted"),
        ("broken-3", "Drifted"),
        ("fleet-broken", "Drifted"),
        ("gone-1", "Unreachable"),
        ("gone-2", "Unreachable"),
    ]
    causes = {each["cluster_name"]: each["cause"] for each in checked.output["attention"]}
    assert causes["broken-2"] is None
    assert "RoleNotAssumable" in causes["gone-1"]


def test_the_summary_is_an_event_as_its_schema_says(checked: Run, cloud: EmbeddedCloud) -> None:
    (event,) = [e for e in cloud.server.published_events if e["Detail"].get("execution_arn") == checked.arn]
    assert (event["DetailType"], event["Detail"]) == ("Storage Fleet Checked", checked.output)
    validate("storage-fleet-checked.schema.json", event["Detail"])


def test_each_check_is_an_execution_that_people_can_follow(
    checked: Run, cloud: EmbeddedCloud, outputs: dict[str, str]
) -> None:
    started = Machine(cloud, outputs, "Reverify").executions()
    assert {each["execution_arn"] for each in checked.output["attention"]} <= set(started)
    assert len(started) == len(GOOD) + len(BROKEN) + 2


def test_the_schedule_checks_the_fleet_and_provisions_the_enrolled_account_whose_event_never_came(
    cloud: EmbeddedCloud, fleet: Machine, provision: Machine, organization: Organization, checked: Run
) -> None:
    roll_out_roles(cloud, organization.enrolled, HubAccountId=cloud.account_id, RolePrefix=PREFIX)
    before = set(provision.executions())
    run = fleet.wait(scheduler.fire(cloud.server, "configuration", PREFIX))
    assert (run.status, run.cause) == ("SUCCEEDED", "")
    assert (run.output["new_accounts"], run.output["new_accounts_failure"]) == ([organization.enrolled], None)
    (arn,) = set(provision.executions()) - before
    provisioned = provision.wait(arn)
    assert (provisioned.status, provisioned.cause) == ("SUCCEEDED", "")
    assert provisioned.output["account_id"] == organization.enrolled
    # From then on its cluster is one of the fleet.
    again = fleet.run({})
    assert again.output["new_accounts"] == []
    assert again.output["counts"]["verified"] == run.output["counts"]["verified"] + 1


def test_an_unknown_field_is_refused_before_anything_is_checked(fleet: Machine) -> None:
    run = fleet.run({"dept": "behaviour"})
    assert (run.status, run.error) == ("FAILED", "RequestError")
    assert "did you mean depth?" in run.cause
    assert not run.entered("Check clusters")
