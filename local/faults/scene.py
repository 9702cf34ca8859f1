"""Where a fault strikes: one cluster of a running execution, and what an administrator can do to it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.administrators import administrator_of
from local.aws.eks_state import Cluster, clusters_of
from local.cloud import EmbeddedCloud
from local.kubernetes.certificates import client_context

PATIENCE_SECONDS = 300.0
OWNER_TAG = "eks-efs-provisioner/cluster"
MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True)
class Scene:
    """`payload` is what the state machine is about to hand to the function."""

    cloud: EmbeddedCloud
    payload: Mapping[str, Any]

    @classmethod
    def recorded(cls, cloud: EmbeddedCloud, claims_table: str, cluster_name: str) -> "Scene":
        """A cluster that was proven, as its record has it."""
        key = {"cluster": {"S": f"{cloud.account_id}#{cloud.region}#{cluster_name}"}}
        record = cloud.client("dynamodb").get_item(TableName=claims_table, Key=key)["Item"]
        request, proven = (json.loads(record[name]["S"]) for name in ("request", "proven"))
        config = cloud.client("eks").describe_cluster(name=cluster_name)["cluster"]["resourcesVpcConfig"]
        subnets = [
            {
                "subnet_id": subnet["SubnetId"],
                "availability_zone": subnet["AvailabilityZone"],
                "availability_zone_id": subnet["AvailabilityZoneId"],
                "cidr": subnet["CidrBlock"],
            }
            for subnet in cloud.client("ec2").describe_subnets(SubnetIds=config["subnetIds"])["Subnets"]
        ]
        by_zone = sorted(subnets, key=lambda subnet: str(subnet["availability_zone_id"]))
        payload = {
            "request": request,
            "network": {"vpc_id": config["vpcId"], "private_subnets": by_zone},
            "file_system_id": proven["file_system"]["id"],
            "access_point_ids": {
                each["persistent_volume"]: each["volume_handle"].partition("::")[2] or None
                for each in proven["storage"]["volumes"]
            },
        }
        return cls(cloud, payload)

    @property
    def request(self) -> Mapping[str, Any]:
        request: Mapping[str, Any] = self.payload.get("request", {})
        return request

    @property
    def cluster_name(self) -> str:
        return str(self.request.get("cluster", {}).get("name", ""))

    @property
    def tags(self) -> dict[str, str]:
        """Of all that was made for the cluster."""
        return {OWNER_TAG: self.cluster_name, **self.request["tags"]}

    @property
    def region(self) -> str:
        return str(self.request["region"])

    @property
    def storage(self) -> Mapping[str, Any]:
        """Of the one volume, or of the last of several, since mistakes with the first are seen sooner."""
        storage: Mapping[str, Any] = self.request["storage"]
        return {**storage, **volume, "persistent_volume": volume["name"]} if (volume := self._last_volume) else storage

    @property
    def _last_volume(self) -> Mapping[str, Any] | None:
        return next(iter(reversed(self.request["storage"].get("volumes") or [])), None)

    @property
    def file_system_id(self) -> str:
        return str(self.payload["file_system_id"])

    @property
    def access_point_id(self) -> str:
        """That of the volume."""
        return str(self.payload["access_point_ids"][self.storage["persistent_volume"]])

    @property
    def cluster(self) -> Cluster:
        return clusters_of(str(self.request["account_id"]), self.region)[self.cluster_name]

    @property
    def vpc_id(self) -> str:
        return str(self.cluster.vpc_config["vpcId"])

    @property
    def mounts_vpc_id(self) -> str:
        """Where the mount targets are: the cluster's own VPC, or a peered one."""
        peer = self.request.get("file_system", {}).get("peer")
        return str(peer["vpc_id"]) if peer else self.vpc_id

    def client(self, service: str) -> Any:
        """A boto3 client of the account's administrator in the run's region."""
        return self.cloud.server.client(service, region=self.region)

    @property
    def lender(self) -> str | None:
        """The account that has the file system, where that is not the cluster's."""
        peer = self.request.get("file_system", {}).get("peer") or {}
        account_id = peer.get("account_id")
        return account_id if account_id != self.request["account_id"] else None

    def mounts_client(self, service: str) -> Any:
        """As `client`, of the account that has the mount targets."""
        if self.lender is None:
            return self.client(service)
        return self.cloud.server.client(service, region=self.region, credentials=administrator_of(self.lender))

    def mount_targets(self) -> list[dict[str, Any]]:
        """In the order of their zones, as pods are placed."""
        found = self.mounts_client("efs").describe_mount_targets(FileSystemId=self.file_system_id)["MountTargets"]
        return sorted(found, key=lambda target: str(target["AvailabilityZoneName"]))

    def subnets(self) -> list[dict[str, Any]]:
        filters = [{"Name": "vpc-id", "Values": [self.vpc_id]}]
        found: list[dict[str, Any]] = self.client("ec2").describe_subnets(Filters=filters)["Subnets"]
        return found

    # Kubernetes, as its administrator

    def get(self, path: str) -> dict[str, Any] | None:
        try:
            return self._ask("GET", path)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None

    def text(self, path: str) -> str:
        """What is no object, such as a pod's log."""
        return self._send("GET", path).decode()

    def create(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask("POST", path, manifest)

    def patch(self, path: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask("PATCH", path, changes, MERGE_PATCH)

    def delete(self, path: str) -> None:
        """Returns at once: what is in use stays for now."""
        self._ask("DELETE", path)

    def remove(self, path: str) -> None:
        """Deletes an object and waits until it is gone."""
        self.delete(path)
        self.until(lambda: self.get(path) is None)

    def clear(self, path: str) -> None:
        """As `remove`, of what may be going or gone already."""
        try:
            self.remove(path)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise

    def until(self, condition: Callable[[], bool], *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        deadline = time.monotonic() + patience_seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the cluster did not do what a fault waits for")
            time.sleep(0.05)

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = "application/json"
    ) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._send(method, path, body, content_type))
        return answer

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = "application/json"
    ) -> bytes:
        plane = self.cluster.control_plane
        assert plane is not None, "faults in Kubernetes strike once there is a cluster"  # noqa: S101
        request = urllib.request.Request(  # noqa: S310 - our own control plane's address
            plane.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {plane.admin_token}", "Content-Type": content_type},
        )
        context = client_context(plane.ca_pem)
        with urllib.request.urlopen(request, timeout=30, context=context) as response:  # noqa: S310
            read: bytes = response.read()
            return read
