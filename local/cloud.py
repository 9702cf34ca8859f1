"""The embedded cloud: AWS on moto's server, a Kubernetes API and Fargate per cluster, our own template on top."""

import json
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from local.aws import backup, ec2, ec2_network, efs, eks, eks_clusters, eks_endpoint, iam, policy_validation, s3
from local.aws.data_plane import ClusterDataPlane
from local.aws.deploy import deploy
from local.aws.eks_state import Cluster, all_clusters
from local.aws.server import DEFAULT_ACCOUNT_ID, DEFAULT_REGION, AwsServer
from local.clock import Clock
from local.control_plane.build import find_assets
from local.kubernetes.embedded import EmbeddedControlPlanes
from local.kubernetes.fargate import FargateSimulator
from local.kubernetes.interfaces import Authenticate, ControlPlane, ControlPlanes
from local.kubernetes.real import RealControlPlanes

ROOT = Path(__file__).resolve().parents[1]
PARTS = (backup, ec2, ec2_network, efs, eks, iam, policy_validation, s3)
KUBERNETES_KINDS = ("embedded", "real")
STACK_NAME = "eks-efs-provisioner"
ADMINISTRATOR = "administrator"


class EmbeddedCloud:
    """`with EmbeddedCloud(directory) as cloud: outputs = cloud.deploy()`.

    `directory` holds all its state (file systems under efs/<id>); `scale` multiplies every duration (see clock.py);
    ports are free ones unless given, Kubernetes APIs counting up from `kubernetes_port`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        scale: float = 0.0,
        kubernetes: str = "embedded",
        aws_port: int = 0,
        kubernetes_port: int | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.clock = Clock(scale)
        self.account_id = DEFAULT_ACCOUNT_ID
        self.region = DEFAULT_REGION
        self.control_planes: ControlPlanes = _control_planes(kubernetes)
        if kubernetes_port is not None:
            self.control_planes = _CountedPorts(self.control_planes, kubernetes_port)
        self.on_cluster_ready: list[Callable[[Cluster, ControlPlane], None]] = [self._attach_fargate]
        self.on_profile_deleted: list[Callable[[Cluster, str], None]] = [self._evict]
        self.on_cluster_deleted: list[Callable[[Cluster], None]] = [self._detach_fargate]
        self._simulators: dict[str, FargateSimulator] = {}
        self.stopping = False
        self._aws_port = aws_port
        self.server = AwsServer(
            self.directory / "aws",
            region=self.region,
            scaled=self.clock.waited,
            is_behind=self.clock.is_behind,
            stack_seconds=self._stack_seconds,
            patches=[lambda part=part: part.install(self) for part in PARTS],  # type: ignore[misc]
            lets_through=eks_endpoint.admits_function,
        )

    def _stack_seconds(self, types: Collection[str]) -> float:
        """The stacks that the application makes are networks: subnets, and what leads out of them."""
        if "AWS::EC2::NatGateway" in types:
            return self.clock.delay("stack") + self.clock.delay("NAT gateway")
        return self.clock.delay("stack" if "AWS::EC2::Route" in types else "stack of subnets")

    @property
    def endpoint(self) -> str:
        return self.server.endpoint

    @property
    def administrator_arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:user/{ADMINISTRATOR}"

    def start(self) -> None:
        self.server.start(self._aws_port)

    def stop(self) -> None:
        """Stops every process; what it stored stays in the directory."""
        self.stopping = True
        for cluster in all_clusters():
            self._detach_fargate(cluster)
            if cluster.control_plane is not None:
                cluster.control_plane.stop()
        self.server.stop()

    def drop_clusters(self) -> None:
        """Every cluster is deleted at once, whatever is still in it; what was made around them stays."""
        for cluster in all_clusters():
            eks_clusters.take_down(self, cluster)

    def pods_on_fargate(self, cluster: Cluster) -> set[str]:
        """Their uids, until all that they had is given back."""
        simulator = self._simulators.get(cluster.arn)
        return simulator.pods() if simulator else set()

    def __enter__(self) -> "EmbeddedCloud":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def client(self, service: str) -> Any:
        """A boto3 client of the account's administrator."""
        return self.server.client(service)

    def deploy(
        self,
        template: Path = ROOT / "template.yaml",
        stack_name: str = STACK_NAME,
        parameters: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Deploys a SAM template through CloudFormation; its outputs."""
        return deploy(self.server, template, stack_name, parameters)

    def administrator_access_key(self) -> dict[str, str]:
        """An access key of a person with every permission, as people have them in ~/.aws."""
        people = self.client("iam")
        people.create_user(UserName=ADMINISTRATOR)
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        people.put_user_policy(
            UserName=ADMINISTRATOR,
            PolicyName="everything",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
        )
        key: dict[str, str] = people.create_access_key(UserName=ADMINISTRATOR)["AccessKey"]
        return key

    def _attach_fargate(self, cluster: Cluster, control_plane: ControlPlane) -> None:
        simulator = FargateSimulator(
            control_plane,
            ClusterDataPlane(self, cluster),
            self.clock,
            # Other accounts and regions may have clusters of that name.
            self.directory.joinpath("fargate", *cluster.arn.split(":")[3:5], cluster.name),
            owns_controllers=self.control_planes.name == "embedded",
            programs=self.directory / "containers",
        )
        try:
            simulator.start()
        except Exception:
            if self.stopping:  # the cluster's API has been stopped under its hands
                return
            raise
        self._simulators[cluster.arn] = simulator

    def _evict(self, cluster: Cluster, profile_name: str) -> None:
        if simulator := self._simulators.get(cluster.arn):
            simulator.evict(profile_name)

    def _detach_fargate(self, cluster: Cluster) -> None:
        if simulator := self._simulators.pop(cluster.arn, None):
            simulator.stop()


def _control_planes(kind: str) -> ControlPlanes:
    if kind == "embedded":
        return EmbeddedControlPlanes()
    assets = find_assets()
    if assets is None:
        raise SystemExit("There is no real Kubernetes on this machine yet: `make control-plane` builds it, once.")
    return RealControlPlanes(assets)


class _CountedPorts:
    """Gives each cluster's API the next port, so that people can predict them."""

    def __init__(self, control_planes: ControlPlanes, first_port: int) -> None:
        self._control_planes = control_planes
        self._next_port = first_port
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._control_planes.name

    def start(self, cluster_name: str, authenticate: Authenticate, *, port: int | None = None) -> ControlPlane:
        with self._lock:
            port, self._next_port = port or self._next_port, self._next_port + 1
        return self._control_planes.start(cluster_name, authenticate, port=port)
