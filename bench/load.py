"""`make bench-load`: what becomes of 500 events about new accounts within a minute, under the limits of a new hub.

An organization has an account made for each; every fifth is told of twice, by Organizations and by Control Tower; some
have no room for a network, which they are refused for, and some are left out. Time is scaled: a run of a quarter of an
hour takes minutes, and so do the token buckets' seconds. An invocation is not: it takes what this machine takes.
"""

import argparse
import gc
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.aws import network, quotas
from local.aws.eks_clusters import take_down
from local.aws.eks_state import clusters_of
from local.aws.patches.stepfunctions import running_in
from local.cloud import EmbeddedCloud
from local.limits import CONCURRENT_EXECUTIONS, of_new_accounts
from tests.end_to_end.accounts import MANAGEMENT, Organization, forwarding, told

CONTROL_TOWER = "control-tower-create-managed-account.json"
ORGANIZATIONS = "organizations-create-account-result.json"
LEFT_OUT_UNIT = "ou-ab12-nobodysx"
"""That there is one has every account's units looked up in the organization."""
LEFT_OUT_TAG = {"Key": "eks-efs-provisioner/left-out", "Value": "true"}
QUICK = {"verification": {"writers": 1, "lines_per_writer": 1}}
"""The smallest proof: what its pods take here is this machine's own time."""

LOOK_SECONDS, COLLECT_SECONDS, COLLECTING = 1.0, 60.0, 0.05
"""An attempt that failed is a circle of an exception and its frames, with its thread's stack; a process has 65,530
mappings on Linux. All stands still while these are collected: for so much of the time at most."""

FILES, FILES_FOR_AN_EVENT = 1000, 20
"""A cluster has eighteen, most of them both ends of eight watches, and six more for coredns' two containers; three are
made for four events."""

FAILED = "Storage Cluster Failed"
REFUSED, REASON = "refused before anything was made", "VPCs per Region"


@dataclass
class Account:
    """`expected`: ready, refused or left out. `arns` are the executions that its events have started."""

    id: str
    expected: str
    events: int
    arns: list[str] = field(default_factory=list)
    clusters: int = 0
    vpcs: int = 0
    outcomes: list[str] = field(default_factory=list)
    """How its executions ended; those that failed, with what their events tell."""

    @property
    def is_right(self) -> bool:
        """Done once, or refused with the reason, or left out, whatever the number of events."""
        wanted = {"ready": ("Ready", 1), "refused": (REFUSED, 0), "left out": ("LeftOut", 0)}
        outcome, things = wanted[self.expected]
        also = {"AlreadyInProgress"} if self.expected != "left out" else set()
        return (
            len(self.arns) == self.events
            and outcome in self.outcomes
            and set(self.outcomes) <= {outcome} | also
            and self.clusters == self.vpcs == things
        )


@dataclass(frozen=True)
class Load:
    """What became of it. `seconds` are AWS's."""

    accounts: Sequence[Account]
    told_within: float
    seconds: float
    throttled: Mapping[str, int]
    dead_letters: int
    transitions: int
    repeated: int

    @property
    def events(self) -> int:
        return sum(account.events for account in self.accounts)

    @property
    def started(self) -> int:
        return sum(len(account.arns) for account in self.accounts)

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(outcome for account in self.accounts for outcome in account.outcomes)

    @property
    def lost(self) -> list[str]:
        """Accounts that an event was delivered of to nobody, or whose executions ended without what was to come."""
        return [account.id for account in self.accounts if not account.is_right]

    @property
    def twice(self) -> list[str]:
        return [account.id for account in self.accounts if account.clusters > 1 or account.vpcs > 1]


