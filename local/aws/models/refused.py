"""How each service refuses a request that its model does not allow: the code, and the words where they are its own."""

from __future__ import annotations

from collections.abc import Sequence

from moto.core.exceptions import ServiceException

from local.aws.models import declared_errors, service_model
from local.aws.models.constraints import Violation
from local.aws.refusals import Refusal, refusal

CODES = {
    "eks": "InvalidParameterException",  # surajincloud/kubectl-eks#72
    "logs": "InvalidParameterException",  # fluent-plugin-cloudwatch-logs#223
    "organizations": "InvalidInputException",  # awslabs/aws-service-catalog-products#49
    "ec2": "InvalidParameterValue",  # kennyk65/aws-vpc-cloud-formation#1
    "s3": "InvalidArgument",  # S3 API, "Error responses"
    "schemas": "BadRequestException",  # its only declared error with the status 400
}
"""Of services whose model does not declare a ValidationException."""

ORGANIZATIONS_REASONS = {
    "pattern": ("INVALID_PATTERN", "You provided a value that does not match the required pattern."),
    "enum": ("INVALID_ENUM", "You specified an invalid value."),
    "max": ("MAX_LENGTH_EXCEEDED", "You provided a value that is too long."),
    "min": ("MIN_LENGTH_EXCEEDED", "You provided a value that is too short."),
    "required": ("INPUT_REQUIRED", "You must include a value for all required parameters."),
}
"""Source: the documentation of InvalidInputException; aws-service-catalog-products#49 for the words of the first."""


def refused(service: str, operation: str, found: Sequence[Violation]) -> ServiceException:
    """The answer to a request with these violations, of which there is at least one."""
    first = found[0]
    match service:
        case "organizations":
            reason, message = ORGANIZATIONS_REASONS[first.kind]
            return refusal(CODES[service], message, Reason=reason)
        case "eks" if first.kind == "pattern":
            pattern = first.demand.partition(": ")[2]
            words = f'contains invalid characters. It should conform to the regular expression "{pattern}"'
            return Refusal(CODES[service], f"The {first.path} parameter {words}")  # the words: kubectl-eks#72
        case "ec2" if first.kind == "required":
            return Refusal("MissingParameter", f"The request must contain the parameter {first.path}")
        case "ec2":
            return Refusal(CODES[service], f"{first.value} for parameter {first.path} is invalid. {first.demand}")
    return Refusal(code(service, operation), sentence(found))


def code(service: str, operation: str) -> str:
    """What the operation declares; where it does not, the service's own; else what services of its kind answer."""
    if "ValidationException" in declared_errors(service, operation):
        return "ValidationException"
    if service in CODES:
        return CODES[service]
    # Source: "Common Errors" of the services: tenesys/awsconsole#2 (STS), external-s3-event#51 (Lambda).
    return "ValidationError" if service_model(service).protocol == "query" else "ValidationException"


def sentence(found: Sequence[Violation]) -> str:
    number = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
    return f"{number}: {'; '.join(map(str, found))}"
