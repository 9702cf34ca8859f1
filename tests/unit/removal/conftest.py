"""A provisioned account for each test, and the four steps that take it down."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from provisioner.observation import Observation
from provisioner.removal import cluster, file_system, network, storage
from provisioner.removal.existing import Existing, find_existing
from tests.unit.inspection.conftest import cloudformation as cloudformation
from tests.unit.inspection.conftest import created as created
from tests.unit.inspection.conftest import ec2 as ec2
from tests.unit.inspection.conftest import efs as efs
from tests.unit.inspection.conftest import efs_backend as efs_backend
from tests.unit.inspection.conftest import eks as eks
from tests.unit.inspection.conftest import empty as empty
from tests.unit.inspection.conftest import iam as iam
from tests.unit.inspection.conftest import logs as logs
from tests.unit.inspection.conftest import moto_aws as moto_aws
from tests.unit.inspection.conftest import world as world
from tests.unit.inspection.world import World
from tests.unit.resources.samples import NOW


@dataclass
class Removal:
    world: World
    existing: Existing | None = None
    delete_data: bool = False
    delete_logs: bool = False
    file_system_id: str | None = None

    def storage(self) -> Observation:
        return storage.remove(self.world.request, self.world.target, self.existing)

    def cluster(self) -> Observation:
        return cluster.remove(self.world.request, self.world.target, self.existing, delete_logs=self.delete_logs)

    def file_system(self) -> Observation:
        return file_system.remove(
            self.world.request,
            self.world.target,
            self.existing,
            file_system_id=self.file_system_id,
            delete_data=self.delete_data,
            now=NOW,
        )

    def network(self) -> Observation:
        return network.remove(self.world.request, "run", self.world.target, self.existing)

    def finish(self, *steps: Callable[[], Observation]) -> list[Observation]:
        """Each step until it is ready, with what AWS does meanwhile; the last observations."""
        return [self.world._ready(step, self.world._eks_goes_on) for step in steps]

    def finish_all(self) -> list[Observation]:
        return self.finish(self.storage, self.cluster, self.file_system, self.network)


def snapshot(world: World) -> dict[str, Any]:
    """What there is of the request, by name and id."""
    return find_existing(world.request, world.target)


@pytest.fixture
def removal(world: World, monkeypatch: pytest.MonkeyPatch) -> Removal:
    reach(world, monkeypatch)
    return Removal(world)


def reach(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster's API is the one in memory."""
    for module in ("storage", "existing"):
        monkeypatch.setattr(f"provisioner.removal.{module}.api_of", lambda *_: world.objects)
