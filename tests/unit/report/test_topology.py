"""The topology shows what the functions answered, and nothing that is not there."""

from typing import Any

import pytest

from provisioner.report.history import read
from provisioner.report.picture import picture
from provisioner.report.topology import Topology, address_of, topology
from tests.unit.functions.report_seam import evidence
from tests.unit.report.samples import NETWORK, Story, good


def seen(story: Story, found: dict[str, Any]) -> Topology:
    return topology(read(story.events), found, "eks-example", "r")


def test_every_zone_has_its_subnet_and_mount_target_and_pods() -> None:
    built = seen(good(), evidence())
    assert [(zone.name, zone.subnet_id, zone.mount_target_id) for zone in built.zones] == [
        ("eu-west-1a", "subnet-a", "fsmt-1"),
        ("eu-west-1b", "subnet-b", "fsmt-2"),
        ("eu-west-1c", "subnet-c", "fsmt-3"),
    ]
    assert [pod.short_name for pod in built.zones[0].pods] == ["writer-a", "appender", "reader"]
    assert (built.security_group_id, built.file_system_id) == ("sg-1", "fs-1")


def test_a_run_that_never_had_a_network_has_no_picture() -> None:
    story = Story()
    story.task("Validate request", 1, {})
    assert not seen(story, {})


def test_a_zone_without_a_mount_target_says_so() -> None:
    story = Story()
    story.task("Ensure network", 1, NETWORK)
    drawn = picture(seen(story, {}), columns=3)
    assert [text.text for text in drawn.texts].count("no mount target") == 3
    assert "no file system yet" in [text.text for text in drawn.texts]
    assert drawn.lines == []


def test_what_a_failed_verification_had_seen_is_shown() -> None:
    story = good()
    story.task("Verify storage", 1, {"progress": {"volumes": [{"writers": evidence()["writers"], "appender": None}]}})
    assert [pod.short_name for pod in seen(story, {}).pods] == ["writer-a"]


def test_a_pod_of_an_unknown_zone_and_one_without_a_mount_are_not_lost() -> None:
    found = evidence()
    found["writers"][0]["zone"] = None
    found["reader"]["mount"] = None
    built = seen(good(), found)
    assert built.zones[-1].name == "zone not known"
    assert [pod.role for pod in built.zones[-1].pods] == ["writer"]
    assert "nothing mounted" in [text.text for text in picture(built, columns=1).texts]


def test_several_subnets_of_a_zone_are_one_zone() -> None:
    story = Story()
    subnets = NETWORK["private_subnets"]
    assert isinstance(subnets, list)
    story.task(
        "Ensure network", 1, {"vpc_id": "vpc-1", "private_subnets": [*subnets, {**subnets[0], "subnet_id": "z"}]}
    )
    assert [zone.subnet_id for zone in seen(story, evidence()).zones] == ["subnet-a, z", "subnet-b", "subnet-c"]
    assert len(seen(story, evidence()).pods) == 3


def test_everything_drawn_lies_within_the_picture() -> None:
    found = evidence()
    found["writers"] *= 20
    for columns in (1, 2, 3):
        drawn = picture(seen(good(), found), columns=columns)
        for box in drawn.boxes:
            assert box.x >= 0
            assert box.x + box.width <= drawn.width
            assert box.y + box.height <= drawn.height


def test_a_fargate_nodes_address_is_in_its_name() -> None:
    assert address_of("fargate-ip-10-0-1-2.eu-west-1.compute.internal") == "10.0.1.2"
    assert address_of("ip-10-0-1-2") == "ip-10-0-1-2"


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("account_id", ["444455556666", "111122223333"])
def test_a_file_system_that_another_account_lends_is_shown_as_its(account_id: str, columns: int) -> None:
    story = good()
    asked = {"account_id": "111122223333", "file_system": {"peer": {"account_id": account_id}}}
    story.task("Validate request", 1, asked)
    texts = [text.text for text in picture(seen(story, evidence()), columns=columns).texts]
    assert "EFS fs-1" in texts
    assert ("of account 444455556666" in texts) == (account_id == "444455556666")
