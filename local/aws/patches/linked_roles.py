"""Service-linked roles have AWS's names.

moto lacks: those of EKS, of Fargate and of EFS, which do not follow from the services'. Source: EKS and EFS user
guides, "Using service-linked roles".
"""
# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.iam import models

from local.aws.permissions.calls.roles import LINKED_ROLES

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    own = {service.split(".")[0]: name.removeprefix("AWSServiceRoleFor") for service, name in LINKED_ROLES.values()}
    models.SERVICE_NAME_CONVERSION = {**models.SERVICE_NAME_CONVERSION, **own}
