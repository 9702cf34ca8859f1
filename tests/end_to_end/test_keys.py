"""A key of another account is for its own policy to let in, and is used like any other then."""

import json
import re

import pytest

from local.aws.administrators import administrator_of
from local.cloud import EmbeddedCloud
from local.faults.fault import before
from local.faults.scene import Scene
from tests.end_to_end.runs import Machine
from tests.end_to_end.test_provision import published

OWNER = "333300000001"
USES = ("DescribeKey", "CreateGrant", "Decrypt", "GenerateDataKeyWithoutPlaintext")


pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


def test_a_key_of_another_account_is_used_once_its_policy_lets_the_provisioner_in(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    kms = cloud.server.client("kms", credentials=administrator_of(OWNER))
    key = str(kms.create_key()["KeyMetadata"]["Arn"])
    request = {
        "cluster": {"name": "foreign-key", "secrets_key_arn": key},
        "file_system": {"kms_key_arn": key},
        "verification": {"writers": 1},
    }
    refused = machine.run(request)
    assert refused.status == "FAILED"
    assert "because no resource-based policy allows the kms:" in refused.cause
    (event,) = published(cloud, "Storage Cluster Failed", refused.arn)
    first = event["diagnosis"][0]
    assert (first["rule"], first["verdict"]) == ("denied-by-policy", "proved")
    assert re.match(rf"let the policy of {key} itself allow kms:\w+ to the provisioner's role", first["fix"])
    assert "target.yaml" not in first["fix"]

    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    for role, uses in (("provisioner", USES), ("inspector", USES[:1])):
        arn = f"arn:aws:iam::{cloud.account_id}:role/eks-efs-provisioner-{role}"
        actions = [f"kms:{use}" for use in uses]
        policy["Statement"].append({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": actions, "Resource": "*"})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    planned = machine.run({**request, "mode": "plan"})
    assert planned.status == "SUCCEEDED", planned.cause
    assert [each for each in planned.output["warnings"] if key in each] == []
    kms.disable_key(KeyId=key.rpartition("/")[2])
    told = machine.run({**request, "mode": "plan"})
    assert f"cluster.secrets_key_arn {key} is Disabled" in told.cause
    kms.enable_key(KeyId=key.rpartition("/")[2])
    run = machine.run(request)
    assert run.status == "SUCCEEDED", run.cause
    assert cloud.client("eks").describe_cluster(name="foreign-key")["cluster"]["encryptionConfig"][0]["provider"] == {
        "keyArn": key
    }


def test_a_key_that_was_disabled_since_it_was_looked_at_is_named_with_what_to_do(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    kms = cloud.client("kms")
    key = str(kms.create_key()["KeyMetadata"]["Arn"])
    request = {"cluster": {"name": "disabled-key"}, "file_system": {"kms_key_arn": key}}

    def disable(_: Scene) -> None:
        kms.disable_key(KeyId=key.rpartition("/")[2])

    undo = before("Ensure file system", disable)(cloud, "disabled-key")
    try:
        run = machine.run(request)
    finally:
        undo()
    assert run.status == "FAILED"
    (event,) = published(cloud, "Storage Cluster Failed", run.arn)
    first = event["diagnosis"][0]
    assert (first["rule"], first["verdict"]) == ("key-denied", "proved")
    assert f"file_system.kms_key_arn {key} is Disabled" in first["probe"]["saw"]
    assert first["fix"] == "enable it, or name another key; then run again"
