"""Fargate itself takes no pod, and its scheduler says why.

Sources of the messages: clowdhaus/eks-reference-architecture#12 (blocked), awsdocs/amazon-eks-user-guide#262 (zone),
aws/containers-roadmap#2034 (capacity), terraform-aws-modules/terraform-aws-eks#1758 (concurrency),
eksctl-io/eksctl#2690 (provisioning). More of them exist than are known; those are told verbatim.
"""

from typing import Final

from provisioner.diagnosis.model import Rule, seen
from provisioner.diagnosis.probes import fargate, nodes
from provisioner.diagnosis.rules.states import VERIFYING

_SCHEDULER: Final = "fargate-scheduler"

RULES: Final = (
    Rule(
        id="fargate-account-blocked",
        states=VERIFYING,
        symptoms=(seen("FailedScheduling", component=_SCHEDULER, text=fargate.BLOCKED),),
        cause="AWS does not let the account run pods on Fargate yet, as happens to new accounts.",
        probe=fargate.account_blocked,
        fix="wait some hours, or ask AWS Support to release {the_account} for Fargate, and run again",
    ),
    Rule(
        id="fargate-zone-unsupported",
        states=VERIFYING,
        symptoms=(seen("FailedScheduling", component=_SCHEDULER, text=fargate.ZONE),),
        cause="A subnet of the Fargate profile lies in a zone that has no Fargate.",
        probe=fargate.zone,
        fix="leave out {the_subnet_in_that_zone}: delete the Fargate profile and run again with other subnets",
    ),
    Rule(
        id="fargate-pods-quota",
        states=VERIFYING,
        symptoms=(seen("FailedScheduling", component=_SCHEDULER, text=fargate.CONCURRENCY),),
        cause="The account runs as many pods on Fargate as it may.",
        probe=fargate.concurrency,
        fix="raise the Fargate quota of {the_account} in {the_region}, or remove pods that are no longer used, and run "
        "again",
    ),
    Rule(
        id="nodes-not-joining",
        states=VERIFYING,
        symptoms=(seen("FailedScheduling", component=_SCHEDULER, text=r"Pod provisioning timed out"),),
        cause="Nodes of Fargate do not join the cluster in time: they do not reach its API.",
        probe=nodes.joining,
        fix="{what_to_do}",
    ),
    Rule(
        id="fargate-capacity",
        states=VERIFYING,
        symptoms=(seen("FailedScheduling", component=_SCHEDULER, text=fargate.CAPACITY),),
        cause="Fargate has no capacity left at the moment.",
        probe=fargate.capacity,
        fix="run again later, or use more availability zones of {the_region}",
    ),
)
