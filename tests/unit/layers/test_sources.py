from pathlib import Path

import botocore.session
import pytest

from layers.recipe.sources import FUNCTIONS, PROVISIONER, UnknownServiceError, aws_services


def services_of(tmp_path: Path, source: str) -> frozenset[str]:
    (tmp_path / "module.py").write_text(source)
    return aws_services(tmp_path)


def test_the_services_of_the_app_are_those_that_it_makes_clients_of() -> None:
    services = aws_services(FUNCTIONS, PROVISIONER)
    assert {"eks", "efs", "ec2", "cloudformation", "sts", "ssm", "s3", "dynamodb", "stepfunctions"} <= services
    assert services <= set(botocore.session.get_session().get_available_services())


@pytest.mark.parametrize(
    "source",
    [
        'boto3.client("kms", config=CONFIG)',
        'Target.of(request).client("kms").describe_key()',
        'boto3.session.Session(region_name=region).client("kms")',
        'botocore.session.get_session().create_client("kms")',
        'def later():\n    return [session.client("kms") for _ in range(2)]',
    ],
)
def test_a_service_is_read_off_the_call_that_makes_its_client(source: str, tmp_path: Path) -> None:
    assert services_of(tmp_path, source) == {"kms"}


@pytest.mark.parametrize(
    "source",
    ["boto3.client(name)", 'boto3.client(service_name="kms")', 'boto3.resource("s3")', "session.client(*names)"],
)
def test_a_client_of_what_cannot_be_read_off_the_code_is_refused_with_its_line(source: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownServiceError, match=r"module\.py, line 1: "):
        services_of(tmp_path, source)


def test_what_is_itself_called_client_may_pass_its_argument_on(tmp_path: Path) -> None:
    source = "def client(service):\n    return session.client(service)\nclient_of.client('kms')"
    assert services_of(tmp_path, source) == {"kms"}
