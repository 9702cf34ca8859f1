"""What people, events and schedules make the app do: together they need everything that any role may do, and no more.

Each scenario leaves its clusters to the next; all begin with `name`, so that they can be played again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from moto.ec2.models.subnets import Subnet, SubnetRouteTableAssociation
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local import vpcs
from local.aws import eks_addons
from local.aws.eks_rules import DEFAULT_VERSION
from local.aws.hooks import Call
from local.aws.patches import scheduler
from local.aws.refusals import refusal
from local.cloud import STACK_NAME
from local.faults import FAULTS
from local.faults.drift import CHANGES
from local.faults.drift.change import item
from local.faults.drift.network import stack_state
from local.faults.fault import before
from local.faults.lenders import lent
from local.faults.scene import Scene
from local.faults.storage import WRITE, set_policy
from provisioner.fields import OWNER_TAG
from tests.end_to_end.runs import Machine, Run, held, until
from tests.permissions.world import MANAGEMENT, World

QUICK = {"writers": 1, "lines_per_writer": 1, "timeout_seconds": 60}
PATIENT = {**QUICK, "timeout_seconds": 600}
"""For runs that succeed: time that passes at scale 0 does not wait for the pods of a busy machine."""

REPAIRED = (
    "vpc-enableDnsHostnames",
    "port-closed",
    "port-opened",
    "endpoint-cidrs",
    "logs-kept-for-ever",
    "person-made-again",
    "pods-role-made-again",
    "coredns-for-nodes",
    "mount-target-with-the-default-group",
    "throughput",
    "lifecycle",
    "backup-off",
)


def full(world: World, name: str) -> dict[str, Any]:
    """A request that asks for all that there is to ask for."""
    return {
        "cluster": {
            "name": f"{name}-full",
            "version": DEFAULT_VERSION,
            "admin_principal_arns": [world.person, world.user],
            "secrets_key_arn": world.key,
            "control_plane_logs": ["audit"],
        },
        "file_system": {"kms_key_arn": world.key},
        "storage": {"access_point": {"uid": 1000, "gid": 1000, "path": "/shared"}},
        "verification": PATIENT,
    }


def guest(world: World, name: str) -> dict[str, Any]:
    """A request for two teams' cluster in the network of the full one, whose pods run an image of the account's own."""
    network = scene(world, f"{name}-full").payload["network"]
    subnets = [subnet["subnet_id"] for subnet in network["private_subnets"]]
    given = {"vpc_id": network["vpc_id"], "private_subnet_ids": subnets}
    pods = {**PATIENT, "image": world.private_image}
    volumes = [
        {
            "name": f"efs-{team}",
            "claim": team,
            "namespace": team,
            "access_point": {"uid": 1000, "gid": 1000, "path": path},
        }
        for team, path in (("orders", "/teams/orders"), ("payments", "/teams/payments"))
    ]
    cluster, storage = {"name": f"{name}-guest"}, {"volumes": volumes}
    return {"cluster": cluster, "network": given, "storage": storage, "verification": pods}


def isolated(world: World, name: str) -> dict[str, Any]:
    """A request for a cluster in a network without a way out, which only looking at its endpoints can refuse."""
    ec2 = world.cloud.client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc_id, AvailabilityZone=f"{world.cloud.region}{zone}", CidrBlock=f"10.9.{i}.0/24")
        for i, zone in enumerate("ac")
    ]
    given = {"vpc_id": vpc_id, "private_subnet_ids": [each["Subnet"]["SubnetId"] for each in subnets]}
    return {"cluster": {"name": f"{name}-isolated"}, "network": given, "mode": "plan"}


def apart(world: World, name: str) -> dict[str, Any]:
    """A request for a cluster whose file system is behind a transit gateway, from which no way leads back."""
    parts, ec2 = vpcs.peered(world.cloud, vpcs.join), world.cloud.client("ec2")
    of_mounts = [{"Name": "vpc-id", "Values": [parts["file_system"]["peer"]["vpc_id"]]}]
    for table in ec2.describe_route_tables(Filters=of_mounts)["RouteTables"]:
        for route in table["Routes"]:
            if "TransitGatewayId" in route:
                ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock=route["DestinationCidrBlock"])
    return {"cluster": {"name": f"{name}-apart"}, **parts}


def scene(world: World, cluster: str) -> Scene:
    return Scene.recorded(world.cloud, world.outputs["ClaimsTableName"], cluster)


def provisioned(world: World, name: str) -> None:
    provision = world.machine("Provision")
    succeeded(provision.run({**full(world, name), "mode": "plan"}))
    succeeded(provision.run(full(world, name)))
    succeeded(provision.run(guest(world, name)))
    succeeded(provision.run({**guest(world, name), "mode": "plan"}))
    failed(provision.run(isolated(world, name)))
    request = apart(world, name)
    failed(provision.run(request))
    failed(provision.run({**request, "mode": "plan"}))
    succeeded(provision.run({"cluster": {"name": f"{name}-lent"}, "verification": PATIENT, **lent(world.cloud)}))


def checked(world: World, name: str) -> None:
    for cluster in (f"{name}-full", f"{name}-lent"):
        run = succeeded(world.machine("Reverify").run({"cluster_name": cluster, "depth": "behaviour"}))
        assert run.output["status"] == "Verified"


def repaired(world: World, name: str) -> None:
    drifted, changes = scene(world, f"{name}-full"), [CHANGES[each] for each in REPAIRED]
    for change in changes:
        change.make(drifted)
    reverify = world.machine("Reverify")
    check = reverify.start({"cluster_name": f"{name}-full", "remediate": True})
    reverify.until_entered(check, "Remediate drift")
    for settle in filter(None, (change.settle for change in changes)):
        settle(drifted)
    run = succeeded(reverify.wait(check))
    assert (run.output["status"], len(run.output["repaired"])) == ("Verified", len(changes))


def upgraded(world: World, name: str) -> None:
    """A cluster of an older version whose add-on is not ready, and then is; another add-on is left behind."""
    provision, cluster = world.machine("Provision"), scene(world, f"{name}-full").cluster
    *_, too_old, old, _new = eks_addons.COREDNS_VERSIONS.values()
    cluster.version, cluster.addons["coredns"].version = list(eks_addons.COREDNS_VERSIONS)[-2], too_old
    failed(provision.run({**full(world, name), "mode": "plan"}))
    failed(provision.run(full(world, name)))
    cluster.addons["coredns"].version = old
    assert succeeded(provision.run(full(world, name))).output["cluster"]["version"] == DEFAULT_VERSION
    cluster.addons["coredns"].version = old


def diagnosed(world: World, name: str) -> None:
    """Storage that does not work, in a run and in a check; a stack that failed; somebody that forbids."""
    provision, reverify = world.machine("Provision"), world.machine("Reverify")
    for fault in ("access-point-missing", "no-nat", "lent-security-group"):
        cluster = f"{name}-{fault}"
        request = {"cluster": {"name": cluster}, "verification": {**QUICK, "image": world.private_image}}
        disarm = FAULTS[fault].install(world.cloud, cluster)
        failed(provision.run(FAULTS[fault].asked(request, world.cloud)))
        disarm()
    disarm = before("Verify storage", set_policy(WRITE))(world.cloud, f"{name}-guest")
    failed(reverify.run({"cluster_name": f"{name}-guest", "depth": "behaviour"}))
    disarm()
    undo = CHANGES["stack-failed"].make(scene(world, f"{name}-full"))
    failed(provision.run(full(world, name)))
    undo()

    with forbidden(world, "cloudformation:CreateStack"):
        failed(provision.run({"cluster": {"name": f"{name}-forbidden"}}))


def taken_over(world: World, name: str) -> None:
    """Executions that were stopped have left their claims, on their way and while others waited for them."""
    provision, reverify, fleet = world.machine("Provision"), world.machine("Reverify"), world.machine("Fleet")
    stopped(provision, "Ensure security group", guest(world, name))
    stopped(reverify, "Inspect infrastructure", {"cluster_name": f"{name}-full"})
    succeeded(fleet.run({"find_new_accounts": False}))
    stopped(reverify, "Inspect infrastructure", {"cluster_name": f"{name}-full"})
    succeeded(provision.run(full(world, name)))
    with held(world.cloud, "InspectInfrastructure"):
        check = fleet.start({"find_new_accounts": False})
        until(lambda: any(not reverify.has_ended(each) for each in reverify.executions()), "a check of the fleet")
        fleet.client.stop_execution(executionArn=check)
        assert fleet.wait(check).status == "ABORTED"
    settled(reverify)
    CHANGES["port-opened"].make(scene(world, f"{name}-full"))
    with held(world.cloud, "EnsureNetwork"):
        check = reverify.start({"cluster_name": f"{name}-full", "remediate": True})
        until(lambda: any(not provision.has_ended(each) for each in provision.executions()), "the remediation")
        reverify.client.stop_execution(executionArn=check)
        assert reverify.wait(check).status == "ABORTED"
    settled(provision)
    succeeded(provision.run(full(world, name)))


def scheduled(world: World, name: str) -> None:
    """The daily check finds an enrolled account whose event never came, and compares those that were told of; the next
    day it compares that one too, with what its unit gets by then; another day it cannot be started at all."""
    fleet, provision = world.machine("Fleet"), world.machine("Provision")
    account_id = world.new_account(f"{name}-orders")
    run = succeeded(fleet.wait(scheduler.fire(world.cloud.server, "configuration", STACK_NAME)))
    assert run.output["new_accounts"] == [account_id]
    settled(provision)
    assert succeeded(fleet.run({})).output["new_accounts"] == []
    missed(world)


def missed(world: World) -> list[dict[str, Any]]:
    """What the schedule's dead-letter queue has, after the machine was not there when its time came."""
    machines = stepfunctions_parser_backends[world.cloud.account_id][world.cloud.region].state_machines
    fleet = next(each for each in machines if each.arn == world.outputs["FleetStateMachineArn"])
    machines.remove(fleet)
    try:
        scheduler.fire(world.cloud.server, "configuration", STACK_NAME)
    except Exception:  # noqa: S110 - what became of it is in the queue
        pass
    finally:
        machines.append(fleet)
    return world.messages(world.outputs["ScheduleDeadLettersUrl"])