class Crowd:
    """The app in a hub, and new accounts around it that nobody has told it of yet."""

    def __init__(self, cloud: EmbeddedCloud, organization: Organization, outputs: Mapping[str, str]) -> None:
        self._cloud, self._organization, self._outputs = cloud, organization, outputs
        self._published, self._dead = len(cloud.server.published_events), self._dead_letters()
        self.accounts: list[Account] = []

    @staticmethod
    def parameters(organization: Organization) -> dict[str, str]:
        return {
            "ManagementAccountId": MANAGEMENT,
            "OrganizationalUnitIds": organization.root,
            "DefaultRequest": json.dumps(QUICK),
            "LeftOut": LEFT_OUT_UNIT,
        }

    def gather(self, wanted: Sequence[tuple[str, int]]) -> None:
        """Accounts with their roles, and so made that it is to end as `wanted`: (expected, events) of each."""
        for expected, events in wanted:
            account_id = self._organization.new_account(f"crowd-{len(self.accounts)}")
            if expected == "refused":  # its default VPC is all it may have
                quotas.APPLIED[account_id, self._cloud.region, quotas.VPCS] = 1
            if expected == "left out":
                self._organization.client("organizations").tag_resource(ResourceId=account_id, Tags=[LEFT_OUT_TAG])
            self.accounts.append(Account(account_id, expected, events))

    def meet(self, within_seconds: float, patience_seconds: float, *, concurrent_executions: int) -> Load:
        """Tells of all of them within so many seconds of AWS's, and follows each to its end."""
        refused, delivered = len(self._cloud.server.rates.refused), len(self._cloud.server.delivered_events)
        gc.collect()
        gc.freeze()  # so that collecting takes as long as what is new is large
        started = time.monotonic()
        with of_new_accounts(self._cloud, concurrent_executions):
            told_within = self._tell(within_seconds)
            self._follow(delivered, started + patience_seconds)
            seconds = self._since(started)
        gc.unfreeze()
        throttled = Counter(self._cloud.server.rates.refused[refused:])
        transitions, repeated = self._read()
        dead = self._dead_letters() - self._dead
        return Load(self.accounts, told_within, seconds, throttled, dead, transitions, repeated)

    def _since(self, started: float) -> float:
        return (time.monotonic() - started) / (self._cloud.server.scaled(1000.0) / 1000.0)

    def _tell(self, within_seconds: float) -> float:
        samples = [
            (sample, account.id)
            for account in self.accounts
            for sample in (ORGANIZATIONS, CONTROL_TOWER)[-account.events :]
        ]
        started = time.monotonic()
        for number, (sample, account_id) in enumerate(samples):
            ahead = within_seconds * number / len(samples) - self._since(started)
            if ahead > 0:
                time.sleep(self._cloud.clock.seconds(ahead))
            told(self._cloud.region, sample, account_id, self._organization.unit)
        return self._since(started)

    def _follow(self, delivered: int, deadline: float) -> None:
        by_id, machine = {account.id: account for account in self.accounts}, self._outputs["ProvisionStateMachineArn"]
        open_accounts, collect_at = list(self.accounts), time.monotonic() + COLLECT_SECONDS
        while open_accounts and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            if (now := time.monotonic()) > collect_at:
                gc.collect()
                collect_at = time.monotonic() + max(COLLECT_SECONDS, (time.monotonic() - now) / COLLECTING)
            new = self._cloud.server.delivered_events[delivered:]
            delivered += len(new)
            for each in new:
                if each.target_arn == machine and each.execution_arn:
                    by_id[_account_of(each.payload)].arns.append(each.execution_arn)
            running = running_in(self._cloud.account_id, self._cloud.region)
            for account in list(open_accounts):
                if len(account.arns) == account.events and running.isdisjoint(account.arns):
                    self._look_at(account)
                    open_accounts.remove(account)

    def _look_at(self, account: Account) -> None:
        """What there is, before its control plane goes: four hundred of them would not fit."""
        region = self._cloud.region
        found = list(clusters_of(account.id, region).values())
        vpcs = list(network.backend(account.id, region).vpcs.values())  # a client for each account would not fit either
        account.clusters, account.vpcs = len(found), sum(not vpc.is_default for vpc in vpcs)
        for cluster in found:
            take_down(self._cloud, cluster)

    def _read(self) -> tuple[int, int]:
        """State transitions as Step Functions bills them, and how many of them were repetitions."""
        states = self._cloud.client("stepfunctions")
        failures = {
            event["Detail"]["execution_arn"]: event["Detail"]["failure"]
            for event in self._cloud.server.published_events[self._published :]
            if event["DetailType"] == FAILED
        }
        entered = repeated = 0
        for account in self.accounts:
            for arn in account.arns:
                ended = states.describe_execution(executionArn=arn)
                output = json.loads(ended.get("output") or "{}")
                account.outcomes.append(_outcome(ended, output, failures.get(arn)))
                pages = states.get_paginator("get_execution_history").paginate(
                    executionArn=arn, includeExecutionData=False, PaginationConfig={"PageSize": 1000}
                )
                types = Counter(event["type"] for page in pages for event in page["events"])
                again = types["TaskScheduled"] - types["TaskStateEntered"]
                repeated += again
                entered += again + sum(count for kind, count in types.items() if kind.endswith("StateEntered"))
        return entered, repeated

    def _dead_letters(self) -> int:
        asked = {
            "QueueUrl": self._outputs["NewAccountDeadLettersUrl"],
            "AttributeNames": ["ApproximateNumberOfMessages"],
        }
        attributes = self._cloud.client("sqs").get_queue_attributes(**asked)["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])


def mixture(events: int) -> Sequence[tuple[str, int]]:
    """Of 400 accounts a hundred are told of twice, twenty may have no network, and twenty are left out."""
    wanted: list[tuple[str, int]] = []
    while (left := events - sum(number for _, number in wanted)) > 0:
        kind = {3: "refused", 7: "left out"}.get(len(wanted) % 20, "ready")
        wanted.append((kind, min(left, 2 if len(wanted) % 4 == 0 else 1)))
    return wanted


def _account_of(event: Mapping[str, Any]) -> str:
    of = event["detail"]["serviceEventDetails"]
    if created := of.get("createAccountStatus"):
        return str(created["accountId"])
    return str(of["createManagedAccountStatus"]["account"]["accountId"])


def _outcome(ended: Mapping[str, Any], output: Mapping[str, Any], failure: Mapping[str, Any] | None) -> str:
    if ended["status"] == "SUCCEEDED":
        return str(output.get("status", "Ready"))
    if failure is None:
        return f"{ended['status']}, and nobody was told"
    if failure["state"] == "Check account" and REASON in failure["cause"]:
        return REFUSED
    return f"{failure['state']}: {failure['cause']}"[:200]


def table_of(load: Load, scale: float) -> Table:
    table = Table("what", "number", title=f"Events about new accounts, time scale {scale:g}")
    for what, number in (
        ("events", f"{load.events:,}"),
        ("  told within, s", f"{load.told_within:.0f}"),
        ("  in the dead-letter queue", f"{load.dead_letters:,}"),
        ("executions started", f"{load.started:,}"),
        *((f"  {outcome}", f"{count:,}") for outcome, count in sorted(load.outcomes.items())),
        ("accounts", f"{len(load.accounts):,}"),
        *(
            (f"  {expected} as expected", f"{_right(load, expected)} of {_all(load, expected)}")
            for expected in ("ready", "refused", "left out")
        ),
        ("  lost", f"{len(load.lost):,}"),
        ("  with anything twice", f"{len(load.twice):,}"),
        ("all ended after, s of AWS's", f"{load.seconds:,.0f}"),
        ("state transitions", f"{load.transitions:,}"),
        ("  of them repetitions", f"{load.repeated:,}"),
        *((f"throttled: {call}", f"{count:,}") for call, count in sorted(load.throttled.items())),
    ):
        table.add_row(what, number)
    return table


def _all(load: Load, expected: str) -> int:
    return sum(account.expected == expected for account in load.accounts)


def _right(load: Load, expected: str) -> int:
    return sum(account.expected == expected and account.is_right for account in load.accounts)


def make_room(events: int) -> None:
    """All control planes may be up at once, in this process."""
    needed = FILES + FILES_FOR_AN_EVENT * events
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(needed, hard)))
    except (ValueError, PermissionError) as error:
        raise SystemExit(
            f"{events} events need {needed} open files, {hard} are allowed: raise `ulimit -Hn`, or give fewer --events"
        ) from error


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make bench-load", description=__doc__)
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--scale", type=float, default=0.25, help="1: real durations")
    parser.add_argument(
        "--patience", type=float, default=5400, help="seconds of this machine's until what runs is lost"
    )
    asked = parser.parse_args(argv)
    make_room(asked.events)
    with tempfile.TemporaryDirectory() as directory, EmbeddedCloud(Path(directory)) as cloud:
        organization = Organization(cloud)
        crowd = Crowd(cloud, organization, cloud.deploy(parameters=Crowd.parameters(organization)))
        forwarding(organization, cloud, cloud.region)
        crowd.gather(mixture(asked.events))
        cloud.clock.scale = asked.scale
        load = crowd.meet(60, asked.patience, concurrent_executions=CONCURRENT_EXECUTIONS)
        console = Console()
        console.print(table_of(load, asked.scale))
        for account in load.accounts:
            if not account.is_right:
                console.print(account)
        cloud.clock.scale = 0
    return 1 if load.lost or load.twice else 0


if __name__ == "__main__":
    sys.exit(main())
