"""What the app really sends to AWS, call by call: no template scanner sees what boto3 is asked to do."""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import pytest

from local.aws.hooks import Call
from local.cloud import EmbeddedCloud
from provisioner.request import OWNER_TAG
from tests.end_to_end.runs import Machine

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
CLUSTER = "guarded"
# The functions, which run outside a VPC here, come from anywhere.
WORLD = ["0.0.0.0/1", "128.0.0.0/1"]
# The APIs of these take no tags; what they make hangs on something that has them.
WITHOUT_TAGS = {"efs:CreateMountTarget", "ec2:CreateTags", "eks:CreateAccessEntry"}


@pytest.fixture(scope="module")
def keys(cloud: EmbeddedCloud) -> dict[str, str]:
    kms = cloud.client("kms")
    return {name: kms.create_key(Description=name)["KeyMetadata"]["Arn"] for name in ("secrets", "files")}


@pytest.fixture(scope="module")
def sent(cloud: EmbeddedCloud, machine: Machine, keys: dict[str, str]) -> Sequence[Call]:
    """Every call of one run that asks for all that protects."""
    calls: list[Call] = []
    undo = cloud.server.hooks.before("*", calls.append)
    asked = {
        "cluster": {
            "name": CLUSTER,
            "endpoint_access": "public_and_private",
            "public_access_cidrs": WORLD,
            "secrets_key_arn": keys["secrets"],
            "control_plane_logs": ["audit", "authenticator"],
        },
        "file_system": {"kms_key_arn": keys["files"]},
        "storage": {"access_point": {"uid": 1000, "gid": 1000, "path": "/shared"}},
    }
    run = machine.run(asked)
    undo()
    assert (run.status, run.cause) == ("SUCCEEDED", "")
    return calls


def bodies(sent: Sequence[Call], name: str) -> list[dict[str, Any]]:
    """The JSON of the calls of that name; there has to be one."""
    found = [json.loads(call.body) for call in sent if call.name == name]
    assert found, name
    return found


def forms(sent: Sequence[Call], name: str) -> list[dict[str, str]]:
    """The same for services that take forms."""
    found = [{key: values[0] for key, values in parse_qs(call.body).items()} for call in sent if call.name == name]
    assert found, name
    return found


def test_the_cluster_is_asked_for_with_its_logs_its_secrets_key_and_no_administrator_by_accident(
    sent: Sequence[Call], keys: dict[str, str]
) -> None:
    (asked,) = bodies(sent, "eks:CreateCluster")
    assert {"types": ["audit", "authenticator"], "enabled": True} in asked["logging"]["clusterLogging"]
    assert asked["encryptionConfig"] == [{"resources": ["secrets"], "provider": {"keyArn": keys["secrets"]}}]
    access = asked["accessConfig"]
    assert (access["authenticationMode"], access["bootstrapClusterCreatorAdminPermissions"]) == ("API", False)


def test_the_clusters_endpoint_is_open_to_whom_it_was_asked_to_be(sent: Sequence[Call]) -> None:
    (asked,) = bodies(sent, "eks:CreateCluster")
    network = asked["resourcesVpcConfig"]
    assert (network["endpointPublicAccess"], network["endpointPrivateAccess"]) == (True, True)
    assert network["publicAccessCidrs"] == WORLD


def test_the_file_system_is_asked_for_encrypted_with_the_key_that_was_given(
    sent: Sequence[Call], keys: dict[str, str]
) -> None:
    (asked,) = bodies(sent, "efs:CreateFileSystem")
    assert (asked["Encrypted"], asked["KmsKeyId"]) == (True, keys["files"])


def test_the_file_system_is_backed_up_and_refuses_whoever_comes_without_tls(sent: Sequence[Call]) -> None:
    assert bodies(sent, "efs:CreateFileSystem")[0]["Backup"] is True
    policy = json.loads(bodies(sent, "efs:PutFileSystemPolicy")[-1]["Policy"])
    without_tls = {"Bool": {"aws:SecureTransport": "false"}}
    refused = [each for each in policy["Statement"] if each["Effect"] == "Deny" and each["Condition"] == without_tls]
    assert [each["Principal"] for each in refused] in ([{"AWS": "*"}], ["*"])


