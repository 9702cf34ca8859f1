"""Distributed Map as the service runs it: an execution per item, and the results written where ResultWriter says.

moto lacks: child executions (it runs the items inside the parent, where they see its variables and leave no history of
their own), failing when a child fails, listing a Map Run's executions, and everything but an empty manifest in the
files of ResultWriter, whose Arguments (JSONata) it does not parse either. Refused rather than done otherwise than on
AWS: ItemSelector, Express children, and expressions in the arguments of ResultWriter.
Source: Step Functions developer guide, "Using Map state in Distributed mode", "ResultWriter (Map)".
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"
# mypy: disable-error-code="abstract, typeddict-item"

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.query_language import QueryLanguage, QueryLanguageMode
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import distributed_iteration_component
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.resource_eval.resource_eval_s3 import (
    ResourceEvalS3,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.stepfunctions.responses import StepFunctionResponse

from local.aws.patches import stepfunctions_map_rights as rights
from local.aws.patches.stepfunctions import iso_time
from local.aws.permissions.authoriser import AccessDenied

if TYPE_CHECKING:
    from local.aws.server import AwsServer

POLL_SECONDS = 0.02
HIGHEST_CONCURRENCY = 10_000
EXCEEDED = "The specified tolerated failure threshold was exceeded"


def install(server: AwsServer) -> None:
    def run_children(self: Any, env: Any, eval_input: Any) -> None:
        _run_children(env, eval_input, rights.MapRunRights(server, _machine_of(env)))

    def write_results(env: Any, resource_runtime_part: Any, state_credentials: Any) -> None:
        s3 = ResourceEvalS3._get_s3_client(resource_runtime_part, state_credentials)
        _write_results(env, s3, rights.MapRunRights(server, _machine_of(env)))

    distributed_iteration_component.DistributedIterationComponent._map_run = run_children
    ResourceEvalS3._handle_put_object = staticmethod(write_results)
    rights.install()
    _list_children()
    _parse_writer_arguments()


def children_of(backend: Any, map_run_arn: str) -> list[Any]:
    """The executions of one Map Run."""
    return [
        execution
        for machine in backend.state_machines
        for execution in machine.executions
        if getattr(execution, "map_run_arn", None) == map_run_arn
    ]


def _run_children(env: Any, eval_input: Any, may: rights.MapRunRights) -> None:
    """Replaces what runs the items. Nothing tolerates failures here: the first child that fails ends the Map Run."""
    items = env.stack.pop()
    if eval_input.item_selector is not None or eval_input.parameters is not None:
        raise NotImplementedError("the embedded cloud knows no ItemSelector: write the items as the children need them")
    run = eval_input.map_run_record
    details = env.aws_execution_details
    backend = stepfunctions_parser_backends[details.account][details.region]
    machine = _child_machine(backend, env, eval_input)
    run.children = []

    def one(item: Any) -> Any:
        if not env.is_running() or any(child.status != "SUCCEEDED" for child in run.children if _ended(child)):
            return None
        may.start_child()
        child = backend.start_execution(machine.arn, str(uuid.uuid4()), json.dumps(item))
        child.map_run_arn = run.map_run_arn
        run.children.append(child)
        may.follow(child)
        while not _ended(child) and env.is_running():
            time.sleep(POLL_SECONDS)
        if not _ended(child) and may.may_stop(child):
            child.stop(stop_date=datetime.now(UTC), error=None, cause="the Map Run was stopped")
        return child.output if child.status == "SUCCEEDED" else None

    with ThreadPoolExecutor(max_workers=max(1, min(run.max_concurrency or HIGHEST_CONCURRENCY, len(items)))) as pool:
        try:
            outputs = list(pool.map(one, items))
        except AccessDenied as denied:
            raise rights.failure(env, StatesErrorNameType.StatesPermissions, str(denied)) from denied
    failed = [child for child in run.children if child.status != "SUCCEEDED"]
    if failed:
        raise rights.failure(env, StatesErrorNameType.StatesExceedToleratedFailureThreshold, EXCEEDED)
    env.stack.append(outputs)


def _ended(execution: Any) -> bool:
    return bool(execution.status != "RUNNING")


def _machine_of(env: Any) -> Any:
    details = env.aws_execution_details
    backend = stepfunctions_parser_backends[details.account][details.region]
    return backend.describe_state_machine(env.states.context_object.context_object_data["StateMachine"]["Id"])


def _child_machine(backend: Any, env: Any, eval_input: Any) -> Any:
    """What the children are executions of: hidden from lists, named <machine>/<label> as on AWS."""
    parent = _machine_of(env)
    definition = json.loads(parent.definition)
    processor = next(state for name, state in _states(definition) if name == eval_input.state_name)["ItemProcessor"]
    if processor.get("ProcessorConfig", {}).get("ExecutionType") != "STANDARD":
        raise NotImplementedError("the embedded cloud runs Standard child executions only")
    language = definition.get("QueryLanguage", "JSONPath")
    inner = {"QueryLanguage": language, "StartAt": processor["StartAt"], "States": processor["States"]}
    arn = eval_input.map_run_record.map_state_machine_arn
    name = arn.split(":stateMachine:", 1)[1]
    for machine in backend.state_machines:
        if machine.name == name and json.loads(machine.definition) == inner:
            return machine
    machine = StateMachine(
        arn=arn, name=name, definition=json.dumps(inner), roleArn=parent.roleArn, backend=backend, sm_type="STANDARD"
    )
    backend.state_machines.append(machine)
    return machine


def _states(definition: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state by its name, also those of branches and of other maps."""
    for name, state in definition["States"].items():
        yield name, state
        for inner in (*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])):
            yield from _states(inner)


