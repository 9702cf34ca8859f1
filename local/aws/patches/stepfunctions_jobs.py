"""Tasks that wait for the execution they started (.sync): it is stopped when they are, as the machine's role.

moto lacks: stopping it; looking often enough at whether it has ended, and for less than a call of the API each time.
Source: Step Functions developer guide, "Discover service integration patterns", Run a Job: a best-effort attempt.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, misc"

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback as callback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_sfn as module

from local.aws.patches.stepfunctions import is_running

if TYPE_CHECKING:
    from local.aws.server import AwsServer

LOGGER = logging.getLogger(__name__)
LOOK_SECONDS = 0.1


def install(server: AwsServer) -> None:
    task = module.StateTaskServiceSfn
    eval_sync = callback.StateTaskServiceCallback._eval_sync

    def waiting(build: Any) -> Any:
        @functools.wraps(build)
        def build_resolver(
            self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
        ) -> Any:
            execution_arn = env.stack[-1]["ExecutionArn"]
            resolver = build(self, env, resource_runtime_part, normalised_parameters, state_credentials)
            region = resource_runtime_part.region
            client = module.boto_client_for(service="stepfunctions", region=region, state_credentials=state_credentials)
            looking = _rarely(resolver, execution_arn)
            looking.stop = lambda: client.stop_execution(executionArn=execution_arn)
            return looking

        return build_resolver

    def wait(self: Any, env: Any, sync_resolver: Any, **options: Any) -> Any:
        outcome = eval_sync(self, env=env, sync_resolver=sync_resolver, **options)
        if outcome is None and hasattr(sync_resolver, "stop"):
            try:
                sync_resolver.stop()
            except (ClientError, BotoCoreError) as error:
                LOGGER.debug("what a stopped task waited for goes on: %s", error)
        return outcome

    task._build_sync_resolver = waiting(task._build_sync_resolver)
    task._build_sync2_resolver = waiting(task._build_sync2_resolver)
    callback.StateTaskServiceCallback._eval_sync = wait
    callback._DELAY_SECONDS_SYNC_CONDITION_CHECK = LOOK_SECONDS


def _rarely(look: Callable[[], Any], execution_arn: str) -> Any:
    """Looks as the machine's role at first and once there is something to see: a fleet's looks were half its cost."""
    looked = False

    def look_rarely() -> Any:
        nonlocal looked
        if looked and is_running(execution_arn):
            return None
        looked = True
        return look()

    return look_rarely
