"""EKS. Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EKS"."""

import contextlib
from collections.abc import Callable, Iterable, Iterator

from local.aws.eks_state import Addon, Cluster, FargateProfile, clusters_of
from local.aws.permissions.calls.roles import linked_role_arn, pass_role, service_linked_role
from local.aws.permissions.demand import ApiCall, Context, Demand, Demands, plain, request_tags, resource_tags

CLUSTER_SERVICE = "eks.amazonaws.com"
FARGATE_SERVICE = "eks-fargate.amazonaws.com"
FARGATE_LINKED_ROLE = "AWSServiceRoleForAmazonEKSForFargate"
PODS_SERVICE = "eks-fargate-pods.amazonaws.com"


def create_cluster(call: ApiCall) -> Iterator[Demand]:
    """It knows no resource-level permissions: it has to be granted on `*`. A key for secrets is used as the caller.

    Source: EKS user guide, "Encrypt Kubernetes secrets with KMS" (kms:DescribeKey, kms:CreateGrant).
    """
    tags = call.get("tags") or {}
    yield Demand("eks:CreateCluster", "*", request_tags(tags))
    yield from _tagging(call, f"cluster/{call['name']}")
    yield Demand("iam:GetRole", call["roleArn"])
    yield pass_role(call["roleArn"], CLUSTER_SERVICE)
    yield from service_linked_role(call, CLUSTER_SERVICE, "AWSServiceRoleForAmazonEKS")
    for encryption in call.get("encryptionConfig") or []:
        key_arn, via = encryption["provider"]["keyArn"], f"eks.{call.region}.amazonaws.com"
        yield Demand("kms:DescribeKey", key_arn, {"kms:ViaService": via})
        yield Demand("kms:CreateGrant", key_arn, {"kms:ViaService": via, "kms:GrantIsForAWSResource": "true"})


def create_fargate_profile(call: ApiCall) -> Iterator[Demand]:
    """EKS looks, as the caller, whether Fargate's service-linked role is there.

    Source: awsdocs/amazon-eks-user-guide#279 (the message); aws-controllers-k8s/community#1821 (GetRole, PassRole).
    """
    yield from on_cluster("CreateFargateProfile")(call)
    yield from _tagging(call, f"fargateprofile/{call['clusterName']}/{call['fargateProfileName']}/*")
    linked = linked_role_arn(call, FARGATE_SERVICE, FARGATE_LINKED_ROLE)
    missing = f"SLR: {FARGATE_LINKED_ROLE} already exists due to missing permissions for 'iam:GetRole'"
    yield Demand("iam:GetRole", linked, refusal=("InvalidRequestException", f"Failed to validate if {missing}"))
    yield from service_linked_role(call, FARGATE_SERVICE, FARGATE_LINKED_ROLE)
    yield pass_role(call["podExecutionRoleArn"], PODS_SERVICE)


def create_addon(call: ApiCall) -> Iterator[Demand]:
    yield from on_cluster("CreateAddon")(call)
    yield from _tagging(call, f"addon/{call['clusterName']}/{call['addonName']}/*")


def create_access_entry(call: ApiCall) -> Iterator[Demand]:
    yield from on_cluster("CreateAccessEntry")(call)
    yield from _tagging(call, _access_entry(call)[0])


def on_cluster(action: str) -> Demands:
    def demands(call: ApiCall) -> Iterable[Demand]:
        name = call.get("name") or call.get("clusterName") or ""
        cluster = clusters_of(call.account_id, call.region).get(name)
        context = resource_tags(cluster.tags) if cluster else {}
        return [Demand(f"eks:{action}", call.arn("eks", f"cluster/{name}"), context)]

    return demands


def on_part(action: str, part: Callable[[ApiCall], tuple[str, Context]]) -> Demands:
    """On something of a cluster: its ARN ends with an id that a call for what does not exist cannot know."""

    def demands(call: ApiCall) -> Iterable[Demand]:
        resource, tags = part(call)
        return [Demand(f"eks:{action}", call.arn("eks", resource), tags)]

    return demands


def _profile(call: ApiCall) -> tuple[str, Context]:
    name = call["fargateProfileName"]
    return _described(f"fargateprofile/{call['clusterName']}/{name}", lambda cluster: cluster.profiles[name], call)


def _addon(call: ApiCall) -> tuple[str, Context]:
    name = call["addonName"]
    return _described(f"addon/{call['clusterName']}/{name}", lambda cluster: cluster.addons[name], call)


def _described(path: str, find: Callable[[Cluster], FargateProfile | Addon], call: ApiCall) -> tuple[str, Context]:
    with contextlib.suppress(KeyError):
        found = find(clusters_of(call.account_id, call.region)[call["clusterName"]])
        return found.arn.split(":", 5)[5], resource_tags(found.tags)
    return f"{path}/*", {}


def _access_entry(call: ApiCall) -> tuple[str, Context]:
    principal = call["principalArn"]
    with contextlib.suppress(KeyError):
        entry = clusters_of(call.account_id, call.region)[call["clusterName"]].access_entries[principal]
        return entry.arn.split(":", 5)[5], resource_tags(entry.tags)
    account_id, kind_and_name = principal.split(":", 5)[4:]
    kind, name = kind_and_name.split("/", 1)[0], kind_and_name.rsplit("/", 1)[-1]
    return f"access-entry/{call['clusterName']}/{kind}/{account_id}/{name}/*", {}


def _tagging(call: ApiCall, resource: str) -> Iterator[Demand]:
    tags = call.get("tags") or {}
    if tags:
        yield Demand("eks:TagResource", call.arn("eks", resource), request_tags(tags))


CALLS: dict[str, Demands] = {
    "eks:CreateCluster": create_cluster,
    "eks:CreateFargateProfile": create_fargate_profile,
    "eks:CreateAddon": create_addon,
    "eks:CreateAccessEntry": create_access_entry,
    "eks:ListClusters": plain("eks:ListClusters"),
    **{
        f"eks:{action}": on_cluster(action)
        for action in (
            "DescribeCluster",
            "DeleteCluster",
            "ListAccessEntries",
            "ListAddons",
            "ListFargateProfiles",
            "UpdateClusterConfig",
        )
    },
    **{f"eks:{action}": on_part(action, _profile) for action in ("DescribeFargateProfile", "DeleteFargateProfile")},
    **{f"eks:{action}": on_part(action, _addon) for action in ("DescribeAddon", "UpdateAddon", "DeleteAddon")},
    **{
        f"eks:{action}": on_part(action, _access_entry)
        for action in (
            "AssociateAccessPolicy",
            "DescribeAccessEntry",
            "DeleteAccessEntry",
            "DisassociateAccessPolicy",
            "ListAssociatedAccessPolicies",
        )
    },
}
