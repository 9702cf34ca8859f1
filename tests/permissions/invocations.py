"""Invocations of the functions: what each needed, and what comes of it without one of its rights.

A function can only be seen to need a right where the call is still to be made: an invocation that creates something
will not do so again. So rights are taken away in the middle of a run, just before the function would be invoked: it is
invoked without, has to be refused, and only then invoked as it was to be. What is refused has changed nothing.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from local.aws.lambda_runtime import Function, Outcome
from local.aws.permissions.audit import Decision
from local.cloud import EmbeddedCloud
from tests.permissions.rights import Right

NOT_IN_PASSING = (
    "LetCloudFormationBuildTheNetwork",
    "LetCloudFormationRemoveTheNetwork",
    "LetCloudFormationTakeTheNetworkDown",
    "LookAtVpc",
)
"""Without one of these CloudFormation leaves a stack that failed, which a run does not get over."""


@dataclass(frozen=True)
class Refused:
    """What was refused to whom, and where it can be read: `said` is what a person would look at."""

    decision: Decision
    said: str


@dataclass
class Invocations:
    """Of every function of the cloud, one after the other from `watch` on."""

    cloud: EmbeddedCloud
    rights: Iterable[Right]
    needed: dict[str, list[Right]] = field(default_factory=dict)
    """By the function's ARN, in the order in which they were first needed."""
    events: dict[str, Any] = field(default_factory=dict)
    """By the function's ARN, the last one."""
    refused: dict[str, Refused] = field(default_factory=dict)
    """By the right's label."""
    taking_away: bool = False

    def watch(self) -> None:
        runtime, lock = self.cloud.server.lambda_runtime, threading.RLock()
        invoke = runtime.invoke

        def watched(function: Function, event: Any) -> Outcome:
            with lock:
                if self.taking_away:
                    self._without(function, event, invoke)
                seen = len(self.cloud.server.authoriser.audit)
                outcome = invoke(function, event)
                self.events[function.arn] = event
                self._note(function, seen)
            return outcome

        runtime.invoke = watched  # type: ignore[method-assign]

    def _note(self, function: Function, seen: int) -> None:
        needed = self.needed.setdefault(function.arn, [])
        for decision in list(self.cloud.server.authoriser.audit)[seen:]:
            if ":role/" in decision.principal and decision.allowed and self._is_of(function, decision):
                alone = [right for right in self.rights if right.is_of(decision)]
                if len(alone) == 1 and alone[0] not in needed:
                    needed.append(alone[0])

    def _is_of(self, function: Function, decision: Decision) -> bool:
        """Of the function's own role or one that it has become; machines go on meanwhile under theirs."""
        return decision.principal == function.role_arn or decision.role_name.endswith(
            ("-provisioner", "-inspector", "-remover")
        )

    def _without(self, function: Function, event: Any, invoke: Any) -> None:
        """Of a lender first whom it may become there: an environment that has become somebody asks for that no more.

        Of others in the order in which they were needed: what is done without one that is not needed here, as that one
        would be, is done, and what it takes is then not missed any more.
        """
        needed, lent = self.needed.get(function.arn, []), _has_lender(event)
        for right in sorted(needed, key=lambda each: not (lent and each.name.startswith("Become"))):
            if right.label in self.refused or right.name in NOT_IN_PASSING:
                continue
            audit = self.cloud.server.authoriser.audit
            seen = len(audit)
            with right.taken_away():
                outcome = invoke(function, event)
            for decision in audit.denied(seen):
                if right.is_of(decision):
                    self.refused[right.label] = Refused(decision, outcome.payload)
                    break


def _has_lender(event: Any) -> bool:
    request = event.get("request") or {}
    peer = (request.get("file_system") or {}).get("peer") or {}
    return peer.get("account_id") not in (None, request.get("account_id"))


def start_cold(cloud: EmbeddedCloud) -> None:
    """Every function's next invocation is in a new environment, which has not become anybody yet."""
    client = cloud.client("lambda")
    for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            client.update_function_configuration(
                FunctionName=function["FunctionName"], MemorySize=function["MemorySize"] + 64
            )


def forget_linked_roles(cloud: EmbeddedCloud) -> None:
    """As in an account where nobody has used these services yet."""
    iam = cloud.client("iam")
    for role in iam.list_roles(PathPrefix="/aws-service-role/")["Roles"]:
        iam.delete_role(RoleName=role["RoleName"])
