"""The function of state "Validate request": defaults, refusals, and that it touches nothing."""

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.client
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from hypothesis import HealthCheck, given, settings
from moto import mock_aws

from functions.validate_request.app import lambda_handler
from provisioner import handler
from provisioner.errors import RequestError
from provisioner.request import Request
from tests.unit.functions.bad_requests import EXISTING, bad_requests

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

ROOT = Path(__file__).parents[3]
DEFAULTS = "/eks-efs-provisioner/defaults"
UNIT_DEFAULTS = f"{DEFAULTS}/ou-ab12-l3zc8b3h"
ABOVE = {"ou-ab12-l3zc8b3h": "ou-ab12-middle00", "ou-ab12-middle00": "ou-ab12-outer000", "ou-ab12-outer000": "r-ab12"}
DENIED = {"Code": "AccessDeniedException", "Message": "You don't have permissions to access this resource."}


class Context(LambdaContext):
    def __init__(self) -> None:
        self._aws_request_id = "request-1"
        self._function_name = "validate_request"
        self._invoked_function_arn = "arn:aws:lambda:ap-northeast-1:999988887777:function:validate_request"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every AWS call that is made, by name; moto answers them."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "ap-northeast-1",
        "AWS_DEFAULT_REGION": "ap-northeast-1",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "POWERTOOLS_SERVICE_NAME": "test-validate-request",
        "DEFAULTS_PARAMETER": DEFAULTS,
        "STACK_DEFAULTS": "{}",
        "FUNCTIONS_IN_VPC": "false",
    }.items():
        monkeypatch.setenv(name, value)
    made: list[str] = []
    forward = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def record(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        made.append(f"{client.meta.service_model.service_name}:{operation}")
        if operation != "ListParents":
            return forward(client, operation, arguments)
        above = ABOVE.get(arguments["ChildId"])
        if above is None:
            raise client.exceptions.from_code("AccessDeniedException")({"Error": DENIED}, operation)
        return {"Parents": [{"Id": above, "Type": "ROOT" if above.startswith("r-") else "ORGANIZATIONAL_UNIT"}]}

    with mock_aws():
        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", record)
        yield made


@pytest.fixture
def ssm(calls: list[str]) -> "SSMClient":
    return boto3.client("ssm")


def put(ssm: "SSMClient", name: str, partial: Any) -> None:
    text = partial if isinstance(partial, str) else json.dumps(partial)
    ssm.put_parameter(Name=name, Type="String", Value=text, Overwrite=True)


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / f"events/{name}.json").read_text())
    return event


def validate(trigger: Any) -> dict[str, Any]:
    return lambda_handler({"execution_arn": "arn", "input": trigger, "located": None}, Context())


def refused(trigger: Any) -> str:
    with pytest.raises(RequestError) as caught:
        validate(trigger)
    return str(caught.value)


@pytest.mark.usefixtures("calls")
def test_an_empty_input_is_a_full_request_for_the_functions_own_account_and_region() -> None:
    request = validate({})
    assert (request["account_id"], request["region"]) == ("999988887777", "ap-northeast-1")
    assert request["cluster"]["name"] == "eks-example"
    assert Request.model_validate(request).model_dump(mode="json") == request


def test_the_stacks_defaults_fill_what_the_input_leaves_out(ssm: "SSMClient") -> None:
    put(ssm, DEFAULTS, {"cluster": {"version": "1.33", "name": "eks-default"}, "tags": {"team": "platform", "a": "1"}})
    request = validate({"cluster": {"name": "eks-mine"}, "tags": {"a": "2"}})
    assert (request["cluster"]["name"], request["cluster"]["version"]) == ("eks-mine", "1.33")
    assert request["tags"] == {"team": "platform", "a": "2"}


