"""10,000 inputs that nobody should send, each to the function that meets it first: refused, and nothing was touched."""

import functools
import itertools
import json
import re
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import boto3
import botocore.client
import jsonschema
import pytest

from functions.claim_for_reading.app import lambda_handler as claim_for_reading
from functions.list_clusters.app import lambda_handler as list_clusters
from functions.locate_account.app import lambda_handler as locate_account
from functions.validate_removal.app import lambda_handler as validate_removal
from functions.validate_request.app import lambda_handler as validate_request
from provisioner.errors import RequestError, TerminalError
from provisioner.given import names_a_secret, spoken
from provisioner.request import Request, json_schema
from tests.unit.functions import hostile_inputs as hostile
from tests.unit.functions.records import ENVIRONMENT, Context

SCHEMA: Final = jsonschema.Draft202012Validator(json_schema())
CAUSE_CHARACTERS: Final = 32_768  # of a Fail state; Step Functions API reference, HistoryEvent
KEPT_CHARACTERS: Final = 8_000  # of a cause, by the states "Describe failure"
PAYLOAD_BYTES: Final = 262_144  # of a state's input
COUNTS: Final = {
    "requests": 3_000,
    "events": 2_000,
    "anything": 2_000,
    "checks": 1_000,
    "removals": 1_000,
    "fleets": 1_000,
}
READS: Final[dict[str, Any]] = {
    "GetParametersByPath": {"Parameters": []},
    "ListParents": {"Parents": [{"Id": "r-ab12", "Type": "ROOT"}]},
    "ListTagsForResource": {"Tags": []},
    "Scan": {"Items": []},
    "GetItem": {},
}
ABSENT: Final = {"GetParameter": "ParameterNotFound"}
# A check of a fleet that is asked for well begins at once: these are where a good input goes on.
GOOD_GOES_ON: Final = {"UpdateItem", "PutObject"}


class GoesOnError(Exception):
    """The input was good after all, and this call would have been the first that changes something."""


