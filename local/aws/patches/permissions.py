"""Every request passes the authoriser.

moto lacks: it. What it has instead compares scoped resources with `*`, does not know iam:PassRole, and answers JSON
clients in XML.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, arg-type, misc"

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.retries.standard import ThrottledRetryableChecker
from moto.core import errors
from moto.core.exceptions import ServiceException
from moto.core.responses import BaseResponse
from moto.core.utils import get_service_model
from moto.s3.exceptions import S3ClientError
from moto.s3.responses import S3Response

from local.aws import iam, signing_dates
from local.aws.models.requests import parameters
from local.aws.permissions import tag_policies
from local.aws.permissions.authoriser import AccessDenied, UnknownCall
from local.aws.permissions.demand import ApiCall, Demand
from local.aws.refusals import Refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer

LOGGER = logging.getLogger(__name__)
IN_XML = ("query", "ec2", "rest-xml")
UNKNOWN_CALL = "EmbeddedCloudDoesNotKnowThisCall"

ENCRYPTION = (
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
)
"""Headers that policies see. Source: Service Authorization Reference, "Amazon S3", PutObject."""

CALLER: ContextVar[iam.Principal | None] = ContextVar("caller", default=None)
"""The principal whose request this thread answers: services that go on as the caller ask for it."""


class Refused(Exception):  # noqa: N818 - the answer to one request
    def __init__(self, error: ServiceException, status: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.status = status


def install(server: AwsServer) -> None:
    """S3 answers without the common way in (patches/calls.py), and asks here instead."""

    def signed(self: Any) -> bool:
        """Nobody's request is anybody's: no bucket here is public. Presigned URLs carry their signature."""
        query = self.querystring or {}
        return "Authorization" in self.headers or "X-Amz-Signature" in query or "Signature" in query

    def authorise_s3(self: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
        signed_at = self.headers.get("X-Amz-Date")
        if signed_at and (refused := signing_dates.refusal("rest-xml", signed_at, datetime.now(UTC))):
            raise S3ClientError(refused.code, refused.message)
        if not signed(self):
            raise S3ClientError("AccessDenied", "Access Denied")
        principal = iam.caller_of(self.access_key, self.current_account, self.partition)
        encryption = {name: self.headers.get(name) for name in ENCRYPTION}
        if not server.authoriser.is_asked(principal, "s3"):
            return
        parameters = {"Bucket": bucket_name or "*", "Key": key_name, **encryption}
        place = (self.current_account, self.region, self.partition)
        call = ApiCall(*place, service="s3", operation=self.data["Action"], parameters=parameters)
        try:
            server.authoriser.check_call(principal, call)
        except AccessDenied as denied:
            raise S3ClientError("AccessDenied", str(denied)) from denied
        except UnknownCall as unknown:
            LOGGER.exception("refused")
            raise S3ClientError(UNKNOWN_CALL, str(unknown)) from unknown

    S3Response._authenticate_and_authorize_s3_action = authorise_s3
    # Every service refuses so, whether its model declares it or not.
    ours = ("AccessDenied", "AccessDeniedException", "InvalidAction", "ServiceUnavailable", UNKNOWN_CALL)
    ours += signing_dates.CODES
    theirs = (*tag_policies.CODES.values(), *ThrottledRetryableChecker._THROTTLED_ERROR_CODES)
    errors.COMMON_ERROR_CODES = [*errors.COMMON_ERROR_CODES, *ours, *theirs]


def check_call(server: AwsServer, response: BaseResponse) -> None:
    """Raises: Refused."""
    _check_date(response)
    principal = iam.caller_of(response.access_key, response.current_account, response.partition)
    if not server.authoriser.is_asked(principal, response.boto3_service_name):
        return
    call = ApiCall(
        response.current_account,
        response.region,
        response.partition,
        service=response.boto3_service_name,
        operation=response._get_action(),
        parameters=parameters(response, response._get_action()),
    )
    protocol = get_service_model(call.service).protocol
    try:
        server.authoriser.check_call(principal, call)
    except AccessDenied as denied:
        if own := denied.demand.refusal:
            raise Refused(Refusal(*own), 400) from denied
        # Source: Smithy's awsJson protocols answer every client error with 400.
        status = 400 if protocol == "json" else 403
        raise Refused(Refusal(*_refusal(call.service, protocol, denied)), status) from denied
    except UnknownCall as unknown:
        LOGGER.exception("refused")
        raise Refused(Refusal(UNKNOWN_CALL, str(unknown)), 400) from unknown


def _check_date(response: BaseResponse) -> None:
    signed_at = response.headers.get("X-Amz-Date")
    protocol = get_service_model(response.boto3_service_name).protocol
    if signed_at and (refused := signing_dates.refusal(protocol, signed_at, datetime.now(UTC))):
        raise Refused(Refusal(refused.code, refused.message), refused.status)


def check_role(server: AwsServer, role_arn: str, session_name: str, *demands: Demand) -> None:
    """What a service does under a role that it was given. Raises: AccessDenied."""
    partition, account_id, name = role_arn.split(":")[1], role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    session = f"arn:{partition}:sts::{account_id}:assumed-role/{name}/{session_name}"
    server.authoriser.check(iam.Principal(arn=session, iam_arn=role_arn, account_id=account_id), demands)


def is_allowed(server: AwsServer, role_arn: str, session_name: str, *demands: Demand) -> bool:
    """As check_role, for what nobody hears of when it is refused; the audit has it."""
    try:
        check_role(server, role_arn, session_name, *demands)
    except AccessDenied:
        return False
    return True


@contextmanager
def calling(response: BaseResponse) -> Iterator[None]:
    with acting_as(iam.caller_of(response.access_key, response.current_account, response.partition)):
        yield


@contextmanager
def acting_as(principal: iam.Principal) -> Iterator[None]:
    token = CALLER.set(principal)
    try:
        yield
    finally:
        CALLER.reset(token)


def _refusal(service: str, protocol: str, denied: AccessDenied) -> tuple[str, str]:
    """Source: EC2 API reference, "Common client errors"; the others' "Common Errors"."""
    if service == "ec2":
        return "UnauthorizedOperation", f"You are not authorized to perform this operation. {denied}"
    return ("AccessDenied" if protocol in IN_XML else "AccessDeniedException"), str(denied)
