"""What runs on Fargate, in vCPUs: counted against the account's quota, and told by CloudWatch.

A new figure is told whenever something starts or ends, and whenever somebody looks.
Source: EKS User Guide, "Collect AWS Fargate app and usage metrics"; Service Quotas API, MetricInfo.
"""

import threading
from collections import defaultdict
from datetime import timedelta

from moto.cloudwatch.models import cloudwatch_backends
from moto.core.utils import utcnow

from local.aws import quotas

_Place = tuple[str, str]
"""Account and region."""

_lock = threading.Lock()
_running: dict[_Place, dict[str, float]] = defaultdict(dict)
"""By whatever names what runs."""


def start(account_id: str, region: str, name: str, vcpus: float, *, since: timedelta = timedelta()) -> bool:
    """Whether there was room for it. `since` is how long it has been running already."""
    with _lock:
        running = _running[account_id, region]
        if sum(running.values()) + vcpus > quotas.value(account_id, region, quotas.FARGATE_VCPUS):
            return False
        running[name] = vcpus
    tell(account_id, region, since)
    return True


def end(account_id: str, region: str, name: str) -> None:
    """What has ended already is left alone."""
    with _lock:
        ended = _running[account_id, region].pop(name, None)
    if ended is not None:
        tell(account_id, region)


def tell(account_id: str, region: str, since: timedelta = timedelta()) -> None:
    """CloudWatch has nothing of an account that never ran anything, and shows nothing of the second that is passing."""
    if (account_id, region) not in _running:
        return
    metric = quotas.FARGATE_VCPUS.usage
    dimensions = [{"Name": name, "Value": value} for name, value in metric["MetricDimensions"].items()]
    datum = {
        "MetricName": metric["MetricName"],
        "Dimensions": dimensions,
        "Unit": "None",
        "Timestamp": utcnow() - since,
    }
    figure = sum(_running[account_id, region].values())
    cloudwatch_backends[account_id][region].put_metric_data(metric["MetricNamespace"], [{**datum, "Value": figure}])
