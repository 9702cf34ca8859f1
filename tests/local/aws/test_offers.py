"""What EKS and EFS tell before anything is made is what they then go by."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from jsonschema import Draft7Validator

from local.aws import efs, eks_access, eks_addons, eks_rules, quotas
from tests.local.aws.calls import code, request_for
from tests.local.aws.conftest import ACCOUNT, REGION


def test_every_add_on_is_offered_for_every_version(parts: Any) -> None:
    addons = parts.client("eks").describe_addon_versions()["addons"]
    assert {each["addonName"] for each in addons} == set(eks_addons.ADDON_VERSIONS)
    for addon in addons:
        works_with = [each for offered in addon["addonVersions"] for each in offered["compatibilities"]]
        assert {each["clusterVersion"] for each in works_with} == set(eks_rules.OFFERED_VERSIONS)
        defaults = [each["clusterVersion"] for each in works_with if each["defaultVersion"]]
        assert sorted(defaults) == sorted(eks_rules.OFFERED_VERSIONS)


@pytest.mark.parametrize(
    ("configuration", "taken"),
    [({"computeType": "Fargate"}, True), ({"computeType": 1}, False), ({"computerType": "Fargate"}, False)],
)
def test_the_add_on_takes_what_its_schema_takes(configuration: Any, taken: bool, parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    version = eks_addons.ADDON_VERSIONS["coredns"]
    answer = eks.describe_addon_configuration(addonName="coredns", addonVersion=version)
    assert Draft7Validator(json.loads(answer["configurationSchema"])).is_valid(configuration) == taken
    create = {"clusterName": "demo", "addonName": "coredns", "configurationValues": json.dumps(configuration)}
    if taken:
        eks.create_addon(**create)
    else:
        assert code(eks.create_addon, **create) == "InvalidParameterException"


def test_an_add_ons_version_that_there_is_not_has_no_schema(parts: Any) -> None:
    describe = parts.client("eks").describe_addon_configuration
    assert code(describe, addonName="coredns", addonVersion="v0") == "ResourceNotFoundException"


def test_the_access_policies_that_can_be_associated_are_listed(parts: Any) -> None:
    listed = parts.client("eks").list_access_policies()["accessPolicies"]
    assert [each["name"] for each in listed] == list(eks_access.ACCESS_POLICIES)
    assert all(each["arn"].endswith(f"cluster-access-policy/{each['name']}") for each in listed)


def test_a_cluster_takes_forty_cidrs_and_no_more(parts: Any, network: Any) -> None:
    eks = parts.client("eks")
    request = request_for(parts, network)
    cidrs = [f"203.0.113.{last}/32" for last in range(eks_rules.MAX_PUBLIC_ACCESS_CIDRS + 1)]
    config = request["resourcesVpcConfig"]
    with pytest.raises(ClientError, match="At most 40 public access CIDRs"):
        eks.create_cluster(**{**request, "resourcesVpcConfig": {**config, "publicAccessCidrs": cidrs}})
    eks.create_cluster(**{**request, "resourcesVpcConfig": {**config, "publicAccessCidrs": cidrs[1:]}})


def test_efs_gives_ids_of_the_form_that_it_tells(parts: Any) -> None:
    client = parts.client("efs")
    assert client.describe_account_preferences()["ResourceIdPreference"]["ResourceIdType"] == "LONG_ID"
    made = client.create_file_system(CreationToken="one")["FileSystemId"]
    assert len(made.removeprefix("fs-")) == efs.LONG_ID_DIGITS


def test_efs_makes_as_many_file_systems_as_the_account_may_have(parts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = parts.client("efs")
    monkeypatch.setitem(quotas.APPLIED, (ACCOUNT, REGION, quotas.FILE_SYSTEMS), 1)
    client.create_file_system(CreationToken="one")
    assert code(client.create_file_system, CreationToken="two") == "FileSystemLimitExceeded"
