"""What one real provisioning shows: it makes a cluster and a file system, which cost until somebody removes them."""

import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from first_contact.check import Check, Question
from first_contact.contact import Contact, Ended
from first_contact.execution import history, run
from first_contact.verdicts import CannotBeAsked, Refuted

NODE = re.compile(r"fargate-ip-[0-9-]+\.[a-z0-9.-]+")
TAG = "eks-efs-provisioner/cluster"
TAGGED = (
    "AWS::EC2::VPC",
    "AWS::EC2::Subnet",
    "AWS::EC2::RouteTable",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
)
EVENT_LOG = "Notifications.EventLog"
Look = Callable[[Contact, Ended], str]


def provisioned(contact: Contact) -> Ended:
    """Of this contact's one run. Raises: CannotBeAsked when none was asked for, or it did not succeed."""
    if contact.request is None:
        raise CannotBeAsked("only a run shows it: RUN=request.json")
    if contact.provisioned is None:
        contact.provisioned = run(contact, "provision", contact.request, "one real provisioning; this costs")
    return contact.provisioned


def _of_the_run(look: Look) -> Callable[[Contact], Iterator[Question]]:
    def questions(contact: Contact) -> Iterator[Question]:
        ended = provisioned(contact)
        if ended.output.get("status") != "Ready":
            raise CannotBeAsked(f"the run {ended.status} {ended.output.get('status', '')}")
        yield Question("", functools.partial(look, contact, ended))

    return questions


def _run(contact: Contact) -> Iterator[Question]:
    ended = provisioned(contact)
    yield Question("", functools.partial(_ready, ended))


def _ready(ended: Ended) -> str:
    if ended.output.get("status") != "Ready":
        raise Refuted(f"{ended.arn} {ended.status}: {ended.output.get('status') or ended.why}"[:500])
    seconds = {state: f"{duration:g} s" for state, duration in ended.output["timings"].items()}
    return f"Ready: {', '.join(f'{state} {duration}' for state, duration in seconds.items())}"


def _pods(ended: Ended) -> list[dict[str, Any]]:
    evidence = ended.output["evidence"]
    return [*evidence["writers"], evidence["reader"]]


def _mount(_contact: Contact, ended: Ended) -> str:
    for pod in _pods(ended):
        mount = pod["mount"]
        if mount["type"] != "nfs4" or not mount["source"].startswith("127.0.0.1:"):
            raise Refuted(f"/data of {pod['pod']} is of type {mount['type']}, from {mount['source']}")
    return "nfs4 from 127.0.0.1 in every pod"


def _nodes(_contact: Contact, ended: Ended) -> str:
    for pod in _pods(ended):
        if not NODE.fullmatch(pod["node"]) or not pod["zone"]:
            raise Refuted(f"{pod['pod']} ran on the node {pod['node']} in the zone {pod['zone']}")
    return f"{len({pod['node'] for pod in _pods(ended)})} nodes, each with its zone"


def _counter(_contact: Contact, ended: Ended) -> str:
    counter = ended.output["evidence"]["counter"]
    if counter["found"] != counter["expected"]:
        raise Refuted(f"the counter is {counter['found']}, raised {counter['expected']} times under flock")
    return f"{counter['found']}"


def _timeline(contact: Contact, ended: Ended) -> str:
    """As the report reads it: branches begin behind the Parallel's start, which ends behind an event of a branch."""
    events = {event["id"]: event for event in history(contact, ended)}
    if not events or set(events) != set(range(1, len(events) + 1)):
        raise Refuted(f"{len(events)} events, whose numbers are not those up to {max(events, default=0)}")
    started = {each["id"]: 0 for each in events.values() if each["type"] == "ParallelStateStarted"}
    for event in events.values():
        if event.get("previousEventId") in started and event["type"].endswith("StateEntered"):
            started[event["previousEventId"]] += 1
        if event["type"] == "ParallelStateSucceeded" and event["previousEventId"] in started:
            raise Refuted(f"event {event['id']}, the Parallel's success, follows its start")
    if set(started.values()) != {2, 3}:
        raise Refuted(f"branches that begin behind a Parallel's start: {sorted(started.values())}")
    return f"{len(events)} events, {len(started)} Parallel states"


