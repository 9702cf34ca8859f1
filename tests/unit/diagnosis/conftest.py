from typing import Any

import pytest

from tests.unit.diagnosis.world import World
from tests.unit.resources.aws_calls import client
from tests.unit.resources.conftest import ec2 as ec2
from tests.unit.resources.conftest import efs as efs
from tests.unit.resources.conftest import efs_backend as efs_backend
from tests.unit.resources.conftest import moto_aws as moto_aws


@pytest.fixture
def world(ec2: Any, efs: Any) -> World:
    return World(ec2, efs, client("cloudformation"))
