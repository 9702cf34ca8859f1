"""Service Quotas, which moto knows for VPC alone: AWS's defaults until a test says otherwise."""

import json
from typing import Any

from tests.unit.resources.aws_calls import client, http, refusal
from tests.unit.resources.fake_cloudwatch import USAGE_METRIC

DEFAULTS = {
    "L-F678F1CE": 5.0,
    "L-FE5A380F": 5.0,
    "L-0263D0A3": 5.0,
    "L-1194D53C": 100.0,
    "L-3032A538": 6.0,
    "L-848C634D": 1000.0,
}


class FakeQuotas:
    """`applied`: what has been asked for in this account; a quota that is not in it has its default."""

    def __init__(self) -> None:
        self.applied: dict[str, float] = {}
        self.client = client("service-quotas")
        self.client.meta.events.register("before-call.service-quotas.*", self._answer)

    def _answer(self, model: Any, params: dict[str, Any], **_: Any) -> Any:
        code = json.loads(params["body"])["QuotaCode"]
        values = self.applied if model.name == "GetServiceQuota" else DEFAULTS
        if code not in values:
            return refusal("NoSuchResourceException", model)
        quota = {"QuotaCode": code, "Value": values[code]}
        if code == "L-3032A538":
            quota["UsageMetric"] = USAGE_METRIC
        return http(200), {"Quota": quota, "ResponseMetadata": {"HTTPStatusCode": 200}}
