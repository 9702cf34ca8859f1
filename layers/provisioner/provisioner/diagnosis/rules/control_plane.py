"""Something could not be made: the network, the cluster, the file system; or AWS does not let us.

Sources: EKS API, ClusterIssue.code, FargateProfileIssue, AddonIssue.code; EFS API, "Errors" of CreateMountTarget;
CloudFormation API, StackStatus.
"""

import re
from typing import Final

from provisioner.diagnosis.model import Rule, seen
from provisioner.diagnosis.probes import account, control_plane, denial, file_system, upgrades
from provisioner.diagnosis.rules.states import ANY, BUILDING, CHECKING, INSIDE, NETWORK, VERIFYING

_LOOKED_AT_BEFORE: Final = r"(secrets_key_arn|kms_key_arn|admin_principal_arns)\b|AWSServiceRoleFor\w+ is missing"

# The same without the names of groups, which a pattern may have once only.
_UNNAMED: Final = re.sub(r"\?P<\w+>", "?:", denial.DECIDED)

RULES: Final = (
    Rule(
        id="role-not-assumable",
        states=ANY,
        symptoms=(seen("RoleNotAssumable"),),
        cause="The provisioner's role in the target account cannot be assumed.",
        probe=account.role,
        fix="deploy accounts/target.yaml in {the_account} with this application's ExternalId and account, so that "
        "{the_role} can be assumed",
    ),
    Rule(
        id="service-role-unusable",
        states=BUILDING,
        symptoms=(
            seen(
                "InvalidParameterException",
                text=r"(?i)role with arn|pod ?execution ?role|EKS Managed Policies|in role params|IAM role's policy",
            ),
        ),
        cause="EKS cannot use a role that it is given.",
        probe=account.given_roles,
        fix="{what_to_do}",
    ),
    Rule(
        id="account-unsuitable",
        states=CHECKING | BUILDING,
        symptoms=(
            seen("UnsuitableAccount", text=_LOOKED_AT_BEFORE),
            seen("InvalidParameterException", text=r"invalid principal", component="CreateAccessEntry"),
        ),
        cause="A key or a principal that the request names, or a role of AWS's own, cannot be used.",
        probe=account.unsuitable,
        fix="{what_to_do}, and run again",
    ),
    Rule(
        id="key-denied",
        states=BUILDING,
        # Words of EKS's own for what KMS denied (cluster-api-provider-aws#2432); KMS's go to denied-by-policy.
        symptoms=(
            seen("ClientException", "InvalidParameterException", "InvalidRequestException", text=r"perform kms:\w+"),
            # As EKS and EFS pass them on (docs/assumptions.md, AWS-28).
            seen(
                "Rejected", text=r"\bkey\b.* (is disabled|is pending|not enabled|does not exist)|KeyArn in encryption"
            ),
        ),
        cause="A key that the request names cannot be used: its policy does not let the provisioner's role, or it is "
        "not enabled.",
        probe=account.keys_use,
        fix="{what_to_do}; then run again",
    ),
    Rule(
        id="network-stack-failed",
        states=NETWORK | BUILDING,
        symptoms=(seen("Unusable", text=r"stack \S+ is \w*(ROLLBACK|FAILED)"),),
        cause="CloudFormation could not create the network, or its NAT gateways.",
        probe=control_plane.network_stack_failed,
        fix="remove the cause ({the_cause}), then {run_again_or_mend_the_stack}",
    ),
    Rule(
        id="network-unsuitable",
        states=NETWORK,
        # Not EKS's own refusal of a zone: `UnsuitableNetwork: CreateCluster: UnsupportedAvailabilityZoneException`.
        symptoms=(seen("UnsuitableNetwork", text=r"^UnsuitableNetwork: (?![A-Z]\w+: [A-Z])"),),
        cause="The network does not suit EKS on Fargate with EFS.",
        probe=control_plane.existing_network_unsuitable,
        fix="{what_to_do}, and run again",
    ),
    Rule(
        id="quota-reached",
        states=CHECKING | NETWORK | BUILDING,
        symptoms=(
            seen("QuotaExceeded", "UnsuitableAccount", text=r"\bquota [a-z0-9]+/L-"),
            seen(
                "ResourceLimitExceededException",
                "FileSystemLimitExceeded",
                "AccessPointLimitExceeded",
                "LimitExceededException",
                "ServiceQuotaExceededException",
                "NetworkInterfaceLimitExceeded",
                "SecurityGroupLimitExceeded",
                "RulesPerSecurityGroupLimitExceeded",
                "VpcLimitExceeded",
                "ThroughputLimitExceeded",
            ),
        ),
        cause="A quota of the account is reached.",
        probe=account.quota,
        fix="raise {the_quota}, or remove what is no longer used, and run again",
    ),
    Rule(
        id="subnet-full",
        states=BUILDING | VERIFYING,
        symptoms=(
            seen("NoFreeAddressesInSubnet", "InsufficientFreeAddressesInSubnet", "InsufficientFreeAddresses"),
            seen("Unusable", text=rf"^Unusable: the upgrade of cluster .*\b({upgrades.NO_ADDRESSES})\b"),
            seen("FailedScheduling", text=r"(?i)insufficient free (ip )?addresses|no free (ip )?address"),
        ),
        cause="A private subnet has no free address left, or too few for an upgrade.",
        probe=control_plane.free_addresses,
        fix="free addresses in {the_subnets}, or use larger subnets",
    ),
    Rule(
        id="upgrade-not-ready",
        states=CHECKING | BUILDING,
        symptoms=(seen("NotUpgradable"), seen("InvalidStateException", component="UpdateClusterVersion")),
        cause="EKS's upgrade insights say that the cluster is not ready for its next version.",
        probe=upgrades.insights,
        fix="{what_to_do}; then run again",
    ),
    Rule(
        id="upgrade-held-by-pods",
        states=BUILDING,
        symptoms=(seen("InvalidRequestException", component="UpdateClusterVersion"),),
        cause="Pods on Fargate, or nodes, still run the version before: EKS upgrades a cluster no further until they "
        "are made again.",
        probe=upgrades.older_nodes,
        fix="make {the_pods} again, for instance by kubectl rollout restart of what they belong to; then run again: "
        "{the_cluster} goes on from {the_version}",
    ),
    Rule(
        id="upgrade-failed",
        states=BUILDING,
        symptoms=(seen("Unusable", text=rf"^Unusable: the upgrade of cluster (?!.*\b({upgrades.NO_ADDRESSES})\b)"),),
        cause="EKS could not upgrade the cluster, which goes on running its version.",
        probe=upgrades.failed,
        fix="remove the cause ({the_cause}) and run again: {the_cluster} goes on from {the_version}",
    ),
    Rule(
        id="cluster-failed",
        states=BUILDING,
        symptoms=(seen("FAILED", component="cluster"), seen("Unusable", text=r"cluster \S+ is FAILED")),
        cause="EKS could not create the cluster.",
        probe=control_plane.cluster_failed,
        fix="remove the cause ({the_cause}), delete {the_cluster} and run again",
    ),
    Rule(
        id="cluster-impaired",
        states=BUILDING | INSIDE,
        symptoms=(seen(*control_plane.IMPAIRMENTS, text=r"^cluster \S+ is (ACTIVE|UPDATING): ", component="cluster"),),
        cause="EKS finds something wrong with the cluster, which stays ACTIVE.",
        probe=control_plane.cluster_impaired,
        fix="remove what EKS names for {the_cluster} ({the_cause}); then run again",
    ),
    Rule(
        id="zone-without-fargate",
        states=BUILDING,
        symptoms=(
            seen(
                "Unusable",
                "CREATE_FAILED",
                "InvalidParameterException",
                text=r"Fargate Profile creation for the Availability Zone",
            ),
        ),
        cause="A subnet lies in a zone that has no Fargate.",
        probe=control_plane.zone_without_fargate,
        fix="leave out {the_subnet_in_that_zone}: delete {the_Fargate_profile} and run again with other subnets",
    ),
    Rule(
        id="zone-without-eks",
        states=BUILDING,
        symptoms=(seen("UnsupportedAvailabilityZoneException"),),
        cause="A subnet lies in a zone in which EKS puts no control plane.",
        probe=control_plane.zone_without_eks,
        fix="leave out {the_subnet_in_that_zone}: name subnets in other zones and run again",
    ),
    Rule(
        id="fargate-profile-failed",
        states=BUILDING,
        symptoms=(
            seen("CREATE_FAILED", "DELETE_FAILED", component="Fargate profile"),
            seen("Unusable", text=r"Fargate profile \S+ is (CREATE|DELETE)_FAILED"),
        ),
        cause="EKS could not create the Fargate profile.",
        probe=control_plane.profile_failed,
        fix="remove the cause ({the_cause}), delete {the_Fargate_profile} and run again",
    ),
    Rule(
        id="file-system-failed",
        states=BUILDING | VERIFYING,
        symptoms=(seen("error", component="file system"), seen("Unusable", text=r"fs-\w+ is in the state error")),
        cause="The file system is in the state error.",
        probe=file_system.state,
        fix="ask AWS Support about {the_file_system}, or save its data, remove it and run again",
    ),
    Rule(
        id="mount-target-failed",
        states=BUILDING | VERIFYING,
        symptoms=(
            seen("error", component="mount target"),
            seen("Unusable", text=r"fsmt-\w+ in \S+ is in the state error"),
        ),
        cause="A mount target is in the state error.",
        probe=file_system.failed_mount_targets,
        fix="remove {the_mount_targets} (the data stays) and run again",
    ),
    Rule(
        id="owned-by-another",
        states=ANY,
        symptoms=(seen("OwnedByAnother"),),
        cause="Something of this name is there and was not made for this cluster.",
        probe=account.ownership,
        fix="choose another name, or remove {the_resource}",
    ),
    Rule(
        id="throttled",
        states=ANY,
        symptoms=(seen("Throttled"),),
        cause="AWS answers too few calls of this account: it is throttled.",
        probe=account.throttling,
        fix="find who else calls {the_service} so often in this account and region, or raise its quota, and run again",
    ),
    Rule(
        id="access-denied",
        states=ANY,
        symptoms=(seen("AccessDenied", text=rf"^AccessDenied: (?!(?s:.*)(?:{_UNNAMED}))"),),
        cause="The provisioner's role may not make a call that it needs.",
        probe=account.rights,
        fix="deploy the present accounts/target.yaml in the account; see that no policy of the organization denies it",
    ),
    Rule(
        id="denied-by-policy",
        states=ANY,
        symptoms=(seen("AccessDenied", text=rf"^AccessDenied: (?s:.*)(?:{_UNNAMED})"),),
        cause="A policy beyond the provisioner's own rights denies a call that it needs.",
        probe=denial.policy,
        fix="{what_to_change}; then run again",
    ),
    Rule(
        id="tag-not-allowed",
        states=BUILDING | NETWORK,
        # Of what CloudFormation was refused, network-stack-failed tells.
        symptoms=(seen("Rejected", "NotYetConsistent", text=denial.TAG_REFUSED.replace("?P<key>", "")),),
        cause="A tag policy of the organization does not allow a tag that is given to whatever is made.",
        probe=denial.tag,
        fix="{what_to_change}; then run again",
    ),
)
