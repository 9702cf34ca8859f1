"""Faults of what AWS itself makes: clusters, profiles, mount targets; and of the account: quotas, roles, rates."""

from contextlib import suppress
from datetime import timedelta

from moto.efs.models import efs_backends

from local.aws import eks_clusters, eks_profiles, fargate_usage, network, quotas
from local.aws.eks_state import Cluster
from local.aws.hooks import Call, Undo
from local.aws.refusals import refusal
from local.cloud import EmbeddedCloud
from local.faults.fault import Fault, before
from local.faults.scene import Scene
from local.kubernetes.interfaces import ControlPlane

# Faults of a whole region or account strike where no other cluster of a test is.
THROTTLED_REGION = "eu-north-1"
FULL_REGION = "eu-central-1"
FULL_NETWORK_REGION = "eu-west-1"
FULL_STORAGE_REGION = "eu-west-3"
NEW_REGION = "ap-northeast-2"
CROWDED_REGION = "eu-central-2"
REGION_WITH_A_ZONE_WITHOUT_FARGATE = "us-west-2"
ACCOUNT_WITHOUT_ROLES = "210987654321"


def fail_cluster(cloud: EmbeddedCloud, cluster_name: str | None) -> Undo:
    """EKS cannot bring the control plane up."""

    def fail(cluster: Cluster, _plane: ControlPlane) -> None:
        if cluster_name in (None, cluster.name):
            raise eks_clusters.CreationFailure("EKS could not bring up the control plane of this cluster.")

    cloud.on_cluster_ready.append(fail)

    def undo() -> None:
        with suppress(ValueError):
            cloud.on_cluster_ready.remove(fail)

    return undo


def use_role_for_nodes(scene: Scene) -> None:
    """The pods' role already is that of EC2 nodes of this cluster."""
    role = scene.cloud.client("iam").get_role(RoleName="eks-efs-provisioner-fargate-pods")["Role"]["Arn"]
    scene.client("eks").create_access_entry(clusterName=scene.cluster_name, principalArn=role, type="EC2_LINUX")


def take_fargate_from_a_zone(cloud: EmbeddedCloud, cluster_name: str | None) -> Undo:
    added: set[str] = set()

    def take(scene: Scene) -> None:
        added.add(scene.payload["network"]["private_subnets"][0]["availability_zone_id"])
        eks_profiles.ZONES_WITHOUT_FARGATE.update(added)

    disarm = before("Ensure Fargate profile", take)(cloud, cluster_name)

    def undo() -> None:
        disarm()
        eks_profiles.ZONES_WITHOUT_FARGATE.difference_update(added)

    return undo


def break_mount_target(cloud: EmbeddedCloud, cluster_name: str | None) -> Undo:
    """EFS gives up on one of them as soon as it was asked for."""
    undos: list[Undo] = []

    def watch(scene: Scene) -> None:
        subnet_id = scene.payload["network"]["private_subnets"][0]["subnet_id"]
        backend = efs_backends[str(scene.request["account_id"])][scene.region]

        def fail(call: Call) -> None:
            for target in backend.mount_targets_by_id.values():
                if target.file_system_id == scene.file_system_id and target.subnet_id == subnet_id:
                    target.life_cycle_state = "error"

        undos.append(cloud.server.hooks.after("efs:CreateMountTarget", fail))

    undos.append(before("Ensure mount targets", watch)(cloud, cluster_name))

    def undo() -> None:
        for each in undos:
            each()

    return undo


def fill_subnet(scene: Scene) -> None:
    """The last of the private subnets; the first ones have EKS's own interfaces to take."""
    ec2 = network.backend(str(scene.request["account_id"]), scene.region)
    subnet = network.find_subnet(ec2, scene.payload["network"]["private_subnets"][-1]["subnet_id"])
    with suppress(network.NoFreeAddress):
        while subnet:
            network.create_interface(ec2, subnet, [], "somebody else's")


def reach_cluster_quota(cloud: EmbeddedCloud, _cluster_name: str | None) -> Undo:
    """As many clusters as the account may have in the region are there: one."""
    ec2, eks = cloud.server.client("ec2", region=FULL_REGION), cloud.server.client("eks", region=FULL_REGION)
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    with suppress(eks.exceptions.ResourceInUseException):
        eks.create_cluster(
            name="another-teams",
            roleArn=f"arn:aws:iam::{cloud.account_id}:role/eks-efs-provisioner-cluster",
            resourcesVpcConfig={"subnetIds": subnets},
        )
    return _limited(cloud, FULL_REGION, quotas.CLUSTERS, 1)


