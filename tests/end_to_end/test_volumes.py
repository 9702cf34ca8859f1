"""Several volumes of one file system: each is proven by itself, and no team's pods read what another's hold."""

import json

import pytest

from local.cloud import ROOT, EmbeddedCloud
from local.faults.fault import before
from local.faults.objects import VOLUMES, replace_volume
from local.faults.scene import Scene
from provisioner.kubernetes.evidence import digest
from tests.end_to_end.runs import Machine, Run
from tests.end_to_end.test_provision import published, validate

CLUSTER = "eks-teams"
TEAMS = ("orders", "payments", "reports", "scratch")
SAMPLE = json.loads((ROOT / "events/several-volumes.json").read_text())


@pytest.fixture(scope="module")
def proven(machine: Machine) -> Run:
    run = machine.run({**SAMPLE, "verification": {"writers": 1}})
    assert run.status == "SUCCEEDED", run.cause
    return run


def test_each_volume_has_its_own_proof_and_finds_of_all_files_only_its_own(proven: Run, cloud: EmbeddedCloud) -> None:
    (event,) = published(cloud, "Storage Cluster Ready", proven.arn)
    validate("storage-cluster-ready.schema.json", event)
    validate("evidence.schema.json", event["evidence"])
    assert digest(event["evidence"]) == event["evidence"]["sha256"]
    volumes = [event["evidence"], *event["evidence"]["further_volumes"]]
    assert [(each["persistent_volume"], each["namespace"]) for each in volumes] == [
        (f"efs-{team}", team) for team in TEAMS
    ]
    assert len({each["access_point_id"] for each in volumes}) == len(TEAMS)
    for each in volumes:
        read = {attempt["volume"] for attempt in each["neighbour"]["attempts"] if attempt["read_at"]}
        assert read == {each["persistent_volume"]}
        assert len(each["neighbour"]["attempts"]) == len(TEAMS)
        assert {file["name"] for file in each["reader"]["files"]} == {
            f"{each['writers'][0]['pod']}.txt",
            "out.txt",
            "counter",
        }


def test_every_directory_is_its_teams_and_the_proof_leaves_nothing_in_it(proven: Run, cloud: EmbeddedCloud) -> None:
    top = cloud.directory / "efs" / proven.output["file_system"]["id"]
    directories = {path: top / path for path in ("teams/orders", "teams/payments", "teams/reports", "scratch")}
    assert {path: oct(each.stat().st_mode & 0o777) for path, each in directories.items()} == {
        "teams/orders": "0o750",
        "teams/payments": "0o700",
        "teams/reports": "0o755",
        "scratch": "0o755",
    }
    assert [list(each.iterdir()) for each in directories.values()] == [[]] * len(TEAMS)


def test_a_further_profile_takes_what_the_first_has_no_selectors_for(proven: Run, cloud: EmbeddedCloud) -> None:
    eks = cloud.client("eks")
    selected = [
        [
            selector["namespace"]
            for selector in eks.describe_fargate_profile(clusterName=CLUSTER, fargateProfileName=name)[
                "fargateProfile"
            ]["selectors"]
        ]
        for name in ("provisioner", "provisioner-2")
    ]
    assert selected == [["default", "kube-system", "orders", "payments", "reports"], ["scratch"]]


def test_a_second_run_changes_nothing_and_a_volume_that_is_listed_no_more_is_told_and_kept(
    proven: Run, machine: Machine, cloud: EmbeddedCloud
) -> None:
    *kept, _ = SAMPLE["storage"]["volumes"]
    request = {**SAMPLE, "storage": {"volumes": kept}, "verification": {"writers": 1}}
    again = machine.run(request)
    assert again.status == "SUCCEEDED", again.cause
    assert again.output["storage"]["volumes"] == proven.output["storage"]["volumes"][:-1]
    (told,) = again.output["storage"]["unlisted"]
    assert (told["persistent_volume"], told["claim"], told["phase"]) == ("efs-scratch", "scratch/scratch", "Bound")
    plan = machine.run({**SAMPLE, "mode": "plan"})
    assert plan.output["summary"] == "no changes"


@pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
@pytest.mark.usefixtures("proven")
def test_a_check_proves_every_volume_again(reverify: Machine) -> None:
    checked = reverify.run({"cluster_name": CLUSTER, "depth": "behaviour"})
    assert checked.output["status"] == "Verified", checked.cause
    evidence = checked.output["behaviour"]["evidence"]
    volumes = checked.output["storage"]["volumes"]
    assert [each["access_point_id"] for each in (evidence, *evidence["further_volumes"])] == [
        each["volume_handle"].partition("::")[2] for each in volumes
    ]


def test_a_volume_that_shows_the_whole_file_system_is_drift_and_names_its_team(
    proven: Run, machine: Machine, reverify: Machine, cloud: EmbeddedCloud
) -> None:
    scene = Scene.recorded(cloud, machine.outputs["ClaimsTableName"], CLUSTER)
    volume = scene.storage["persistent_volume"]
    replace_volume(scene, scene.file_system_id)
    checked = reverify.run({"cluster_name": CLUSTER})
    assert checked.status == "SUCCEEDED", checked.cause
    (found,) = checked.output["drift"]
    assert (found["resource"], found["path"]) == (f"PersistentVolume {volume}", "spec.csi.volumeHandle")
    assert found["severity"] == "critical"


def test_a_removal_takes_every_volume_with_it_the_one_that_is_listed_no_more_too(
    proven: Run, machine: Machine, cloud: EmbeddedCloud
) -> None:
    teardown = Machine(cloud, machine.outputs, "Teardown")
    scene = Scene.recorded(cloud, machine.outputs["ClaimsTableName"], CLUSTER)
    left: list[str] = []
    file_system_id = proven.output["file_system"]["id"]

    def look(_: Scene) -> None:
        for path in (VOLUMES, "/api/v1/persistentvolumeclaims"):
            found = scene.get(path) or {"items": []}
            left.extend(each["metadata"]["name"] for each in found["items"])

    undo = before("Remove cluster", look)(cloud, CLUSTER)
    try:
        run = teardown.run(
            {"cluster_name": CLUSTER, "delete_data": {"file_system_id": file_system_id}, "delete_logs": True}
        )
    finally:
        undo()
    assert run.status == "SUCCEEDED", run.cause
    assert left == []
    gone = [each["resource"] for each in run.output["removed"]]
    assert (gone.count("access point"), gone.count("Fargate profile")) == (len(TEAMS), 2)
    assert run.output["kept"] == []
    names = {each["FileSystemId"] for each in cloud.client("efs").describe_file_systems()["FileSystems"]}
    assert file_system_id not in names
