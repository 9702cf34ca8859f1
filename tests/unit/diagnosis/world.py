"""A cluster with storage in which everything is right, in memory; each test breaks what it is about."""

from typing import Any

from provisioner.diagnosis.live import Live
from provisioner.errors import RetryableError
from provisioner.kubernetes.client import Manifest
from provisioner.request import Request
from provisioner.resources.functions_access import OUTSIDE
from tests.unit.kubernetes.fake_cluster import FakeCluster
from tests.unit.resources.aws_calls import Calls, client
from tests.unit.resources.fake_cloudwatch import FakeCloudWatch
from tests.unit.resources.fake_eks import FakeEks, Values
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.fake_quotas import FakeQuotas
from tests.unit.resources.samples import (
    ACCOUNT_ID,
    CLUSTER_ROLE_ARN,
    PODS_ROLE_ARN,
    PROVISIONER_ROLE_ARN,
    REGION,
    key_values,
    request_for,
)

RUN = "0123456789ab"
ZONES = ("ap-northeast-1a", "ap-northeast-1c")
CIDRS = ("192.168.96.0/19", "192.168.128.0/19")
NFS = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049}
POD = f"verification-{RUN}-writer-1"


class ListingEks(FakeEks):
    """FakeEks with the lists that only a diagnosis asks for."""

    def list_fargate_profiles(self, **_: Any) -> Values:
        return {"fargateProfileNames": list(self.fargate_profiles)}

    def list_addons(self, **_: Any) -> Values:
        return {"addons": list(self.addons)}


