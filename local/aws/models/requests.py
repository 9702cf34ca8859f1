"""A request as botocore's model of its operation has it."""

from typing import Any

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol
from moto.core.responses import BaseResponse
from moto.core.utils import get_service_model


def parameters(response: BaseResponse, operation: str) -> dict[str, Any]:
    """The request with the names of the model, whatever its protocol; read once."""
    known: dict[str, Any] | None = getattr(response, "parameters_by_model", None)
    if known is None:
        known = _read(response, operation)
        setattr(response, "parameters_by_model", known)  # noqa: B010
    return known


def _read(response: BaseResponse, operation: str) -> dict[str, Any]:
    request = response.normalized_request
    model = get_service_model(response.boto3_service_name)
    parser = PROTOCOL_PARSERS[determine_request_protocol(model, request.content_type)]
    parsed: dict[str, Any] = parser(model.operation_model(operation), map_type=dict).parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": response.uri_match,
        }
    )
    return parsed
