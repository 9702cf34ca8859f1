"""More at once than AWS lets through: none of the events is lost, nothing is made twice, and who is throttled waits."""

import json
from collections.abc import Callable, Iterator

import pytest

from bench.load import LEFT_OUT_TAG, Crowd
from local.aws import quotas
from local.aws.rates import Rate
from local.cloud import EmbeddedCloud
from local.limits import of_new_accounts
from tests.end_to_end.accounts import Organization, forwarding, told
from tests.end_to_end.runs import Machine, until

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
START, INVOKE = "stepfunctions:StartExecution", "lambda:Invoke"
TWELVE_EVENTS = [
    ("ready", 2),
    ("ready", 2),
    ("ready", 1),
    ("ready", 1),
    ("refused", 2),
    ("left out", 2),
    ("left out", 2),
]


@pytest.fixture(scope="module")
def hub(cloud: EmbeddedCloud, machine: Machine, organization: Organization) -> Iterator[Machine]:
    """The stack as it was, told of its organization for the time being."""
    told_so = Crowd.parameters(organization)
    deployed = Machine(cloud, cloud.deploy(parameters=told_so))
    stop = forwarding(organization, cloud, cloud.region)
    yield deployed
    stop()
    cloud.deploy(parameters={**dict.fromkeys(told_so, ""), "DefaultRequest": "{}"})


def refusals(cloud: EmbeddedCloud, call: str) -> Callable[[int], None]:
    """Waits until so many more of the call have been refused."""
    before = cloud.server.rates.refused.count(call)
    return lambda number: until(
        lambda: cloud.server.rates.refused.count(call) >= before + number, f"{number} refusals of {call}"
    )


def test_of_twelve_events_for_two_invocations_at_a_time_none_is_lost_and_nothing_is_made_twice(
    hub: Machine, organization: Organization
) -> None:
    crowd = Crowd(hub.cloud, organization, hub.outputs)
    crowd.gather(TWELVE_EVENTS)
    load = crowd.meet(0, 800, concurrent_executions=2)
    assert [account for account in load.accounts if not account.is_right] == []
    assert (load.events, load.started, load.dead_letters) == (12, 12, 0)
    assert load.throttled[INVOKE] > 0


@pytest.mark.parametrize("name", ["Reverify", "Teardown"])
def test_an_invocation_that_finds_no_room_a_dozen_times_is_made_when_there_is_some(hub: Machine, name: str) -> None:
    machine, here = Machine(hub.cloud, hub.outputs, name), (hub.cloud.account_id, hub.cloud.region)
    with of_new_accounts(hub.cloud, concurrent_executions=0):
        wait_for = refusals(hub.cloud, INVOKE)
        arn = machine.start({"cluster_name": "nobodys"})
        wait_for(12)
        quotas.APPLIED[*here, quotas.CONCURRENT_EXECUTIONS] = 10
        ended = machine.wait(arn)
    assert "TooManyRequests" not in ended.error + ended.cause
    assert "nobodys" in json.dumps(ended.output) + ended.cause  # it is told that there is no such cluster


def test_the_event_of_a_new_account_is_delivered_when_executions_can_be_started_again(
    hub: Machine, organization: Organization
) -> None:
    account_id = organization.new_account("late")
    organization.client("organizations").tag_resource(ResourceId=account_id, Tags=[LEFT_OUT_TAG])
    before, wait_for = set(hub.executions()), refusals(hub.cloud, START)
    undo = hub.cloud.server.rates.enforce(Rate((START,), 0, 0, "ThrottlingException"))
    told(hub.cloud.region, "control-tower-create-managed-account.json", account_id, organization.unit)
    wait_for(10)
    undo()
    until(lambda: set(hub.executions()) != before, "the execution to start")
    (arn,) = set(hub.executions()) - before
    assert hub.wait(arn).output["status"] == "LeftOut"