class ReadOnlyApi:
    """What a probe may ask the cluster: it has no other verb."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self.error: Exception | None = None

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        self._fail()
        return self._cluster.get(kind, name, namespace)

    def list(self, kind: str, namespace: str | None = None, **selectors: Any) -> list[Manifest]:
        self._fail()
        return self._cluster.list(kind, namespace, **selectors)

    def presented_certificate(self) -> str:
        return self._cluster.presented_certificate()

    def _fail(self) -> None:
        if self.error:
            raise self.error


class FakeTarget:
    def __init__(self, clients: dict[str, Any]) -> None:
        self._clients = clients

    def client(self, service: str) -> Any:
        return self._clients[service]

    def role_arn(self, purpose: str) -> str:
        roles = {"provisioner": PROVISIONER_ROLE_ARN, "fargate-pods": PODS_ROLE_ARN, "cluster": CLUSTER_ROLE_ARN}
        return roles[purpose]


class World:
    def __init__(self, ec2: Any, efs: Any, cloudformation: Any) -> None:
        self.ec2, self.efs, self.cloudformation = ec2, efs, cloudformation
        self.eks = ListingEks()
        self.iam = FakeIam()
        self.kms, self.quotas, self.cloudwatch = client("kms"), FakeQuotas(), FakeCloudWatch()
        self.kubernetes = FakeCluster()
        self.api = ReadOnlyApi(self.kubernetes)
        self.request = request_for()
        self.functions = OUTSIDE
        self.role_error: RetryableError | None = None
        self._make_network()
        self._make_cluster()
        self._make_file_system()
        self._make_objects()
        self.calls = Calls(ec2, efs, cloudformation, self.eks.client, self.iam.client)

    def live(self, request: Request | None = None) -> Live:
        clients = {
            "ec2": self.ec2,
            "efs": self.efs,
            "eks": self.eks.client,
            "iam": self.iam.client,
            "cloudformation": self.cloudformation,
        }
        clients |= {"kms": self.kms, "service-quotas": self.quotas.client, "cloudwatch": self.cloudwatch.client}

        def connect() -> Any:
            if self.role_error:
                raise self.role_error
            return FakeTarget(clients)

        network = {"vpc_id": self.vpc_id, "private_subnets": [{"subnet_id": each} for each in self.subnet_ids]}
        return Live(
            request or self.request,
            RUN,
            connect,
            lambda _target, _name: self.api,  # type: ignore[arg-type,return-value]
            network,
            self.functions,
        )

    # ---- what tests break ----
    def admit(self, cidr: str, *, group_id: str | None = None) -> None:
        self.ec2.authorize_security_group_ingress(
            GroupId=group_id or self.group_id, IpPermissions=[{**NFS, "IpRanges": [{"CidrIp": cidr}]}]
        )

    def refuse(self, cidr: str) -> None:
        self.ec2.revoke_security_group_ingress(
            GroupId=self.group_id, IpPermissions=[{**NFS, "IpRanges": [{"CidrIp": cidr}]}]
        )

    def profile(self, **changes: Any) -> None:
        self.eks.fargate_profiles["provisioner"].update(changes)

    def object(self, kind: str) -> Manifest:
        return next(each for (a_kind, _, _), each in self.kubernetes.objects.items() if a_kind == kind)

    def remove(self, kind: str) -> None:
        for key in [key for key in self.kubernetes.objects if key[0] == kind]:
            del self.kubernetes.objects[key]

    def handle(self, value: str) -> None:
        self.object("PersistentVolume")["spec"]["csi"]["volumeHandle"] = value

    def warn(
        self, reason: str, message: str, *, component: str = "kubelet", about: str = POD, namespace: str = "default"
    ) -> None:
        number = len(self.kubernetes.objects)
        self.kubernetes.put(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"event-{number}", "namespace": namespace},
                "involvedObject": {"kind": "Pod", "name": about},
                "type": "Warning",
                "reason": reason,
                "message": message,
                "source": {"component": component},
                "lastTimestamp": "2026-01-02T03:04:05Z",
            }
        )

    def pod(self, name: str = POD, *, namespace: str = "default", labels: Any = None, **spec: Any) -> Manifest:
        pod = self.kubernetes.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "labels": {"eks-efs-provisioner/run": RUN} if labels is None else labels,
                },
                "spec": {},
            }
        )
        pod["spec"].update(spec)
        return pod

    # ---- how it is when all is well ----
    def _make_network(self) -> None:
        ec2 = self.ec2
        self.vpc_id = ec2.create_vpc(CidrBlock="192.168.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=self.vpc_id, EnableDnsHostnames={"Value": True})
        self.subnet_ids = [self.subnet(zone, cidr) for zone, cidr in zip(ZONES, CIDRS, strict=True)]
        self.group_id = self.group("efs")
        for cidr in CIDRS:
            self.admit(cidr)
        self.cluster_group_id = self.group("cluster")
        ec2.authorize_security_group_ingress(
            GroupId=self.cluster_group_id,
            IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": self.cluster_group_id}]}],
        )
        public = self.subnet(ZONES[0], "192.168.0.0/19")
        gateway_id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=self.vpc_id)
        self.public_table_id = ec2.create_route_table(VpcId=self.vpc_id)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=self.public_table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
        ec2.associate_route_table(RouteTableId=self.public_table_id, SubnetId=public)
        self.nat_gateway_id = ec2.create_nat_gateway(
            SubnetId=public, AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"]
        )["NatGateway"]["NatGatewayId"]
        self.route_table_id = ec2.create_route_table(VpcId=self.vpc_id)["RouteTable"]["RouteTableId"]
        ec2.create_route(
            RouteTableId=self.route_table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=self.nat_gateway_id
        )
        for subnet_id in self.subnet_ids:
            ec2.associate_route_table(RouteTableId=self.route_table_id, SubnetId=subnet_id)

    def subnet(self, zone: str, cidr: str, vpc_id: str | None = None) -> str:
        made = self.ec2.create_subnet(VpcId=vpc_id or self.vpc_id, AvailabilityZone=zone, CidrBlock=cidr)
        return str(made["Subnet"]["SubnetId"])

    def group(self, name: str, vpc_id: str | None = None) -> str:
        made = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id or self.vpc_id)
        return str(made["GroupId"])

    def _make_cluster(self) -> None:
        eks = self.eks.client
        eks.create_cluster(
            name="eks-example",
            roleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/c",
            resourcesVpcConfig={"subnetIds": self.subnet_ids, "endpointPublicAccess": True},
            tags=self.request.owner_tags,
        )
        self.cluster = self.eks.clusters["eks-example"]
        self.cluster["status"] = "ACTIVE"
        self.cluster["resourcesVpcConfig"].update(
            vpcId=self.vpc_id, clusterSecurityGroupId=self.cluster_group_id, publicAccessCidrs=["0.0.0.0/0"]
        )
        eks.create_fargate_profile(
            clusterName="eks-example",
            fargateProfileName="provisioner",
            podExecutionRoleArn=PODS_ROLE_ARN,
            subnets=self.subnet_ids,
            selectors=[{"namespace": "default"}, {"namespace": "kube-system"}],
            tags=self.request.owner_tags,
        )
        self.profile(status="ACTIVE")
        eks.create_addon(
            clusterName="eks-example",
            addonName="coredns",
            configurationValues='{"computeType": "Fargate"}',
            tags=self.request.owner_tags,
        )
        self.addon = self.eks.addons["coredns"]
        self.addon["status"] = "ACTIVE"
        eks.create_access_entry(
            clusterName="eks-example", principalArn=PROVISIONER_ROLE_ARN, type="STANDARD", tags=self.request.owner_tags
        )
        eks.associate_access_policy(
            clusterName="eks-example",
            principalArn=PROVISIONER_ROLE_ARN,
            policyArn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
            accessScope={"type": "cluster"},
        )

    def _make_file_system(self) -> None:
        made = self.efs.create_file_system(
            CreationToken=self.request.idempotency_token("file-system"),
            Encrypted=True,
            Tags=key_values(self.request.owner_tags),
        )
        self.file_system_id = str(made["FileSystemId"])
        self.mount_target_ids = [
            str(
                self.efs.create_mount_target(
                    FileSystemId=self.file_system_id, SubnetId=subnet_id, SecurityGroups=[self.group_id]
                )["MountTargetId"]
            )
            for subnet_id in self.subnet_ids
        ]

    def _make_objects(self) -> None:
        put = self.kubernetes.put
        put({"kind": "CSIDriver", "metadata": {"name": "efs.csi.aws.com"}, "spec": {"attachRequired": False}})
        put({"kind": "StorageClass", "metadata": {"name": "efs-sc"}, "provisioner": "efs.csi.aws.com"})
        volume = put(
            {
                "kind": "PersistentVolume",
                "metadata": {"name": "efs-pv"},
                "spec": {
                    "storageClassName": "efs-sc",
                    "csi": {"driver": "efs.csi.aws.com", "volumeHandle": self.file_system_id},
                    "claimRef": {"namespace": "default", "name": "efs-claim", "uid": "uid-claim"},
                },
            }
        )
        volume["status"] = {"phase": "Bound"}
        put(
            {
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": "efs-claim", "namespace": "default", "uid": "uid-claim"},
                "spec": {"storageClassName": "efs-sc", "volumeName": "efs-pv"},
            }
        )


__all__ = ["ACCOUNT_ID", "CIDRS", "NFS", "POD", "REGION", "RUN", "ZONES", "World"]
