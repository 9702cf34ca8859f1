"""Who answers in place of the cluster or of AWS is told, and a cluster that is merely out of reach is not accused."""

import ssl
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, SSLError

from local.vpcs import Vpc, make, peer
from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.kubernetes.errors import AccessNotYetEffective
from provisioner.resources.functions_access import Functions
from tests.unit.diagnosis.looking import look
from tests.unit.diagnosis.messages import FAILURES
from tests.unit.diagnosis.world import ZONES, World
from tests.unit.resources.samples import ACCOUNT_ID, request_for

SUBJECT = "what answers at the cluster's API endpoint is not trusted: unable to get local issuer certificate"
UNTRUSTED = TerminalError(ErrorReason.UNTRUSTED_ENDPOINT, SUBJECT, remedy="see")
REFUSED_BY_TLS = ssl.SSLCertVerificationError(1, "no")
REFUSED_BY_TLS.verify_code, REFUSED_BY_TLS.verify_message = 19, "self-signed certificate in certificate chain"


def test_an_endpoint_that_is_not_the_clusters_is_told_with_what_it_presents(world: World) -> None:
    world.api.error = UNTRUSTED
    finding, fix = look(world, "cluster-endpoint-untrusted")
    assert finding.verdict == "proved"
    assert "unable to get local issuer certificate" in finding.saw
    assert "CN=kube-apiserver issued by CN=Example Corp" in finding.saw
    assert world.cluster["endpoint"] in fix


def test_an_endpoint_that_is_not_trusted_was_reached(world: World) -> None:
    world.cluster["resourcesVpcConfig"]["endpointPublicAccess"] = False
    world.api.error = UNTRUSTED
    assert look(world, "cluster-endpoint-unreachable")[0].verdict == "refuted"


def test_why_functions_in_a_vpc_do_not_reach_a_private_endpoint_is_proved_with_all_that_lacks(world: World) -> None:
    ec2, theirs = world.ec2, make(world.ec2, "10.1.0.0/16", ZONES)
    clusters = Vpc(world.vpc_id, "192.168.0.0/16", tuple(world.subnet_ids), world.route_table_id)
    group_id = ec2.create_security_group(GroupName="f", Description="f", VpcId=theirs.vpc_id)["GroupId"]
    world.functions = Functions(ACCOUNT_ID, theirs.subnet_ids, (group_id,))
    world.request = request_for(cluster={"endpoint_access": "private"})
    private = {"endpointPublicAccess": False, "endpointPrivateAccess": True, "subnetIds": world.subnet_ids}
    world.cluster["resourcesVpcConfig"] |= private
    world.api.error = RetryableError(ErrorReason.SERVICE_UNAVAILABLE, "timed out", remedy="again")
    peering_id = peer(ec2, theirs, clusters)
    ec2.delete_route(RouteTableId=world.route_table_id, DestinationCidrBlock=theirs.cidr)
    finding, fix = look(world, "cluster-endpoint-unreachable")
    assert finding.verdict == "proved"
    assert f"{world.route_table_id} of {world.vpc_id} has no way to 10.1." in finding.saw
    assert f"to {peering_id} in {world.route_table_id}" in fix
    own_group = world.cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]
    assert f"{own_group} admits neither {group_id}" in finding.saw
    world.request = request_for()
    assert look(world, "cluster-endpoint-unreachable")[0].verdict != "refuted"


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (AccessNotYetEffective("get Namespace default: HTTP 401"), "refuted"),
        (RetryableError(ErrorReason.SERVICE_UNAVAILABLE, "timed out", remedy="again"), "possible"),
    ],
)
def test_a_cluster_that_says_no_is_itself_and_one_that_says_nothing_may_be(
    world: World, error: Exception, verdict: str
) -> None:
    world.api.error = error
    assert look(world, "cluster-endpoint-untrusted")[0].verdict == verdict


@pytest.mark.parametrize(
    ("cause", "verdict"), [(REFUSED_BY_TLS, "proved"), (None, "possible")], ids=["untrusted", "cut off"]
)
def test_an_endpoint_of_aws_that_is_not_awss_is_told_with_its_name(
    world: World, cause: Exception | None, verdict: str
) -> None:
    def answer(**_: Any) -> None:
        raise SSLError(
            endpoint_url="https://ec2.ap-northeast-1.amazonaws.com/", error=cause or ssl.SSLEOFError()
        ) from cause

    world.ec2.meta.events.register_first("before-call.ec2.DescribeVpcs", answer)
    failure, _ = FAILURES["untrusted AWS"]
    finding, fix = look(world, "aws-endpoint-untrusted", failure.cause)
    assert finding.verdict == verdict
    if cause:
        assert "self-signed certificate in certificate chain" in finding.saw
        assert "pass ec2.ap-northeast-1.amazonaws.com untouched" in fix


def test_of_a_service_that_the_diagnosis_may_not_ask_nothing_is_claimed(world: World) -> None:
    text = "UntrustedEndpoint: what answers at dynamodb.eu-west-1.amazonaws.com is not trusted: x; see"
    assert look(world, "aws-endpoint-untrusted", text)[0].verdict == "possible"


def test_an_endpoint_of_aws_that_cannot_be_reached_is_not_accused(world: World) -> None:
    def answer(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://ec2.ap-northeast-1.amazonaws.com/")

    world.ec2.meta.events.register_first("before-call.ec2.DescribeVpcs", answer)
    failure, _ = FAILURES["untrusted AWS"]
    assert look(world, "aws-endpoint-untrusted", failure.cause)[0].verdict == "possible"
