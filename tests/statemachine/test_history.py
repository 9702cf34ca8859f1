"""Step Functions ends an execution whose history is full, in whatever state, and nobody is told."""

import re
from typing import Any

import pytest
from jsonata import Jsonata

from provisioner.claim import Claim
from provisioner.fleet import located_account
from provisioner.kubernetes import volume_proof
from provisioner.resources import (
    cluster,
    cluster_dns,
    fargate_profile,
    file_system,
    mount_targets,
    nat_stack,
    network_stack,
)
from tests.statemachine import check

MOST_EVENTS = 25_000
"""Source: Step Functions developer guide, "Service quotas", execution history."""
EVENTS_OF_A_ROUND = 9
"""A Lambda task's five (entered, scheduled, started, succeeded, exited), a Choice's two, a Wait's two."""
SHORTEST_SECONDS = {
    "claim": Claim("being_read", None).payload()["retry_after_seconds"],
    "account": located_account.POLL_SECONDS,
    "network": network_stack.POLL_SECONDS,
    "nat_gateways": nat_stack.POLL_SECONDS,
    "cluster": cluster.LOOKS.late,
    "profile": fargate_profile.LOOKS.late,
    "file_system": file_system.POLL_SECONDS,
    "mount_targets": mount_targets.POLL_SECONDS,
    "dns": cluster_dns.POLL_SECONDS,
    "verification": volume_proof.POLL_SECONDS,
}
"""What a function advises at least; a second where nothing is said."""


def rounds(wait: dict[str, Any], bound: int) -> int:
    """How often the loop of that Wait goes round until its Choice has had enough."""
    seconds = Jsonata(wait["Seconds"].removeprefix("{%").removesuffix("%}"))
    environment = seconds.create_frame()
    (variable,) = set(re.findall(r"\$(\w+)\.retry_after_seconds", wait["Seconds"]))
    environment.bind(variable, {"retry_after_seconds": SHORTEST_SECONDS.get(variable, 1)})
    waited = count = 0
    while waited < bound:
        environment.bind("states", {"input": {"waited_seconds": waited}})
        waited += seconds.evaluate(None, environment)
        count += 1
    return count


@pytest.mark.parametrize("machine", ["provision", "reverify", "teardown"])
def test_an_execution_in_which_every_step_takes_all_of_its_time_does_not_fill_its_history(machine: str) -> None:
    events = 0
    for scope in check.scope_of(check.load(check.ROOT / "statemachine" / f"{machine}.asl.yaml")):
        for name, state in scope.states.items():
            if state["Type"] == "Wait":
                (choice,) = [each for each in scope.states.values() if each.get("Default") == name]
                patience = " ".join(re.findall(r"waited_seconds >= ([^%]+)%", str(choice)))
                bound = max(map(int, re.findall(r"\d+", patience)))
                events += EVENTS_OF_A_ROUND * rounds(state, bound)
    assert 0 < events < MOST_EVENTS