def test_the_stacks_parameters_come_after_all_other_defaults(ssm: "SSMClient", monkeypatch: pytest.MonkeyPatch) -> None:
    people = ["arn:aws:iam::111122223333:role/platform"]
    administrators = {"admin_principal_arns": people, "control_plane_log_retention_days": 30}
    monkeypatch.setenv("STACK_DEFAULTS", json.dumps({"cluster": administrators}))
    cluster = validate({})["cluster"]
    assert (cluster["admin_principal_arns"], cluster["control_plane_log_retention_days"]) == (people, 30)
    put(ssm, DEFAULTS, {"cluster": {"control_plane_log_retention_days": 7}})
    cluster = validate({"cluster": {"admin_principal_arns": []}})["cluster"]
    assert (cluster["admin_principal_arns"], cluster["control_plane_log_retention_days"]) == ([], 7)


@pytest.mark.usefixtures("calls")
def test_a_bad_parameter_of_the_stack_is_reported_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_DEFAULTS", json.dumps({"cluster": {"admin_principal_arns": ["me"]}}))
    assert "cluster.admin_principal_arns[0] is 'me' (from the stack's parameters); allowed: the ARN" in refused({})


def test_the_organizational_units_defaults_come_before_the_stacks(ssm: "SSMClient", calls: list[str]) -> None:
    put(ssm, DEFAULTS, {"region": "us-east-1", "cluster": {"version": "1.32", "name": "eks-stack"}})
    put(ssm, UNIT_DEFAULTS, {"cluster": {"version": "1.33"}})
    calls.clear()
    request = validate(sample("control-tower-create-managed-account"))
    assert request["account_id"] == "111122223333"
    assert request["region"] == "us-east-1"
    assert (request["cluster"]["name"], request["cluster"]["version"]) == ("eks-stack", "1.33")
    assert set(calls) == READING


READING = {"organizations:ListParents", "ssm:GetParameter"}


def test_nested_units_inherit_from_those_above_them_the_nearest_first_and_it_is_told_what_came_from_where(
    ssm: "SSMClient",
) -> None:
    outer, middle = f"{DEFAULTS}/ou-ab12-outer000", f"{DEFAULTS}/ou-ab12-middle00"
    put(ssm, DEFAULTS, {"storage": {"capacity": "1Gi"}, "tags": {"team": "stack"}})
    put(ssm, outer, {"storage": {"capacity": "2Gi"}, "cluster": {"version": "1.31"}, "tags": {"unit": "outer"}})
    put(ssm, middle, {"cluster": {"version": "1.32"}, "verification": {"writers": 1}})
    put(ssm, UNIT_DEFAULTS, {"cluster": {"version": "1.33"}})
    request = validate({"organizational_unit_id": "ou-ab12-l3zc8b3h", "verification": {"writers": 2}})
    assert request["cluster"]["version"] == "1.33"
    assert (request["storage"]["capacity"], request["verification"]["writers"]) == ("2Gi", 2)
    assert request["tags"] == {"team": "stack", "unit": "outer"}
    assert request["from_defaults"] == {
        "cluster.version": f"SSM parameter {UNIT_DEFAULTS}",
        "storage.capacity": f"SSM parameter {outer}",
        "tags.team": f"SSM parameter {DEFAULTS}",
        "tags.unit": f"SSM parameter {outer}",
    }


@pytest.mark.usefixtures("calls")
def test_what_a_recorded_request_says_of_its_origins_stays_when_it_is_asked_for_again() -> None:
    first = validate({"cluster": {"version": "1.33"}}) | {"from_defaults": {"cluster.version": "SSM parameter x"}}
    assert validate(first)["from_defaults"] == {"cluster.version": "SSM parameter x"}


def test_who_may_not_ask_what_is_above_a_unit_gets_its_own_defaults_and_is_told(ssm: "SSMClient") -> None:
    put(ssm, f"{DEFAULTS}/ou-ab12-11111111", {"cluster": {"version": "1.33"}})
    request = validate({"organizational_unit_id": "ou-ab12-11111111"})
    assert request["cluster"]["version"] == "1.33"
    said = request["from_defaults"]["organizational_unit_id"]
    assert said.startswith("without the defaults of the units above it: ")
    assert "AccessDeniedException" in said


