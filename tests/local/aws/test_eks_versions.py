"""What the embedded EKS offers until when, and what of a cluster it takes at creation alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.eks_rules import DEFAULT_VERSION, OFFERED_VERSIONS
from tests.local.aws.calls import code, request_for


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def test_versions_have_fourteen_months_of_standard_and_twelve_of_extended_support(parts: Any) -> None:
    described = parts.client("eks").describe_cluster_versions()["clusterVersions"]
    now = datetime.now(UTC)
    assert [each["clusterVersion"] for each in described] == list(reversed(OFFERED_VERSIONS))
    assert [each["clusterVersion"] for each in described if each["defaultVersion"]] == [DEFAULT_VERSION]
    for each in described:
        assert each["endOfStandardSupportDate"] - each["releaseDate"] == timedelta(days=420)
        assert each["endOfExtendedSupportDate"] - each["endOfStandardSupportDate"] == timedelta(days=360)
        is_extended = each["endOfStandardSupportDate"] <= now
        assert each["versionStatus"] == ("EXTENDED_SUPPORT" if is_extended else "STANDARD_SUPPORT")
    assert {each["versionStatus"] for each in described} == {"EXTENDED_SUPPORT", "STANDARD_SUPPORT"}


def test_versions_are_filtered_and_one_that_is_not_offered_is_refused(parts: Any) -> None:
    ask = parts.client("eks").describe_cluster_versions
    assert [each["clusterVersion"] for each in ask(clusterVersions=["1.34"])["clusterVersions"]] == ["1.34"]
    extended = ask(versionStatus="EXTENDED_SUPPORT")["clusterVersions"]
    assert extended == ask(status="extended-support")["clusterVersions"]
    assert {each["versionStatus"] for each in extended} == {"EXTENDED_SUPPORT"}
    assert [each["clusterVersion"] for each in ask(defaultOnly=True)["clusterVersions"]] == [DEFAULT_VERSION]
    assert code(ask, clusterVersions=["1.12"]) == "InvalidParameterException"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"serviceIpv4Cidr": "172.20.0.0/11"}, "no IPv4 CIDR block"),
        ({"serviceIpv4Cidr": "10.0.0.0/8"}, "between /24 and /12"),
        ({"serviceIpv4Cidr": "172.20.0.0/25"}, "between /24 and /12"),
        ({"serviceIpv4Cidr": "100.64.0.0/16"}, "within 10.0.0.0/8"),
        ({"serviceIpv4Cidr": "192.168.4.0/24"}, "overlaps with 192.168.0.0/16 of the VPC"),
        ({"ipFamily": "ipv6"}, "has no IPv6 CIDR block"),
        ({"ipFamily": "ipv6", "serviceIpv4Cidr": "172.20.0.0/16"}, "cannot be specified for an IPv6 cluster"),
    ],
)
def test_addresses_that_services_cannot_have_are_refused(
    config: dict[str, str], said: str, parts: Any, network: Any
) -> None:
    create = parts.client("eks").create_cluster
    message = refusal(create, **request_for(parts, network, kubernetesNetworkConfig=config))
    assert message.startswith("InvalidParameterException: ")
    assert said in message


def test_services_have_the_range_asked_for_or_one_outside_the_vpc(parts: Any, network: Any) -> None:
    eks = parts.client("eks")
    asked = {"serviceIpv4Cidr": "172.30.0.0/16"}
    first = eks.create_cluster(**request_for(parts, network, kubernetesNetworkConfig=asked))["cluster"]
    second = eks.create_cluster(**request_for(parts, network, name="second"))["cluster"]
    assert first["kubernetesNetworkConfig"] == {"ipFamily": "ipv4", "serviceIpv4Cidr": "172.30.0.0/16"}
    assert second["kubernetesNetworkConfig"]["serviceIpv4Cidr"] == "10.100.0.0/16"


def test_a_new_cluster_has_extended_support_unless_told_otherwise(parts: Any, network: Any) -> None:
    eks = parts.client("eks")
    standard = {"supportType": "STANDARD"}
    assert eks.create_cluster(**request_for(parts, network))["cluster"]["upgradePolicy"] == {"supportType": "EXTENDED"}
    named = request_for(parts, network, name="second", upgradePolicy=standard)
    assert eks.create_cluster(**named)["cluster"]["upgradePolicy"] == standard
    old = request_for(parts, network, name="third", upgradePolicy=standard, version=OFFERED_VERSIONS[0])
    assert "which is in extended support" in refusal(eks.create_cluster, **old)


def test_the_upgrade_policy_of_a_cluster_changes_until_extended_support_has_begun(
    parts: Any, cluster: Any, network: Any
) -> None:
    eks = parts.client("eks")
    update = eks.update_cluster_config(name="demo", upgradePolicy={"supportType": "STANDARD"})["update"]
    assert (update["type"], update["params"]) == (
        "UpgradePolicyUpdate",
        [{"type": "UpgradePolicy", "value": "STANDARD"}],
    )
    parts.clock.pass_time()
    assert eks.describe_cluster(name="demo")["cluster"]["upgradePolicy"] == {"supportType": "STANDARD"}
    assert code(eks.update_cluster_config, name="demo", upgradePolicy={"supportType": "STANDARD"}) == (
        "InvalidParameterException"
    )
    eks.create_cluster(**request_for(parts, network, name="old", version=OFFERED_VERSIONS[0]))
    parts.clock.pass_time()
    refused = refusal(eks.update_cluster_config, name="old", upgradePolicy={"supportType": "STANDARD"})
    assert "which is in extended support" in refused
