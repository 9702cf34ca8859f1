"""How often an account may call what, as AWS's token buckets have it: none is enforced until somebody asks for it.

Tests look a thousand times as often as people do, and time here is not AWS's; who wants to know what becomes of a crowd
has the buckets enforced, and their seconds pass as everybody's do here. A call that finds its bucket empty is refused
with the service's code. Standard executions have no more state transitions than their bucket holds either: they wait.
Sources, one for each service below; Organizations, EKS, EFS and CloudFormation throttle without saying at which rate.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.aws.refusals import Refusal


class ThrottledError(Refusal):
    """Whoever asks again later may be let in."""


@dataclass(frozen=True)
class Rate:
    """So many calls at once, and so many a second from then on; `calls` share a bucket in each account and region."""

    calls: tuple[str, ...]
    burst: float
    per_second: float
    code: str
    message: str = "Rate exceeded"


TRANSITIONS = "stepfunctions:StateTransition"
"""No call: what an execution does with each state that it enters."""

_ORGANIZATIONS = (
    "TooManyRequestsException",
    "You have sent too many requests in too short a period of time. Try again later.",
)

RATES = (
    # Step Functions developer guide, "Service quotas", Standard, all regions but the three largest. New accounts have
    # fewer transitions, the guide does not say how many.
    Rate((TRANSITIONS,), 800, 500, "ThrottlingException"),
    Rate(("stepfunctions:StartExecution",), 800, 150, "ThrottlingException"),
    Rate(("stepfunctions:DescribeExecution",), 250, 10, "ThrottlingException"),
    Rate(("stepfunctions:StopExecution",), 500, 25, "ThrottlingException"),
    Rate(("stepfunctions:ListExecutions",), 100, 2, "ThrottlingException"),
    # AWS General Reference, "AWS Systems Manager endpoints and quotas": default throughput, shared by the three.
    Rate(("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"), 40, 40, "ThrottlingException"),
    # Not published. Two accounts at a time were seen throttled (awslabs/aws-deployment-framework#783, #784).
    Rate(("organizations:ListParents",), 5, 1, *_ORGANIZATIONS),
    Rate(("organizations:ListTagsForResource",), 5, 1, *_ORGANIZATIONS),
    # AWS General Reference, "Service Quotas": API request rates.
    Rate(("service-quotas:GetServiceQuota",), 10, 5, "TooManyRequestsException"),
    Rate(("service-quotas:ListServiceQuotas",), 20, 10, "TooManyRequestsException"),
    # EC2 developer guide, "Request throttling for the Amazon EC2 API": mutating actions that are not listed.
    Rate(
        ("ec2:CreateVpc", "ec2:CreateSubnet", "ec2:CreateSecurityGroup", "ec2:CreateTags"),
        50,
        5,
        "RequestLimitExceeded",
    ),
    # Not published: that there are such limits is all that their APIs' errors tell.
    Rate(("eks:CreateCluster",), 2, 0.1, "ThrottlingException"),
    Rate(("eks:CreateFargateProfile",), 2, 0.1, "ThrottlingException"),
    Rate(("efs:CreateFileSystem",), 2, 1, "ThrottlingException"),
    Rate(("cloudformation:CreateStack",), 2, 0.5, "Throttling"),
)


class _Bucket:
    def __init__(self, rate: Rate, now: float) -> None:
        self._rate, self._tokens, self._filled_at = rate, rate.burst, now

    def take(self, now: float, seconds_here: float) -> bool:
        passed = (now - self._filled_at) / seconds_here
        self._tokens = min(self._rate.burst, self._tokens + passed * self._rate.per_second)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Rates:
    """The buckets of every account and region. `seconds_here` is how long a second of AWS takes here."""

    def __init__(self, seconds_here: Callable[[], float]) -> None:
        self._seconds_here = seconds_here
        self._enforced: Mapping[str, Rate] = {}
        self._buckets: dict[tuple[Rate, str, str], _Bucket] = {}
        self._lock = threading.Lock()
        self.refused: list[str] = []
        """What was refused so far, by the names of the calls."""

    def enforce(self, *rates: Rate) -> Callable[[], None]:
        """These, all of AWS's unless given, from full buckets on, and until the returned function is called."""
        self._buckets.clear()
        self._enforced = {call: rate for rate in rates or RATES for call in rate.calls}

        def undo() -> None:
            self._enforced = {}

        return undo

    def check(self, call: str, account_id: str, region: str) -> None:
        """Raises: ThrottledError, with the service's code."""
        if not self._has_a_token(call, account_id, region):
            self.refused.append(call)
            rate = self._enforced[call]
            raise ThrottledError(rate.code, rate.message)

    def wait(self, call: str, account_id: str, region: str) -> None:
        """As AWS holds back what it does not refuse."""
        while not self._has_a_token(call, account_id, region):
            time.sleep(self._seconds_here())

    def _has_a_token(self, call: str, account_id: str, region: str) -> bool:
        rate = self._enforced.get(call)
        if rate is None:
            return True
        with self._lock:
            now = time.monotonic()
            bucket = self._buckets.setdefault((rate, account_id, region), _Bucket(rate, now))
            return bucket.take(now, max(self._seconds_here(), 1e-6))
