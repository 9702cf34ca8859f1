"""An account that would end a run is refused before anything is created, by a run and by its plan."""

import json
from typing import Any

import pytest

from local.cloud import EmbeddedCloud
from local.faults.accounts import roll_out_roles
from tests.end_to_end.accounts import Organization
from tests.end_to_end.resources import mutating
from tests.end_to_end.runs import Machine

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")

NO_NEW_ROLES = {"Effect": "Deny", "Action": "iam:CreateServiceLinkedRole", "Resource": "*"}


def forbid_new_roles(organization: Organization, account_id: str) -> None:
    client = organization.client("organizations")
    policy: Any = client.create_policy(
        Name=f"no-new-roles-{account_id}",
        Description="",
        Type="SERVICE_CONTROL_POLICY",
        Content=json.dumps({"Version": "2012-10-17", "Statement": [NO_NEW_ROLES]}),
    )
    client.attach_policy(PolicyId=policy["Policy"]["PolicySummary"]["Id"], TargetId=account_id)


@pytest.fixture(scope="module")
def guarded(cloud: EmbeddedCloud, organization: Organization) -> str:
    """An account of the organization that has the project's roles, and none of the services' own."""
    account_id = organization.new_account("guarded")
    roll_out_roles(cloud, account_id, HubAccountId=cloud.account_id)
    forbid_new_roles(organization, account_id)
    return account_id


@pytest.mark.parametrize("mode", ["apply", "plan"])
def test_services_that_could_not_make_their_roles_are_told_at_once_and_nothing_is_created(
    mode: str, guarded: str, cloud: EmbeddedCloud, machine: Machine
) -> None:
    seen = len(cloud.server.calls)
    run = machine.run({"mode": mode, "account_id": guarded})
    assert (run.status, run.error) == ("FAILED", "TerminalError")
    for name in ("AmazonEKS", "AmazonEKSForFargate", "AmazonElasticFileSystem"):
        assert f"AWSServiceRoleFor{name} is missing" in run.cause
    assert "may not make it: a service control policy does not let it" in run.cause
    assert "aws iam create-service-linked-role --aws-service-name SERVICE" in run.cause
    services = {name.partition(":")[0] for name in mutating(cloud.server.calls[seen:])}
    assert not services & {"ec2", "eks", "efs", "cloudformation", "iam"}


def test_a_policy_that_forbids_roles_that_are_there_is_in_nobodys_way(
    cloud: EmbeddedCloud, machine: Machine, organization: Organization
) -> None:
    account_id = organization.new_account("furnished")
    roll_out_roles(cloud, account_id, HubAccountId=cloud.account_id)
    for service in ("eks", "eks-fargate", "elasticfilesystem"):
        organization.client("iam", account_id).create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")
    forbid_new_roles(organization, account_id)
    run = machine.run({"mode": "plan", "account_id": account_id})
    assert run.status == "SUCCEEDED", run.cause
    assert [each for each in run.output["warnings"] if "role" in each] == []


@pytest.mark.parametrize("mode", ["apply", "plan"])
def test_a_file_system_that_cannot_be_taken_over_is_told_with_all_else_before_anything_is_created(
    mode: str, cloud: EmbeddedCloud, machine: Machine
) -> None:
    efs = cloud.client("efs")
    theirs = efs.create_file_system(CreationToken=f"theirs-{mode}", Encrypted=False)["FileSystemId"]
    key = cloud.client("kms").create_key()["KeyMetadata"]
    cloud.client("kms").disable_key(KeyId=key["KeyId"])
    seen = len(cloud.server.calls)
    asked = {"cluster": {"name": f"takes-{mode}", "secrets_key_arn": key["Arn"]}, "file_system": {"existing": theirs}}
    run = machine.run({"mode": mode, **asked})
    assert (run.status, run.error) == ("FAILED", "TerminalError")
    for said in (f"file_system.existing is {theirs}, whose tag", f"{theirs} is not encrypted", f"{key['Arn']} is Dis"):
        assert said in run.cause
    assert "nothing was created; correct this and start again" in run.cause
    services = {name.partition(":")[0] for name in mutating(cloud.server.calls[seen:])}
    assert not services & {"ec2", "eks", "efs", "cloudformation", "iam"}