def test_an_organizational_units_defaults_are_for_its_accounts_only(ssm: "SSMClient") -> None:
    put(ssm, UNIT_DEFAULTS, {"cluster": {"version": "1.33"}})
    assert validate(sample("organizations-create-account-result"))["cluster"]["version"] is None
    assert validate({})["cluster"]["version"] is None


def test_an_explicit_null_beats_a_default(ssm: "SSMClient") -> None:
    put(ssm, DEFAULTS, {"cluster": {"version": "1.33"}})
    assert validate({"cluster": {"version": None}})["cluster"]["version"] is None


@pytest.mark.parametrize(
    ("default", "asked", "expected"),
    [
        (EXISTING, {"nat": "per_zone"}, {"cidr": "192.168.0.0/16", "availability_zones": 3, "nat": "per_zone"}),
        ({"nat": "per_zone"}, EXISTING, EXISTING),
        (EXISTING, {}, EXISTING),
        ({"nat": "per_zone"}, {"availability_zones": 2}, {"nat": "per_zone", "availability_zones": 2}),
    ],
)
def test_one_form_of_network_replaces_the_other_and_merges_with_itself(
    ssm: "SSMClient", default: Any, asked: Any, expected: Any
) -> None:
    put(ssm, DEFAULTS, {"network": default})
    network = validate({"network": asked})["network"]
    assert network.items() >= expected.items()
    assert ("vpc_id" in network) == ("vpc_id" in expected)


def test_a_bad_default_is_reported_with_the_parameter_it_came_from(ssm: "SSMClient") -> None:
    put(ssm, DEFAULTS, {"cluster": {"public_access_cidrs": ["192.0.2.0/24", "bad"]}, "verification": {"writers": 99}})
    put(ssm, UNIT_DEFAULTS, {"colour": "red"})
    message = refused(sample("control-tower-create-managed-account"))
    assert f"cluster.public_access_cidrs[1] is 'bad' (from SSM parameter {DEFAULTS});" in message
    assert f"verification.writers is 99 (from SSM parameter {DEFAULTS});" in message
    assert f"colour is 'red' (from SSM parameter {UNIT_DEFAULTS});" in message


def test_a_wrong_input_is_not_blamed_on_a_good_default(ssm: "SSMClient") -> None:
    put(ssm, DEFAULTS, {"verification": {"writers": 2}})
    assert "verification.writers is 99; allowed" in refused({"verification": {"writers": 99}})


@pytest.mark.parametrize("text", ["not json", "[]", '"{}"', "null"])
def test_a_default_that_is_no_json_object_is_reported_by_its_name(ssm: "SSMClient", text: str) -> None:
    put(ssm, DEFAULTS, text)
    assert f"SSM parameter {DEFAULTS} is {text!r}; allowed: a JSON object" in refused({})


