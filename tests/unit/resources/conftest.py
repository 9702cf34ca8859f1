"""Fakes that behave: moto for EC2, EFS and CloudFormation, a small EKS of our own. No socket is opened."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws
from moto.ec2.models import EC2Backend, elastic_ip_addresses
from moto.ec2.models.subnets import SubnetRouteTableAssociation
from moto.ec2.models.vpcs import VPC
from moto.ec2.utils import random_public_ip
from moto.efs.models import efs_backends

from tests.unit.resources.aws_calls import client, http
from tests.unit.resources.fake_cloudwatch import FakeCloudWatch
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.fake_quotas import FakeQuotas
from tests.unit.resources.samples import ACCOUNT_ID, REGION


@pytest.fixture
def moto_aws(monkeypatch: pytest.MonkeyPatch, aws_models: None) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # a thousand images per test that nobody asks for
    monkeypatch.setattr(elastic_ip_addresses, "random_ip", random_public_ip)  # moto's own begin with 127
    with mock_aws():
        yield


@pytest.fixture
def eks() -> FakeEks:
    return FakeEks()


@pytest.fixture
def iam() -> FakeIam:
    return FakeIam()


@pytest.fixture
def ec2(moto_aws: None) -> Any:
    """moto's EC2 and the two calls it lacks: nothing is blocked."""
    ec2 = client("ec2")
    for operation, nothing in (
        ("DescribeVpcBlockPublicAccessOptions", {"VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "off"}}),
        ("DescribeVpcBlockPublicAccessExclusions", {"VpcBlockPublicAccessExclusions": []}),
    ):
        ec2.meta.events.register(f"before-call.ec2.{operation}", _answering(nothing))
    return ec2


def _answering(answer: dict[str, Any]) -> Any:
    return lambda **_: (http(200), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}})


@pytest.fixture
def cloudwatch() -> FakeCloudWatch:
    return FakeCloudWatch()


@pytest.fixture
def service_quotas() -> FakeQuotas:
    return FakeQuotas()


@pytest.fixture
def kms(moto_aws: None) -> Any:
    return client("kms")


@pytest.fixture
def logs(moto_aws: None) -> Any:
    return client("logs")


@pytest.fixture
def cloudformation(moto_aws: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """moto's CloudFormation and what it drops: a VPC's DNS attributes, a subnet's association with a route table."""
    create_vpc = VPC.create_from_cloudformation_json

    def create_with_dns(name: str, definition: dict[str, Any], *given: Any, **named: Any) -> VPC:
        vpc = create_vpc(name, definition, *given, **named)
        vpc.enable_dns_support = definition["Properties"].get("EnableDnsSupport", True)
        vpc.enable_dns_hostnames = definition["Properties"].get("EnableDnsHostnames", False)
        return vpc

    def associate(backend: EC2Backend, route_table_id: str, subnet_id: str) -> SubnetRouteTableAssociation:
        backend.associate_route_table(route_table_id, subnet_id=subnet_id)
        return SubnetRouteTableAssociation(route_table_id, subnet_id)  # type: ignore[abstract]

    monkeypatch.setattr(VPC, "create_from_cloudformation_json", create_with_dns)
    monkeypatch.setattr(EC2Backend, "create_subnet_association", associate)
    return client("cloudformation")


@pytest.fixture
def efs_backend(moto_aws: None) -> Any:
    """moto's own memory: a test moves `life_cycle_state` there."""
    return efs_backends[ACCOUNT_ID][REGION]


@pytest.fixture
def efs(efs_backend: Any) -> Any:
    """moto's EFS and the two calls it lacks."""
    efs = client("efs")
    parameters: dict[str, Any] = {}

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        parameters[model.name] = params

    def update_file_system(**_: Any) -> Any:
        given = parameters["UpdateFileSystem"]
        found = efs_backend.file_systems_by_id[given["FileSystemId"]]
        found.throughput_mode, found.life_cycle_state = given["ThroughputMode"], "updating"
        return http(200), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    def put_backup_policy(**_: Any) -> Any:
        given = parameters["PutBackupPolicy"]
        efs_backend.file_systems_by_id[given["FileSystemId"]]._backup = given["BackupPolicy"]["Status"] == "ENABLED"
        return http(200), {"BackupPolicy": given["BackupPolicy"], "ResponseMetadata": {"HTTPStatusCode": 200}}

    efs.meta.events.register("provide-client-params.efs.*", note)
    efs.meta.events.register("before-call.efs.UpdateFileSystem", update_file_system)
    efs.meta.events.register("before-call.efs.PutBackupPolicy", put_backup_policy)
    return efs
