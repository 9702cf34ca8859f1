"""CloudWatch, for what Fargate says of itself: a figure for each five minutes, the latest last."""

import datetime
from typing import Any

from tests.unit.resources.aws_calls import client, http

FARGATE = {"Class": "Standard/OnDemand", "Resource": "vCPU", "Service": "Fargate", "Type": "Resource"}
USAGE_METRIC = {
    "MetricNamespace": "AWS/Usage",
    "MetricName": "ResourceCount",
    "MetricDimensions": FARGATE,
    "MetricStatisticRecommendation": "Maximum",
}


class FakeCloudWatch:
    """`in_use`: nothing where nothing has ever run."""

    def __init__(self) -> None:
        self.in_use: list[float] = []
        self.asked: dict[str, Any] = {}
        self.client = client("cloudwatch")
        self.client.meta.events.register("provide-client-params.cloudwatch.*", self._note)
        self.client.meta.events.register("before-call.cloudwatch.*", self._answer)

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self.asked = params

    def _answer(self, model: Any, **_: Any) -> Any:
        assert {each["Name"]: each["Value"] for each in self.asked["Dimensions"]} == FARGATE
        begin, step = self.asked["StartTime"], datetime.timedelta(seconds=self.asked["Period"])
        points = [{"Timestamp": begin + step * at, "Maximum": value} for at, value in enumerate(self.in_use)]
        return http(200), {"Datapoints": points, "ResponseMetadata": {"HTTPStatusCode": 200}}
