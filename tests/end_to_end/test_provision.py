"""The main job, end to end: the template as it is, the functions as they are, on the embedded cloud."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from eks_efs import attested
from local.aws import quotas
from local.aws.service_events import emit
from local.cloud import ROOT, EmbeddedCloud
from provisioner.kubernetes.evidence import digest
from provisioner.kubernetes.measurements import measurements
from tests.end_to_end.runs import Machine, Run, held

embedded_only = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
REQUEST = {"cluster": {"name": "good"}, "verification": {"writers": 3, "lines_per_writer": 20}}


@pytest.fixture(scope="module")
def good(machine: Machine) -> Run:
    run = machine.run(REQUEST)
    assert (run.status, run.error, run.cause) == ("SUCCEEDED", "", "")
    return run


def validate(schema: str, instance: Mapping[str, Any]) -> None:
    Draft202012Validator(json.loads((ROOT / "schemas" / schema).read_text())).validate(instance)


def test_three_writers_and_one_reader_ran_on_nodes_of_their_own(good: Run) -> None:
    evidence = good.output["evidence"]
    nodes = [pod["node_uid"] for pod in (*evidence["writers"], evidence["reader"])]
    assert len(evidence["writers"]) == 3
    assert len(set(nodes)) == 4


def test_the_reader_found_every_writers_file_byte_for_byte(good: Run) -> None:
    evidence = good.output["evidence"]
    read = {file["name"]: file for file in evidence["reader"]["files"]}
    for writer in evidence["writers"]:
        (written,) = writer["files"]
        assert written["lines"] == 20
        assert read[written["name"]]["sha256"] == written["sha256"]
    assert read.keys() == {f"{writer['pod']}.txt" for writer in evidence["writers"]} | {"out.txt", "counter"}


def test_the_evidence_shows_the_listing_and_the_appended_file_as_another_pod_saw_them(good: Run) -> None:
    evidence = good.output["evidence"]
    assert evidence["reader"]["text"] == evidence["appender"]["text"]
    listed = {line.split()[-1] for line in evidence["reader"]["listing"][1:]}
    assert listed == {file["name"] for file in evidence["reader"]["files"]}


def test_every_pod_wrote_and_read_through_a_mount_of_the_network(good: Run) -> None:
    evidence = good.output["evidence"]
    for pod in (*evidence["writers"], evidence["appender"], evidence["reader"]):
        assert (pod["mount"]["source"], pod["mount"]["type"]) == ("127.0.0.1:/", "nfs4")


def test_the_evidence_proves_its_own_integrity(good: Run) -> None:
    evidence = good.output["evidence"]
    validate("evidence.schema.json", evidence)
    assert digest(evidence) == evidence["sha256"]
    evidence["writers"][0]["node"] += "x"
    assert digest(evidence) != evidence["sha256"]
    evidence["writers"][0]["node"] = evidence["writers"][0]["node"][:-1]


def test_whoever_has_the_public_key_can_check_the_evidence_alone(good: Run, cloud: EmbeddedCloud) -> None:
    s3, url = cloud.client("s3"), urlsplit(good.output["evidence_url"])

    def kept(key: str) -> bytes:
        body: bytes = s3.get_object(Bucket=url.netloc, Key=key.lstrip("/"))["Body"].read()
        return body

    (key,) = s3.list_objects_v2(Bucket=url.netloc, Prefix="keys/")["Contents"]
    found = attested.verify(kept(url.path), kept(f"{url.path}.intoto.jsonl"), kept(key["Key"]))
    assert found.execution_arn == good.arn
    assert found.evidence.model_dump(mode="json") == good.output["evidence"]


def test_what_its_pods_measured_is_in_the_evidence_and_begins_the_clusters_record(
    good: Run, cloud: EmbeddedCloud, machine: Machine
) -> None:
    evidence = good.output["evidence"]
    # How many calls there was time for is this machine's business, and how long they took.
    writes = [each for writer in evidence["writers"] for each in writer["measured"]["small_write"]]
    assert 3 <= len(writes) <= 27
    assert evidence["reader"]["measured"]["small_read"]
    name = "small_write_milliseconds"
    (proof,) = measurements(record_of(cloud, machine, "good")["measured"]["S"])
    assert (proof.run_id, proof.at) == (evidence["run_id"], evidence["verified_at"])
    assert proof.zones.keys() == {
        pod["zone"] for pod in (*evidence["writers"], evidence["appender"], evidence["reader"])
    }
    assert sum(zone[name].count for zone in proof.zones.values() if name in zone) == len(writes)


def test_the_history_shows_both_branches_at_work_at_the_same_time(good: Run) -> None:
    def span(first: str, last: str) -> tuple[Any, Any]:
        return good.entered(first)[0]["timestamp"], good.exited(last)[0]["timestamp"]

    cluster, storage = (
        span("Ensure cluster", "Cluster branch done"),
        span("Ensure security group", "Storage branch done"),
    )
    assert max(cluster[0], storage[0]) < min(cluster[1], storage[1])


@contextmanager
def nat_gateways_only_after_the_cluster(cloud: EmbeddedCloud, then: Callable[[], None]) -> Iterator[None]:
    """CloudFormation is asked for NAT gateways, after `then`, when EKS has been asked for the cluster."""
    with held(cloud, "EnsureNatGateways") as go_on:
        hooks = cloud.server.hooks
        undo = hooks.before("cloudformation:CreateStack", lambda call: then() if "-nat&" in call.body else None)
        undo_too = hooks.after("eks:CreateCluster", lambda _: go_on.set())
        try:
            yield
        finally:
            undo()
            undo_too()


@embedded_only
def test_the_cluster_is_asked_for_without_nat_gateways_and_no_pod_before_they_are_there(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    with nat_gateways_only_after_the_cluster(cloud, lambda: None):
        run = machine.run({"cluster": {"name": "way-out"}, "verification": {"writers": 1, "lines_per_writer": 1}})
    assert run.status == "SUCCEEDED", run.cause
    assert run.entered("Ensure cluster")[0]["timestamp"] < run.exited("NAT branch done")[0]["timestamp"]
    for first in ("Apply storage", "Verify storage", "Ensure cluster DNS"):
        assert run.exited("NAT branch done")[0]["timestamp"] <= run.entered(first)[0]["timestamp"]


@embedded_only
def test_nat_gateways_that_cannot_be_made_take_nothing_with_them_and_the_next_run_makes_them(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    """Somebody takes the last address after the account was looked at."""
    place = cloud.account_id, cloud.region, quotas.ADDRESSES
    stacks, eks = cloud.client("cloudformation"), cloud.client("eks")
    name = {"StackName": "eks-efs-provisioner-no-way-out-network"}
    request = {"cluster": {"name": "no-way-out"}, "verification": {"writers": 1, "lines_per_writer": 1}}
    with nat_gateways_only_after_the_cluster(cloud, lambda: quotas.APPLIED.update({place: 0})):
        run = machine.run(request)
    del quotas.APPLIED[place]
    (event,) = published(cloud, "Storage Cluster Failed", run.arn)
    assert event["failure"]["state"] == "Ensure NAT gateways"
    why = "stack eks-efs-provisioner-no-way-out-nat is ROLLBACK_COMPLETE: NatAddress1 CREATE_FAILED: "
    assert why in event["failure"]["cause"]
    assert ("network-stack-failed", "proved") in [(each["rule"], each["verdict"]) for each in event["diagnosis"]]
    (network,) = stacks.describe_stacks(**name)["Stacks"]
    cluster = eks.describe_cluster(name="no-way-out")["cluster"]
    assert network["StackStatus"] == "CREATE_COMPLETE"
    again = machine.run(request)
    assert again.status == "SUCCEEDED", again.cause
    assert stacks.describe_stacks(**name)["Stacks"][0]["StackId"] == network["StackId"]
    assert eks.describe_cluster(name="no-way-out")["cluster"]["createdAt"] == cluster["createdAt"]


def test_the_completion_event_is_the_output_and_matches_its_schema(good: Run, cloud: EmbeddedCloud) -> None:
    (event,) = published(cloud, "Storage Cluster Ready", good.arn)
    validate("storage-cluster-ready.schema.json", event)
    assert {"status": "Ready", **event} == good.output
    assert set(event["timings"]) >= {"Ensure cluster", "Ensure file system", "Verify storage"}


def test_nothing_of_the_verification_is_left(good: Run, cloud: EmbeddedCloud) -> None:
    directory = cloud.directory / "efs" / good.output["file_system"]["id"]
    assert directory.is_dir()
    assert list(directory.iterdir()) == []


def test_the_record_says_ready_and_holds_no_claim(good: Run, cloud: EmbeddedCloud, machine: Machine) -> None:
    record = record_of(cloud, machine, "good")
    assert record["status"] == {"S": "Ready"}
    assert "claimed_by" not in record
    assert json.loads(record["request"]["S"])["cluster"]["name"] == "good"


def test_an_empty_request_is_a_complete_one(machine: Machine) -> None:
    run = machine.run({})
    assert run.status == "SUCCEEDED", run.cause
    assert run.output["cluster"]["name"] == "eks-example"


def test_a_second_trigger_for_the_same_cluster_ends_well_without_touching_anything(
    machine: Machine, cloud: EmbeddedCloud
) -> None:
    with held(cloud, "EnsureNetwork"):
        first = machine.start({"cluster": {"name": "twice-at-once"}})
        machine.until_entered(first, "Ensure network")
        second = machine.run({"cluster": {"name": "twice-at-once"}})
    assert (second.status, second.output["status"]) == ("SUCCEEDED", "AlreadyInProgress")
    assert second.output["holder"] == first
    assert not second.entered("Ensure network")
    assert machine.wait(first).status == "SUCCEEDED"


def test_a_new_account_starts_the_machine(machine: Machine, cloud: EmbeddedCloud) -> None:
    event = json.loads((ROOT / "events" / "control-tower-create-managed-account.json").read_text())
    event["detail"]["serviceEventDetails"]["createManagedAccountStatus"]["account"]["accountId"] = cloud.account_id
    before = set(machine.executions())
    emit(event, cloud.account_id, cloud.region)
    (arn,) = set(machine.executions()) - before
    run = machine.wait(arn)
    assert run.status == "SUCCEEDED", run.cause
    assert run.output["account_id"] == cloud.account_id


def published(cloud: EmbeddedCloud, detail_type: str, execution_arn: str) -> list[dict[str, Any]]:
    """Details of the events that an execution put on any bus."""
    events = [event for event in cloud.server.published_events if event["DetailType"] == detail_type]
    return [event["Detail"] for event in events if event["Detail"].get("execution_arn") == execution_arn]


def record_of(cloud: EmbeddedCloud, machine: Machine, cluster: str) -> dict[str, Any]:
    key = {"cluster": {"S": f"{cloud.account_id}#{cloud.region}#{cluster}"}}
    item: dict[str, Any] = cloud.client("dynamodb").get_item(TableName=machine.outputs["ClaimsTableName"], Key=key)[
        "Item"
    ]
    return item
