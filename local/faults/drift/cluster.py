"""Changes of the EKS cluster itself and of who may use its Kubernetes API."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from local.aws import eks_versions
from local.aws.eks_rules import OFFERED_VERSIONS
from local.aws.eks_state import Cluster, clusters_of
from local.aws.hooks import Undo
from local.faults.drift.change import Change, becomes, calls, final, gone, item, state
from local.faults.scene import OWNER_TAG, Scene

ADMINISTRATOR = "AmazonEKSClusterAdminPolicy"
POLICIES = "arn:aws:eks::aws:cluster-access-policy/"


def cluster(scene: Scene) -> Cluster:
    return scene.cluster


def configure(**changes: Any) -> Callable[[Scene], None]:
    """Returns when the cluster is ACTIVE again."""

    def update(scene: Scene) -> None:
        scene.client("eks").update_cluster_config(name=scene.cluster_name, **changes)
        scene.until(lambda: scene.cluster.status == "ACTIVE")

    return update


def endpoint(**access: Any) -> Callable[[Scene], None]:
    return configure(resourcesVpcConfig=access)


def protection(*, on: bool) -> Callable[[Scene], None]:
    return configure(deletionProtection=on)


def logging(*, enabled: list[str], disabled: list[str]) -> Callable[[Scene], None]:
    both = ((enabled, True), (disabled, False))
    return configure(logging={"clusterLogging": [{"types": types, "enabled": on} for types, on in both if types]})


def policy(support: str) -> Callable[[Scene], None]:
    return configure(upgradePolicy={"supportType": support})


def into_extended_support(scene: Scene) -> None:
    eks_versions.OUTDATED.add(scene.cluster.version)
    scene.cluster.upgrade_policy = {"supportType": "EXTENDED"}


def back_into_standard_support(scene: Scene) -> None:
    eks_versions.OUTDATED.clear()
    scene.cluster.upgrade_policy = {"supportType": "STANDARD"}


def log_group(scene: Scene) -> str:
    return f"/aws/eks/{scene.cluster_name}/cluster"


def with_an_earlier_role(scene: Scene) -> Undo:
    """EKS trusts it still: it is told for nothing else."""
    iam, name = scene.client("iam"), "earlier-cluster"
    trust = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = iam.create_role(Path="/earlier/", RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    undo = state(cluster, role_arn=made["Arn"])(scene)

    def undone() -> None:
        undo()
        iam.delete_role(RoleName=name)

    return undone


def keep_logs(scene: Scene) -> None:
    scene.client("logs").delete_retention_policy(logGroupName=log_group(scene))


def end_logs(scene: Scene) -> None:
    days = scene.request["cluster"]["control_plane_log_retention_days"]
    scene.client("logs").put_retention_policy(logGroupName=log_group(scene), retentionInDays=days)


def delete_logs(scene: Scene) -> None:
    """The next entry would make the group again, and no look would see that it was gone."""
    scene.cluster.is_quiet = True
    scene.client("logs").delete_log_group(logGroupName=log_group(scene))


def make_logs(scene: Scene) -> None:
    scene.cluster.is_quiet = False
    logs = scene.client("logs")
    with suppress(logs.exceptions.ResourceAlreadyExistsException):  # a run has made it
        logs.create_log_group(logGroupName=log_group(scene), tags=scene.tags)
    end_logs(scene)


def delete_profile(scene: Scene, profile: str) -> None:
    scene.client("eks").delete_fargate_profile(clusterName=scene.cluster_name, fargateProfileName=profile)
    scene.until(lambda: profile not in scene.cluster.profiles)


def delete_cluster(scene: Scene) -> None:
    """Its profiles have to go first, one after the other."""
    eks, name = scene.client("eks"), scene.cluster_name
    for profile in eks.list_fargate_profiles(clusterName=name)["fargateProfileNames"]:
        delete_profile(scene, profile)
    eks.delete_cluster(name=name)
    scene.until(lambda: name not in clusters_of(str(scene.request["account_id"]), scene.region))


Principal = Callable[[Scene], str]


def role(name: str) -> Principal:
    return lambda scene: f"arn:aws:iam::{scene.request['account_id']}:role/eks-efs-provisioner-{name}"


def person(scene: Scene) -> str:
    return str(scene.request["cluster"]["admin_principal_arns"][0])


def remove_entry(principal: Principal) -> Callable[[Scene], None]:
    """Returns when the API's authenticator has learned of it."""

    def remove(scene: Scene) -> None:
        arn = principal(scene)
        scene.client("eks").delete_access_entry(clusterName=scene.cluster_name, principalArn=arn)
        scene.until(lambda: arn not in scene.cluster.effective_entries)

    return remove


