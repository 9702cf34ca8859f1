"""The request: what is accepted, what is refused, and in which words."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from provisioner.errors import RequestError
from provisioner.refusal import problems_of, refusal
from provisioner.request import OWNER_TAG, CreatedNetwork, ExistingNetwork, Request, json_schema

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(json_schema())
PLACE = {"account_id": "111122223333", "region": "us-east-1"}


def refused(partial: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Request.model_validate({**PLACE, **partial})
    error = refusal(problems_of(caught.value.errors(include_url=False)))
    assert isinstance(error, RequestError)
    return str(error)


def accepted(partial: dict[str, Any]) -> Request:
    return Request.model_validate({**PLACE, **partial})


def test_an_account_and_a_region_are_a_complete_request() -> None:
    request = accepted({})
    assert request.model_dump(mode="json") == {
        "account_id": "111122223333",
        "region": "us-east-1",
        "organizational_unit_id": None,
        "mode": "apply",
        "cluster": {
            "name": "eks-example",
            "version": None,
            "upgrade_policy": None,
            "service_ipv4_cidr": None,
            "ip_family": "ipv4",
            "endpoint_access": "public_and_private",
            "public_access_cidrs": ["0.0.0.0/0"],
            "admin_principal_arns": [],
            "secrets_key_arn": None,
            "control_plane_logs": ["audit", "authenticator"],
            "control_plane_log_retention_days": 90,
            "deletion_protection": None,
        },
        "network": {
            "cidr": "192.168.0.0/16",
            "availability_zones": 3,
            "private_subnet_prefix_length": None,
            "nat": "single",
        },
        "file_system": {
            "throughput_mode": "elastic",
            "existing": None,
            "peer": None,
            "kms_key_arn": None,
            "backup": True,
            "transition_to_ia": "AFTER_30_DAYS",
        },
        "storage": {
            "namespace": "default",
            "storage_class": "efs-sc",
            "persistent_volume": "efs-pv",
            "claim": "efs-claim",
            "capacity": "5Gi",
            "access_mode": "ReadWriteMany",
            "reclaim_policy": "Retain",
            "access_point": None,
            "volumes": [],
        },
        "verification": {
            "image": "public.ecr.aws/docker/library/busybox:1.37",
            "writers": 3,
            "lines_per_writer": 20,
            "timeout_seconds": 900,
        },
        "on_failure": "keep",
        "protect": False,
        "tags": {},
        "from_defaults": {},
    }


def test_every_wrong_field_is_listed_with_its_value_and_what_is_allowed() -> None:
    message = refused({"account_id": "1" * 11, "cluster": {"name": "-x"}, "verification": {"writers": 0}, "colour": 1})
    assert message.startswith("InvalidRequest: 4 wrong fields\n")
    assert "- account_id is '11111111111'; allowed: an AWS account id: 12 digits" in message
    assert "- cluster.name is '-x'; allowed: 1 to 100 letters, digits" in message
    assert "- verification.writers is 0; allowed: a whole number, 1 to 20" in message
    assert "- colour is 1; allowed: only account_id, region, " in message


def test_an_unknown_field_is_answered_with_the_nearest_one() -> None:
    assert "- cluster.versoin is '1.33'" in (message := refused({"cluster": {"versoin": "1.33"}}))
    assert "did you mean version?" in message


def test_a_field_like_no_other_gets_no_suggestion() -> None:
    assert "did you mean" not in refused({"storage": {"zzz": 1}})


def test_a_long_value_is_cut_in_the_message() -> None:
    line = next(line for line in refused({"cluster": {"name": "x" * 5000}}).splitlines() if "cluster.name" in line)
    assert "…" in line
    assert len(line) < 250


def test_a_request_of_rubbish_gets_a_message_that_fits_into_a_fail_state() -> None:
    message = refused({f"field_{number}": "x" * 1000 for number in range(2000)})
    assert message.startswith("InvalidRequest: 2000 wrong fields\n- field_0 is ")
    assert re.search(r"\n- also wrong: field_\d+, .* and \d+ more\n", message)
    assert len(message) < 8_000


def test_the_two_forms_of_a_network_are_not_mixed() -> None:
    message = refused({"network": {"vpc_id": "vpc-0123456789abcdef0", "cidr": "10.0.0.0/16"}})
    assert "network.private_subnet_ids is missing" in message
    assert "network.cidr is '10.0.0.0/16'; allowed: either a created network" in message
    assert message.count("not both") == 1


def test_a_network_is_created_unless_it_names_an_existing_one() -> None:
    existing = {"vpc_id": "vpc-0123456789abcdef0", "private_subnet_ids": ["subnet-01234567", "subnet-89abcdef"]}
    assert isinstance(accepted({"network": existing}).network, ExistingNetwork)
    assert isinstance(accepted({"network": {}}).network, CreatedNetwork)


@pytest.mark.parametrize("network", [None, [], "10.0.0.0/16", 5])
def test_a_network_that_is_no_object_is_refused(network: Any) -> None:
    assert "- network is " in refused({"network": network})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("region", "us-east-9"),
        ("mode", "destroy"),
        ("on_failure", "undo"),
        ("cluster.name", ""),
        ("cluster.name", "x" * 101),
        ("cluster.name", "_x"),
        ("cluster.name", "a b"),
        ("cluster.name", "eks-example\n"),
        ("cluster.version", "1.9"),
        ("cluster.version", 1.33),
        ("cluster.upgrade_policy", "LATER"),
        ("cluster.service_ipv4_cidr", "172.20.0.0/11"),
        ("cluster.service_ipv4_cidr", "172.20.0.0/25"),
        ("cluster.service_ipv4_cidr", "100.64.0.0/16"),
        ("cluster.ip_family", "ipv6"),
        ("cluster.ip_family", None),
        ("cluster.public_access_cidrs", []),
        ("cluster.public_access_cidrs", ["192.0.2.0/24", "192.0.2.0/24"]),
        ("cluster.control_plane_logs", ["audit", "audit"]),
        ("cluster.control_plane_logs[1]", ["audit", "everything"]),
        ("cluster.control_plane_log_retention_days", 91),
        ("cluster.control_plane_log_retention_days", None),
        ("cluster.public_access_cidrs[0]", ["10.1.0.0/16"]),
        ("cluster.public_access_cidrs[0]", ["192.0.2.1"]),
        ("cluster.public_access_cidrs[0]", ["192.0.2.1/24"]),
        ("cluster.public_access_cidrs[0]", ["2001:db8::/32"]),
        ("cluster.admin_principal_arns[0]", ["arn:aws:sts::111122223333:assumed-role/x/y"]),
        ("cluster.admin_principal_arns[0]", ["arn:aws:iam::11112222333:role/x"]),
        ("cluster.secrets_key_arn", "alias/mine"),
        ("file_system.kms_key_arn", "arn:aws:kms:us-east-1:111122223333:alias/mine"),
        ("file_system.existing", "fs-0123456789ABCDEF0"),
        ("file_system.existing", "arn:aws:elasticfilesystem:us-east-1:111122223333:file-system/fs-01234567"),
        ("file_system.transition_to_ia", "AFTER_2_DAYS"),
        ("file_system.throughput_mode", "provisioned"),
        ("file_system.backup", "yes"),
        ("file_system.backup", 1),
        ("file_system.peer", {}),
        ("file_system.peer.vpc_id", "vpc-1"),
        ("file_system.peer.subnet_ids", []),
        ("file_system.peer.subnet_ids[0]", ["subnet-1"]),
        ("file_system.peer.account_id", "1"),
        ("network.cidr", "10.0.0.0/15"),
        ("network.cidr", "10.0.0.0/25"),
        ("network.cidr", "10.0.0.1/24"),
        ("network.cidr", "8.8.8.0/24"),
        ("network.availability_zones", 4),
        ("network.availability_zones", True),
        ("network.availability_zones", "apne1-az1"),
        ("network.availability_zones", ["apne1-az1"]),
        ("network.availability_zones", ["apne1-az1", "apne1-az1"]),
        ("network.availability_zones", ["ap-northeast-1a", "ap-northeast-1c"]),
        ("network.private_subnet_prefix_length", 28),
        ("network.nat", "none"),
        ("storage.namespace", "a.b"),
        ("storage.namespace", "x" * 64),
        ("storage.claim", "Claim"),
        ("storage.persistent_volume", "a..b"),
        ("storage.capacity", "5GB"),
        ("storage.capacity", "0Gi"),
        ("storage.capacity", "-5Gi"),
        ("storage.capacity", "0.1"),
        ("storage.capacity", "16Ei"),
        ("storage.capacity", "five"),
        ("storage.access_point", {}),
        ("verification.image", "team/UPPER:1"),
        ("verification.image", "busybox:"),
        ("verification.image", "registry.example.com/" + "a" * 235 + ":1"),
        ("verification.image", "team/" + "a" * 241),
        ("verification.image", "a" * 238 + ":1"),
        ("cluster.public_access_cidrs[0]", ["127.0.0.0/8"]),
        ("cluster.public_access_cidrs[0]", ["169.254.0.0/16"]),
        ("cluster.public_access_cidrs[0]", ["100.64.1.0/24"]),
        ("cluster.public_access_cidrs[0]", ["239.0.0.0/8"]),
        ("verification.image", "busybox@sha256:abc"),
        ("verification.writers", 21),
        ("verification.lines_per_writer", 1001),
        ("verification.lines_per_writer", 1.5),
        ("verification.timeout_seconds", 59),
        ("verification.timeout_seconds", "900"),
        ("tags", {str(number): "" for number in range(41)}),
        ("tags.aws:x", {"aws:x": ""}),
        ("tags.AWS:x", {"AWS:x": ""}),
        (f"tags.{OWNER_TAG}", {OWNER_TAG: "another"}),
        ("tags.a", {"a": "x" * 257}),
        ("tags.a", {"a": None}),
        ("tags.a", {"a": ""}),
        ("tags.a;b", {"a;b": ""}),
    ],
)
def test_a_wrong_value_is_refused_by_name(path: str, value: Any) -> None:
    names = path.split(".")
    if names[-1].isdigit() or names[0] == "tags":
        names = names[:-1] or names
    names = names[:1] if path.startswith("tags") else names
    partial: Any = value
    for name in reversed(names):
        partial = {name: partial}
    assert f"- {path}" in refused(partial)


@pytest.mark.parametrize("path", ["", "relative", "/a/b/c/d/e", "/a//b", "/.hidden", "/a$b", "/" + "x" * 100])
def test_a_path_that_efs_refuses_is_refused_first(path: str) -> None:
    assert "storage.access_point.path is" in refused({"storage": {"access_point": {"uid": 0, "gid": 0, "path": path}}})


@pytest.mark.parametrize("capacity", ["5Gi", "1", "1.5Ti", "500M", "1e9", "1E3", "7Ei", ".5Ki", "5."])
def test_a_capacity_is_any_kubernetes_quantity_of_at_least_a_byte(capacity: str) -> None:
    assert accepted({"storage": {"capacity": capacity}}).storage.capacity == capacity


@pytest.mark.parametrize(
    "image",
    [
        "busybox",
        "library/busybox:1.37",
        "localhost:5000/team/image_a__b--c:v1.0",
        "registry.example.com/" + "a" * 234 + ":1",
        "a" * 237 + ":1",
        "111122223333.dkr.ecr.us-east-1.amazonaws.com/mirror/busybox@sha256:" + "a" * 64,
        "public.ecr.aws/docker/library/busybox:1.37@sha256:" + "0" * 64,
    ],
)
def test_an_image_is_any_reference_with_tag_or_digest(image: str) -> None:
    assert accepted({"verification": {"image": image}}).verification.image == image


def test_a_whole_number_may_be_written_with_a_fraction_of_zero() -> None:
    assert accepted({"verification": {"writers": 4.0}}).model_dump(mode="json")["verification"]["writers"] == 4


def test_the_claim_key_names_account_region_and_cluster() -> None:
    assert accepted({"cluster": {"name": "a"}}).claim_key == "111122223333#us-east-1#a"


def test_the_owner_tag_is_added_to_the_requests_own_tags() -> None:
    assert accepted({"cluster": {"name": "a"}, "tags": {"team": "x"}}).owner_tags == {OWNER_TAG: "a", "team": "x"}


def test_an_idempotency_token_depends_on_the_cluster_and_the_purpose_only() -> None:
    token = accepted({}).idempotency_token("file-system")
    assert len(token) == 64
    assert token == accepted({"tags": {"a": "b"}, "verification": {"writers": 9}}).idempotency_token("file-system")
    others = [
        accepted({}).idempotency_token("cluster"),
        accepted({"region": "eu-west-1"}).idempotency_token("file-system"),
        accepted({"account_id": "444455556666"}).idempotency_token("file-system"),
        accepted({"cluster": {"name": "b"}}).idempotency_token("file-system"),
    ]
    assert len({token, *others}) == 5


@pytest.mark.parametrize(
    ("cluster", "warned"),
    [
        ({}, True),
        ({"endpoint_access": "public"}, True),
        ({"endpoint_access": "private"}, False),
        ({"public_access_cidrs": ["192.0.2.0/24"]}, False),
    ],
)
def test_an_endpoint_open_to_the_whole_internet_is_warned_about(cluster: dict[str, Any], warned: bool) -> None:
    assert accepted({"cluster": cluster}).warnings == (["cluster_endpoint_is_open_to_the_internet"] if warned else [])


def test_the_published_schema_is_the_one_of_the_code() -> None:
    published = json.loads((ROOT / "schemas/request.schema.json").read_text())
    assert published == json_schema(), "python -m provisioner.request > schemas/request.schema.json"


def test_why_a_cluster_cannot_have_ipv6_is_told() -> None:
    assert "documented nowhere: it cannot be proven here" in refused({"cluster": {"ip_family": "ipv6"}})


@pytest.mark.parametrize(
    "name",
    [
        "empty",
        "minimal",
        "full",
        "account-of-a-unit",
        "existing-file-system",
        "existing-network",
        "isolated-network",
        "chosen-network",
        "organization-rules",
        "peered-file-system",
        "lent-file-system",
        "private-endpoint",
        "several-volumes",
        "upgrade",
    ],
)
def test_a_sample_request_is_accepted_by_code_and_schema_alike(name: str) -> None:
    sample = json.loads((ROOT / f"events/{name}.json").read_text())
    SCHEMA.validate(sample)
    Request.model_validate({**PLACE, **sample})


dns_label = st.from_regex(re.compile(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", re.ASCII), fullmatch=True)
good_requests = st.fixed_dictionaries(
    {},
    optional={
        "account_id": st.from_regex(re.compile(r"[0-9]{12}", re.ASCII), fullmatch=True),
        "region": st.sampled_from(["eu-west-1", "ap-northeast-1", "mx-central-1", "cn-north-1"]),
        "cluster": st.fixed_dictionaries(
            {},
            optional={
                "name": st.from_regex(re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}", re.ASCII), fullmatch=True),
                "version": st.none() | st.integers(10, 99).map(lambda minor: f"1.{minor}"),
                "endpoint_access": st.sampled_from(["public", "private", "public_and_private"]),
                "control_plane_logs": st.lists(st.sampled_from(["api", "audit", "scheduler"]), unique=True),
            },
        ),
        "network": st.fixed_dictionaries(
            {},
            optional={
                "cidr": st.tuples(st.integers(16, 24), st.integers(16, 31)).map(lambda n: f"172.{n[1]}.0.0/{n[0]}"),
                "availability_zones": st.integers(2, 3) | st.just(["apne1-az4", "apne1-az1"]),
                "nat": st.sampled_from(["single", "per_zone"]),
            },
        ),
        "storage": st.fixed_dictionaries(
            {},
            optional={
                "namespace": dns_label,
                "claim": st.lists(dns_label, min_size=1, max_size=4).map(".".join),
                "capacity": st.tuples(st.integers(1, 999), st.sampled_from(["", "Ki", "Gi", "k", "T"])).map(
                    lambda parts: f"{parts[0]}{parts[1]}"
                ),
            },
        ),
        "tags": st.dictionaries(dns_label, st.text(alphabet="aZ09 ä_.:/=+-@", min_size=1, max_size=50), max_size=40),
    },
)


@given(good_requests)
def test_a_good_request_survives_the_round_trip_through_json_and_its_schema(partial: dict[str, Any]) -> None:
    SCHEMA.validate(partial)
    request = accepted(partial)
    written = json.loads(json.dumps(request.model_dump(mode="json")))
    assert Request.model_validate(written) == request
    SCHEMA.validate(written)


def test_where_values_came_from_does_not_make_another_request_of_it() -> None:
    assert accepted({"from_defaults": {"cluster.version": "SSM parameter x"}}).digest == accepted({}).digest
