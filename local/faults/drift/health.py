"""What EKS finds wrong with a cluster that stays ACTIVE."""

from local.aws.hooks import Undo
from local.faults.drift.change import Change, state
from local.faults.drift.cluster import CLUSTER, cluster, role
from local.faults.drift.identities import removed
from local.faults.scene import Scene


def fill_subnet(scene: Scene) -> Undo:
    """Somebody else's interfaces take what is free in the first of the private subnets."""
    ec2, subnet_id = scene.client("ec2"), scene.payload["network"]["private_subnets"][0]["subnet_id"]
    made: list[str] = []
    subnet = scene.client("ec2").describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]
    for _ in range(subnet["AvailableIpAddressCount"]):
        interface = ec2.create_network_interface(SubnetId=subnet_id, Description="somebody else's")
        made.append(interface["NetworkInterface"]["NetworkInterfaceId"])

    def undo() -> None:
        for each in made:
            ec2.delete_network_interface(NetworkInterfaceId=each)

    return undo


def unwell(code: str, message: str) -> list[dict[str, object]]:
    return [{"code": code, "message": message, "resourceIds": []}]


CHANGES = (
    Change(
        "cluster-without-addresses",
        "somebody else has taken the addresses of a subnet of the cluster",
        "cluster_drift.ADDRESSES",
        CLUSTER,
        "health.InsufficientFreeAddresses",
        fill_subnet,
        "addresses",
    ),
    Change(
        "cluster-role-gone",
        "the cluster's role was deleted",
        "cluster_drift.ROLE",
        CLUSTER,
        "health.IamRoleNotFound",
        removed(role("cluster")),
        "cluster-role",
    ),
    Change(
        "cluster-key-disabled",
        "somebody disabled the key of the cluster's secrets",
        "cluster_drift.KEY",
        CLUSTER,
        "health.KmsKeyDisabled",
        state(cluster, issues=unwell("KmsKeyDisabled", "The AWS KMS Key associated with your cluster is disabled.")),
        "cluster",
    ),
    Change(
        "cluster-impaired",
        "EKS finds something else wrong with the cluster",
        "cluster_drift.HEALTH",
        CLUSTER,
        "health.ClusterUnreachable",
        state(cluster, issues=unwell("ClusterUnreachable", "The cluster cannot be reached.")),
        "cluster",
    ),
)