def _tags(contact: Contact, ended: Ended) -> str:
    """Of what the network's stacks made, if there are any: a given network has none."""
    cluster = ended.output["cluster"]["name"]
    made = [
        each
        for stack in ("network", "nat")
        for each in contact.every(
            "cloudformation",
            "ListStackResources",
            "StackResourceSummaries",
            "what the network is made of",
            StackName=f"eks-efs-provisioner-{cluster.replace('_', '-')}-{stack}",
        )
    ]
    ids = [each["PhysicalResourceId"] for each in made if each["ResourceType"] in TAGGED]
    filters = [{"Name": "resource-id", "Values": ids}, {"Name": "key", "Values": [TAG]}]
    tags = contact.every("ec2", "DescribeTags", "Tags", "whether all of it has the stack's tags", Filters=filters)
    untagged = sorted(set(ids) - {tag["ResourceId"] for tag in tags if tag["Value"] == cluster})
    if untagged or not ids:
        raise Refuted(
            f"{len(untagged)} of {len(ids)} parts of the network lack the tag {TAG}: {', '.join(untagged[:5])}"
        )
    return f"{len(ids)} parts of the network have it"


def _event(contact: Contact, ended: Ended) -> str:
    if EVENT_LOG not in contact.resources:
        raise CannotBeAsked("the stack has no log of events")
    _, group = contact.resources[EVENT_LOG]
    purpose = "whether the run's event was delivered"
    found = contact.every(
        "logs", "FilterLogEvents", "events", purpose, logGroupName=group, filterPattern=f'"{ended.arn}"'
    )
    events = [json.loads(each["message"]) for each in found]
    if [event["detail-type"] for event in events] != ["Storage Cluster Ready"] or not events[0]["detail"]["timings"]:
        raise Refuted(f"{len(events)} events of the run are in {group}")
    return "Storage Cluster Ready, with its timings"


def _reverified(contact: Contact, ended: Ended) -> str:
    """Everything is read again and compared with what was asked for."""
    where = {"account_id": ended.output["account_id"], "region": ended.output["region"]}
    request = {**where, "cluster_name": ended.output["cluster"]["name"]}
    checked = run(contact, "reverify", request, "whether AWS tells back what was asked for")
    if checked.output.get("status") != "Verified":
        drift = [f"{each['resource']} {each['path']}" for each in checked.output.get("drift", [])]
        raise Refuted(f"{checked.status} {checked.output.get('status') or checked.why}: {', '.join(drift)}"[:500])
    return "Verified, no difference"


def _fleet(contact: Contact, _ended: Ended) -> str:
    checked = run(contact, "fleet", {"find_new_accounts": False}, "whether a Distributed Map does as documented")
    if checked.status != "SUCCEEDED" or not sum(checked.output["counts"].values()):
        raise Refuted(f"{checked.status}: {checked.output.get('counts') or checked.why}"[:500])
    return ", ".join(f"{count} {what}" for what, count in checked.output["counts"].items())


CHECKS = (
    Check("run", "A cluster is provisioned, and its storage proven.", _run),
    Check("run-mount", "Pods on Fargate have /data over NFS 4 and TLS.", _of_the_run(_mount)),
    Check("run-nodes", "Fargate's nodes are named and labelled as documented.", _of_the_run(_nodes)),
    Check(
        "run-counter",
        "flock holds across clients, and what it guards is read as it was written.",
        _of_the_run(_counter),
    ),
    Check(
        "run-timeline", "The history tells everything, in the order that the report relies on.", _of_the_run(_timeline)
    ),
    Check("run-tags", "The stack's tags are on all that it made.", _of_the_run(_tags)),
    Check("run-events", "The run's event was delivered.", _of_the_run(_event)),
    Check("reverify", "What AWS tells back is what was asked for.", _of_the_run(_reverified)),
    Check("fleet", "The fleet's Distributed Map checks the cluster.", _of_the_run(_fleet)),
)
