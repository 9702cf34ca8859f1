"""Choice states whose rule leads where Default leads.

moto lacks: States.NoChoiceMatched, and telling the two apart; it takes Assign and Output of the state (meant for
Default) after those of the rule. Source: Step Functions developer guide, Choice state: the state's own Assign and
Output apply when no rule matched.
"""
# mypy: disable-error-code="method-assign, typeddict-item"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

if TYPE_CHECKING:
    from local.aws.server import AwsServer


class RuleTarget(str):
    """The name of a state that a rule, not Default, leads to."""


def install(server: AwsServer) -> None:
    evaluate_output = StateChoice._eval_state_output

    def eval_state(self: Any, env: Any) -> None:
        for rule in self.choices_decl.rules:
            rule.eval(env)
            if env.stack.pop() is True:
                env.stack.append(RuleTarget(rule.next_stmt.name))
                return
        if self.default_state is None:
            raise _no_choice_matched(self, env)
        env.stack.append(self.default_state.state_name)

    def eval_state_output(self: Any, env: Any) -> None:
        if isinstance(env.stack[-1], RuleTarget) and not self._is_language_query_jsonpath():
            env.next_state_name = str(env.stack.pop())
        else:
            evaluate_output(self, env)

    StateChoice._eval_state = eval_state
    StateChoice._eval_state_output = eval_state_output


def _no_choice_matched(state: Any, env: Any) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesNoChoiceMatched)
    details = {
        "error": name.error_name,
        "cause": f"The choice state '{state.name}' failed to find a match for its input.",
    }
    failure = FailureEvent(
        env=env,
        error_name=name,
        event_type=HistoryEventType.ExecutionFailed,
        event_details=EventDetails(executionFailedEventDetails=details),
    )
    return FailureEventException(failure)