def untold(world: World, _name: str) -> list[dict[str, Any]]:
    """What is kept of the notifications, after something has drifted and SNS did not take what was to be told."""
    audit = world.cloud.server.authoriser.audit
    seen, bus = len(audit), world.outputs["EventBusName"]
    entry = {"EventBusName": bus, "Source": "eks-efs-provisioner", "DetailType": "Storage Cluster Drifted"}
    with forbidden(world, "sns:Publish"):
        world.events.put_events(Entries=[{**entry, "Detail": "{}"}])
        kept = ("NotifyRole", "sqs:SendMessage")
        until(
            lambda: any(kept[0] in each.principal and each.action == kept[1] for each in list(audit)[seen:]),
            "the event to be kept",
        )
    return world.messages(world.outputs["NotificationDeadLettersUrl"])


def told(world: World, name: str) -> None:
    """Accounts' events come here by themselves, and from the management account, and some unit has its own defaults."""
    world.cloud.client("ssm").put_parameter(
        Name=f"/{STACK_NAME}/defaults/ou-ab12-11111111", Value="{}", Type="String", Overwrite=True
    )
    for sample in ("organizations-create-account-result.json", "control-tower-create-managed-account.json"):
        for account_id in (world.cloud.account_id, MANAGEMENT):
            world.forget("eks-example")
            world.tell(sample, account_id)
            settled(world.machine("Provision"))