KEY = "222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ESC = "\x1b[2J<b>[x](http://y)\u202e"
OWNER = "eks-efs-provisioner/cluster"


@pytest.mark.parametrize("name", [DEFAULTS, UNIT_DEFAULTS])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"protect": false, "protect": true}', "it says protect twice"),
        ('{"verification": {"writers": NaN}}', "NaN is no number of JSON"),
        ("{" * 4000, "a JSON object"),
        ("[" * 4000, "a JSON object"),
        ('{"tags":' * 400 + "1" + "}" * 400, "tags.tags is {"),
        ("\ufeff{}", "a JSON object"),
        (json.dumps([{"protect": False}]), "it is no object"),
        ("AQICAHh" * 50, "a JSON object"),  # a SecureString, as it is read without its key
        (json.dumps({"account_id": "222222222222"}), "account_id is '222222222222'"),
        (json.dumps({"account_id": None}), "account_id is None"),
        (json.dumps({"organizational_unit_id": "ou-ab12-other000"}), "organizational_unit_id is 'ou-ab12-other000'"),
        (json.dumps({"from_defaults": {"protect": "the request"}}), "from_defaults is {'protect': 'the request'}"),
        (json.dumps({"role_arn": "arn:aws:iam::222222222222:role/theirs"}), "role_arn is 'arn:aws:iam::222222222222"),
        (json.dumps({"cluster": "x"}), "cluster is 'x'"),
        (json.dumps({"cluster": {"endpoint_access": "open"}}), "cluster.endpoint_access is 'open'"),
        (json.dumps({"cluster": {"endpoint_access": {"deep": {}}}}), "cluster.endpoint_access is {'deep': {}}"),
        (json.dumps({"protect": "false"}), "protect is 'false'"),
        (json.dumps({"tags": {OWNER: "another-teams"}}), f"tags.{OWNER} is "),
        (json.dumps({"tags": {"aws:cloudformation:stack-name": "x"}}), "tags.aws:cloudformation:stack-name is "),
        (json.dumps({"tags": {"a": ESC}}), "tags.a is "),
        (json.dumps({"tags": dict.fromkeys(map(str, range(300)), "x")}), "tags is "),
        (json.dumps({"tags": {"a": "x" * 4000}}), "tags.a is 'xxx"),
        (json.dumps({ESC: 1}), "is 1"),
        (json.dumps({"file_system": {"kms_key_arn": "alias/theirs"}}), "file_system.kms_key_arn is 'alias/theirs'"),
        (
            json.dumps({"file_system": {"kms_key_arn": f"arn:aws:kms:eu-west-1:{KEY}"}}),
            "a key in the request's own region",
        ),
        (json.dumps({"verification": {"image": f"busybox:{ESC}"}}), "verification.image is "),
    ],
)
def test_a_poisoned_default_is_refused_by_its_name_and_nothing_is_called_but_ssm(
    ssm: "SSMClient", calls: list[str], name: str, text: str, said: str
) -> None:
    put(ssm, name, text)
    calls.clear()
    message = refused(sample("control-tower-create-managed-account"))
    assert said in message
    assert f"SSM parameter {name}" in message
    assert "allowed: " in message
    assert message.replace("\n", "").isprintable()
    assert len(message) < 8_000
    assert set(calls) <= {"ssm:GetParameter", "organizations:ListParents"}


@pytest.mark.usefixtures("calls")
def test_a_default_can_ask_for_whatever_a_request_can_and_the_run_says_which_parameter_did(ssm: "SSMClient") -> None:
    """Who may write it may have all that who starts runs may: the record and the report tell of it."""
    key = f"arn:aws:kms:ap-northeast-1:{KEY}"
    put(ssm, UNIT_DEFAULTS, {"protect": False, "file_system": {"kms_key_arn": key}, "on_failure": "keep"})
    put(ssm, DEFAULTS, {"protect": True})
    request = validate(sample("control-tower-create-managed-account"))
    assert request["protect"] is False
    from_unit = [name for name, origin in request["from_defaults"].items() if origin.endswith(UNIT_DEFAULTS)]
    assert set(from_unit) == {"protect", "file_system.kms_key_arn", "on_failure"}


@pytest.mark.usefixtures("calls")
def test_a_unit_id_that_would_name_another_parameter_is_refused() -> None:
    event = sample("control-tower-create-managed-account")
    status = event["detail"]["serviceEventDetails"]["createManagedAccountStatus"]
    status["organizationalUnit"]["organizationalUnitId"] = "../../secret"
    assert "organizationalUnit.organizationalUnitId is '../../secret'" in refused(event)