def entry(principal: Principal, policy: str | None, *, ours: bool = True) -> Callable[[Scene], None]:
    """Made anew; the API's authenticator learns of it a little later."""

    def make(scene: Scene) -> None:
        eks, arn = scene.client("eks"), principal(scene)
        tags = {"tags": scene.tags} if ours else {}
        eks.create_access_entry(clusterName=scene.cluster_name, principalArn=arn, type="STANDARD", **tags)
        if policy:
            associate(principal, policy)(scene)
        scene.until(lambda: arn in scene.cluster.effective_entries)

    return make


def associate(principal: Principal, policy: str) -> Callable[[Scene], object]:
    return lambda scene: scene.client("eks").associate_access_policy(
        clusterName=scene.cluster_name,
        principalArn=principal(scene),
        policyArn=f"{POLICIES}{policy}",
        accessScope={"type": "cluster"},
    )


def disassociate(principal: Principal, policy: str) -> Callable[[Scene], object]:
    return lambda scene: scene.client("eks").disassociate_access_policy(
        clusterName=scene.cluster_name, principalArn=principal(scene), policyArn=f"{POLICIES}{policy}"
    )


def replace_entry(principal: Principal, policy: str | None, *, ours: bool) -> Callable[[Scene], None]:
    def replace(scene: Scene) -> None:
        remove_entry(principal)(scene)
        entry(principal, policy, ours=ours)(scene)

    return replace


CLUSTER, ACCESS = "cluster {cluster}", "access entry of "
LOG_GROUP = "log group /aws/eks/{cluster}/cluster"

