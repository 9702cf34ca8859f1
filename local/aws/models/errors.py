"""Which error an operation may answer: what its model declares, what all services answer, and what is cited here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import StructureShape

from local.aws.models import declared_errors
from local.aws.models.answers import IN_JSON, json_faults
from local.aws.models.refused import code

COMMON = frozenset(
    (
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InternalFailure",
        "InvalidAction",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "OptInRequired",
        "RequestExpired",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
        "Throttling",
        "ThrottlingException",
        "UnrecognizedClientException",
    )
)
"""Source: "Common Errors" of the services' API references; IAM user guide, "Troubleshoot" for SignatureDoesNotMatch;
aws/aws-sdk-js#2565 and aws-amplify/amplify-js#7913 for InvalidSignatureException."""

CITED: Mapping[str, Mapping[str, str]] = {
    "ec2": dict.fromkeys(
        (
            "AddressLimitExceeded",
            "AuthFailure",
            "CannotDelete",
            "DependencyViolation",
            "DryRunOperation",
            "Gateway.NotAttached",
            "InvalidAllocationID.NotFound",
            "InvalidAssociationID.NotFound",
            "InvalidGroup.Duplicate",
            "InvalidGroup.NotFound",
            "InvalidIPAddress.InUse",
            "InvalidInternetGatewayID.NotFound",
            "InvalidNetworkAclID.NotFound",
            "InvalidNetworkInterfaceID.NotFound",
            "InvalidPermission.Duplicate",
            "InvalidPermission.NotFound",
            "InvalidRoute.NotFound",
            "InvalidRouteTableID.NotFound",
            "InvalidSubnet.Conflict",
            "InvalidSubnet.Range",
            "InvalidSubnetID.NotFound",
            "InvalidVpcID.NotFound",
            "MissingParameter",
            "NatGatewayLimitExceeded",
            "NatGatewayNotFound",
            "OperationNotPermitted",
            "RequestLimitExceeded",
            "Resource.AlreadyAssociated",
            "RouteAlreadyExists",
            "UnauthorizedOperation",
            "VpcLimitExceeded",
        ),
        "EC2 API reference, Error codes; EC2's model declares none at all",
    )
    | {"TagPolicyViolation": "runs-on/runs-on#485"},
    "eks:DeleteFargateProfile": {
        "ResourceInUseException": "terraform#25059, cloud-custodian#5585: another is DELETING; "
        "terraform-aws-eks#2194: the cluster has an update in progress",
    },
    "s3": {"RequestTimeTooSkewed": 'S3 API reference, "Error responses"; boto/boto3#1252'},
    "s3:PutObject": dict.fromkeys(
        ("ConditionalRequestConflict", "PreconditionFailed"),
        'S3 user guide, "How to prevent object overwrites with conditional writes"',
    ),
    "eks:CreateFargateProfile": {
        "ResourceInUseException": "terraform-provider-aws#16272 and #13372, eksctl#5652 and #8514",
        "ResourceNotFoundException": "materialize#31179, of DescribeCluster; that it is the same here is our reading",
    },
}
"""By service, or by service and operation: codes that no model declares, each with its source."""

CODE_IN_XML = re.compile(rb"<Code>([^<]+)</Code>")


def code_of(protocol: str, headers: Mapping[str, str], body: bytes) -> str:
    """Empty where the answer says none, as to a HEAD request."""
    if protocol in IN_JSON:
        named = next((value for name, value in headers.items() if name.lower() == "x-amzn-errortype"), None)
        said = named or _read(body).get("__type", "")
        return str(said).rpartition("#")[2].partition(":")[0]
    found = CODE_IN_XML.search(body)
    return found[1].decode() if found else ""


def faults_of_error(
    service: str, operation: str, protocol: str, status: int, headers: Mapping[str, str], body: bytes
) -> list[str]:
    """What an answer other than a success has that AWS's could not have."""
    answered = code_of(protocol, headers, body)
    if not answered:
        return []
    if not is_known(service, operation, answered):
        return [f"{answered} is no error of {operation}"]
    shape = declared_errors(service, operation).get(answered)
    if shape is None:
        return []
    found = []
    declared = shape.metadata.get("error", {}).get("httpStatusCode")
    if declared and declared != status:
        found.append(f"{answered} has the status {declared}, not {status}")
    if protocol in IN_JSON:
        found += _faults_of_members(shape, _read(body))
    return found


def _faults_of_members(shape: StructureShape, body: Mapping[str, Any]) -> Iterator[str]:
    """The message is spelt `message` or `Message`, whatever the model says, and not always there."""
    said = {name: value for name, value in body.items() if name.lower() not in ("__type", "message", "type")}
    spelt = next((name for name in ("message", "Message") if name in shape.members), None)
    yield from json_faults(shape, said | ({spelt: ""} if spelt else {}), shape.name)


def is_known(service: str, operation: str, answered: str) -> bool:
    """Whether AWS may answer so. What begins with EmbeddedCloud says itself that it is not AWS's."""
    cited = {**CITED.get(service, {}), **CITED.get(f"{service}:{operation}", {})}
    declared = declared_errors(service, operation)
    return (
        answered in declared
        or answered in COMMON
        or answered in cited
        or answered == code(service, operation)
        or answered.startswith("EmbeddedCloud")
    )


def _read(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body or b"{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
