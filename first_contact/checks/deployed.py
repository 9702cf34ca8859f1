"""What the stack has made, as the services tell it."""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from first_contact.check import Check, Question
from first_contact.contact import Contact
from first_contact.files import MACHINES, substituted, template
from first_contact.root import ROOT
from first_contact.verdicts import CannotBeAsked, Refuted

SCHEDULES = {"configuration": "DailyCheck", "behaviour": "BehaviourCheck"}
TRIGGERED = ("ProvisionStateMachineControlTowerAccount", "ProvisionStateMachineOrganizationsAccount")
DEAD_LETTERS = ("NewAccountDeadLettersUrl", "ScheduleDeadLettersUrl", "NotificationDeadLettersUrl")
LONGEST_LOOK_SECONDS = 7 * 24 * 3600


def _made(contact: Contact, kind: str) -> dict[str, str]:
    """Logical id -> physical id."""
    return {name: physical for name, (its, physical) in contact.resources.items() if its == kind}


def _functions(contact: Contact) -> Iterator[Question]:
    for name, physical in _made(contact, "AWS::Lambda::Function").items():
        yield Question(name, functools.partial(_function, contact, name, physical))


def _function(contact: Contact, name: str, physical: str) -> str:
    asked = template("template.yaml")["Globals"]["Function"]
    answer = contact.ask("lambda", "GetFunctionConfiguration", f"whether {name} is as asked for", FunctionName=physical)
    expected = {"Runtime": asked["Runtime"], "Architectures": asked["Architectures"], "Handler": asked["Handler"]}
    expected |= {"State": "Active", "LastUpdateStatus": "Successful"}
    wrong = [f"{key} is {answer.get(key)}" for key, value in expected.items() if answer.get(key) != value]
    if len(answer.get("Layers", [])) != len(asked["Layers"]):
        wrong.append(f"{len(answer.get('Layers', []))} layers")
    if wrong:
        raise Refuted(", ".join(wrong))
    return f"{answer['Runtime']} on {answer['Architectures'][0]}"


def _machines(contact: Contact) -> Iterator[Question]:
    for machine in MACHINES:
        yield Question(machine, functools.partial(_machine, contact, machine, contact.outputs))


def _machine(contact: Contact, machine: str, outputs: dict[str, str]) -> str:
    arn = outputs[f"{machine.title()}StateMachineArn"]
    answer = contact.ask(
        "stepfunctions", "DescribeStateMachine", f"whether the machine {machine} is ours", stateMachineArn=arn
    )
    ours = substituted((ROOT / "statemachine" / f"{machine}.asl.yaml").read_text(), {})
    differs = next(_differences(ours, json.loads(answer["definition"]), ""), None)
    if differs:
        raise Refuted(f"at {differs}")
    if answer["status"] != "ACTIVE" or not answer["tracingConfiguration"]["enabled"]:
        raise Refuted(f"{answer['status']}, tracing {answer['tracingConfiguration']}")
    return "as in the repository"


