"""A request and what the cluster is asked with it."""

from typing import Any, Final

from provisioner.request import Request

ACCOUNT = "111122223333"
REGION = "eu-west-1"
FILE_SYSTEM = "fs-0123456789abcdef0"
ACCESS_POINT = "fsap-0123456789abcdef0"
# Of the one volume, as its name is by default.
NO_ACCESS_POINT: Final = {"efs-pv": None}


def a_request(**changes: Any) -> Request:
    return Request.model_validate({"account_id": ACCOUNT, "region": REGION, **changes})
