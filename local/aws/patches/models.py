"""Holds every request, answer and error against botocore's model of its operation (local/aws/models).

moto lacks: it. A request that the model does not allow is refused as the service would. An answer that AWS could not
give is a mistake of ours or moto's: the client gets status 500 instead of it, and `stop` of the server raises it.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, misc"

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationNotFoundError
from moto.core import errors
from moto.core.exceptions import ServiceException
from moto.core.request import determine_request_protocol
from moto.core.responses import ActionResult, BaseResponse
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from moto.s3.exceptions import S3ClientError
from moto.s3.responses import S3Response

from local.aws.models.answers import faults_of_answer
from local.aws.models.constraints import violations
from local.aws.models.errors import faults_of_error
from local.aws.models.refused import refused
from local.aws.models.requests import parameters
from local.aws.refusals import Refusal
from local.wire import FATE

LOGGER = logging.getLogger(__name__)
BROKEN = "EmbeddedCloudAnsweredWhatAwsCannot"


class ModelBrokenError(RuntimeError):
    """The embedded AWS answered what its model rules out."""


def install(broken: list[str]) -> None:
    """What AWS could not have answered is added to the list, a sentence each."""
    refuse_requests()
    check_answers(broken)
    errors.COMMON_ERROR_CODES = [*errors.COMMON_ERROR_CODES, BROKEN]


def refuse_requests() -> None:
    """What a model does not allow is answered before anybody else has a look, as by the front of AWS's services."""
    call_action = BaseResponse.call_action

    def checked(self: BaseResponse) -> Any:
        refusal = refusal_of(self, self._get_action())
        return call_action(self) if refusal is None else self.serialized(ActionResult(refusal))

    def checked_by(original: Any) -> Any:
        def of_s3(self: S3Response, request: Any, *given: Any) -> Any:
            refusal = refusal_of(self, _operation_of_s3(self))
            if refusal is not None:
                raise S3ClientError(refusal.code, refusal.message)
            return original(self, request, *given)

        return of_s3

    BaseResponse.call_action = checked
    S3Response._bucket_response = checked_by(S3Response._bucket_response)
    S3Response._key_response = checked_by(S3Response._key_response)


def check_answers(broken: list[str]) -> None:
    call_action = BaseResponse.call_action

    def checked(self: BaseResponse) -> Any:
        answer = call_action(self)
        return _held_against_model(self, self._get_action(), answer, broken)

    def checked_by(original: Any) -> Any:
        def of_s3(self: S3Response, request: Any, *given: Any) -> Any:
            try:
                answer = original(self, request, *given)
            except S3ClientError as error:
                answer = self.serialized(ActionResult(error))
            return _held_against_model(self, _operation_of_s3(self), answer, broken)

        return of_s3

    BaseResponse.call_action = checked
    S3Response._bucket_response = checked_by(S3Response._bucket_response)
    S3Response._key_response = checked_by(S3Response._key_response)


def _operation_of_s3(response: S3Response) -> str:
    """S3 of moto goes its own way to the operation, and knows some by other names."""
    operation, response.uri_match = get_service_router("s3").match(response.normalized_request)
    return str(operation.name)


def refusal_of(response: BaseResponse, operation: str) -> ServiceException | None:
    try:
        found = violations(response.boto3_service_name, operation, parameters(response, operation))
    except OperationNotFoundError:
        return None  # which moto answers
    return refused(response.boto3_service_name, operation, found) if found else None


def _held_against_model(response: BaseResponse, operation: str, answer: Any, broken: list[str]) -> Any:
    service = response.boto3_service_name
    status, headers, body = (200, {}, answer) if isinstance(answer, str | bytes) else answer
    if FATE in headers:  # it is not how it was answered
        return answer
    faults = _faults(response, service, operation, int(status), headers, body)
    if not faults:
        return answer
    told = f"{service}:{operation} answered {status}: {'; '.join(faults[:5])}"
    LOGGER.error(told)
    broken.append(told)
    _, headers, body = response.serialized(ActionResult(Refusal(BROKEN, told)))
    return 500, {**headers, "status": 500}, body


def _faults(
    response: BaseResponse, service: str, operation: str, status: int, headers: Mapping[str, str], body: Any
) -> list[str]:
    protocol = determine_request_protocol(get_service_model(service), response.normalized_request.content_type)
    content = body.encode() if isinstance(body, str) else body or b""
    try:
        if status < 300:
            return faults_of_answer(service, operation, protocol, status, headers, content)
        return faults_of_error(service, operation, protocol, status, headers, content)
    except OperationNotFoundError:
        return []
