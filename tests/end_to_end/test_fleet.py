"""The fleet, end to end: two hundred recorded clusters are checked as a whole, and new accounts are found.

Several records are of the same few clusters: to what looks at them each is one of its own.
"""

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from eks_efs.command import main
from local.aws.administrators import administrator_of
from local.aws.eks_state import clusters_of
from local.aws.patches import scheduler
from local.aws.patches.stepfunctions import is_running
from local.cloud import EmbeddedCloud
from local.faults.accounts import roll_out_roles
from local.faults.drift import CHANGES
from local.faults.scene import Scene
from local.wire import FATE, RESET, Answer, Exchange
from provisioner.request import OWNER_TAG
from tests.end_to_end.drifting import told_apart
from tests.end_to_end.records import Records
from tests.end_to_end.runs import Machine, Run, held, until
from tests.end_to_end.test_provision import validate
from tests.local.clusters import role

# What is looked at in each cluster's Kubernetes is for test_reverify.py, on both kinds; two hundred times is for one.
pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
PREFIX = "fleet"
DEPARTED = "444455556666"
"""An account that had the roles and a cluster, and has the cluster still."""
BROKEN = ["fleet-broken", "broken-2", "broken-3", "broken-4", "broken-5"]
LEAVING = "1.34"
"""Its standard support ends in a month."""
GONE = ["fleet-gone", "gone-2", "gone-3"]
CHANGING = ["fleet-changing", "fleet-first-time"]
NEVER_PROVEN = ["never"]
UNHEARD = ["good-2", "broken-2", "gone-2"]
TOLD = ("status", "differences", "repaired")
GOOD = ["fleet-good", *(f"good-{number}" for number in range(2, 190))]


class Organization:
    """The accounts around the application's: one enrolled, one left out of that, one elsewhere."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self._client = cloud.client("organizations")
        self._client.create_organization(FeatureSet="ALL")
        self.root = self._client.list_roots()["Roots"][0]["Id"]
        self.enrolled_unit, other_unit = self._unit("workloads"), self._unit("sandbox")
        self.enrolled, self.other = self._account(self.enrolled_unit, "orders"), self._account(other_unit, "play")
        self.left_out = self._account(self.enrolled_unit, "by-hand")
        tag = {"Key": "eks-efs-provisioner/left-out", "Value": "true"}
        self._client.tag_resource(ResourceId=self.left_out, Tags=[tag])

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


COUNTS = {
    "verified": len(GOOD),
    "drifted": len(BROKEN),
    "failed": 0,
    "unreachable": len(GONE),
    "busy": len(CHANGING),
    "never_proven": len(NEVER_PROVEN),
}


@dataclass(frozen=True)
class Checked:
    """The run over two hundred clusters, whom each of its checks was of, and the busy ones' records around it."""

    run: Run
    checks: dict[str, str]
    unheard: list[str]
    busy_before: list[dict[str, Any]]
    busy_after: list[dict[str, Any]]


@pytest.fixture(scope="module")
def checked(cloud: EmbeddedCloud, provision: Machine, fleet: Machine) -> Checked:
    records = Records(provision)
    record_two_hundred(cloud, provision, records)
    with held(cloud, "EnsureSecurityGroup") as go_on:
        changing = [provision.start({"cluster": {"name": name}}) for name in CHANGING]
        for arn in changing:
            provision.until_entered(arn, "Ensure security group")
        before = [records.get(name) for name in CHANGING]
        with unheard(cloud) as lost:
            run = fleet.run({"find_new_accounts": False})
        after = [records.get(name) for name in CHANGING]
        go_on.set()
    assert [provision.wait(arn).cause for arn in changing] == [""] * len(changing)
    assert (run.status, run.cause) == ("SUCCEEDED", "")
    for name in GOOD[1:]:
        records.remove(name)  # once is enough
    reverify = Machine(cloud, fleet.outputs, "Reverify")
    checks = {
        arn: json.loads(reverify.client.describe_execution(executionArn=arn)["input"])["cluster_name"]
        for arn in reverify.executions()
    }
    return Checked(run, checks, lost, before, after)


@contextlib.contextmanager
def unheard(cloud: EmbeddedCloud) -> Iterator[list[str]]:
    """That a check of each kind was started is not heard before it has ended; the clusters, as they are started."""
    lost: list[str] = []

    def lose(exchange: Exchange) -> Answer:
        answer = exchange.perform()
        if exchange.call.name != "stepfunctions:StartExecution":
            return answer
        cluster = json.loads(json.loads(exchange.call.body)["input"]).get("cluster_name")
        if cluster not in UNHEARD or cluster in lost:
            return answer
        lost.append(cluster)
        arn = json.loads(answer.body)["executionArn"]
        until(lambda: not is_running(arn), f"{arn} has ended")
        return Answer(200, {FATE: RESET})

    undo = cloud.server.wire.put_between(lose)
    try:
        yield lost
    finally:
        undo()