@pytest.mark.usefixtures("calls")
def test_a_key_in_another_region_and_a_principal_in_another_partition_are_refused_beside_wrong_fields() -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    message = refused(
        {
            "cluster": {
                "name": "-",
                "secrets_key_arn": key,
                "admin_principal_arns": ["arn:aws-cn:iam::111122223333:role/x", "arn:aws:iam::111122223333:role/x"],
            },
            "file_system": {"kms_key_arn": key},
        }
    )
    assert message.startswith("InvalidRequest: 4 wrong fields")
    assert "cluster.secrets_key_arn is 'arn:aws:kms:eu-west-1:" in message
    assert "allowed: a key in the request's own region, ap-northeast-1" in message
    assert "file_system.kms_key_arn is" in message
    assert "cluster.admin_principal_arns[0] is" in message


@pytest.mark.parametrize(
    ("region", "allowed"),
    [
        ("us-gov-west-1", "(us-gov-west-1 has no EKS on Fargate)"),
        ("us-iso-east-1", "(what us-iso-east-1 has is not published)"),
        ("eu-west-9", "such as ap-northeast-1 or us-east-1\n"),
        ("cn-north-1", "a region of the partition aws, where this application runs, such as ap-northeast-1"),
    ],
)
def test_a_region_where_no_cluster_can_be_made_from_here_is_refused_by_what_it_lacks(
    calls: list[str], region: str, allowed: str
) -> None:
    message = refused({"region": region})
    assert message.startswith(f"InvalidRequest: 1 wrong field\n- region is '{region}'; allowed: a region ")
    assert allowed in message
    assert set(calls) == {"ssm:GetParameter"}


def test_a_cluster_may_be_asked_for_in_every_region_that_has_all_of_it(ssm: "SSMClient") -> None:
    """Also from a stack in another one: the stack's own region is CloudFormation's to refuse."""
    document = (ROOT / "docs/regions.md").read_text()
    rows = dict(re.findall(r"^\| ([a-z]+-[a-z0-9-]+) \| [^|]+ \| (yes|no)\b", document, re.MULTILINE))
    for region, answer in rows.items():
        if region.startswith("cn-"):  # asked for from here, another partition
            continue
        if answer == "yes":
            assert validate({"region": region})["region"] == region
        else:
            assert f"region is '{region}'" in refused({"region": region})
    assert len(rows) > 40


@pytest.mark.parametrize(("cidrs", "warned"), [(["0.0.0.0/0"], True), (["192.0.2.0/24"], False)])
@pytest.mark.usefixtures("calls")
def test_an_endpoint_open_to_the_whole_internet_is_warned_about_in_the_log(
    cidrs: list[str],
    warned: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FUNCTIONS_IN_VPC", "true")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"test-warning-{warned}")
    handler.logger.cache_clear()
    validate({"cluster": {"name": "eks-open", "public_access_cidrs": cidrs}})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [line for line in lines if line.get("message") == "cluster_endpoint_is_open_to_the_internet"]
    assert [(line["level"], line["cluster"]) for line in found] == ([("WARNING", "eks-open")] if warned else [])


def test_every_one_of_250_bad_requests_is_refused_by_the_field_and_nothing_is_called_but_ssm(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # One client for all: making it is most of the time that an invocation takes.
    monkeypatch.setattr(boto3, "client", functools.cache(boto3.client))
    seen: list[str] = []

    @settings(max_examples=250, suppress_health_check=list(HealthCheck))
    @given(bad_requests())
    def refuse(bad: tuple[dict[str, Any], str]) -> None:
        request, path = bad
        path = re.sub(r"\.(\d+)\b", r"[\1]", path)
        message = refused(json.loads(json.dumps(request)))
        assert f"\n- {path} is " in message or f"\n- {path}." in message, message
        seen.append(json.dumps(request, sort_keys=True))

    validate(sample("full"))
    refuse()
    assert len(set(seen)) >= 200
    assert set(calls) == {"ssm:GetParameter"}


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            {"cluster": {"service_ipv4_cidr": "10.20.0.0/24"}, "network": {"cidr": "10.20.0.0/16"}},
            "cluster.service_ipv4_cidr is '10.20.0.0/24'; allowed: a range that does not overlap with network.cidr",
        ),
        (
            {"network": {"cidr": "10.20.0.0/20", "private_subnet_prefix_length": 21}},
            "network.private_subnet_prefix_length is 21; allowed: 22 to 27 in a network.cidr of /20",
        ),
    ],
)
def test_addresses_that_do_not_fit_the_vpc_are_refused_by_the_field(parts: dict[str, Any], said: str) -> None:
    assert said in refused(parts)