def _differences(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    """Substitutions may have any value, but one; what stands alone may have become a number."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            if key not in ours or key not in theirs:
                yield f"{path}/{key}"
            else:
                yield from _differences(ours[key], theirs[key], f"{path}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(one, other, f"{path}[{index}]")
    elif isinstance(ours, str) and "${" in ours:
        pattern = "".join(
            ".+" if index % 2 else re.escape(part) for index, part in enumerate(re.split(r"\$\{(\w+)\}", ours))
        )
        if not re.fullmatch(pattern, str(theirs), re.DOTALL):
            yield path
    elif ours != theirs:
        yield path


def _targets(contact: Contact) -> Iterator[Question]:
    for name, physical in _made(contact, "AWS::Events::Rule").items():
        yield Question(name, functools.partial(_target, contact, name, physical))


def _target(contact: Contact, name: str, physical: str) -> str:
    rule = physical.rpartition("|")[2]  # of a rule on another bus, the bus stands before it
    where = {} if name in TRIGGERED else {"EventBusName": contact.outputs["EventBusName"]}
    described = contact.ask("events", "DescribeRule", f"whether the rule {name} is on", Name=rule, **where)
    state = contact.parameters["NewAccountTrigger"] if name in TRIGGERED else "ENABLED"
    if described["State"] != state:
        raise Refuted(f"the rule is {described['State']}, asked for is {state}")
    targets = contact.ask("events", "ListTargetsByRule", f"where the rule {name} leads", Rule=rule, **where)["Targets"]
    if len(targets) != 1 or not targets[0].get("DeadLetterConfig"):
        raise Refuted(f"{len(targets)} targets, without a dead-letter queue")
    if name in TRIGGERED and targets[0]["Arn"] != contact.outputs["ProvisionStateMachineArn"]:
        raise Refuted(f"leads to {targets[0]['Arn']}")
    return f"leads to {targets[0]['Arn'].split(':')[2]}"


def _schedules(contact: Contact) -> Iterator[Question]:
    outputs = contact.outputs
    for name, switch in SCHEDULES.items():
        yield Question(name, functools.partial(_schedule, contact, name, contact.parameters[switch]))
    for output in DEAD_LETTERS:
        yield Question(output, functools.partial(_nothing_lost, contact, outputs[output]))


def _schedule(contact: Contact, name: str, state: str) -> str:
    answer = contact.ask("scheduler", "GetSchedule", f"whether {name} is checked", Name=name, GroupName=contact.stack)
    if answer["State"] != state:
        raise Refuted(f"{answer['State']}, asked for is {state}")
    if answer["Target"]["Arn"] != contact.outputs["FleetStateMachineArn"]:
        raise Refuted(f"starts {answer['Target']['Arn']}")
    return f"{answer['ScheduleExpression']}, {state}"


def _nothing_lost(contact: Contact, url: str) -> str:
    name = "ApproximateNumberOfMessages"
    answer = contact.ask(
        "sqs", "GetQueueAttributes", "whether anything could not be delivered", QueueUrl=url, AttributeNames=[name]
    )
    if answer["Attributes"][name] != "0":
        raise Refuted(f"{answer['Attributes'][name]} messages were not delivered")
    return "empty"


def _alarms(contact: Contact) -> Iterator[Question]:
    for name, physical in _made(contact, "AWS::CloudWatch::Alarm").items():
        yield Question(name, functools.partial(_alarm, contact, name, physical))


def _alarm(contact: Contact, name: str, physical: str) -> str:
    found = contact.ask("cloudwatch", "DescribeAlarms", f"whether {name} stands guard", AlarmNames=[physical])
    if not found["MetricAlarms"]:
        raise Refuted("there is no such alarm")
    alarm = found["MetricAlarms"][0]
    seconds = alarm["EvaluationPeriods"] * (alarm.get("Period") or alarm["Metrics"][0]["MetricStat"]["Period"])
    if not alarm["ActionsEnabled"] or seconds > LONGEST_LOOK_SECONDS:
        raise Refuted(f"actions {alarm['ActionsEnabled']}, looks back {seconds} s")
    return f"looks back {seconds} s"


def _organization(contact: Contact) -> Iterator[Question]:
    yield Question("", functools.partial(_states_of_accounts, contact))


def _states_of_accounts(contact: Contact) -> str:
    try:
        roots = contact.every("organizations", "ListRoots", "Roots", "whether there is an organization")
    except ClientError as error:
        if error.response["Error"]["Code"] == "AWSOrganizationsNotInUseException":
            raise CannotBeAsked("this account is in no organization") from error
        raise
    accounts = contact.every(
        "organizations", "ListAccountsForParent", "Accounts", "how it tells accounts' states", ParentId=roots[0]["Id"]
    )
    if not accounts:
        raise CannotBeAsked("no account is directly below the root")
    without = [account["Id"] for account in accounts if "State" not in account]
    if without:
        raise Refuted(f"{len(without)} of {len(accounts)} accounts have no State")
    return f"{len(accounts)} accounts have a State"


CHECKS = (
    Check("functions", "Lambda runs the functions as asked for.", _functions),
    Check("deployed-machines", "The machines are those of this repository.", _machines, MACHINES),
    Check("targets", "Every rule is on and leads where it is to lead.", _targets),
    Check(
        "schedules",
        "The schedules are as asked for, and nothing was lost on the way.",
        _schedules,
        (*SCHEDULES, *DEAD_LETTERS),
    ),
    Check("alarms", "The alarms are there, and CloudWatch lets them look back as far as they do.", _alarms),
    Check("organization", "Organizations tells the state of every account.", _organization),
)