def record_two_hundred(cloud: EmbeddedCloud, provision: Machine, records: Records) -> None:
    """But for the one that is being provisioned for the first time: it records itself."""
    take_roles_away = roll_out_roles(cloud, DEPARTED, HubAccountId=cloud.account_id, RolePrefix=PREFIX)
    requests: list[dict[str, Any]] = [{"cluster": {"name": name}} for name in (GOOD[0], BROKEN[0])]
    requests.append({"account_id": DEPARTED, "cluster": {"name": GONE[0]}})
    runs = [provision.start(request) for request in requests]
    assert [provision.wait(arn).cause for arn in runs] == [""] * len(runs)
    close_nfs(cloud, BROKEN[0])
    clusters_of(cloud.account_id, cloud.region)[BROKEN[0]].version = LEAVING
    take_roles_away()
    for name in (*GOOD[1:], CHANGING[0]):
        records.copy(GOOD[0], name)
    for name in BROKEN[1:]:
        records.copy(BROKEN[0], name)
    for name in GONE[1:]:
        records.copy(GONE[0], name, account_id=DEPARTED)
    records.copy(GOOD[0], NEVER_PROVEN[0], verified_at=None, proven=None)


def close_nfs(cloud: EmbeddedCloud, cluster: str) -> None:
    ec2 = cloud.client("ec2")
    owned = [{"Name": "tag:eks-efs-provisioner/cluster", "Values": [cluster]}]
    (group,) = ec2.describe_security_groups(Filters=owned)["SecurityGroups"]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])


def test_exactly_what_is_wrong_in_two_hundred_clusters_is_reported(checked: Checked, cloud: EmbeddedCloud) -> None:
    output = checked.run.output
    assert (sum(COUNTS.values()), output["counts"]) == (200, COUNTS)
    told = [(each["account_id"], each["cluster_name"], each["status"]) for each in output["attention"]]
    drifted = [(cloud.account_id, name, "Drifted") for name in BROKEN]
    unreachable = [(DEPARTED, name, "Unreachable") for name in GONE]
    assert sorted(told) == sorted([*drifted, *unreachable])
    assert output["attention_left_out"] == 0
    for each in output["attention"]:
        if each["status"] == "Drifted":
            assert (each["differences"] > 0, each["cause"]) == (True, None)
        else:
            assert f"RoleNotAssumable: arn:aws:iam::{DEPARTED}:role/{PREFIX}-inspector" in each["cause"]


def test_clusters_whose_version_leaves_standard_support_are_named_with_the_day(
    checked: Checked, cloud: EmbeddedCloud
) -> None:
    (offered,) = cloud.client("eks").describe_cluster_versions(clusterVersions=[LEAVING])["clusterVersions"]
    until = offered["endOfStandardSupportDate"].date()
    told = checked.run.output["leaving_support"]
    assert sorted(each["cluster_name"] for each in told) == sorted(BROKEN)
    for each in told:
        assert (each["version"], each["upgrade_policy"]) == (LEAVING, "STANDARD")
        assert abs((date.fromisoformat(each["standard_until"]) - until).days) <= 1  # a day may end in between
        assert 28 <= each["days_left"] <= 30
    assert maximum(cloud, "ClustersLeavingSupport") == len(BROKEN)


def test_the_metrics_say_the_same(checked: Checked, cloud: EmbeddedCloud) -> None:
    assert {name: maximum(cloud, f"Clusters{name.title().replace('_', '')}") for name in COUNTS} == COUNTS


def maximum(cloud: EmbeddedCloud, metric: str) -> float:
    """As the dashboard shows it."""
    now = datetime.now(UTC)
    answer = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="eks-efs-provisioner",
        MetricName=metric,
        Dimensions=[{"Name": "service", "Value": PREFIX}],
        Statistics=["Maximum"],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=86400,
    )
    return max(float(point["Maximum"]) for point in answer["Datapoints"])


def test_the_summary_is_an_event_as_its_schema_says(checked: Checked, cloud: EmbeddedCloud) -> None:
    run = checked.run
    (event,) = [e for e in cloud.server.published_events if e["Detail"].get("execution_arn") == run.arn]
    assert (event["DetailType"], event["Detail"]) == ("Storage Fleet Checked", run.output)
    validate("storage-fleet-checked.schema.json", event["Detail"])


def test_each_check_is_an_execution_that_people_can_follow(checked: Checked) -> None:
    assert {each["execution_arn"] for each in checked.run.output["attention"]} <= set(checked.checks)
    assert len(checked.checks) == len(GOOD) + len(BROKEN) + len(GONE)


def test_a_check_that_ended_before_its_start_was_heard_of_is_made_once_and_counts(checked: Checked) -> None:
    assert sorted(checked.unheard) == sorted(UNHEARD)
    found = {each["cluster_name"]: each for each in checked.run.output["attention"]}
    for late, heard in (("broken-2", "broken-3"), ("gone-2", "gone-3")):
        assert [found[late][name] for name in TOLD] == [found[heard][name] for name in TOLD]
        # Of two branches either may be the one that fails.
        assert str(found[late]["cause"]).partition(": ")[2] == str(found[heard]["cause"]).partition(": ")[2]
    assert checked.run.output["counts"] == COUNTS


