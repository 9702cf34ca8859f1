"""`make bench-cost`: what a run and a check take on the embedded cloud; writes bench/cost.json and docs/cost.md.

Time passes at SCALE, so that the machines look as often as they would in real time; faster, and an answer of this
machine would stand for so many seconds that looks were missed. What the embedded cloud cannot know
is how long AWS takes to answer, and a cold start: every invocation is therefore charged ANSWER_SECONDS more.
"""

import json
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from local.cloud import ROOT, STACK_NAME, EmbeddedCloud
from tools.templates import load_template

SCALE: Final = 0.1
ANSWER_SECONDS: Final = 1.0
MEASURED: Final = ROOT / "bench" / "cost.json"
DOCUMENT: Final = ROOT / "docs" / "cost.md"
REPORT: Final = re.compile(r"REPORT .*?Duration: ([\d.]+) ms.*?Memory Size: (\d+) MB")


@dataclass(frozen=True)
class Usage:
    """What Step Functions and Lambda charge for."""

    transitions: int
    invocations: int
    gigabyte_seconds: float
    gigabytes: float
    """The memory of each invocation, added up: what one second more of every one of them would be."""

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(
            self.transitions - other.transitions,
            self.invocations - other.invocations,
            round(self.gigabyte_seconds - other.gigabyte_seconds, 1),
            self.gigabytes - other.gigabytes,
        )


def measure() -> dict[str, Usage]:
    """A first run, a second one that changes nothing, a check of the configuration, and one with the verification."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedCloud(Path(directory), scale=SCALE) as cloud:
        outputs = cloud.deploy()
        asked = {
            "first run": ("Provision", {}),
            "run again": ("Provision", {}),
            "configuration check": ("Fleet", {"depth": "configuration"}),
            "behaviour check": ("Fleet", {"depth": "behaviour"}),
        }
        usages, before = {}, used(cloud, outputs)
        for name, (machine, request) in asked.items():
            run_to_the_end(cloud, outputs[f"{machine}StateMachineArn"], request)
            after = used(cloud, outputs)
            usages[name], before = after - before, after
        return usages


def run_to_the_end(cloud: EmbeddedCloud, machine_arn: str, request: dict[str, Any]) -> None:
    client = cloud.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=machine_arn, input=json.dumps(request))["executionArn"]
    while (ended := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.1)
    if ended["status"] != "SUCCEEDED":
        raise SystemExit(json.dumps(ended, default=str))


def used(cloud: EmbeddedCloud, outputs: dict[str, str]) -> Usage:
    """Everything until now, of all executions and functions of the stack."""
    machines = [outputs[f"{name}StateMachineArn"] for name in ("Provision", "Reverify", "Fleet")]
    reports = list(_reports(cloud))
    return Usage(
        sum(_transitions(cloud, arn) for arn in _executions(cloud, machines)),
        len(reports),
        sum(milliseconds / 1000 * mebibytes / 1024 for milliseconds, mebibytes in reports),
        sum(mebibytes / 1024 for _, mebibytes in reports),
    )


def _executions(cloud: EmbeddedCloud, machines: list[str]) -> Iterator[str]:
    """Of the machines and of the maps that they ran, whose children are executions too."""
    client = cloud.client("stepfunctions")
    for machine in machines:
        for execution in client.list_executions(stateMachineArn=machine)["executions"]:
            yield execution["executionArn"]
            for run in client.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]:
                for child in client.list_executions(mapRunArn=run["mapRunArn"])["executions"]:
                    yield child["executionArn"]


def _transitions(cloud: EmbeddedCloud, execution_arn: str) -> int:
    """States entered, calls repeated, and, to be on the safe side, the start of each execution.

    Source: Step Functions pricing, "Standard Workflows": every step that is executed, retries included.
    """
    pages = cloud.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    types = [event["type"] for page in pages for event in page["events"]]
    entered = [kind for kind in types if kind.endswith("StateEntered")]
    return 1 + len(entered) + types.count("TaskScheduled") - entered.count("TaskStateEntered")


def _reports(cloud: EmbeddedCloud) -> Iterator[tuple[float, int]]:
    """(milliseconds, MiB) of every invocation, as Lambda's log says."""
    pages = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{STACK_NAME}")
    for page in pages:
        for event in page["events"]:
            if found := REPORT.match(event["message"]):
                yield float(found[1]), int(found[2])


# Dollars in us-east-1, from AWS's pricing pages as they stood in 2025; nobody looked them up since.
TRANSITION: Final = 0.025 / 1_000
INVOCATION: Final = 0.20 / 1_000_000
GIGABYTE_SECOND: Final = 0.0000133334
ALARM, KEY, DASHBOARD = 0.10, 1.00, 3.00
CLUSTER_HOUR, EXTENDED_HOUR, NAT_HOUR = 0.10, 0.60, 0.045
VCPU_HOUR, GIGABYTE_HOUR = 0.04048, 0.004445
LOG_GIGABYTE, LOG_GIGABYTE_MONTH = 0.50, 0.03
HOURS: Final = 730
# Gigabytes of audit and authenticator logs a day: seen by others, and more with every operator in the cluster.
QUIET, BUSY = 0.3, 5.0
_HEAD: Final = """\
# Cost

Generated by `make bench-cost` from what it measured on the embedded cloud (bench/cost.json), time passing at
1:{pace:g}; a test keeps the arithmetic current. Prices are those of us-east-1 in dollars without taxes, discounts and
free tiers, as AWS published them in 2025; compare them with today's before you rely on them.

1,000 transitions cost {transition}, a million invocations {invocation}, a GB-second on arm64 {gigabyte_second:.10f}.
A transition is a state entered, a call repeated, or an execution started. The embedded cloud answers in
milliseconds: every invocation is charged {answer:g} s more than was measured, for AWS's answers and cold starts.
"""