def succeeded(run: Run) -> Run:
    assert (run.status, run.error, run.cause) == ("SUCCEEDED", "", ""), run.cause
    return run


def failed(run: Run) -> Run:
    assert run.status == "FAILED"
    return run


def stopped(machine: Machine, state: str, request: dict[str, Any]) -> None:
    function = state.title().replace(" ", "")
    with held(machine.cloud, function):
        assert machine.stop_in(state, request).status == "ABORTED"


def settled(machine: Machine) -> None:
    for arn in machine.executions():
        machine.wait(arn)


def rolled_back(world: World, name: str) -> None:
    """A network that cannot be finished leaves nothing behind, nor does its way out, and running again makes them."""
    provision, request = world.machine("Provision"), unfinished(name)
    network = {"Filters": [{"Name": f"tag:{OWNER_TAG}", "Values": [request["cluster"]["name"]]}]}
    ec2 = world.cloud.client("ec2")
    with without_the_last_subnet():
        failed(provision.run(request))
    assert ec2.describe_vpcs(**network)["Vpcs"] == []
    with without_the_last_association():
        failed(provision.run(request))
    assert ec2.describe_addresses(**network)["Addresses"] == []
    succeeded(provision.run(request))


def unfinished(name: str) -> dict[str, Any]:
    return {"cluster": {"name": f"{name}-rolled-back"}, "verification": PATIENT}


def without_the_last_subnet() -> AbstractContextManager[None]:
    """CloudFormation makes all of a network but its last private subnet."""
    return _without(Subnet, "PrivateSubnet3", "InternalError: the subnet is not to be had")


def without_the_last_association() -> AbstractContextManager[None]:
    """CloudFormation makes all of a way out but the last private subnet's association with its route table."""
    return _without(SubnetRouteTableAssociation, "PrivateSubnet3Routes", "InternalError: the table is not to be had")