def test_clusters_that_are_being_provisioned_are_left_alone(checked: Checked) -> None:
    assert checked.busy_after == checked.busy_before
    assert all(record["claimed_for"] == "changing" for record in checked.busy_after)
    assert set(checked.checks.values()) == {*GOOD, *BROKEN, *GONE}


def test_the_schedule_checks_the_fleet_and_provisions_the_enrolled_account_that_got_its_roles_late(
    cloud: EmbeddedCloud, fleet: Machine, provision: Machine, organization: Organization, checked: Checked
) -> None:
    # Its event came when it was not in its unit yet, and had no roles: that attempt does not count.
    too_early = provision.run({"account_id": organization.enrolled, "cluster": {"name": "too-early"}})
    assert "RoleNotAssumable" in too_early.cause
    roll_out_roles(cloud, organization.enrolled, HubAccountId=cloud.account_id, RolePrefix=PREFIX)
    before = set(provision.executions())
    assert account_changes(cloud)[GOOD[0]] is None  # the only check so far was to look for no accounts
    run = fleet.wait(scheduler.fire(cloud.server, "configuration", PREFIX))
    assert (run.status, run.cause) == ("SUCCEEDED", "")
    assert (run.output["new_accounts"], run.output["new_accounts_failure"]) == ([organization.enrolled], None)
    (arn,) = set(provision.executions()) - before
    provisioned = provision.wait(arn)
    assert (provisioned.status, provisioned.cause) == ("SUCCEEDED", "")
    assert provisioned.output["account_id"] == organization.enrolled
    assert (run.output["accounts_changed"], run.output["accounts_changed_left_out"]) == ([], 0)
    known = account_changes(cloud)
    assert (known[GOOD[0]], known["eks-example"]) == ([], None)  # which was made after that
    # From then on its cluster is one of the fleet; what becomes of the account later is told, and nothing more.
    forgotten = forget_a_cluster(cloud)
    changes = [CHANGES[name] for name in ("account-left-out", "account-moved", "defaults-changed")]
    asked = Records(provision).request("eks-example", organization.enrolled, cloud.region)
    undo = [change.make(Scene(cloud, {"request": asked})) for change in changes]
    again = fleet.run({"find_orphans": True})
    for each in reversed(undo):
        each()
    told = again.output["accounts_changed"]
    assert told_apart(changes, {"account": organization.enrolled}, told) == {change.name: 1 for change in changes}
    assert {(each["account_id"], each["cluster_name"]) for each in told} == {(organization.enrolled, "eks-example")}
    assert run.output["orphans"] is None
    validate("storage-fleet-checked.schema.json", again.output)
    known = account_changes(cloud)
    assert [known[name] for name in ("eks-example", GOOD[0], GONE[0])] == [told, [], []]
    orphans = {each["arn"]: each for each in again.output["orphans"]}
    assert orphans[forgotten]["cluster"] == "forgotten"
    assert not {each["cluster"] for each in orphans.values()} & {*GOOD, *BROKEN}
    because = f"account {organization.left_out} has the tag eks-efs-provisioner/left-out = true"
    left_out = [{"account_id": organization.left_out, "because": because}]
    assert (again.output["new_accounts"], again.output["accounts_left_out"]) == ([], left_out)
    assert again.output["counts"]["verified"] == run.output["counts"]["verified"] + 1


def account_changes(cloud: EmbeddedCloud) -> dict[str, Any]:
    """Cluster -> what `eks-efs status` tells of its account."""
    key = administrator_of(cloud.account_id)
    environment = {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
    }
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
        for name, value in environment.items():
            patch.setenv(name, value)
        assert main(["status", "--json", "--stack", PREFIX, "--region", cloud.region]) == 0
    return {each["cluster"]: each["account_changes"] for each in json.loads(out.getvalue())}


def forget_a_cluster(cloud: EmbeddedCloud) -> str:
    """Its ARN. Dear enough to be among those that an event names, whatever else other tests have forgotten here."""
    ec2 = cloud.client("ec2")
    vpc = {"Filters": [{"Name": "vpc-id", "Values": [ec2.describe_vpcs()["Vpcs"][0]["VpcId"]]}]}
    subnets = {each["AvailabilityZone"]: each["SubnetId"] for each in ec2.describe_subnets(**vpc)["Subnets"]}
    made = cloud.client("eks").create_cluster(
        name="forgotten",
        roleArn=role(cloud, "eks"),
        resourcesVpcConfig={"subnetIds": list(subnets.values())[:2]},
        tags={OWNER_TAG: "forgotten"},
    )
    return str(made["cluster"]["arn"])


def test_an_unknown_field_is_refused_before_anything_is_checked(fleet: Machine) -> None:
    run = fleet.run({"dept": "behaviour"})
    assert (run.status, run.error) == ("FAILED", "RequestError")
    assert "did you mean depth?" in run.cause
    assert not run.entered("Check clusters")
