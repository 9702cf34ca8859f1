"""What a re-verification is asked for, and the cluster that it then has for reading."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from provisioner import fields
from provisioner.claim import Claim, ClaimsTable
from provisioner.given import shown
from provisioner.published import Depth
from provisioner.refusal import Problem, problems_of, refusal

# A month of daily ones. A record is read whole, and paid for by the kilobyte.
CHECKS_KEPT: Final = 30
_STATUSES: Final[Mapping[str, str]] = {
    "claimed": "Claimed",
    "busy": "Busy",
    "being_read": "Busy",
    "being_removed": "Busy",
    "not_recorded": "NotRecorded",
}


class Asked(BaseModel):
    """Strict, as a request is: a field nobody knows is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CheckRequest(Asked):
    """`behaviour` also runs the verification's pods; `remediate` lets provision repair what it can.

    `of_fleet`: it is one of many that are summed up afterwards, and rewrites no page of all clusters itself.
    """

    account_id: fields.AccountId
    region: fields.Region
    cluster_name: fields.ClusterName
    depth: Depth = "configuration"
    remediate: bool = False
    of_fleet: bool = False

    @property
    def claim_key(self) -> str:
        return f"{self.account_id}#{self.region}#{self.cluster_name}"


AnyAsked = TypeVar("AnyAsked", bound=Asked)


def asked_for(model: type[AnyAsked], given: Any, defaults: Mapping[str, Any]) -> AnyAsked:
    """The input of a state machine as a `model`; what it leaves out comes from `defaults`.

    Raises: RequestError, which lists every wrong field, its value and what is allowed.
    """
    if not isinstance(given, Mapping):
        raise refusal([Problem((), shown(given), f"an object with any of {', '.join(model.model_fields)}")])
    try:
        return model.model_validate({**defaults, **given})
    except ValidationError as error:
        raise refusal(problems_of(error.errors(include_url=False), model)) from None


@dataclass(frozen=True)
class Check:
    """The cluster as it was recorded when it was last proven; `request` and `proven` are None unless it is claimed."""

    asked: CheckRequest
    claim: Claim

    def payload(self) -> dict[str, Any]:
        """{status: Claimed|Busy|NotRecorded, holder, account_id, …, remediate, request, proven, measured, checks}.

        `checks`: how the latest ended, oldest first, one less than a record keeps; the check adds its own.
        """
        record = self.claim.record
        return {
            "status": _STATUSES[self.claim.status],
            "holder": self.claim.holder,
            **self.asked.model_dump(mode="json"),
            "request": json.loads(record["request"]["S"]) if record else None,
            "proven": json.loads(record["proven"]["S"]) if record else None,
            "measured": self.claim.measured,
            "checks": json.loads(record["checks"]["S"])[1 - CHECKS_KEPT :] if "checks" in record else [],
        }


def begin(asked: CheckRequest, claims: ClaimsTable, execution_arn: str, now: datetime) -> Check:
    """Claim the cluster for reading, and hand out what it is to be compared with.

    Idempotency key: `execution_arn`. Raises: as ClaimsTable.claim.
    """
    return Check(asked, claims.claim_for_reading(asked.claim_key, execution_arn, now))