@contextmanager
def _without(model: Any, logical_id: str, why: str) -> Iterator[None]:
    create = model.create_from_cloudformation_json

    def made(_: Any, *arguments: Any, **options: Any) -> Any:
        if options["LogicalId"] == logical_id:
            raise RuntimeError(why)
        return create(*arguments, **options)

    model.create_from_cloudformation_json = classmethod(made)
    try:
        yield
    finally:
        model.create_from_cloudformation_json = create


def removed(world: World, name: str) -> None:
    """A cluster's end: stopped, refused, its data kept, taken over by the next one, given up with it."""
    provision, fleet, teardown = (world.machine(each) for each in ("Provision", "Fleet", "Teardown"))
    cluster, point = f"{name}-removed", {"uid": 1000, "gid": 1000, "path": "/shared"}
    named = {"cluster_name": cluster}
    request = {"cluster": {"name": cluster}, "storage": {"access_point": point}, "verification": PATIENT}
    succeeded(provision.run(request))
    kept = scene(world, cluster).file_system_id
    succeeded(teardown.run({**named, "mode": "plan"}))
    stopped(teardown, "Remove storage", named)
    succeeded(fleet.run({"find_new_accounts": False, "find_orphans": True}))
    stopped(teardown, "Remove storage", named)
    world.machine("Reverify").run(named)
    stopped(teardown, "Remove storage", named)
    succeeded(provision.run(request))
    with forbidden(world, "cloudformation:DeleteStack"):
        failed(teardown.run(named))
    succeeded(teardown.run(named))
    succeeded(provision.run({**request, "file_system": {"existing": kept}}))
    item(stack_state, status="DELETE_FAILED")(scene(world, cluster))
    succeeded(teardown.run({**named, "delete_data": {"file_system_id": kept}, "delete_logs": True}))


def taken_back(world: World, name: str) -> None:
    """A run that makes parts of a cluster anew, fails at its storage, and takes back those parts and no others."""
    provision, teardown, request = world.machine("Provision"), world.machine("Teardown"), full(world, name)
    cluster, eks, (pods, person) = f"{name}-full", world.cloud.client("eks"), without_parts(world, name)
    failing = {**request, "on_failure": "roll_back", "verification": QUICK}
    spoil = before("Verify storage", set_policy(WRITE))
    disarm = spoil(world.cloud, cluster)
    assert failed(provision.run(failing)).entered("Roll back")
    disarm()
    assert eks.list_fargate_profiles(clusterName=cluster)["fargateProfileNames"] == []
    assert {pods, person}.isdisjoint(eks.list_access_entries(clusterName=cluster)["accessEntries"])
    disarm = spoil(world.cloud, cluster)
    with held(world.cloud, "RemoveStorage"):
        run = provision.start(failing)
        provision.until_entered(run, "Roll back")
        assert not provision.has_ended(run)
        until(lambda: any(not teardown.has_ended(each) for each in teardown.executions()), "the roll-back")
        provision.client.stop_execution(executionArn=run)
        assert provision.wait(run).status == "ABORTED"
    settled(teardown)
    disarm()
    succeeded(provision.run(request))


def without_parts(world: World, name: str) -> tuple[str, str]:
    """The full cluster loses its profile and two entries, the pods' and a person's, whose principals are told."""
    cluster, eks = f"{name}-full", world.cloud.client("eks")
    entries = f"arn:aws:iam::{world.cloud.account_id}:role/eks-efs-provisioner-fargate-pods", world.person
    eks.delete_fargate_profile(clusterName=cluster, fargateProfileName="provisioner")
    until(lambda: not eks.list_fargate_profiles(clusterName=cluster)["fargateProfileNames"], "the profile to go")
    for principal in entries:
        eks.delete_access_entry(clusterName=cluster, principalArn=principal)
    return entries


@contextmanager
def forbidden(world: World, operation: str) -> Iterator[None]:
    """By somebody else's policy."""

    def forbid(_: Call) -> None:
        raise refusal("AccessDenied", "You are not authorized to perform this operation.")

    disarm = world.cloud.server.hooks.before(operation, forbid)
    try:
        yield
    finally:
        disarm()


SCENARIOS: tuple[Callable[[World, str], Any], ...] = (
    provisioned,
    checked,
    repaired,
    upgraded,
    diagnosed,
    taken_over,
    told,
    scheduled,
    untold,
    rolled_back,
    removed,
    taken_back,
)


def play(world: World, name: str) -> None:
    for scenario in SCENARIOS:
        started = time.monotonic()
        scenario(world, name)
        print(f"{scenario.__name__}: {time.monotonic() - started:.1f} s")
