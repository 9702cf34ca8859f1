"""The payload of state "Diagnose failure" and what it gets."""

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from provisioner.aws.session import Target
from provisioner.diagnosis.diagnose import diagnose, together
from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Cause, Failure
from provisioner.kubernetes.client import KubernetesApi
from provisioner.kubernetes.proof import run_id_of, run_ids_of
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
    failure = Failure.model_validate(payload["failure"])
    worlds = lives(payload, connect, open_api, functions)
    # All at once: each takes no longer than the budget of one.
    with ThreadPoolExecutor(len(worlds)) as pool:
        return together(list(pool.map(lambda live: diagnose(failure, live), worlds)))


def lives(
    payload: Mapping[str, Any],
    connect: Callable[[Request], Target],
    open_api: Callable[[Target, str], KubernetesApi],
    functions: Functions = OUTSIDE,
) -> list[Live]:
    """The live state as each volume that the failure names sees it; as the first does, where it names none."""
    request = Request.model_validate(payload["request"])
    failure = Failure.model_validate(payload["failure"])
    volumes = request.of_each_volume
    parts = list(zip(volumes, run_ids_of(run_id_of(payload["execution_arn"]), len(volumes)), strict=True))
    named = [part for part in parts if _is_named(*part, failure)] or parts[:1]
    return [
        Live(one, run_id, lambda: connect(request), open_api, payload.get("network"), functions)
        for one, run_id in named
    ]


def _is_named(request: Request, run_id: str, failure: Failure) -> bool:
    """Whether the failure speaks of the volume, of its claim, or of pods of its part of the proof."""
    storage = request.storage
    names = (storage.persistent_volume, f"PersistentVolumeClaim {storage.claim}")
    return f"verification-{run_id}-" in failure.cause or any(
        re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", failure.cause) for name in names
    )