class Invocations:
    """Functions called as the state machines call them; every call that AWS got is counted."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.refused = 0
        self.longest_seconds = 0.0
        self.client = functools.cache(boto3.session.Session(region_name="eu-west-1").client)

    def answer(self, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        self.calls[operation] += 1
        if operation == "ListParents":
            assert re.fullmatch(r"\d{12}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}", arguments["ChildId"]), arguments
        if operation in ABSENT:
            assert re.fullmatch(r"/defaults(/(ou|r)-[0-9a-z-]+)?", arguments["Name"]), arguments
            raise client.exceptions.from_code(ABSENT[operation])({"Error": {"Code": ABSENT[operation]}}, operation)
        if operation in GOOD_GOES_ON:
            raise GoesOnError
        return READS[operation]

    def ask(self, function: Callable[..., Any], given: Any) -> Any:
        """What the function answers: its payload, None where it went on, or the refusal."""
        began = time.process_time()
        try:
            return function({"execution_arn": "arn", "input": given, "located": None}, Context())
        except TerminalError as error:
            if not str(error).startswith("Unexpected: GoesOnError;"):
                raise
            return None
        except RequestError as refusal:
            self.refused += 1
            fits(str(refusal))
            return refusal
        finally:
            self.longest_seconds = max(self.longest_seconds, time.process_time() - began)


def fits(message: str) -> None:
    """One line for each wrong field, nothing in them that a terminal, a log or a page could obey, and no secret."""
    assert hostile.CANARY not in message
    assert len(message) <= KEPT_CHARACTERS
    assert len(json.dumps({"errorMessage": message}, ensure_ascii=False).encode()) <= CAUSE_CHARACTERS
    assert all(line.isprintable() for line in message.split("\n"))
    if message.startswith("InvalidRequest: SSM parameter "):  # which is no request, so that no field can be named
        return
    first, *lines, last = message.split("\n")
    assert last == "; nothing was created; correct this and start again"
    assert (counted := re.fullmatch(r"InvalidRequest: (\d+) wrong fields?", first))
    assert all(line.startswith("- ") for line in lines)
    if not lines[-1].startswith("- also wrong: "):
        assert int(counted[1]) == len(lines)


@pytest.fixture
def invocations(monkeypatch: pytest.MonkeyPatch) -> Iterator[Invocations]:
    unset = {"DEFAULTS_PARAMETER": "/defaults", "STACK_DEFAULTS": "{}", "FUNCTIONS_IN_VPC": "false"}
    for name, value in (ENVIRONMENT | unset).items():
        monkeypatch.setenv(name, value)
    made = Invocations()
    monkeypatch.setattr(boto3, "client", lambda service, config: made.client(service, config=config))

    def answer(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        return made.answer(client, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", answer)
    yield made
    assert set(made.calls) <= {*READS, *ABSENT, *GOOD_GOES_ON}


@pytest.fixture(scope="module")
def inputs() -> hostile.Inputs:
    return hostile.Inputs()


def names_each(message: str, wrong: Iterator[jsonschema.ValidationError]) -> bool:
    """Whether a line tells of each part that JSON Schema, another judge, refuses, or of what is around it."""
    told = [line.removeprefix("- ").split(" is ")[0] for line in message.splitlines() if line.startswith("- ")]
    paths = (spoken(tuple(error.absolute_path)) for error in wrong)
    return "also wrong" in message or all(
        any(where.startswith(path) or path.startswith(where) for where in told) for path in paths
    )


def test_of_a_request_every_field_that_its_schema_refuses_is_named(
    invocations: Invocations, inputs: hostile.Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(COUNTS["requests"]):
        request = inputs.request()
        answer = invocations.ask(validate_request, request)
        if isinstance(answer, dict):
            assert SCHEMA.is_valid(hostile.cut(request))
            assert Request.model_validate(answer).model_dump(mode="json") == answer
        elif number % 4 == 0:  # the other judge takes longer than what it judges
            assert names_each(str(answer), SCHEMA.iter_errors(hostile.cut(request))), answer
    assert invocations.refused > COUNTS["requests"] * 0.8
    assert hostile.CANARY not in capsys.readouterr().out
    assert invocations.longest_seconds < 15  # of processor time, where the function has a minute


def test_an_event_is_refused_or_asks_for_the_account_that_it_names(
    invocations: Invocations, inputs: hostile.Inputs
) -> None:
    for _ in range(COUNTS["events"]):
        event = inputs.event()
        if not {"source", "detail-type"} <= event.keys():
            assert isinstance(invocations.ask(validate_request, event), RequestError)
        elif isinstance(located := invocations.ask(locate_account, event), dict):
            answer = invocations.ask(validate_request, event)
            assert re.fullmatch("[0-9]{12}", answer["account_id"])
            assert answer["account_id"] == located["account_id"]
            assert f'"accountId": "{answer["account_id"]}"' in json.dumps(event["detail"]["serviceEventDetails"])
    assert invocations.refused > COUNTS["events"] * 0.5


def test_what_is_nothing_at_all_is_refused_by_every_function_that_takes_a_persons_input(
    invocations: Invocations, inputs: hostile.Inputs
) -> None:
    functions = itertools.cycle((validate_request, claim_for_reading, validate_removal, list_clusters))
    for function, _ in zip(functions, range(COUNTS["anything"]), strict=False):
        invocations.ask(function, inputs.value())
    assert invocations.refused > COUNTS["anything"] * 0.8


@pytest.mark.parametrize(
    ("what", "function", "fields"),
    [
        ("checks", claim_for_reading, ("account_id", "region", "cluster_name", "depth", "remediate")),
        ("removals", validate_removal, ("account_id", "cluster_name", "mode", "delete_data", "roll_back")),
        ("fleets", list_clusters, ("depth", "remediate", "find_new_accounts", "find_orphans")),
    ],
)
def test_checks_and_removals_refuse_as_well(
    what: str, function: Callable[..., Any], fields: tuple[str, ...], invocations: Invocations, inputs: hostile.Inputs
) -> None:
    for _ in range(COUNTS[what]):
        invocations.ask(function, inputs.fields(fields))
    assert invocations.refused > COUNTS[what] * 0.8


def test_ten_thousand_inputs_they_are_in_all() -> None:
    assert sum(COUNTS.values()) == 10_000


def test_half_a_character_in_a_name_is_refused_too(invocations: Invocations) -> None:
    for place in ((hostile.HALF,), ("tags", hostile.HALF), ("cluster", hostile.HALF)):
        given: dict[str, Any] = {}
        hostile.put(given, place, 1)
        assert isinstance(invocations.ask(validate_request, given), RequestError)


LARGEST: Final = {
    "a text": "x" * (PAYLOAD_BYTES - 100),
    "emoji": "🦀" * (PAYLOAD_BYTES // 4 - 100),
    "a name": {"x" * (PAYLOAD_BYTES - 100): 1},
    "names": {str(number): 1 for number in range(22_000)},
    "a list": [1] * (PAYLOAD_BYTES // 3 - 100),
    "depth": hostile.deep(2_000, of=dict),
}


@pytest.mark.parametrize("what", LARGEST)
@pytest.mark.parametrize("place", ["", "storage.volumes"])
def test_the_largest_input_that_a_state_takes_is_refused_in_an_eighth_of_the_functions_memory(
    what: str, place: str, invocations: Invocations
) -> None:
    given: Any = LARGEST[what]
    if place:
        outer: dict[str, Any] = {}
        hostile.put(outer, tuple(place.split(".")), given)
        given = outer
    assert len(json.dumps(given, ensure_ascii=False).encode()) <= PAYLOAD_BYTES
    tracemalloc.start()
    answer = invocations.ask(validate_request, given)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(answer, RequestError)
    assert peak < 64 * 1024**2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"cluster": {"name": "a", "name": "b"}}', "it says name twice"),
        ('{"verification": {"writers": NaN}}', "NaN is no number of JSON"),
        ('{"verification": {"writers": -Infinity}}', "-Infinity is no number of JSON"),
        ('{"verification": {"writers": 1e400}}', "verification.writers is inf"),
        ('{"verification": {"writers": -0}}', "verification.writers is 0"),
        ('{"verification": {"writers": 9223372036854775808}}', "verification.writers is 9223372036854775808"),
        ("[" * 4_000, "allowed: a JSON object"),
        ('{"writers": 1' + "0" * 5_000 + "}", "allowed: a JSON object"),
        ("\ufeff{}", "allowed: a JSON object"),
        ('{"db_password": "hunter2", "cluster": }', "[not repeated: it may be a secret]"),
        ('{"region": "eu-west-1"} {"region": "us-east-1"}', "allowed: a JSON object"),
    ],
)
def test_a_default_that_somebody_spoiled_is_refused_with_the_parameters_name(
    text: str, said: str, invocations: Invocations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(ABSENT, "GetParameter")
    monkeypatch.setitem(READS, "GetParameter", {"Parameter": {"Value": text}})
    message = str(invocations.ask(validate_request, {}))
    assert said in message
    assert "SSM parameter /defaults" in message


def test_names_of_the_requests_own_fields_hide_no_value() -> None:
    assert not [path for path in hostile.FIELDS if any(map(names_a_secret, path))]
