"""The four machines of a deployed stack: what each is asked for, what it needs to find, and running it."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from campaign.state import State, state_of
from local.aws.patches.stepfunctions import watched
from local.cloud import EmbeddedCloud

MACHINES: Final = ("Provision", "Reverify", "Fleet", "Teardown")
READS_ONLY: Final = ("Reverify", "Fleet")
PATIENCE_SECONDS: Final = 600.0
"""For one execution: it is a defect to take longer, on any machine."""
_LOOKS: Final = 5
_SHORT: Final = {"writers": 1, "lines_per_writer": 2}


@dataclass(frozen=True)
class Ended:
    """An execution that has ended, and the events it has put on the bus."""

    arn: str
    status: str
    error: str
    cause: str
    output: Mapping[str, Any]
    events: tuple[str, ...]


class Stack:
    """One deployed stack in an embedded cloud of its own."""

    def __init__(self, cloud: EmbeddedCloud, outputs: Mapping[str, str]) -> None:
        self.cloud = cloud
        self.outputs = outputs
        self.states = cloud.client("stepfunctions")

    @property
    def name(self) -> str:
        return self.outputs["ProvisionStateMachineArn"].rpartition(":")[2].removesuffix("-provision")

    @property
    def claims_table(self) -> str:
        return self.outputs["ClaimsTableName"]

    def prepare(self, machine: str, cluster: str) -> dict[str, Any]:
        """Makes what the machine is to work on; its input."""
        wanted = {"cluster": {"name": cluster}, "verification": _SHORT}
        if machine == "Provision":
            return wanted
        if not self._is_recorded(cluster):
            proven = self.run("Provision", wanted)
            if proven.status != "SUCCEEDED":
                raise RuntimeError(f"there is no cluster to begin with: {proven.cause}")
        inputs: dict[str, dict[str, Any]] = {
            "Reverify": {"cluster_name": cluster, "depth": "behaviour"},
            "Fleet": {"depth": "configuration"},
            "Teardown": {"cluster_name": cluster, "delete_data": self._data_of(cluster), "delete_logs": True},
        }
        return inputs[machine]

    def start(self, machine: str, given: Mapping[str, Any]) -> str:
        arn = self.outputs[f"{machine}StateMachineArn"]
        started: str = self.states.start_execution(stateMachineArn=arn, input=json.dumps(given))["executionArn"]
        return started

    def run(self, machine: str, given: Mapping[str, Any]) -> Ended:
        return self.wait(self.start(machine, given))

    def start_again(self, execution_arn: str, *, by_its_name: bool) -> str:
        """With the same input; by the name of the execution that runs, that one is all there is to be."""
        known = self.states.describe_execution(executionArn=execution_arn)
        name = {"name": known["name"]} if by_its_name else {}
        asked = {"stateMachineArn": known["stateMachineArn"], "input": known["input"], **name}
        started: str = self.states.start_execution(**asked)["executionArn"]
        return started

    def stop(self, execution_arn: str) -> None:
        self.states.stop_execution(executionArn=execution_arn, error="Stopped", cause="the campaign")

    def kill(self, function: str) -> bool:
        """What runs of this function, in the middle of it."""
        return self.cloud.server.lambda_runtime.kill(f"-{function}Function-")

    def retire(self, function: str) -> None:
        """What is warm of this function, or of all ("")."""
        self.cloud.server.lambda_runtime.retire(f"{function and '-'}{function}Function-")

    def set_clock(self, function: str, seconds_ahead: float) -> None:
        """Of the environments of this function that begin from now on."""
        self.cloud.server.lambda_runtime.set_clock(f"-{function}Function-", seconds_ahead)

    def wait(self, execution_arn: str) -> Ended:
        deadline, is_running = time.monotonic() + PATIENCE_SECONDS, watched(execution_arn)
        while is_running():
            if time.monotonic() > deadline:
                self.states.stop_execution(executionArn=execution_arn, error="TooLong", cause="the campaign's patience")
            time.sleep(0.1)
        ended = self.states.describe_execution(executionArn=execution_arn)
        events = [
            str(event["DetailType"])
            for event in self.cloud.server.published_events
            if event["Detail"].get("execution_arn") == execution_arn
        ]
        output = json.loads(ended.get("output") or "{}")
        told = ended.get("error", ""), ended.get("cause", "")
        return Ended(execution_arn, ended["status"], *told, output, tuple(sorted(events)))

    def state_of(self, cluster: str) -> State:
        """What goes after a run that broke off may have gone between two questions."""
        for _ in range(_LOOKS):
            with suppress(ClientError):
                return state_of(self.cloud, self.claims_table, cluster, self.name)
            time.sleep(0.5)
        return state_of(self.cloud, self.claims_table, cluster, self.name)

    def _record(self, cluster: str) -> dict[str, Any]:
        key = {"cluster": {"S": f"{self.cloud.account_id}#{self.cloud.region}#{cluster}"}}
        found: dict[str, Any] = self.cloud.client("dynamodb").get_item(TableName=self.claims_table, Key=key)
        item: dict[str, Any] = found.get("Item", {})
        return item

    def _is_recorded(self, cluster: str) -> bool:
        return bool(self._record(cluster).get("status") == {"S": "Ready"})

    def _data_of(self, cluster: str) -> dict[str, str]:
        return {"file_system_id": json.loads(self._record(cluster)["proven"]["S"])["file_system"]["id"]}
