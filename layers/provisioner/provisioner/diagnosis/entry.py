"""The payload of state "Diagnose failure" and what it gets."""

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.aws.session import Target
from provisioner.diagnosis.diagnose import diagnose
from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Cause, Failure
from provisioner.kubernetes.client import KubernetesApi
from provisioner.kubernetes.proof import run_id_of
from provisioner.request import Request
from provisioner.resources.functions_access import OUTSIDE, Functions


def causes_of(
    payload: Mapping[str, Any],
    connect: Callable[[Request], Target],
    open_api: Callable[[Target, str], KubernetesApi],
    functions: Functions = OUTSIDE,
) -> list[Cause]:
    """None for a request that was refused: nothing exists that could be looked at, and the refusal says it all.

    Raises: ValidationError when the payload is not one of the state machine's.
    """
    if not payload["request"]:
        return []
    request = Request.model_validate(payload["request"])
    live = Live(
        request,
        run_id_of(payload["execution_arn"]),
        lambda: connect(request),
        open_api,
        payload.get("network"),
        functions,
    )
    return diagnose(Failure.model_validate(payload["failure"]), live)