def reach_network_quotas(cloud: EmbeddedCloud, _cluster_name: str | None) -> Undo:
    """As many VPCs and addresses as the account may have in the region are there."""
    ec2 = cloud.server.client("ec2", region=FULL_NETWORK_REGION)
    vpcs = _limited(cloud, FULL_NETWORK_REGION, quotas.VPCS, len(ec2.describe_vpcs()["Vpcs"]))
    addresses = _limited(cloud, FULL_NETWORK_REGION, quotas.ADDRESSES, len(ec2.describe_addresses()["Addresses"]))

    def undo() -> None:
        vpcs()
        addresses()

    return undo


def reach_file_system_quota(cloud: EmbeddedCloud, _cluster_name: str | None) -> Undo:
    """As many file systems as the account may have in the region are there."""
    efs = cloud.server.client("efs", region=FULL_STORAGE_REGION)
    return _limited(cloud, FULL_STORAGE_REGION, quotas.FILE_SYSTEMS, len(efs.describe_file_systems()["FileSystems"]))


def lower_fargate_quota(cloud: EmbeddedCloud, _cluster_name: str | None) -> Undo:
    """A new account may run less on Fargate than the verification needs."""
    return _limited(cloud, NEW_REGION, quotas.FARGATE_VCPUS, 1)


def crowd_fargate(cloud: EmbeddedCloud, _cluster_name: str | None) -> Undo:
    """Somebody else's pods leave less of what a new account may run on Fargate than the verification needs."""
    place = cloud.account_id, CROWDED_REGION
    limited = _limited(cloud, CROWDED_REGION, quotas.FARGATE_VCPUS, 6)
    fargate_usage.start(*place, "somebody else's", 5, since=timedelta(minutes=1))

    def undo() -> None:
        fargate_usage.end(*place, "somebody else's")
        limited()

    return undo


def _limited(cloud: EmbeddedCloud, region: str, quota: quotas.Quota, amount: int) -> Undo:
    quotas.APPLIED[cloud.account_id, region, quota] = amount

    def undo() -> None:
        quotas.APPLIED.pop((cloud.account_id, region, quota), None)

    return undo


def throttle(cloud: EmbeddedCloud, _cluster_name: str | None) -> Undo:
    """Somebody's script uses up the account's rate of EKS calls in the region, and does not stop."""

    def refuse(call: Call) -> None:
        if call.region == THROTTLED_REGION:
            raise refusal("ThrottlingException", "Rate exceeded")

    return cloud.server.hooks.before("eks:*", refuse)


FAULTS = (
    Fault("cluster-create-failed", "EKS cannot bring up the control plane", "cluster-failed", fail_cluster),
    Fault(
        "profile-create-failed",
        "the pods' role already belongs to EC2 nodes of the cluster",
        "fargate-profile-failed",
        before("Ensure Fargate profile", use_role_for_nodes),
    ),
    Fault(
        "zone-without-fargate",
        "one of the zones has no Fargate",
        "zone-without-fargate",
        take_fargate_from_a_zone,
        request={"region": REGION_WITH_A_ZONE_WITHOUT_FARGATE},
    ),
    Fault(
        "mount-target-error",
        "EFS gives up on a mount target",
        "mount-target-failed",
        break_mount_target,
    ),
    Fault(
        "no-free-addresses",
        "a private subnet is full",
        "subnet-full",
        before("Ensure mount targets", fill_subnet),
        request={"network": {"cidr": "10.20.0.0/24"}},
    ),
    Fault(
        "cluster-quota",
        "the account has as many clusters as it may in the region",
        "quota-reached",
        reach_cluster_quota,
        request={"region": FULL_REGION},
    ),
    Fault(
        "network-quotas",
        "the account has as many VPCs and addresses as it may in the region",
        "quota-reached",
        reach_network_quotas,
        request={"region": FULL_NETWORK_REGION},
    ),
    Fault(
        "file-system-quota",
        "the account has as many file systems as it may in the region",
        "quota-reached",
        reach_file_system_quota,
        request={"region": FULL_STORAGE_REGION},
    ),
    Fault(
        "fargate-quota",
        "a new account may run less on Fargate than the verification needs",
        "quota-reached",
        lower_fargate_quota,
        request={"region": NEW_REGION, "verification": {"writers": 3}},
    ),
    Fault(
        "fargate-in-use",
        "somebody else's pods take nearly all that the account may run on Fargate",
        "quota-reached",
        crowd_fargate,
        request={"region": CROWDED_REGION, "verification": {"writers": 3}},
    ),
    Fault(
        "role-not-assumable",
        "the roles have not been rolled out to the account",
        "role-not-assumable",
        lambda _cloud, _cluster: lambda: None,
        request={"account_id": ACCOUNT_WITHOUT_ROLES},
    ),
    Fault(
        "throttling",
        "EKS throttles every call, and does not stop",
        "throttled",
        throttle,
        request={"region": THROTTLED_REGION},
    ),
)
