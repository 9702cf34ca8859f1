"""The door to target accounts, and what AWS errors mean."""

import gc
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import botocore.client
import botocore.loaders
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from provisioner.aws import session
from provisioner.aws.errors import MAY_SETTLE, boundary_error
from provisioner.aws.session import Target
from provisioner.errors import ErrorReason, RetryableError, TerminalError, UnsettledError
from provisioner.request import FileSystemRequest, Request
from tests.unit.resources.aws_calls import http

ENVIRON = {"EXTERNAL_ID": "for-tests", "AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": "ensure_file_system"}


def request(account_id: str = "444455556666", region: str = "eu-west-1") -> Request:
    return Request.model_validate({"account_id": account_id, "region": region})


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    session._assumed.cache_clear()
    with mock_aws():
        yield
    session._assumed.cache_clear()


class Sts:
    """Answers AssumeRole in place of STS; every other call goes its way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[dict[str, Any]] = []
        self.regions: list[str] = []
        self.error_code: str | None = None
        self.lifetime = timedelta(hours=1)
        forward = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

        def call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
            if operation != "AssumeRole":
                return forward(client, operation, arguments)
            self.calls.append(arguments)
            self.regions.append(client.meta.region_name)
            if self.error_code:
                raise ClientError({"Error": {"Code": self.error_code, "Message": "no"}}, operation)
            return {
                "Credentials": {
                    "AccessKeyId": f"ASIA{len(self.calls)}",
                    "SecretAccessKey": "secret",
                    "SessionToken": f"token-{len(self.calls)}",
                    "Expiration": datetime.now(UTC) + self.lifetime,
                }
            }

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Sts:
    return Sts(monkeypatch)


def test_the_provisioner_role_of_the_target_account_makes_the_calls() -> None:
    identity = Target.of(request(), ENVIRON).client("sts").get_caller_identity()
    assert identity["Account"] == "444455556666"
    assert identity["Arn"].endswith(":assumed-role/eks-efs-provisioner-provisioner/ensure_file_system")


def test_to_look_only_another_role_is_assumed_and_both_sessions_are_kept(sts: Sts) -> None:
    inspector = Target.of(request(), ENVIRON, role="inspector")
    assert [each["RoleArn"] for each in sts.calls] == ["arn:aws:iam::444455556666:role/eks-efs-provisioner-inspector"]
    assert inspector is Target.of(request(), ENVIRON, role="inspector")
    assert inspector is not Target.of(request(), ENVIRON)
    assert inspector.role_arn("inspector") == sts.calls[0]["RoleArn"]


def test_an_account_that_lends_a_file_system_is_looked_at_by_the_inspector_there(sts: Sts) -> None:
    target = Target.of(request(), ENVIRON)
    assert session.of_file_system(request(), target) is target
    lender = {"vpc_id": "vpc-12345678", "subnet_ids": ["subnet-12345678"], "account_id": "999988887777"}
    lent = request().model_copy(update={"file_system": FileSystemRequest.model_validate({"peer": lender})})
    beside = session.of_file_system(lent, target)
    assert (beside.account_id, beside.region) == ("999988887777", "eu-west-1")
    assert sts.calls[-1]["RoleArn"] == "arn:aws:iam::999988887777:role/eks-efs-provisioner-inspector"
    assert sts.calls[-1]["ExternalId"] == "for-tests"
    assert session.of_file_system(lent, target) is beside
    own = FileSystemRequest.model_validate({"peer": {**lender, "account_id": "444455556666"}})
    assert session.of_file_system(request().model_copy(update={"file_system": own}), target) is target


def test_the_role_is_assumed_with_the_external_id_and_the_functions_name(sts: Sts) -> None:
    Target.of(request(), ENVIRON | {"ROLE_PREFIX": "platform"})
    assert sts.calls == [
        {
            "RoleArn": "arn:aws:iam::444455556666:role/platform-provisioner",
            "RoleSessionName": "ensure_file_system",
            "ExternalId": "for-tests",
        }
    ]
    assert sts.regions == ["us-east-1"]


def test_roles_have_the_path_that_the_organization_demands_but_for_the_pods(sts: Sts) -> None:
    target = Target.of(request(), ENVIRON | {"ROLE_PREFIX": "acme", "ROLE_PATH": "/platform/eks/"})
    assert sts.calls[0]["RoleArn"] == "arn:aws:iam::444455556666:role/platform/eks/acme-provisioner"
    assert target.role_arn("cluster") == "arn:aws:iam::444455556666:role/platform/eks/acme-cluster"
    assert target.role_arn("fargate-pods") == "arn:aws:iam::444455556666:role/acme-fargate-pods"


def test_the_boundary_that_an_organization_demands_is_a_policy_of_the_target_account(sts: Sts) -> None:
    assert Target.of(request(), ENVIRON).boundary_arn is None
    target = Target.of(request(), ENVIRON | {"PERMISSIONS_BOUNDARY": "platform/boundary"})
    assert target.boundary_arn == "arn:aws:iam::444455556666:policy/platform/boundary"


def test_the_own_account_is_reached_in_the_same_way(sts: Sts) -> None:
    Target.of(request(account_id="123456789012"), ENVIRON)
    assert sts.calls[0]["RoleArn"] == "arn:aws:iam::123456789012:role/eks-efs-provisioner-provisioner"


def test_a_target_knows_its_roles_region_and_partition(sts: Sts) -> None:
    target = Target.of(request(region="cn-north-1"), ENVIRON)
    assert (target.account_id, target.region, target.partition) == ("444455556666", "cn-north-1", "aws-cn")
    assert target.role_arn("cluster") == "arn:aws-cn:iam::444455556666:role/eks-efs-provisioner-cluster"
    assert target.role_arn("fargate-pods") == "arn:aws-cn:iam::444455556666:role/eks-efs-provisioner-fargate-pods"
    assert target.client("efs").meta.region_name == "cn-north-1"


def test_a_session_is_assumed_once_per_account_and_region(sts: Sts) -> None:
    first = Target.of(request(), ENVIRON)
    assert Target.of(request(), ENVIRON) is first
    assert first.client("eks") is first.client("eks")
    assert len(sts.calls) == 1
    Target.of(request(region="eu-central-1"), ENVIRON)
    Target.of(request(account_id="777788889999"), ENVIRON)
    assert len(sts.calls) == 3


def test_a_warm_function_that_serves_a_fleet_keeps_few_of_its_sessions(sts: Sts) -> None:
    first = weakref.ref(Target.of(request("000000000000"), ENVIRON))
    for number in range(1, session.MOST_SESSIONS + 1):
        Target.of(request(f"{number:012}"), ENVIRON)
    gc.collect()
    assert first() is None
    assert Target.of(request("000000000001"), ENVIRON) is Target.of(request("000000000001"), ENVIRON)
    assert len(sts.calls) == session.MOST_SESSIONS + 1


def test_sessions_of_other_accounts_read_no_descriptions_of_services_again(
    sts: Sts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.session.create_loader", botocore.loaders.create_loader)  # as the SDK has it
    loaders = [
        Target.of(request(account_id), ENVIRON).botocore_session.get_component("data_loader")
        for account_id in ("444455556666", "777788889999")
    ]
    assert loaders[0] is loaders[1]


def test_credentials_that_are_about_to_expire_are_renewed(sts: Sts) -> None:
    sts.lifetime = timedelta(minutes=1)
    target = Target.of(request(), ENVIRON)
    sts.lifetime = timedelta(hours=1)
    credentials = target.botocore_session.get_credentials()
    assert credentials is not None
    assert credentials.get_frozen_credentials().token == "token-2"
    assert credentials.get_frozen_credentials().token == "token-2"
    assert len(sts.calls) == 2


def test_a_role_that_is_not_there_yet_is_worth_another_try(sts: Sts) -> None:
    sts.error_code = "AccessDenied"
    with pytest.raises(RetryableError) as caught:
        Target.of(request(), ENVIRON)
    assert caught.value.reason is ErrorReason.ROLE_NOT_ASSUMABLE
    assert "arn:aws:iam::444455556666:role/eks-efs-provisioner-provisioner" in str(caught.value)
    sts.error_code = None
    assert Target.of(request(), ENVIRON).account_id == "444455556666"


def test_a_role_that_is_taken_away_is_said_so_at_the_renewal(sts: Sts) -> None:
    sts.lifetime = timedelta(minutes=1)
    target = Target.of(request(), ENVIRON)
    sts.error_code = "AccessDenied"
    with pytest.raises(RetryableError) as caught:
        target.client("efs").describe_file_systems()
    assert caught.value.reason is ErrorReason.ROLE_NOT_ASSUMABLE


def test_a_throttled_sts_is_retryable(sts: Sts) -> None:
    sts.error_code = "Throttling"
    with pytest.raises(RetryableError) as caught:
        Target.of(request(), ENVIRON)
    assert caught.value.reason is ErrorReason.THROTTLED


def test_a_function_name_that_sts_would_refuse_is_made_to_fit(sts: Sts) -> None:
    Target.of(request(), ENVIRON | {"AWS_LAMBDA_FUNCTION_NAME": "a b/" + "x" * 80})
    assert sts.calls[0]["RoleSessionName"] == "a-b-" + "x" * 60


def client_error(code: str, message: str = "", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "CreateFileSystem",
    )


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("ThrottlingException", RetryableError, ErrorReason.THROTTLED),
        ("RequestLimitExceeded", RetryableError, ErrorReason.THROTTLED),
        ("ServerException", RetryableError, ErrorReason.SERVICE_UNAVAILABLE),
        ("SubscriptionRequiredException", RetryableError, ErrorReason.NOT_YET_CONSISTENT),
        ("ResourceInUseException", RetryableError, ErrorReason.CONFLICT),
        ("IncorrectFileSystemLifeCycleState", RetryableError, ErrorReason.CONFLICT),
        ("UnauthorizedOperation", TerminalError, ErrorReason.ACCESS_DENIED),
        ("FileSystemLimitExceeded", TerminalError, ErrorReason.QUOTA_EXCEEDED),
        ("NoFreeAddressesInSubnet", TerminalError, ErrorReason.QUOTA_EXCEEDED),
        ("UnsupportedAvailabilityZoneException", TerminalError, ErrorReason.UNSUITABLE_NETWORK),
        ("ValidationException", TerminalError, ErrorReason.REJECTED),
    ],
)
def test_an_error_code_decides_whether_a_call_is_worth_repeating(
    code: str, kind: type[RetryableError | TerminalError], reason: ErrorReason
) -> None:
    error = boundary_error(client_error(code, "because"), "CreateFileSystem of eks-example")
    assert type(error) is kind
    assert error.reason is reason
    assert error.subject == f"CreateFileSystem of eks-example: {code} (because)"


def test_an_unknown_code_with_a_server_status_is_retryable() -> None:
    error = boundary_error(client_error("Strange", status=503), "CreateFileSystem")
    assert (type(error), error.reason) == (RetryableError, ErrorReason.SERVICE_UNAVAILABLE)


def test_the_message_text_decides_nothing() -> None:
    assert type(boundary_error(client_error("Strange", "Rate exceeded, ThrottlingException"), "x")) is TerminalError


def test_a_signature_error_is_not_quoted_since_it_quotes_the_session_token() -> None:
    message = "The Canonical String should have been 'x-amz-security-token:TOKEN'"
    for code in ("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"):
        assert "TOKEN" not in str(boundary_error(client_error(code, message), "CreateFileSystem"))


@pytest.mark.parametrize(
    ("code", "minutes", "kind", "told"),
    [
        ("SignatureDoesNotMatch", 60, RetryableError, "this function's clock is 60 minutes ahead of AWS's"),
        ("InvalidSignatureException", -60, RetryableError, "this function's clock is 60 minutes behind AWS's"),
        ("AuthFailure", 60, RetryableError, "60 minutes ahead"),
        ("AuthFailure", 4, TerminalError, "AuthFailure"),
        ("SignatureDoesNotMatch", -4, TerminalError, "SignatureDoesNotMatch"),
        ("AccessDenied", 60, TerminalError, "AccessDenied"),
    ],
)
def test_a_wrong_clock_is_told_by_the_date_of_the_answer_that_refuses_the_requests(
    code: str, minutes: int, kind: type[Exception], told: str
) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    error = client_error(code)
    dated = {"date": format_datetime(now - timedelta(minutes=minutes), usegmt=True)}
    error.response["ResponseMetadata"]["HTTPHeaders"] = dated
    bounded = boundary_error(error, "CreateFileSystem", now=lambda: now)
    assert (type(bounded), told in bounded.subject) == (kind, True), bounded
    assert (bounded.reason is ErrorReason.CLOCK_WRONG) is (kind is RetryableError)


def test_no_code_means_two_things() -> None:
    from provisioner.aws import errors

    codes = [code for codes in errors._RETRYABLE.values() for code in codes]
    codes += [code for codes, _ in errors._TERMINAL.values() for code in codes]
    assert len(codes) == len(set(codes))


def test_a_denial_may_settle_while_the_role_is_young_or_its_age_may_not_be_looked_up(
    sts: Sts,
) -> None:
    target = Target.of(request(), ENVIRON, role="inspector")
    assert denial(target, role_made(timedelta(minutes=9))) is UnsettledError
    assert denial(target, role_made(timedelta(minutes=11))) is TerminalError
    assert denial(target, {"Error": {"Code": "AccessDenied"}}) is UnsettledError
    assert denial(target, {"Error": {"Code": "NoSuchEntity"}}) is TerminalError


def test_what_ec2_keeps_for_itself_is_denied_to_everybody_at_any_age(sts: Sts) -> None:
    target = Target.of(request(), ENVIRON)
    refused: Any = answering({"Error": {"Code": "AuthFailure"}})
    target.client("ec2").meta.events.register("before-call.ec2.*", refused)
    with pytest.raises(ClientError) as caught:
        target.client("ec2").describe_vpcs()
    assert MAY_SETTLE not in caught.value.response


def role_made(ago: timedelta) -> dict[str, Any]:
    return {"Role": {"Arn": "arn:aws:iam::444455556666:role/r", "CreateDate": datetime.now(UTC) - ago}}


def answering(said: dict[str, Any]) -> Any:
    return lambda **_: (http(400 if "Error" in said else 200), {**said, "ResponseMetadata": {}})


def denial(target: Target, iam_says: dict[str, Any]) -> type[Exception]:
    """What becomes of a denied call; whose age is asked is the role that made it, and once."""
    asked: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.append(params["RoleName"])

    target._clients.clear()
    iam, efs = target.client("iam"), target.client("efs")
    iam.meta.events.register("provide-client-params.iam.GetRole", note)
    iam.meta.events.register("before-call.iam.GetRole", answering(iam_says))
    efs.meta.events.register("before-call.efs.*", answering({"Error": {"Code": "AccessDeniedException"}}))
    with pytest.raises(ClientError) as refused:
        efs.describe_file_systems()
    assert asked == ["eks-efs-provisioner-inspector"]
    error = boundary_error(refused.value, "DescribeFileSystems")
    assert error.reason is ErrorReason.ACCESS_DENIED
    return type(error)
