"""The live state of one cluster and its storage, as probes read it: each thing at most once, and only when asked."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from provisioner.aws.session import Target
from provisioner.diagnosis.live.connection import Connection
from provisioner.diagnosis.live.eks import LiveEks
from provisioner.diagnosis.live.file_system import LiveFileSystem
from provisioner.diagnosis.live.network import LiveNetwork
from provisioner.diagnosis.live.objects import LiveObjects
from provisioner.diagnosis.once import once
from provisioner.errors import ErrorReason
from provisioner.kubernetes.client import KubernetesApi
from provisioner.request import Request
from provisioner.resources import account, functions_way
from provisioner.resources.functions_access import OUTSIDE, Functions
from provisioner.resources.functions_way import FunctionsWay
from provisioner.resources.peer_ways import PeerWays, View
from provisioner.resources.problem import Problem
from provisioner.resources.vpc import Network, subnets_of

__all__ = ["Live"]


class Live:
    """`network` is what Ensure network returned, if it did; everything else is looked up by the request."""

    def __init__(
        self,
        request: Request,
        run_id: str,
        connect: Callable[[], Target],
        open_api: Callable[[Target, str], KubernetesApi],
        network: Mapping[str, Any] | None = None,
        functions: Functions = OUTSIDE,
    ) -> None:
        self.request = request
        self.run_id = run_id
        self.connection = Connection(request, connect, open_api)
        self.eks = LiveEks(request, self.connection)
        self.objects = LiveObjects(request, run_id, self.connection)
        self.file_system = LiveFileSystem(request, self.connection, self.objects)
        self.network = LiveNetwork(request, run_id, self.connection, self.eks, network)
        self._functions = functions

    @once
    def peer_ways(self) -> list[PeerWays]:
        """From the pods to mount targets in other VPCs than theirs."""
        vpc_id, elsewhere = self.network.vpc_id or "unknown", defaultdict[str, list[str]](list)
        for each in self.file_system.mount_targets.values():
            if each.get("VpcId", vpc_id) != vpc_id:
                elsewhere[each["VpcId"]].append(each["SubnetId"])
        pods = Network(vpc_id, tuple(self.network.pod_subnets))
        lender = View(self.request.lender, self.connection.mounts_ec2) if self.request.lender else None
        return [
            PeerWays(pods, mounts, self.request.account_id, self.connection.ec2, lender)
            for mounts in (
                Network.from_subnets(vpc_id, subnets_of(ids, self.connection.mounts_ec2))
                for vpc_id, ids in elsewhere.items()
            )
        ]

    @once
    def functions_way(self) -> FunctionsWay:
        """From the functions that talk to Kubernetes to the cluster's private endpoint."""
        found = self.eks.cluster
        if found is None:
            return FunctionsWay()
        return functions_way.of_cluster(self.request, self._functions, found, self.connection.ec2)

    @once
    def _account(self) -> list[Problem]:
        return account.look(self.request, self.connection.target).problems

    def account_problems(self, reason: ErrorReason) -> list[Problem]:
        """What Check account would refuse now for that reason."""
        return [each for each in self._account if each.reason is reason]