def test_nfs_is_opened_to_the_pods_subnets_and_nothing_else_to_anybody(sent: Sequence[Call]) -> None:
    for form in forms(sent, "ec2:AuthorizeSecurityGroupIngress"):
        ports = {value for key, value in form.items() if key.endswith(("FromPort", "ToPort"))}
        sources = {value for key, value in form.items() if key.endswith(("CidrIp", "CidrIpv6"))}
        assert ports == {"2049"}
        assert sources
        assert all(source.startswith("192.168.") for source in sources)


def test_everything_that_can_have_tags_has_its_owners_from_the_first_moment(sent: Sequence[Call]) -> None:
    creating = [call for call in sent if call.name.split(":")[1].startswith("Create") and call.name not in WITHOUT_TAGS]
    assert {call.name for call in creating} >= {
        "cloudformation:CreateStack",
        "ec2:CreateSecurityGroup",
        "efs:CreateAccessPoint",
        "efs:CreateFileSystem",
        "eks:CreateAddon",
        "eks:CreateCluster",
        "eks:CreateFargateProfile",
    }
    assert not [call.name for call in creating if not _owned(call)]


def _owned(call: Call) -> bool:
    if call.body.startswith("{"):
        tags = json.loads(call.body).get("tags") or json.loads(call.body).get("Tags") or {}
        pairs = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
        return bool(pairs.get(OWNER_TAG) == CLUSTER)
    values = [values[0] for values in parse_qs(call.body).values()]
    return OWNER_TAG in values and CLUSTER in values


def test_what_the_network_stack_made_is_tagged_too(cloud: EmbeddedCloud, sent: Sequence[Call]) -> None:
    ec2, owned = cloud.client("ec2"), [{"Name": f"tag:{OWNER_TAG}", "Values": [CLUSTER]}]
    assert len(ec2.describe_vpcs(Filters=owned)["Vpcs"]) == 1
    assert len(ec2.describe_subnets(Filters=owned)["Subnets"]) == 6
    # moto does not filter these by their tags.
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    assert len([each for each in gateways if {"Key": OWNER_TAG, "Value": CLUSTER} in each["Tags"]]) == 1


def test_nothing_sent_carries_a_token_of_kubernetes_or_opens_an_object_to_the_public(sent: Sequence[Call]) -> None:
    assert not [call.name for call in sent if "k8s-aws-v1." in call.body]
    assert not [call.name for call in sent if call.name in ("s3:PutObjectAcl", "s3:PutBucketAcl", "s3:PutBucketPolicy")]


def test_the_evidence_bucket_is_encrypted_with_the_stacks_key_and_takes_tls_only(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    s3, bucket = cloud.client("s3"), machine.outputs["EvidenceBucketName"]
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    statements = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [each["Condition"] for each in statements]
    kept = s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"]
    assert s3.head_object(Bucket=bucket, Key=kept)["ServerSideEncryption"] == "aws:kms"


PLACES = (
    r"index\.html",
    r"fleet/\S+",
    r"keys/[0-9a-f]+\.pem",
    r"refused/[A-Za-z0-9_-]+/report\.html",
    r"\d{12}/[a-z0-9-]+/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+/(?:report\.html|evidence\.json|evidence\.json\.intoto\.jsonl)",
)


def test_a_key_of_the_bucket_tells_the_place_of_a_run_and_nothing_that_was_asked_for(
    cloud: EmbeddedCloud, machine: Machine, sent: Sequence[Call]
) -> None:
    secret = "hunter2<script>"
    refused = machine.run({"password": secret, "cluster": {"name": secret}, "account_id": secret})
    assert (refused.status, refused.error) == ("FAILED", "RequestError")
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=machine.outputs["EvidenceBucketName"])
    keys = [each["Key"] for page in pages for each in page["Contents"]]
    assert any(f"/{CLUSTER}/" in key and key.endswith("/evidence.json") for key in keys)
    assert [key for key in keys if not any(re.fullmatch(place, key) for place in PLACES)] == [], keys
    assert "hunter2" not in str(keys)
