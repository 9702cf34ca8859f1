"""Lambda that runs the functions.

moto lacks: running anything without Docker; asynchronous invocation that does not wait; the error marker "Unhandled";
the size limits; throttling by reserved concurrency and by the account's; Layers, TracingConfig, LoggingConfig and
DeadLetterConfig of a function in a template; a usable Ref on a layer version. Logs and traces are written under the
function's role: without the right to, they are lost, and nobody is told. A role that does not trust Lambda makes no
function, and runs none.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import moto.awslambda.models as models
from moto.awslambda.exceptions import InvalidParameterValueException, UnknownFunctionException
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.utils import get_backend
from moto.core.exceptions import JsonRESTError
from moto.core.utils import unix_time_millis
from moto.logs.models import logs_backends
from moto.utilities.arns import parse_arn

from local.aws import quotas, service_roles
from local.aws.lambda_runtime import Archive, Function
from local.aws.patches import lambda_events
from local.aws.patches.lambda_events import TooManyRequestsError
from local.aws.patches.permissions import is_allowed
from local.aws.permissions.demand import Demand

if TYPE_CHECKING:
    from local.aws.server import AwsServer

TRACING = (Demand("xray:PutTraceSegments"), Demand("xray:PutTelemetryRecords"))
"""Source: Lambda developer guide, "Visualize Lambda function invocations using AWS X-Ray", execution role."""

CANNOT_BE_ASSUMED = "The role defined for the function cannot be assumed by Lambda."
MAXIMUM_REQUEST_BYTES = 6 * 1024 * 1024
MAXIMUM_ASYNCHRONOUS_REQUEST_BYTES = 1024 * 1024


class RoleNotAssumableError(JsonRESTError):
    """The text is CreateFunction's (danilop/LambdAuth#49); that Invoke answers so, and the code, are our reading."""

    code = 403

    def __init__(self) -> None:
        super().__init__("AccessDeniedException", CANNOT_BE_ASSUMED)


class RequestTooLargeError(JsonRESTError):
    code = 413

    def __init__(self, size: int, kind: str, limit: int) -> None:
        message = f"{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
        super().__init__("RequestTooLargeException", message)


INVOKE = "lambda:Invoke"
_running: Counter[str | tuple[str, str]] = Counter()
"""By the pool that they are of."""
_lock = threading.Lock()


def install(server: AwsServer) -> None:
    _running.clear()
    put_function, initialise = models.LambdaStorage.put_function, models.LambdaFunction.__init__

    def init(self: Any, account_id: str, spec: dict[str, Any], *arguments: Any, **options: Any) -> None:
        initialise(self, account_id, spec, *arguments, **options)
        lambda_events.keep_dead_letters(server, self, (spec.get("DeadLetterConfig") or {}).get("TargetArn"))

    def put(self: Any, function: Any) -> None:
        if not _trusts_lambda(function):
            raise InvalidParameterValueException(CANNOT_BE_ASSUMED)
        put_function(self, function)

    def run(self: Any, event: Any) -> Any:
        if not _trusts_lambda(self):
            raise RoleNotAssumableError
        pool, limit = _pool_of(self)
        with _lock:
            if _running[pool] >= limit:
                server.rates.refused.append(INVOKE)
                raise TooManyRequestsError
            _running[pool] += 1
        if (self.tracing_config or {}).get("Mode") == "Active":
            is_allowed(server, self.role, self.function_name, *TRACING)
        try:
            return server.lambda_runtime.invoke(description(self), event)
        finally:
            with _lock:
                _running[pool] -= 1

    def invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> str | bytes:
        headers = {name.lower(): value for name, value in dict(request_headers).items()}
        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        size = len(body or b"")
        limit = MAXIMUM_ASYNCHRONOUS_REQUEST_BYTES if kind == "Event" else MAXIMUM_REQUEST_BYTES
        if size > limit:
            raise RequestTooLargeError(size, kind, limit)
        event = json.loads(body) if body else {}
        if kind == "DryRun":
            return ""
        if kind == "Event":
            lambda_events.start(server, self, event, run)
            return ""
        outcome = run(self, event)
        if outcome.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        response_headers["x-amz-executed-version"] = "$LATEST"
        response_headers["x-amz-log-result"] = base64.b64encode(outcome.log[-4096:].encode()).decode()
        payload: bytes = outcome.payload.encode()
        return payload

    def add_permission(self: Any) -> Any:
        return 201, {"status": 201}, added(self)

    added = LambdaResponse.add_permission
    LambdaResponse.add_permission = add_permission
    models.LambdaStorage.put_function = put
    models.LambdaFunction.__init__ = init
    models.LambdaFunction.invoke = invoke
    _keep_properties(server)
    models.LayerVersion.cloudformation_name_type = staticmethod(lambda: "LayerName")
    models.LayerVersion.physical_resource_id = property(lambda self: self.arn)
    models.Permission.physical_resource_id = property(lambda self: f"permission-{id(self):x}")


