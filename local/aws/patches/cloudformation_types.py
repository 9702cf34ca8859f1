"""DescribeType, by the region's list of resource types as CloudFormation publishes it.

moto lacks: it. Source: CloudFormation API, DescribeType.
"""
# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult

from local.aws import availability
from local.aws.refusals import refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    def describe_type(self: Any) -> ActionResult:
        name = self._get_param("TypeName")
        known = availability.types_in(self.region)
        if known is None or name not in known:
            raise refusal("TypeNotFoundException", f"The type '{name}' cannot be found.")
        arn = f"arn:{self.partition}:cloudformation:{self.region}::type/resource/{name.replace('::', '-')}"
        return ActionResult({"Arn": arn, "Type": "RESOURCE", "TypeName": name, "ProvisioningType": "FULLY_MUTABLE"})

    CloudFormationResponse.describe_type = describe_type
