"""The names that CloudFormation makes up are as long as their service takes.

moto lacks: it, but for load balancers, buckets and policies; IAM then has a role with a name of 80 characters.
"""
# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.model import StructureShape
from moto.cloudformation import parsing

from local.aws.models import operation_model

if TYPE_CHECKING:
    from local.aws.server import AwsServer

NAMED_BY = {
    "AWS::Events::Rule": ("events", "PutRule", "Name"),
    "AWS::IAM::Role": ("iam", "CreateRole", "RoleName"),
    "AWS::Scheduler::Schedule": ("scheduler", "CreateSchedule", "Name"),
    "AWS::StepFunctions::StateMachine": ("stepfunctions", "CreateStateMachine", "name"),
}
"""The parameter, with its length in the model, by which a resource of this type gets its name."""


def install(server: AwsServer) -> None:
    """Source: what goes before the suffix is cut (cloudtools/troposphere#428)."""
    generate = parsing.generate_resource_name

    def generate_resource_name(resource_type: str, stack_name: str, logical_id: str) -> str:
        name = generate(resource_type, stack_name, logical_id)
        if resource_type not in NAMED_BY:
            return name
        service, operation, parameter = NAMED_BY[resource_type]
        shape = operation_model(service, operation).input_shape
        assert isinstance(shape, StructureShape)  # noqa: S101 - for the type checker
        prefix, suffix = name.rsplit("-", 1)
        return f"{prefix[: shape.members[parameter].metadata['max'] - len(suffix) - 1]}-{suffix}"

    parsing.generate_resource_name = generate_resource_name