CHANGES = (
    Change(
        "cluster-gone",
        "the cluster was deleted; the file system was not",
        "cluster_drift.MISSING",
        CLUSTER,
        "exists",
        final(delete_cluster),
        "cluster",
        is_alone=True,
    ),
    Change(
        "cluster-updating",
        "somebody is updating the cluster",
        "cluster_drift.IN_PROGRESS",
        CLUSTER,
        "status",
        state(cluster, status="UPDATING"),
        "cluster",
        settle=becomes(cluster, status="ACTIVE"),
        is_alone=True,
    ),
    Change(
        "cluster-failed",
        "EKS gave the cluster up",
        "cluster_drift.FAILED",
        CLUSTER,
        "status",
        state(
            cluster,
            status="FAILED",
            issues=[{"code": "InternalFailure", "message": "The control plane is unhealthy.", "resourceIds": []}],
        ),
        "cluster",
    ),
    Change(
        "cluster-in-another-vpc",
        "the cluster was deleted and made again in another VPC",
        "cluster_drift.OTHER_VPC",
        CLUSTER,
        "resourcesVpcConfig.vpcId",
        item(lambda scene: scene.cluster.vpc_config, vpcId="vpc-0123456789abcdef0"),
        "cluster",
    ),
    Change(
        "cluster-version",
        "the cluster runs a newer Kubernetes version than asked for",
        "cluster_drift.NEWER_VERSION",
        CLUSTER,
        "version",
        state(cluster, version="1.99"),
        "cluster",
    ),
    Change(
        "cluster-taken-back",
        "somebody took the cluster back to the version before the one asked for",
        "cluster_drift.VERSION",
        CLUSTER,
        "version",
        state(cluster, version=OFFERED_VERSIONS[-2]),
        "cluster",
    ),
    Change(
        "extended-support-allowed",
        "somebody switched extended support on, which was asked to be off",
        "cluster_drift.UPGRADE_POLICY",
        CLUSTER,
        "upgradePolicy.supportType",
        calls(policy("EXTENDED"), policy("STANDARD")),
        "policy",
    ),
    Change(
        "extended-support-begun",
        "the version's standard support has ended, and the cluster with extended support switched on kept it",
        "cluster_drift.UPGRADE_POLICY_HELD",
        CLUSTER,
        "upgradePolicy.supportType",
        calls(into_extended_support, back_into_standard_support),
        "policy",
    ),
    Change(
        "services-elsewhere",
        "the cluster was deleted and made again with another range for Services",
        "cluster_drift.NETWORK_CONFIG",
        CLUSTER,
        "kubernetesNetworkConfig.service_ipv4_cidr",
        item(lambda scene: scene.cluster.network_config, serviceIpv4Cidr="10.100.0.0/16"),
        "cluster",
    ),
    Change(
        "endpoint-not-public",
        "the public endpoint was closed",
        "cluster_drift.ENDPOINT_NARROWED",
        CLUSTER,
        "resourcesVpcConfig.endpointPublicAccess",
        calls(endpoint(endpointPublicAccess=False), endpoint(endpointPublicAccess=True)),
        "endpoint",
    ),
    Change(
        "endpoint-not-private",
        "the private endpoint was closed",
        "cluster_drift.ENDPOINT",
        CLUSTER,
        "resourcesVpcConfig.endpointPrivateAccess",
        calls(endpoint(endpointPrivateAccess=False), endpoint(endpointPrivateAccess=True)),
        "endpoint",
    ),
    Change(
        "endpoint-cidrs",
        "the public endpoint was narrowed to one network",
        "cluster_drift.ENDPOINT_NARROWED",
        CLUSTER,
        "resourcesVpcConfig.publicAccessCidrs",
        calls(endpoint(publicAccessCidrs=["203.0.113.0/24"]), endpoint(publicAccessCidrs=["0.0.0.0/0"])),
        "endpoint",
    ),
    Change(
        "deletion-protected",
        "somebody switched EKS's deletion protection on, which was asked to be off",
        "cluster_drift.PROTECTION",
        CLUSTER,
        "deletionProtection",
        calls(protection(on=True), protection(on=False)),
        "protection",
    ),
    Change(
        "audit-log-off",
        "somebody saves money on the audit log",
        "cluster_drift.LOGGING",
        CLUSTER,
        "logging",
        calls(logging(enabled=[], disabled=["audit"]), logging(enabled=["audit"], disabled=[])),
        "logging",
    ),
    Change(
        "logs-kept-for-ever",
        "somebody wants to keep the control plane's logs",
        "cluster_logs_drift.RETENTION",
        LOG_GROUP,
        "retentionInDays",
        calls(keep_logs, end_logs),
        "logs",
    ),
    Change(
        "logs-deleted",
        "somebody deleted the control plane's log group",
        "cluster_logs_drift.MISSING",
        LOG_GROUP,
        "exists",
        calls(delete_logs, make_logs),
        "logs",
    ),
    Change(
        "secrets-not-encrypted",
        "the cluster was made again without the key for its secrets",
        "cluster_drift.SECRETS_KEY",
        CLUSTER,
        "encryptionConfig.secrets",
        state(cluster, encryption_config=[]),
        "cluster",
    ),
    Change(
        "aws-auth-lets-in-too",
        "the cluster was made again with the aws-auth ConfigMap as a second way in",
        "cluster_drift.AUTHENTICATION",
        CLUSTER,
        "accessConfig.authenticationMode",
        item(lambda scene: scene.cluster.access_config, authenticationMode="API_AND_CONFIG_MAP"),
        "cluster",
    ),
    Change(
        "cluster-with-another-role",
        "the roles were made anew under another path",
        "cluster_drift.OTHER_ROLE",
        CLUSTER,
        "roleArn",
        with_an_earlier_role,
        "cluster",
    ),
    Change(
        "cluster-of-another",
        "the cluster has lost its owner tag",
        "ownership.NOT_OURS",
        CLUSTER,
        f"tags.{OWNER_TAG}",
        gone(lambda scene: scene.cluster.tags, lambda _scene: OWNER_TAG),
        "cluster",
    ),
    Change(
        "person-locked-out",
        "the administrator's access entry was deleted",
        "cluster_access_drift.MISSING",
        ACCESS + "{person}",
        "exists",
        calls(remove_entry(person), entry(person, ADMINISTRATOR)),
        "person",
        of_kubernetes=True,
    ),
    Change(
        "provisioner-locked-out",
        "the access entry of the provisioner's role was deleted",
        "cluster_access_drift.MISSING",
        ACCESS + "{provisioner}",
        "exists",
        calls(remove_entry(role("provisioner")), entry(role("provisioner"), ADMINISTRATOR)),
        "provisioner",
        of_kubernetes=True,
    ),
    Change(
        "inspector-locked-out",
        "the access entry of the inspector's role was deleted, so that nobody may look into the cluster",
        "cluster_access_drift.MISSING",
        ACCESS + "{inspector}",
        "exists",
        calls(remove_entry(role("inspector")), entry(role("inspector"), "AmazonEKSAdminViewPolicy")),
        "inspector",
        is_alone=True,
        of_kubernetes=True,
    ),
    Change(
        "person-without-policy",
        "the administrator's access policy was disassociated",
        "cluster_access_drift.POLICY_MISSING",
        ACCESS + "{person}",
        f"policies.{ADMINISTRATOR}",
        calls(disassociate(person, ADMINISTRATOR), associate(person, ADMINISTRATOR)),
        "person",
        of_kubernetes=True,
    ),
    Change(
        "person-with-another-entry",
        "somebody made the administrator's access entry anew, without a policy",
        "cluster_access_drift.POLICY_MISSING_AT_OTHERS",
        ACCESS + "{person}",
        f"policies.{ADMINISTRATOR}",
        calls(replace_entry(person, None, ours=False), replace_entry(person, ADMINISTRATOR, ours=True)),
        "person",
        of_kubernetes=True,
    ),
)