OFFICE = ["203.0.113.0/24"]
HALVES = ["0.0.0.0/1", "128.0.0.0/1"]


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("in_vpc", "cluster", "network", "said"),
    [
        (
            "false",
            {"public_access_cidrs": OFFICE},
            {},
            r"public_access_cidrs is .*; allowed: 0\.0\.0\.0/0, since the functions",
        ),
        (
            "false",
            {"endpoint_access": "private"},
            {},
            "endpoint_access is 'private'; allowed: public_and_private, since",
        ),
        (
            "true",
            {"endpoint_access": "public", "public_access_cidrs": OFFICE},
            {},
            "allowed: public_and_private, since pods",
        ),
    ],
)
def test_an_endpoint_that_keeps_out_who_has_to_come_in_is_refused_with_what_works(
    in_vpc: str, cluster: dict[str, Any], network: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNCTIONS_IN_VPC", in_vpc)
    assert re.search(said, refused({"cluster": cluster, "network": network}))


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("in_vpc", "cluster", "network"),
    [
        ("false", {"public_access_cidrs": HALVES}, {}),
        ("false", {"endpoint_access": "public", "public_access_cidrs": [*HALVES, *OFFICE]}, {}),
        ("true", {"public_access_cidrs": OFFICE}, {}),
        ("true", {"endpoint_access": "private", "public_access_cidrs": OFFICE}, {}),
        ("true", {"endpoint_access": "public", "public_access_cidrs": OFFICE}, EXISTING),
    ],
)
def test_an_endpoint_that_lets_in_who_has_to_come_in_passes(
    in_vpc: str, cluster: dict[str, Any], network: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNCTIONS_IN_VPC", in_vpc)
    assert validate({"cluster": cluster, "network": network})["cluster"]["name"] == "eks-example"


@pytest.mark.usefixtures("calls")
def test_nothing_is_asked_for_that_would_have_to_be_made_in_another_account() -> None:
    lent = sample("lent-file-system")
    assert validate(lent)["file_system"]["existing"] == lent["file_system"]["existing"]
    point = {"uid": 1000, "gid": 1000, "path": "/orders"}
    message = refused(
        {"file_system": {"peer": lent["file_system"]["peer"]}, "storage": {"access_point": point}},
    )
    assert "file_system.existing is missing; allowed: the id of a file system that account 444455556666 has" in message
    assert "what is made in another account is that account's to make" in message
    assert "storage.access_point is {'uid': 1000, 'gid': 1000, 'path': '/orders', 'permissions': '0755'}" in message
    assert "an access point of a file system of account 444455556666 is that account's to make" in message
    volumes = [
        {"name": "efs-orders", "claim": "orders"},
        {"name": "efs-payments", "claim": "payments", "access_point": point},
    ]
    assert "storage.volumes[1].access_point is" in refused({**lent, "storage": {"volumes": volumes}})


@pytest.mark.usefixtures("calls")
def test_a_peer_of_the_clusters_own_account_passes_whether_or_not_it_is_named() -> None:
    peer = sample("peered-file-system")["file_system"]["peer"]
    for account_id in (None, "999988887777"):
        request = validate({"file_system": {"peer": {**peer, "account_id": account_id}}})
        assert request["file_system"]["peer"]["vpc_id"] == peer["vpc_id"]
