"""Plays the scenarios of tests/permissions, and writes what first contact asks AWS about: `make recordings`.

first_contact/recordings/: states.json has every state's input, variables and result; needs.json what every role needed;
events.json the events that rules took.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from moto.events.models import EventPattern
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.states import States

from first_contact.checks.states import asked_states, with_values
from first_contact.files import MACHINES, RECORDINGS, definition, patterns
from first_contact.intrinsics import Surroundings
from local.cloud import ROOT, STACK_NAME, EmbeddedCloud
from local.json_copy import copied
from tests.first_contact.needs import needs
from tests.permissions.rights import deployed_rights
from tests.permissions.scenarios import QUICK, play
from tests.permissions.world import World

VARIABLE = re.compile(r"\$([a-z][a-z0-9_]*)\b")
KEPT_ONCE_FROM = 160
SHORT_WAIT_SECONDS = 1
NOT_OF_THE_RESULT = ("SdkHttpMetadata", "SdkResponseMetadata")
Sample = dict[str, Any]


def main() -> int:
    with TemporaryDirectory() as directory, EmbeddedCloud(Path(directory)) as cloud:
        world = World.deployed(cloud)
        around = Surroundings("aws", cloud.region, cloud.account_id, STACK_NAME)
        states = {
            f"{machine}/{name}": each
            for machine in MACHINES
            for name, each in asked_states(definition(machine, around))
        }
        recorder = Recorder(states)
        recorder.watch()
        # The waits of a run that is watched so closely are short, and its pods are not faster for that.
        QUICK["timeout_seconds"] = 600
        play(world, "first")
        write("needs", needs(deployed_rights(), list(cloud.server.authoriser.audit), world))
        write("events", dict(events(cloud)))
        recorder.complete()
        missing = sorted(states.keys() - recorder.samples.keys())
        if missing:
            print(f"The scenarios do not reach {', '.join(missing)}", file=sys.stderr)
            return 1
        write("states", recorder.recorded(cloud.client("stepfunctions")))
    return 0


def write(name: str, content: Any) -> None:
    # A stack trace names where the functions lie: on AWS below /var/task, not on somebody's machine.
    text = json.dumps(content, indent=1, sort_keys=True).replace(str(ROOT), "/var/task")
    (RECORDINGS / f"{name}.json").write_text(f"{text}\n")


class Recorder:
    """The first time that each state goes to each of its next ones."""

    def __init__(self, states: dict[str, dict[str, Any]]) -> None:
        self.states = states
        self.samples: dict[str, dict[str, Sample]] = {}
        self.watching = False

    def watch(self) -> None:
        original: Callable[..., None] = CommonStateField._eval_body
        recorder = self

        def eval_body(self: Any, env: Any) -> None:
            key = recorder.key_of(self.name, env) if recorder.watching else None
            before = recorder.before(key, env) if key else {}
            original(self, env)
            if key:
                recorder.after(key, before, env)

        set_result: Callable[..., None] = States.set_result

        def keep_result(self: Any, result: Any) -> None:
            self.last_result = copied(result)
            set_result(self, result)

        CommonStateField._eval_body = eval_body  # type: ignore[method-assign]
        States.set_result = keep_result  # type: ignore[method-assign]
        self.watching = True

    def key_of(self, name: str, env: Any) -> str | None:
        """By the machine's name: some states are called alike in several. A Map's children are told by their own."""
        machine = env.states.context_object.context_object_data["StateMachine"]["Name"].rsplit("-", 1)[-1]
        keys = [key for key in (f"{machine}/{name}", *(f"{each}/{name}" for each in MACHINES)) if key in self.states]
        return keys[0] if keys else None

    def before(self, key: str, env: Any) -> Sample:
        state = self.states[key]
        text, store = json.dumps(state), env.variable_store
        known = {**store._outer_scope, **store._inner_scope}
        variables = {name: copied(known[name]) for name in sorted(set(VARIABLE.findall(text))) if name in known}
        sample: Sample = {"input": copied(env.states.get_input()), "variables": variables}
        if "$states.context" in text or state["Type"] == "Task":
            context = env.states.context_object.context_object_data
            execution = {name: context["Execution"][name] for name in ("Id", "Name")}
            sample["context"] = {
                "Execution": execution,
                **({"Map": copied(context["Map"])} if "Map" in context else {}),
            }
        return sample

    def after(self, key: str, sample: Sample, env: Any) -> None:
        state = self.states[key]
        following = None if env.next_state_name == key.split("/", 1)[1] else env.next_state_name
        if following in {catch["Next"] for catch in state.get("Catch", [])} - {state.get("Next")}:
            return
        if state["Type"] == "Task":
            result = env.states.last_result
            sample["result"] = {name: value for name, value in result.items() if name not in NOT_OF_THE_RESULT}
        self.samples.setdefault(key, {}).setdefault(str(following), sample)

    def complete(self) -> None:
        """What was ready at the first look is waited for in a copy of that look."""
        self.watching = False
        for key, state in self.states.items():
            wait = state.get("Default", "")
            machine = key.split("/", 1)[0]
            if state["Type"] != "Choice" or not wait.startswith("Wait "):
                continue
            looked = self.samples[key]
            if wait not in looked:
                looked[wait] = _not_ready(next(iter(looked.values())))
            self.samples.setdefault(f"{machine}/{wait}", {"": _waiting(looked[wait])})
        # DNS alone fails in none either; what fails is told to the next state in one form everywhere.
        failure = next(iter(self.samples["provision/Describe failure"].values()))
        self.samples.setdefault("provision/Cluster DNS failed", {"": _waiting({**failure, "variables": {}})})
        # No check of a fleet's fails in a scenario; the cause is then DescribeExecution's answer.
        check = next(iter(self.samples["fleet/Check cluster"].values()))
        nested = {"ExecutionArn": "arn:aws:states:::execution", "Error": "TerminalError", "Cause": "Unusable: why"}
        failed = {"given": check["input"], "error": {"Error": "States.TaskFailed", "Cause": json.dumps(nested)}}
        self.samples.setdefault("fleet/Cluster not checked", {"": {"input": failed, "variables": {}}})
        # Nor is an answer lost in one; DescribeExecution's output is text.
        described = {**check["result"], "Output": json.dumps(check["result"]["Output"])}
        self.samples.setdefault("fleet/Cluster was checked", {"": {**copied(check), "result": described}})

    def recorded(self, stepfunctions: Any) -> dict[str, Any]:
        """With what each evaluates to; large values that several have are kept once."""
        values = Values()
        states: dict[str, list[Any]] = {}
        for key, samples in sorted(self.samples.items()):
            for sample in samples.values():
                self._prepare(key, sample)
                states.setdefault(key, []).append(
                    values.shortened({**sample, **self._evaluated(key, sample, stepfunctions)})
                )
        recorded = {"states": states, "values": values.kept}
        assert all(with_values(each, values.kept) for its in states.values() for each in its)
        return recorded

    def _prepare(self, key: str, sample: Sample) -> None:
        if self.states[key]["Type"] == "Wait":
            for value in sample["variables"].values():
                if isinstance(value, dict) and "retry_after_seconds" in value:
                    value["retry_after_seconds"] = SHORT_WAIT_SECONDS

    def _evaluated(self, key: str, sample: Sample, stepfunctions: Any) -> Sample:
        state = self.states[key]
        request: dict[str, Any] = {}
        text, variables = json.dumps(state), sample["variables"]
        if state["Type"] == "Task":
            request["mock"] = {"result": json.dumps(sample["result"]), "fieldValidationMode": "NONE"}
            request["context"] = json.dumps(sample["context"])
        elif "$states.context" in text:
            text, variables = text.replace("$states.context", "$context"), {**variables, "context": sample["context"]}
        answer = stepfunctions.test_state(
            definition=text, input=json.dumps(sample["input"]), variables=json.dumps(variables), **request
        )
        assert answer["status"] == "SUCCEEDED", (key, answer)
        return {"next": answer.get("nextState"), "output": json.loads(answer["output"])}


def _not_ready(sample: Sample) -> Sample:
    changed: Sample = copied(sample)
    for value in changed["variables"].values():
        if isinstance(value, dict) and "ready" in value:
            value.update(ready=False, retry_after_seconds=SHORT_WAIT_SECONDS)
    changed["input"].setdefault("waited_seconds", 0)
    return changed


def _waiting(sample: Sample) -> Sample:
    return {"input": copied(sample["input"]), "variables": copied(sample["variables"])}


class Values:
    """Large values by a name of their own."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self._names: dict[str, str] = {}

    def shortened(self, node: Any, name: str = "value") -> Any:
        if isinstance(node, list):
            return [self.shortened(item, name) for item in node]
        if not isinstance(node, dict):
            return node
        short = {key: self.shortened(item, key) for key, item in node.items()}
        text = json.dumps(short, sort_keys=True)
        if len(text) < KEPT_ONCE_FROM or name == "value":
            return short
        if text not in self._names:
            number = sum(1 for known in self.kept if known.rsplit("-", 1)[0] == name) + 1
            self._names[text] = f"{name}-{number}"
            self.kept[self._names[text]] = short
        return {"$value": self._names[text]}