def render(usages: dict[str, Usage]) -> str:
    """docs/cost.md."""
    head = _HEAD.format(
        pace=1 / SCALE,
        transition=f"{TRANSITION * 1_000:.3f}",
        invocation=f"{INVOCATION * 1_000_000:.2f}",
        gigabyte_second=GIGABYTE_SECOND,
        answer=ANSWER_SECONDS,
    )
    rows = [
        f"| {name} | {usage.transitions} | {usage.invocations} | {charged(usage):.1f} | {price(usage):.4f} |"
        for name, usage in usages.items()
    ]
    configuration, behaviour = price(usages["configuration check"]), price(usages["behaviour check"])
    pods = 2 * (0.25 * VCPU_HOUR + 0.5 * GIGABYTE_HOUR)
    return f"""{head}
## One run, one check

| what | transitions | invocations | GB-seconds | dollars |
|---|---|---|---|---|
{chr(10).join(rows)}

A check is of a fleet of one cluster: the fleet machine's own share is in it, and gets smaller the more there are. A
check of the behaviour also runs pods on Fargate for some minutes: less than a cent.

## A month of re-verification

| clusters | daily configuration check | and weekly behaviour check |
|---|---|---|
{chr(10).join(_month(clusters, configuration, behaviour) for clusters in (1, 10, 100, 1000))}

## What stands there anyway, a month

| what | dollars |
|---|---|
| the stack: two keys, a dashboard, {alarms()} alarms | {2 * KEY + DASHBOARD + alarms() * ALARM:.2f} |
| per cluster: the EKS control plane | {CLUSTER_HOUR * HOURS:.2f} |
| per cluster: instead, once its version is in extended support | {EXTENDED_HOUR * HOURS:.2f} |
| per cluster: one NAT gateway, without its traffic (`nat: per_zone` has three) | {NAT_HOUR * HOURS:.2f} |
| per cluster: two CoreDNS pods on Fargate | {pods * HOURS:.2f} |
| per cluster: control plane logs of a quiet one ({QUIET:g} GB a day, kept for 90 days) | {log_price(QUIET):.2f} |
| per cluster: control plane logs of a busy one ({BUSY:g} GB a day) | {log_price(BUSY):.2f} |

CloudWatch Logs takes {LOG_GIGABYTE:.2f} for each GB that comes in and {LOG_GIGABYTE_MONTH:.2f} a month for each that
is kept. How much the audit log is depends on what runs in the cluster, by orders of magnitude: a few hundred MB on a
quiet day, many GB with operators that ask without end, and then it costs more than the control plane itself (so users
say: autify.com, "Cost-Effective EKS Control Plane Logging"; nobody measured it here). `cluster.control_plane_logs: []`
turns it off; `control_plane_log_retention_days` bounds what is kept: EKS itself would keep it for ever, also when the
cluster is gone.

Extended support comes to clusters whose `cluster.upgrade_policy` is EXTENDED, fourteen months after EKS has released
their version, and lasts until they are upgraded, twelve months at most. With STANDARD, which new clusters have, EKS
upgrades them instead; the fleet's check tells 60 days before.

Storage in EFS, the stack's own logs, and requests to DynamoDB, S3, KMS and SNS come on top: cents, as long as nobody
stores much.
"""


def charged(usage: Usage) -> float:
    """GB-seconds, with those that the embedded cloud cannot know."""
    return usage.gigabyte_seconds + ANSWER_SECONDS * usage.gigabytes


def price(usage: Usage) -> float:
    return usage.transitions * TRANSITION + usage.invocations * INVOCATION + charged(usage) * GIGABYTE_SECOND


def log_price(gigabytes_a_day: float, days_kept: int = 90) -> float:
    """Of a month, once there are logs of `days_kept` days."""
    return gigabytes_a_day * (LOG_GIGABYTE * 365 / 12 + LOG_GIGABYTE_MONTH * days_kept)


def _month(clusters: int, configuration: float, behaviour: float) -> str:
    return f"| {clusters} | {clusters * configuration * 365 / 12:.2f} | {clusters * behaviour * 52 / 12:.2f} |"


def alarms() -> int:
    resources = load_template(ROOT / "operations" / "alarms.yaml")["Resources"].values()
    return sum(resource["Type"] == "AWS::CloudWatch::Alarm" for resource in resources)


def recorded() -> dict[str, Usage]:
    return {name: Usage(**usage) for name, usage in json.loads(MEASURED.read_text()).items()}


if __name__ == "__main__":
    usages = measure()
    MEASURED.write_text(json.dumps({name: asdict(usage) for name, usage in usages.items()}, indent=2) + "\n")
    DOCUMENT.write_text(render(usages))
    print(DOCUMENT.read_text(), end="")
