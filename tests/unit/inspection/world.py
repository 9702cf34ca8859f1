"""An account in which a request has been provisioned, on the fakes of tests/unit/resources."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import botocore.session

from provisioner.aws.session import Target
from provisioner.difference import Difference, drift
from provisioner.inspection.infrastructure import infrastructure
from provisioner.kubernetes import storage
from provisioner.observation import Observation
from provisioner.request import Request
from provisioner.resources import (
    account,
    cluster,
    cluster_access,
    cluster_dns,
    cluster_logs,
    fargate_profile,
    file_system,
    mount_targets,
    nat_stack,
    network,
    security_group,
)
from provisioner.resources.upgrade import Step
from provisioner.resources.vpc import Network
from tests.unit.kubernetes.fake_cluster import FakeCluster
from tests.unit.kubernetes.test_storage import a_cluster
from tests.unit.resources.fake_cloudwatch import FakeCloudWatch
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.fake_quotas import FakeQuotas
from tests.unit.resources.samples import ACCOUNT_ID, NOW, REGION, request_for

PERSON_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/platform"


@dataclass
class World:
    eks: FakeEks
    iam: FakeIam
    ec2: Any
    efs: Any
    cloudformation: Any
    logs: Any
    efs_backend: Any
    parts: dict[str, Any] = field(default_factory=dict)
    objects: FakeCluster = field(default_factory=a_cluster)

    def __post_init__(self) -> None:
        self.target = Target(
            botocore.session.Session(), account_id=ACCOUNT_ID, region=REGION, role_prefix="eks-efs-provisioner"
        )
        self.target._clients = {
            "eks": self.eks.client,
            "iam": self.iam.client,
            "ec2": self.ec2,
            "efs": self.efs,
            "cloudformation": self.cloudformation,
            "logs": self.logs,
            "service-quotas": FakeQuotas().client,
            "cloudwatch": FakeCloudWatch().client,
        }

    @property
    def request(self) -> Request:
        return request_for(**self.parts)

    def differences(self) -> list[Difference]:
        return drift(infrastructure(self.request, self.target).inspected)

    def provision(self) -> None:
        """What the state machine does, and what AWS does meanwhile. Raises: what a run ends with."""
        request = self.request
        account.check(request, self.target)
        self.network = Network.from_payload(
            self._ready(lambda: network.ensure(request, "run", self.ec2, self.cloudformation)).facts
        )
        self._ready(lambda: nat_stack.ensure(request, "run", self.cloudformation))
        self.eks.vpc_id = self.network.vpc_id
        self.profile_subnets = self.network.subnet_ids
        roles = {
            name: self.target.role_arn(name)
            for name in ("provisioner", "inspector", "remover", "cluster", "fargate-pods")
        }
        eks = self.eks.client
        step = Step()
        while next_version := self._ensure_cluster(request, roles["cluster"], step):
            step = Step(next_version)
        cluster_logs.ensure(request, self.logs)
        wanted = cluster_access.wanted_policies(
            request,
            provisioner_role_arn=roles["provisioner"],
            inspector_role_arn=roles["inspector"],
            remover_role_arn=roles["remover"],
            partition="aws",
        )
        cluster_access.ensure(request, wanted, eks, self.iam.client)
        self._ready(
            lambda: fargate_profile.ensure(
                request, self.network, eks, self.iam.client, role_arn=roles["fargate-pods"], now=NOW
            ),
            self._eks_goes_on,
        )
        self.group_id = security_group.ensure(request, self.network, self.ec2).facts["security_group_id"]
        made = self._ready(lambda: file_system.ensure(request, self.efs), self._efs_goes_on).facts
        self.file_system_id, self.access_point_id = made["file_system_id"], made["access_point_id"]
        self._ready(
            lambda: mount_targets.ensure(request, self.network, self.group_id, self.file_system_id, self.efs),
            self._efs_goes_on,
        )
        access_point_ids = made["access_point_ids"]
        self._ready(lambda: storage.ensure(request, self.objects, self.file_system_id, access_point_ids))
        self._ready(lambda: cluster_dns.ensure(request, eks, now=NOW), self._eks_goes_on)

    def _ensure_cluster(self, request: Request, role_arn: str, step: Step) -> Any:
        """The version to take it to next, if any."""
        eks, iam = self.eks.client, self.iam.client
        observation = self._ready(
            lambda: cluster.ensure(request, self.network, eks, iam, role_arn=role_arn, now=NOW, step=step),
            self._eks_goes_on,
        )
        return observation.facts["next_version"]

    @property
    def file_system(self) -> Any:
        """moto's own object."""
        return self.efs_backend.file_systems_by_id[self.file_system_id]

    @property
    def mount_target(self) -> Any:
        """moto's own object, of the first zone."""
        return min(self.efs_backend.mount_targets_by_id.values(), key=lambda made: made.availability_zone_id)

    @property
    def cluster(self) -> dict[str, Any]:
        return self.eks.clusters["eks-example"]

    @property
    def profile(self) -> dict[str, Any]:
        return self.eks.fargate_profiles["provisioner"]

    @property
    def addon(self) -> dict[str, Any]:
        return self.eks.addons["coredns"]

    @property
    def access_point(self) -> Any:
        """moto's own object."""
        return self.efs_backend.access_points[self.access_point_id]

    def _ready(self, ensure: Callable[[], Observation], meanwhile: Callable[[], None] = lambda: None) -> Observation:
        for _ in range(6):
            observation = ensure()
            if observation.ready:
                return observation
            meanwhile()
        raise AssertionError(f"still {observation.reason}")

    def _eks_goes_on(self) -> None:
        for update in [each for each in self.eks.updates.values() if each["status"] == "InProgress"]:
            update["status"] = "Successful"
            self.cluster["version"] = update["version"]
        for each in (*self.eks.clusters.values(), *self.eks.fargate_profiles.values(), *self.eks.addons.values()):
            if each["status"] in ("CREATING", "UPDATING"):
                each["status"] = "ACTIVE"
        running = any(each["status"] == "ACTIVE" for each in self.eks.fargate_profiles.values())
        for addon in self.eks.addons.values():
            if addon["status"] == "DEGRADED" and running and "Fargate" in addon["configurationValues"]:
                addon["status"] = "ACTIVE"
        for collection in (self.eks.clusters, self.eks.fargate_profiles, self.eks.addons):
            for name in [name for name, each in collection.items() if each["status"] == "DELETING"]:
                del collection[name]

    def _efs_goes_on(self) -> None:
        for each in (
            *self.efs_backend.file_systems_by_id.values(),
            *self.efs_backend.mount_targets_by_id.values(),
        ):
            if each.life_cycle_state in ("creating", "updating"):
                each.life_cycle_state = "available"
        for target_id, each in list(self.efs_backend.mount_targets_by_id.items()):
            if each.life_cycle_state == "deleting":
                each.life_cycle_state = "available"
                self.efs.delete_mount_target(MountTargetId=target_id)
