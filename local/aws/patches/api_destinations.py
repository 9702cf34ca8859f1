"""API destinations: what a rule posts to a web server, with the header that their connection keeps.

moto lacks: the body, the header, what the server answers, endpoints without TLS that are refused; both in templates.
Sources: EventBridge user guide, "API destinations as targets" (HTTPS; five seconds to answer), and "Authorization
methods for connections"; EventBridge API, CreateApiDestination. Trusted is whom `requests` trusts.
"""
# mypy: disable-error-code="method-assign, assignment, arg-type"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from moto.core.exceptions import JsonRESTError
from moto.events.models import EventsBackend, events_backends
from moto.utilities.arns import Arn

from local.aws.patches.resource_types import define

if TYPE_CHECKING:
    from local.aws.server import AwsServer

SECONDS_TO_ANSWER = 5


class UnansweredError(Exception):
    """The server did not take it."""


def install(_server: AwsServer) -> None:
    create = EventsBackend.create_api_destination

    def checked(
        self: Any, name: str, description: str, connection_arn: str, invocation_endpoint: str, *more: Any
    ) -> Any:
        if not invocation_endpoint.startswith("https://"):
            raise JsonRESTError("ValidationException", "Parameter InvocationEndpoint is not valid: it must use HTTPS.")
        return create(self, name, description, connection_arn, invocation_endpoint, *more)

    EventsBackend.create_api_destination = checked
    define("AWS::Events::Connection", "Name", _connection, attributes={"Arn": lambda made: made.model.arn})
    define("AWS::Events::ApiDestination", "Name", _destination, attributes={"Arn": lambda made: made.model.arn})


def post(arn: Arn, target: dict[str, Any], payload: Any) -> None:
    """Raises: UnansweredError; what `requests` raises."""
    backend = events_backends[arn.account][arn.region]
    destination = next(each for each in backend.destinations.values() if each.arn == target["Arn"])
    connection = next(each for each in backend.connections.values() if each.arn == destination.connection_arn)
    key = connection.auth_parameters["ApiKeyAuthParameters"]
    answer = requests.request(
        destination.http_method,
        destination.invocation_endpoint,
        json=payload,
        headers={key["ApiKeyName"]: key["ApiKeyValue"]},
        timeout=SECONDS_TO_ANSWER,
        allow_redirects=False,
    )
    if not 200 <= answer.status_code < 300:
        raise UnansweredError(f"{destination.invocation_endpoint} answered {answer.status_code}")


def _connection(made: Any) -> Any:
    properties, backend = made.properties, events_backends[made.account_id][made.region]
    given = properties["AuthorizationType"], properties["AuthParameters"]
    backend.create_connection(made.name, properties.get("Description", ""), *given)
    return backend.connections[made.name]


def _destination(made: Any) -> Any:
    properties, backend = made.properties, events_backends[made.account_id][made.region]
    backend.create_api_destination(
        made.name,
        properties.get("Description", ""),
        properties["ConnectionArn"],
        properties["InvocationEndpoint"],
        properties.get("InvocationRateLimitPerSecond", 300),
        properties["HttpMethod"],
    )
    return backend.destinations[made.name]
