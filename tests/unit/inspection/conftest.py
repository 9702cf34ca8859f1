"""A provisioned account for each test."""

from typing import Any

import pytest

from tests.unit.inspection.world import World
from tests.unit.resources.conftest import cloudformation as cloudformation
from tests.unit.resources.conftest import ec2 as ec2
from tests.unit.resources.conftest import efs as efs
from tests.unit.resources.conftest import efs_backend as efs_backend
from tests.unit.resources.conftest import eks as eks
from tests.unit.resources.conftest import iam as iam
from tests.unit.resources.conftest import logs as logs
from tests.unit.resources.conftest import moto_aws as moto_aws
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.networks import SomebodysVpc


@pytest.fixture
def empty(eks: FakeEks, iam: FakeIam, ec2: Any, efs: Any, cloudformation: Any, logs: Any, efs_backend: Any) -> World:
    """Nothing is there yet."""
    return World(eks, iam, ec2, efs, cloudformation, logs, efs_backend)


@pytest.fixture
def world(empty: World) -> World:
    """Provisioned into a VPC that was there before: quicker than the stack."""
    empty.parts["network"] = SomebodysVpc.made(empty.ec2).asked
    empty.provision()
    return empty


@pytest.fixture
def created(empty: World) -> World:
    """Provisioned with a network of its own."""
    empty.provision()
    return empty
