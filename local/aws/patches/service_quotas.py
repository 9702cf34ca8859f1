"""Service Quotas tells the limits that the embedded services enforce.

moto lacks: ListServiceQuotas and GetAWSDefaultServiceQuota; values of an account's own, without which GetServiceQuota
does not find a quota; and what it tells of AWS's defaults nothing enforces. Source: Service Quotas API.
"""
# mypy: disable-error-code="attr-defined, method-assign, assignment"

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.servicequotas.responses import ServiceQuotasResponse
from moto.utilities.utils import get_partition

from local.aws import quotas
from local.aws.refusals import refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    ServiceQuotasResponse.list_service_quotas = _list
    ServiceQuotasResponse.get_service_quota = _applied
    ServiceQuotasResponse.get_aws_default_service_quota = _default


def _list(self: Any) -> str:
    service = json.loads(self.body)["ServiceCode"]
    found = [quota for quota in quotas.ALL if quota.service == service]
    if not found:
        raise refusal("NoSuchResourceException", f"The request failed because the service {service} is not known")
    values = ((quota, quotas.value(self.current_account, self.region, quota)) for quota in found)
    return json.dumps({"Quotas": [_described(self, quota, value) for quota, value in values]})


def _applied(self: Any) -> str:
    quota = _asked_for(self)
    value = quotas.applied(self.current_account, self.region, quota)
    if value is None:
        raise _not_found(quota.code)
    return json.dumps({"Quota": _described(self, quota, value)})


def _default(self: Any) -> str:
    quota = _asked_for(self)
    return json.dumps({"Quota": _described(self, quota, quota.default)})


def _asked_for(self: Any) -> quotas.Quota:
    asked = json.loads(self.body)
    for quota in quotas.ALL:
        if (quota.service, quota.code) == (asked["ServiceCode"], asked["QuotaCode"]):
            return quota
    raise _not_found(asked["QuotaCode"])


def _not_found(code: str) -> Exception:
    return refusal("NoSuchResourceException", f"The request failed because the quota {code} does not exist")


def _described(self: Any, quota: quotas.Quota, value: float) -> dict[str, Any]:
    described: dict[str, Any] = {"ServiceCode": quota.service, "QuotaName": quota.name, "Value": value}
    if quota.usage:
        described["UsageMetric"] = dict(quota.usage)
    if quota.code:
        arn = f"servicequotas:{self.region}:{self.current_account}:{quota.service}/{quota.code}"
        described |= {"QuotaCode": quota.code, "QuotaArn": f"arn:{get_partition(self.region)}:{arn}"}
    return described
