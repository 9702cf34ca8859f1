"""Checks of the state machines that cfn-lint and `sam validate` do not make.

Both let a dangling Next, an unknown error name or a shadowed variable pass; the first execution would find it.
`python -m tests.statemachine.check` prints every finding and fails when there is one.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BOUNDARY_ERRORS = {"RetryableError", "UnsettledError", "TerminalError", "RequestError"}
# Error names that Step Functions and its integrations raise (Step Functions developer guide, "Handling errors").
PLATFORM_ERROR = re.compile(
    r"States\.\w+|Lambda\.\w+|Sandbox\.Timedout|DynamoDB\.\w+|Events?\.\w+|EventBridge\.\w+|StepFunctions\.\w+"
)
THROTTLED = "Lambda.TooManyRequestsException"
LEAST_PATIENCE_SECONDS = 10_000
"""How long, on average, an invocation without room is repeated. Whether there is room is a lottery: where five hundred
runs want the ten concurrent executions of a new hub, one attempt in ten wins, and of sixty some lose all."""
TERMINAL_TYPES = {"Succeed", "Fail"}
VARIABLE = re.compile(r"\$([a-z][a-z0-9_]*)\b")

State = dict[str, Any]
Definition = dict[str, Any]


@dataclass
class Scope:
    """One `States` block: the machine itself or a branch of a Parallel."""

    path: str
    start_at: str
    states: dict[str, State]
    outer_variables: frozenset[str] = frozenset()
    children: list["Scope"] = field(default_factory=list)

    @property
    def own_variables(self) -> set[str]:
        return {name for state in self.states.values() for assign in assigns(state) for name in assign}

    def __iter__(self) -> Iterator["Scope"]:
        yield self
        for child in self.children:
            yield from child


def assigns(state: State) -> Iterator[dict[str, Any]]:
    for holder in (state, *state.get("Choices", []), *state.get("Catch", [])):
        if "Assign" in holder:
            yield holder["Assign"]


def load(path: Path) -> Definition:
    definition: Definition = yaml.safe_load(path.read_text())
    return definition


def scope_of(definition: Definition, path: str = "", outer: frozenset[str] = frozenset()) -> Scope:
    scope = Scope(path, definition["StartAt"], definition["States"], outer)
    visible = outer | frozenset(scope.own_variables)
    for name, state in scope.states.items():
        for index, branch in enumerate(state.get("Branches", [])):
            scope.children.append(scope_of(branch, f"{path}/{name}[{index}]", visible))
        if processor := state.get("ItemProcessor"):
            # The children of a Distributed Map are executions of their own: no variable reaches them.
            distributed = processor["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
            scope.children.append(scope_of(processor, f"{path}/{name}[]", frozenset() if distributed else visible))
    return scope


def targets(state: State) -> list[str]:
    """Every state that this one can lead to."""
    holders = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return [holder["Next"] for holder in holders if "Next" in holder] + (
        [state["Default"]] if "Default" in state else []
    )


def transitions(scope: Scope) -> Iterator[str]:
    """Every Next lands, every state is reached, every end is explicit."""
    if scope.start_at not in scope.states:
        yield f"{scope.path}: StartAt names {scope.start_at!r}, which does not exist"
    reached = {scope.start_at}
    for name, state in scope.states.items():
        where = f"{scope.path}/{name}"
        for target in targets(state):
            reached.add(target)
            if target not in scope.states:
                yield f"{where}: leads to {target!r}, which does not exist here"
        ends = state["Type"] in TERMINAL_TYPES or state.get("End") is True
        if state["Type"] == "Choice" and "Default" not in state:
            yield f"{where}: a Choice without Default fails when nothing matches"
        if not ends and state["Type"] != "Choice" and "Next" not in state:
            yield f"{where}: neither Next nor an explicit end"
    yield from (f"{scope.path}/{name}: never reached" for name in scope.states if name not in reached)


def tasks(scope: Scope) -> Iterator[str]:
    """Every state has a Comment; every Task a time limit, a retry policy and a Catch for all; error names are real."""
    for name, state in scope.states.items():
        where = f"{scope.path}/{name}"
        if not state.get("Comment"):
            yield f"{where}: no Comment that says why it is there"
        if state["Type"] == "Task":
            missing = [key for key in ("TimeoutSeconds", "Retry", "Catch") if not state.get(key)]
            if missing:
                yield f"{where}: a Task without {', '.join(missing)}"
        if state["Type"] in ("Task", "Parallel", "Map"):
            caught = {error for catch in state.get("Catch", []) for error in catch["ErrorEquals"]}
            if "States.ALL" not in caught:
                yield f"{where}: does not catch States.ALL"
        for rule in (*state.get("Retry", []), *state.get("Catch", [])):
            for error in rule["ErrorEquals"]:
                if error not in BOUNDARY_ERRORS and not PLATFORM_ERROR.fullmatch(error):
                    yield f"{where}: {error!r} is neither a boundary error nor one of the platform's"
        for rule in state.get("Retry", []):
            if "States.ALL" in rule["ErrorEquals"]:
                yield f"{where}: retries everything, bad input included"
            if rule.get("MaxAttempts") != 0 and (rule.get("JitterStrategy") != "FULL" or "MaxDelaySeconds" not in rule):
                yield f"{where}: a retry without FULL jitter and MaxDelaySeconds"


def kind_of(resource: str) -> str:
    if resource.endswith("lambda:invoke"):
        return "function"
    return "execution" if ":states:startExecution" in resource else "native"


def lasts(rule: dict[str, Any]) -> float:
    """Seconds that all attempts wait together, on average: FULL jitter takes any part of each interval."""
    intervals: Iterator[float] = (
        rule["IntervalSeconds"] * rule["BackoffRate"] ** number for number in range(rule["MaxAttempts"])
    )
    longest: float = rule["MaxDelaySeconds"]
    return sum(min(each, longest) for each in intervals) / 2


def retry_policies(scope: Scope) -> Iterator[str]:
    """One retry policy for functions, one for native integrations, one for executions, repeated literally.

    An execution is not started again because it failed: what it failed at is its own to retry.
    """
    first: dict[str, tuple[str, Any]] = {}
    for inner in scope:
        for name, state in inner.states.items():
            if state["Type"] != "Task":
                continue
            kind = kind_of(state["Resource"])
            where, policy = first.setdefault(kind, (name, state.get("Retry")))
            if state.get("Retry") != policy:
                yield f"{inner.path}/{name}: its retry policy differs from that of {where!r}"
            retried = {error for rule in state.get("Retry", []) for error in rule["ErrorEquals"]}
            if kind == "function" and not retried >= {"RetryableError", "UnsettledError"}:
                yield f"{inner.path}/{name}: does not repeat what may pass"
            throttled = [rule for rule in state.get("Retry", []) if THROTTLED in rule["ErrorEquals"]]
            if kind == "function" and not (throttled and lasts(throttled[0]) >= LEAST_PATIENCE_SECONDS):
                yield f"{inner.path}/{name}: gives up before a throttled Lambda has room again"
            if kind == "function" and any(len(rule["ErrorEquals"]) > 1 for rule in throttled):
                yield f"{inner.path}/{name}: {THROTTLED} uses up the attempts of other errors"
            if kind == "execution" and "States.TaskFailed" in retried:
                yield f"{inner.path}/{name}: starts an execution again because it failed"


def variables(scope: Scope) -> Iterator[str]:
    """No variable is read where none was assigned, and none shadows an outer one (Step Functions refuses that)."""
    own = scope.own_variables
    yield from (
        f"{scope.path}: ${name} is assigned here and in an outer scope" for name in sorted(own & scope.outer_variables)
    )
    visible = own | scope.outer_variables
    for name, state in scope.states.items():
        text = yaml.safe_dump(
            {key: value for key, value in state.items() if key not in ("Branches", "ItemProcessor", "Comment")},
            width=10**6,
        )
        for expression in re.findall(r"\{%(.*?)%\}", text, flags=re.DOTALL):
            without_strings = re.sub(r"'[^']*'", "''", expression)
            # A dollar name followed by a parenthesis is a JSONata function.
            used = {match[1] for match in re.finditer(r"\$([A-Za-z_]\w*)(?!\w|\()", without_strings)} - {"states"}
            used -= set(re.findall(r"\$([A-Za-z_]\w*)\s*:=", without_strings))
            yield from (f"{scope.path}/{name}: ${variable} is never assigned" for variable in sorted(used - visible))


def loops(scope: Scope) -> Iterator[str]:
    """Every Wait is in a loop of Task, Choice and Wait whose Choice ends it by `waited_seconds`."""
    for name, state in scope.states.items():
        if state["Type"] != "Wait":
            continue
        where = f"{scope.path}/{name}"
        choices = [s for s in scope.states.values() if s["Type"] == "Choice" and name in targets(s)]
        bounded = [
            c for c in choices if any("$states.input.waited_seconds >=" in rule["Condition"] for rule in c["Choices"])
        ]
        if not bounded or len(bounded) != len(choices):
            yield f"{where}: its loop has no bound"
        if "waited_seconds" not in str(state.get("Output", "")):
            yield f"{where}: does not count what it waits"


def loops_count_from_zero(scope: Scope) -> Iterator[str]:
    """What one loop has waited counts neither against the patience for the next one nor towards its growing waits."""
    awaited = {state["Next"] for state in scope.states.values() if state["Type"] == "Wait"}
    for name, state in scope.states.items():
        if state["Type"] != "Choice" or scope.states[state["Default"]]["Type"] != "Wait":
            continue
        for rule in state["Choices"]:
            if (found := _next_awaited(scope, rule, awaited)) not in (None, scope.states[state["Default"]]["Next"]):
                yield f"{scope.path}/{name}: what was waited in its loop counts on in that of {found!r}"


def _next_awaited(scope: Scope, step: dict[str, Any], awaited: set[str]) -> str | None:
    """The first Task with a loop that a rule of a Choice leads to, its input being handed on with the count in it."""
    if "'waited_seconds': 0" in str(step.get("Output")) or "$states.input" not in str(
        step.get("Output", "$states.input")
    ):
        return None
    following = step.get("Next", step.get("Default"))
    return following if following in awaited else following and _next_awaited(scope, scope.states[following], awaited)


def catches_name_their_state(scope: Scope) -> Iterator[str]:
    for name, state in scope.states.items():
        for catch in state.get("Catch", []):
            output = str(catch.get("Output"))
            if "'state'" in output and f"'state': '{name}'" not in output:
                yield f"{scope.path}/{name}: its Catch names another state"


def substitutions(definition_path: Path, template: dict[str, Any]) -> Iterator[str]:
    """The template substitutes exactly the names that the definition uses."""
    used = set(re.findall(r"\$\{(\w+)\}", definition_path.read_text()))
    machines = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::Serverless::StateMachine"]
    relative = str(definition_path.relative_to(ROOT))
    given = next((set(m["DefinitionSubstitutions"]) for m in machines if m["DefinitionUri"] == relative), None)
    if given is None:
        yield f"{relative}: no state machine of template.yaml uses it"
        return
    yield from (f"{relative}: ${{{name}}} is not substituted by template.yaml" for name in sorted(used - given))
    yield from (f"{relative}: template.yaml substitutes {name}, which nothing uses" for name in sorted(given - used))


class _Template(yaml.SafeLoader):
    """CloudFormation's short forms (!Ref, !Sub …) are read as None: the checks above need none of them."""


_Template.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def load_template(path: Path = ROOT / "template.yaml") -> dict[str, Any]:
    template: dict[str, Any] = yaml.load(path.read_text(), _Template)  # noqa: S506 - a SafeLoader
    return template


def findings(definition: Definition) -> Iterator[str]:
    """Everything that is wrong inside one definition."""
    root = scope_of(definition)
    if "TimeoutSeconds" not in definition:
        yield "the machine itself has no TimeoutSeconds"
    yield from retry_policies(root)
    for scope in root:
        for check in (transitions, tasks, variables, loops, loops_count_from_zero, catches_name_their_state):
            yield from check(scope)


def main() -> int:
    template = load_template()
    machines = sorted((ROOT / "statemachine").glob("*.asl.yaml"))
    found = [
        f"{path.name}{finding}" if finding.startswith("/") else f"{path.name}: {finding}"
        for path in machines
        for finding in (*findings(load(path)), *substitutions(path, template))
    ]
    print(
        "\n".join(found)
        or f"{len(machines)} state machine(s): every Next lands, every Task is guarded, every loop is bounded"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
