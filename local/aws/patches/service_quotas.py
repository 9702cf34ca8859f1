"""Service Quotas tells the limits that the embedded services enforce.

moto lacks: ListServiceQuotas; and what it tells of AWS's defaults nothing enforces.
"""
# mypy: disable-error-code="attr-defined"

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.servicequotas.responses import ServiceQuotasResponse

from local.aws import quotas
from local.aws.refusals import refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    def list_service_quotas(self: Any) -> str:
        service = json.loads(self.body)["ServiceCode"]
        found = quotas.quotas(service, self.current_account, self.region)
        if not found:
            raise refusal("NoSuchResourceException", f"The request failed because the service {service} is not known")
        told = [{"ServiceCode": service, "QuotaName": name, "Value": float(value)} for name, value in found.items()]
        return json.dumps({"Quotas": told})

    ServiceQuotasResponse.list_service_quotas = list_service_quotas