def events(cloud: EmbeddedCloud) -> Iterator[tuple[str, Any]]:
    """The samples of events/ and one of each that the machines published, with the rules that take it."""
    rules = {name: EventPattern.load(json.dumps(pattern)) for name, pattern in patterns()}
    for title, event in (*_samples(), *_published(cloud)):
        yield title, {"event": event, "matches": [name for name, rule in rules.items() if rule.matches_event(event)]}


def _samples() -> Iterator[tuple[str, Any]]:
    for path in sorted((ROOT / "events").glob("*.json")):
        event = json.loads(path.read_text())
        if "detail-type" in event:
            yield path.stem, event


def _published(cloud: EmbeddedCloud) -> Iterator[tuple[str, Any]]:
    """What the rules look at: the details are others' affair."""
    first = {
        each["DetailType"]: each for each in reversed(cloud.server.published_events) if each["Source"] == STACK_NAME
    }
    for title, published in sorted(first.items()):
        yield (
            title,
            {
                "id": "00000000-0000-0000-0000-000000000000",
                "account": "<account>",
                "source": published["Source"],
                "time": "2026-01-01T00:00:00Z",
                "region": "<region>",
                "resources": [],
                "detail-type": title,
                "detail": {name: published["Detail"][name] for name in ("schema_version",)},
            },
        )


if __name__ == "__main__":
    sys.exit(main())
