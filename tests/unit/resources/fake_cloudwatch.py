"""CloudWatch, for what Fargate and EFS say of themselves: a figure for each period, the latest last."""

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
    """`in_use`: nothing where nothing has ever run. `of_file_system`: name of the metric -> its figures."""

    def __init__(self) -> None:
        self.in_use: list[float] = []
        self.of_file_system: dict[str, list[float]] = {}
        self.refuses = False
        self.asked: dict[str, Any] = {}
        self.client = client("cloudwatch")
        self.client.meta.events.register("provide-client-params.cloudwatch.*", self._note)
        self.client.meta.events.register("before-call.cloudwatch.*", self._answer)

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self.asked = params

    def _answer(self, model: Any, **_: Any) -> Any:
        if self.refuses:
            return http(403), {"Error": {"Code": "AccessDenied", "Message": "not authorized"}}
        dimensions = {each["Name"]: each["Value"] for each in self.asked["Dimensions"]}
        if self.asked["Namespace"] == "AWS/EFS":
            assert dimensions.keys() == {"FileSystemId"}
            values = self.of_file_system.get(self.asked["MetricName"], [])
        else:
            assert dimensions == FARGATE
            values = self.in_use
        (statistic,) = self.asked["Statistics"]
        begin, step = self.asked["StartTime"], datetime.timedelta(seconds=self.asked["Period"])
        points = [{"Timestamp": begin + step * at, statistic: value} for at, value in enumerate(values)]
        return http(200), {"Datapoints": points, "ResponseMetadata": {"HTTPStatusCode": 200}}
