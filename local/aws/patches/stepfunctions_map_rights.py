"""What a Map Run asks of its machine's role, and what its state fails with where the role has no such right.

moto lacks: asking; and reading or writing that fails is States.Runtime there, which no Catch of States.ALL sees.
Sources: Step Functions guide, "IAM policies for using Distributed Map states" (the children are asked for by the name
of the machine itself) and "Handling errors in Step Functions workflows", error names.
"""
# mypy: disable-error-code="method-assign, attr-defined, arg-type, misc, typeddict-item"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.item_reader_decl import ItemReader
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.result_writer_decl import ResultWriter
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from local.aws.patches.permissions import check_role, is_allowed
from local.aws.permissions.authoriser import AccessDenied
from local.aws.permissions.demand import Demand

if TYPE_CHECKING:
    from local.aws.server import AwsServer

WRITING = ("s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")
"""Besides s3:PutObject, and asked for as one: results too large for one part are uploaded in many."""


def install() -> None:
    _fail_as(ItemReader, StatesErrorNameType.StatesItemReaderFailed)
    _fail_as(ResultWriter, StatesErrorNameType.StatesResultWriterFailed)


def failure(env: Any, kind: StatesErrorNameType, cause: str) -> FailureEventException:
    name = StatesErrorName(typ=kind)
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.MapRunFailed,
            event_details=EventDetails(mapRunFailedEventDetails={"error": name.error_name, "cause": cause}),
        )
    )


class MapRunRights:
    """Of one Map Run. Raises: AccessDenied, but where a refusal is nobody's concern."""

    def __init__(self, server: AwsServer, machine: Any) -> None:
        self._server = server
        self._machine = machine

    def start_child(self) -> None:
        self._check(Demand("states:StartExecution", self._machine.arn))

    def follow(self, child: Any) -> None:
        self._check(Demand("states:DescribeExecution", self._execution(child)))

    def may_stop(self, child: Any) -> bool:
        demand = Demand("states:StopExecution", self._execution(child))
        return is_allowed(self._server, self._machine.roleArn, "stepfunctions", demand)

    def write(self, bucket: str, key: str) -> None:
        self._check(
            *(Demand(action, f"arn:{self._machine.arn.split(':')[1]}:s3:::{bucket}/{key}") for action in WRITING)
        )

    def _check(self, *demands: Demand) -> None:
        check_role(self._server, self._machine.roleArn, "stepfunctions", *demands)

    def _execution(self, child: Any) -> str:
        return f"{self._machine.arn.replace(':stateMachine:', ':execution:')}:{child.name}"


def _fail_as(part: Any, kind: StatesErrorNameType) -> None:
    evaluate = part._eval_body

    def eval_body(self: Any, env: Any) -> None:
        try:
            evaluate(self, env)
        except (ClientError, AccessDenied) as error:
            raise failure(env, kind, str(error)) from error

    part._eval_body = eval_body
