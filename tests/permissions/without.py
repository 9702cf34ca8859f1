"""The smallest run that needs one right, for those that no function needs in passing (invocations.py)."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from local.aws.patches import scheduler
from local.aws.permissions.authoriser import AccessDenied
from local.cloud import STACK_NAME
from local.faults.drift import CHANGES
from local.faults.fault import before
from local.faults.storage import WRITE, set_policy
from tests.end_to_end.runs import Machine
from tests.permissions.invocations import Invocations
from tests.permissions.rights import Right
from tests.permissions.scenarios import (
    PATIENT,
    QUICK,
    full,
    missed,
    scene,
    settled,
    succeeded,
    untold,
    without_parts,
    without_the_last_association,
)
from tests.permissions.world import MANAGEMENT, World

Attempt = Callable[[], str]
"""Its text is what a person would read: of an execution its history, of an event what lies in the dead-letter queue."""

RULES = {
    "ProvisionStateMachineControlTowerAccountRole": "control-tower-create-managed-account.json",
    "ProvisionStateMachineOrganizationsAccountRole": "organizations-create-account-result.json",
}


def attempt(world: World, right: Right, name: str, invocations: Invocations) -> Attempt:
    """On the clusters that the scenarios have left under that name."""
    checked = {"cluster_name": f"{name}-full"}
    match right.role, right.name:
        case _, "DeliverLogs" | "WaitForExecutions":
            return lambda: updated(world, right.role)
        case _, "SendTraces":
            return lambda: invoked(world, right.role, invocations)
        case "ProvisionerRole", "LetCloudFormationBuildTheNetwork":
            request = {"cluster": {"name": f"{name}-unbuilt"}, "verification": QUICK}
            return lambda: ran(world.machine("Provision"), request)
        case "ProvisionerRole", "LetCloudFormationTakeTheNetworkDown":
            return lambda: never_finished(world, name)
        case "ProvisionStateMachineRole", "RollBack" | "FollowRollBack":
            return lambda: not_taken_back(world, name)
        case "RemoverRole", "RemoveEntryOfPodsRole":
            succeeded(world.machine("Provision").run(full(world, name)))
            without_parts(world, name)
            return lambda: not_taken_back(world, name)
        case "RemoverRole", "SayWhatIsKept":
            return removal(world, name, with_data=False)
        case "TeardownStateMachineRole" | "RemoverRole", _:
            return removal(world, name, with_data=True)
        case "ProvisionStateMachineRole" | "ProvisionerRole", _:
            return lambda: ran(world.machine("Provision"), full(world, name))
        case "ReverifyStateMachineRole", "Remediate" | "FollowRemediation":
            return lambda: remediated(world, name)
        case "ReverifyStateMachineRole", _:
            return lambda: ran(world.machine("Reverify"), checked)
        case "FleetStateMachineRole", _:
            return lambda: ran(world.machine("Fleet"), {"find_new_accounts": False})
        case "ScheduleRole", "CheckTheFleet":
            return lambda: fired(world)
        case "ScheduleRole", _:
            return lambda: str(missed(world))
        case "NotifyRole", _:
            return lambda: str(untold(world, name))
        case "ForwarderRole", _:
            return lambda: undelivered(world, right.role)
        case role, _ if role in RULES:
            return lambda: undelivered(world, role)
    raise LookupError(f"nothing here needs {right.label}")


def ran(machine: Machine, request: Any) -> str:
    run = machine.run(request)
    return json.dumps([run.output, run.error, run.cause, run.history], default=str)


def never_finished(world: World, name: str) -> str:
    request = {"cluster": {"name": f"{name}-left-over"}, "verification": QUICK}
    with without_the_last_association():
        return ran(world.machine("Provision"), request)


def not_taken_back(world: World, name: str) -> str:
    request = {**full(world, name), "on_failure": "roll_back", "verification": QUICK}
    disarm = before("Verify storage", set_policy(WRITE))(world.cloud, f"{name}-full")
    told = ran(world.machine("Provision"), request)
    disarm()
    return told


def removal(world: World, name: str, *, with_data: bool) -> Attempt:
    """Of a cluster that is made before the right is taken away, and of its control plane's logs."""
    cluster = f"{name}-to-go"
    succeeded(world.machine("Provision").run({"cluster": {"name": cluster}, "verification": PATIENT}))
    data = {"delete_data": {"file_system_id": scene(world, cluster).file_system_id}} if with_data else {}
    return lambda: ran(world.machine("Teardown"), {"cluster_name": cluster, "delete_logs": True, **data})


def remediated(world: World, name: str) -> str:
    provision = world.machine("Provision")
    CHANGES["port-closed"].make(scene(world, f"{name}-full"))
    told = ran(world.machine("Reverify"), {"cluster_name": f"{name}-full", "remediate": True})
    settled(provision)
    succeeded(provision.run(full(world, name)))
    return told


def updated(world: World, role: str) -> str:
    """Step Functions asks for these when a machine is made or changed."""
    machine = world.machine(role.removesuffix("StateMachineRole"))
    known = machine.client.describe_state_machine(stateMachineArn=machine.arn)
    try:
        machine.client.update_state_machine(stateMachineArn=machine.arn, definition=known["definition"])
    except ClientError as error:
        return f"{error} {known['roleArn']}"
    return "updated"


def invoked(world: World, role: str, invocations: Invocations) -> str:
    marked = f"-{role.removesuffix('Role')}Function-"
    (arn,) = [each for each in invocations.events if marked in each]
    event = json.dumps(invocations.events[arn])
    return str(world.cloud.client("lambda").invoke(FunctionName=arn, Payload=event)["StatusCode"])


def fired(world: World) -> str:
    try:
        scheduler.fire(world.cloud.server, "configuration", STACK_NAME)
    except AccessDenied:
        return str(world.messages(world.outputs["ScheduleDeadLettersUrl"]))
    return "started"


def undelivered(world: World, role: str) -> str:
    """What is in the dead-letter queue of the rule whose role it is."""
    sample = RULES.get(role, "organizations-create-account-result.json")
    if role in RULES:
        world.tell(sample, world.cloud.account_id)
        return str(world.messages(world.outputs["NewAccountDeadLettersUrl"]))
    world.tell(sample, MANAGEMENT)
    (queue,) = world.managements_sqs.list_queues()["QueueUrls"]
    return str(world.messages(queue, sqs=world.managements_sqs))