def _parse_writer_arguments() -> None:
    parse = AmazonStateLanguageParser.parse

    def parsed(text: str) -> Any:
        if '"ResultWriter"' not in text:
            return parse(text)
        definition = json.loads(text)
        for _, state in _states(definition):
            writer = state.get("ResultWriter", {})
            if state.get("QueryLanguage", definition.get("QueryLanguage")) == "JSONata" and "Parameters" in writer:
                raise ValueError("a ResultWriter has Arguments with JSONata, not Parameters")
            if any("{%" in str(value) for value in writer.get("Arguments", {}).values()):
                raise NotImplementedError("the embedded cloud evaluates no expressions in a ResultWriter")
            if "Arguments" in writer:
                writer["Parameters"] = writer.pop("Arguments")
        return parse(json.dumps(definition))

    visit = Preprocessor.visitResult_writer_decl

    def visit_as_parameters(self: Any, ctx: Any) -> Any:
        self._query_language_per_scope.append(QueryLanguage(QueryLanguageMode.JSONPath))
        try:
            return visit(self, ctx)
        finally:
            self._query_language_per_scope.pop()

    AmazonStateLanguageParser.parse = staticmethod(parsed)
    Preprocessor.visitResult_writer_decl = visit_as_parameters


def _write_results(env: Any, s3: Any, may: rights.MapRunRights) -> None:
    """The manifest and a file per status, under <prefix>/<Map Run>/, as the machine's role."""
    parameters = env.stack.pop()
    env.stack.pop()
    run = env.map_run_record_pool_manager.get_all()[-1]
    bucket = parameters["Bucket"]
    folder = "/".join(part for part in (parameters["Prefix"].rstrip("/"), run.map_run_arn.split(":")[-1]) if part)
    may.write(bucket, f"{folder}/manifest.json")
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    if run.children:
        body = json.dumps([_result(child) for child in run.children]).encode()
        s3.put_object(Bucket=bucket, Key=f"{folder}/SUCCEEDED_0.json", Body=body)
        files["SUCCEEDED"].append({"Key": f"{folder}/SUCCEEDED_0.json", "Size": len(body)})
    manifest = {"DestinationBucket": bucket, "MapRunArn": run.map_run_arn, "ResultFiles": files}
    s3.put_object(Bucket=bucket, Key=f"{folder}/manifest.json", Body=json.dumps(manifest).encode())
    env.stack.append(
        {
            "MapRunArn": run.map_run_arn,
            "ResultWriterDetails": {"Bucket": bucket, "Key": f"{folder}/manifest.json"},
        }
    )


def _result(child: Any) -> dict[str, Any]:
    return {
        "ExecutionArn": child.execution_arn,
        "Input": child.execution_input,
        "InputDetails": {"Included": True},
        "Name": child.name,
        "Output": to_json_str(child.output, separators=(",", ":")),
        "OutputDetails": {"Included": True},
        "RedriveCount": 0,
        "RedriveStatus": "NOT_REDRIVABLE",
        "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
        "StartDate": iso_time(child.start_date),
        "StateMachineArn": child.state_machine_arn,
        "Status": "SUCCEEDED",
        "StopDate": iso_time(child.stop_date),
    }


def _list_children() -> None:
    """Source: Step Functions API, ListExecutions, mapRunArn: a Map Run's children are listed by it alone."""
    list_machines, list_executions = StepFunctionResponse.list_state_machines, StepFunctionResponse.list_executions

    def without_maps(self: Any) -> ActionResult:
        answer: ActionResult = list_machines(self)
        # No machine of one's own has a slash in its name.
        answer.result["stateMachines"] = [each for each in answer.result["stateMachines"] if "/" not in each["name"]]
        return answer

    def of_map_run(self: Any) -> ActionResult:
        map_run_arn = self._get_param("mapRunArn")
        if not map_run_arn:
            return list_executions(self)
        found = [
            {
                "executionArn": child.execution_arn,
                "mapRunArn": map_run_arn,
                "name": child.name,
                "startDate": child.start_date,
                "stateMachineArn": child.state_machine_arn,
                "status": child.status,
                **({"stopDate": child.stop_date} if _ended(child) else {}),
            }
            for child in children_of(self.stepfunction_backend, map_run_arn)
        ]
        return ActionResult({"executions": found})

    StepFunctionResponse.list_state_machines = without_maps
    StepFunctionResponse.list_executions = of_map_run