def has_room(server: AwsServer, function_arn: str) -> bool:
    """Whether the function may run once more now; that it may not is counted, as everything that is refused."""
    arn = parse_arn(function_arn)
    try:
        pool, limit = _pool_of(get_backend(arn.account, arn.region).get_function(function_arn))
    except UnknownFunctionException:  # which the API tells
        return True
    if _running[pool] < limit:
        return True
    server.rates.refused.append(INVOKE)
    return False


def _pool_of(function: Any) -> tuple[str | tuple[str, str], float]:
    """Whose invocations are counted together, and how many may run at once: the function's own, or all the others'.

    Source: Lambda developer guide, "Understanding Lambda function scaling", reserved and unreserved concurrency.
    """
    if function.reserved_concurrency is not None:
        return function.function_arn, int(function.reserved_concurrency)
    account_id, region = function.account_id, function.region
    reserved = sum(int(each.reserved_concurrency or 0) for each in get_backend(account_id, region).list_functions())
    return (account_id, region), quotas.value(account_id, region, quotas.CONCURRENT_EXECUTIONS) - reserved


def _trusts_lambda(function: Any) -> bool:
    return service_roles.lets_in(function.role, service_roles.LAMBDA, function.function_arn)


def description(function: Any) -> Function:
    """moto's function as the runtime wants it."""
    backend = get_backend(function.account_id, function.region)
    layers = []
    for layer in function.layers or []:
        version = backend.layers_versions_by_arn(layer["Arn"])
        if version is None:
            raise JsonRESTError("InvalidParameterValueException", f"Layer version {layer['Arn']} does not exist.")
        layers.append(_archive(version))
    variables, place = function.environment_vars or {}, function._vpc_config or {}
    return Function(
        name=function.function_name,
        arn=function.function_arn,
        region=function.region,
        role_arn=function.role,
        runtime=function.run_time,
        handler=function.handler,
        memory_mib=int(function.memory_size),
        timeout_seconds=float(function.timeout),
        environment=tuple(sorted((name, str(value)) for name, value in variables.items())),
        code=_archive(function),
        layers=tuple(layers),
        log_group=function.logs_group_name,
        subnet_ids=tuple(place.get("SubnetIds", ())),
        security_group_ids=tuple(place.get("SecurityGroupIds", ())),
    )


def _archive(owner: Any) -> Archive:
    return Archive(owner.code_bytes, bytes(base64.b64decode(owner.code_sha_256)).hex())


def write_log(server: AwsServer, function: Function, stream: str, lines: list[str]) -> None:
    """CloudWatch Logs, as Lambda writes to it: one stream per execution environment.

    Source: Service Authorization Reference, "Amazon CloudWatch Logs"; the resource as its denials name it.
    """
    account_id = function.arn.split(":")[4]
    backend = logs_backends[account_id][function.region]
    group = f"arn:{function.arn.split(':')[1]}:logs:{function.region}:{account_id}:log-group:{function.log_group}"
    demands = [Demand("logs:PutLogEvents", f"{group}:log-stream:{stream}")]
    if function.log_group not in backend.groups or stream not in backend.groups[function.log_group].streams:
        demands.insert(0, Demand("logs:CreateLogStream", f"{group}:log-stream:"))
    if function.log_group not in backend.groups:
        demands.insert(0, Demand("logs:CreateLogGroup", group))
    if not is_allowed(server, function.role_arn, function.name, *demands):
        return
    backend.ensure_log_group(function.log_group)
    if stream not in backend.groups[function.log_group].streams:
        backend.create_log_stream(function.log_group, stream)
    now = int(unix_time_millis())
    backend.put_log_events(function.log_group, stream, [{"timestamp": now, "message": line} for line in lines])


def _keep_properties(server: AwsServer) -> None:
    create = models.LambdaFunction.create_from_cloudformation_json.__func__
    update = models.LambdaFunction.update_from_cloudformation_json.__func__

    def with_properties(function: Any, properties: dict[str, Any]) -> Any:
        if "Layers" in properties:
            function.layers = function._get_layers_data(properties["Layers"])
        function._vpc_config = properties.get("VpcConfig")
        if "TracingConfig" in properties:
            function.tracing_config = properties["TracingConfig"]
        if "Architectures" in properties:
            function.architectures = properties["Architectures"]
        if "EphemeralStorage" in properties:
            function.ephemeral_storage = properties["EphemeralStorage"]["Size"]
        log_group = properties.get("LoggingConfig", {}).get("LogGroup")
        if log_group:
            function.logs_group_name = log_group
        lambda_events.keep_dead_letters(server, function, properties.get("DeadLetterConfig", {}).get("TargetArn"))
        return function

    def created(cls: Any, name: str, resource: Any, account_id: str, region: str, **options: Any) -> Any:
        return with_properties(create(cls, name, resource, account_id, region, **options), resource["Properties"])

    def updated(
        cls: Any,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Any:
        function = update(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name)
        return with_properties(function, cloudformation_json["Properties"])

    models.LambdaFunction.create_from_cloudformation_json = classmethod(created)
    models.LambdaFunction.update_from_cloudformation_json = classmethod(updated)
