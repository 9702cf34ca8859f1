"""What a known principal may do is what its policies say, and a refusal is AWS's."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.organizations.models import FakeAccount, OrganizationsBackend, organizations_backends

from local.aws.administrators import administrator_of
from local.aws.iam import Principal
from local.aws.lambda_runtime import Credentials
from local.aws.patches.permissions import UNKNOWN_CALL, check_role, is_allowed
from local.aws.permissions.authoriser import AccessDenied
from local.aws.permissions.demand import Demand
from tests.local.aws.patches.conftest import TRUST, Sandbox

ACCOUNT = "123456789012"
VPC = f"arn:aws:ec2:ap-northeast-1:{ACCOUNT}:vpc/*"
TABLE = f"arn:aws:dynamodb:ap-northeast-1:{ACCOUNT}:table/claims"
GET = {"Get": {"TableName": "claims", "Key": {"cluster": {"S": "x"}}}}
Client = Callable[..., Any]


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource}


def role_with(aws: Sandbox, *statements: dict[str, Any]) -> str:
    people, name = aws.server.client("iam"), f"r-{uuid.uuid4().hex[:8]}"
    arn: str = people.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        people.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return arn


@pytest.fixture
def client(aws: Sandbox) -> Client:
    """A client of a service whose role has these statements."""

    def make(service: str, *statements: dict[str, Any]) -> Any:
        credentials: Credentials = aws.server.assume_role(role_with(aws, *statements), "tester")
        return aws.server.client(service, credentials=credentials)

    return make


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_nothing_is_allowed_that_no_policy_allows(client: Client) -> None:
    code, message, status = refused(client("eks").describe_cluster, name="c")
    assert (code, status) == ("AccessDeniedException", 403)
    assert message.startswith(f"User: arn:aws:sts::{ACCOUNT}:assumed-role/r-")
    assert message.endswith(
        "/tester is not authorized to perform: eks:DescribeCluster on resource: "
        f"arn:aws:eks:ap-northeast-1:{ACCOUNT}:cluster/c because no identity-based policy allows the "
        "eks:DescribeCluster action"
    )


def test_each_service_refuses_in_its_own_way(client: Client) -> None:
    assert refused(client("ec2").describe_vpcs)[0] == "UnauthorizedOperation"
    assert refused(client("s3").get_object, Bucket="b", Key="k")[0] == "AccessDenied"
    assert refused(client("cloudformation").list_stacks)[0] == "AccessDenied"
    code, _, status = refused(client("ssm").get_parameter, Name="/p")
    assert (code, status) == ("AccessDeniedException", 400)
    role = f"arn:aws:iam::{ACCOUNT}:role/another"
    assert refused(client("sts").assume_role, RoleArn=role, RoleSessionName="tester")[0] == "AccessDenied"


def test_everybody_may_ask_who_he_is(client: Client) -> None:
    assert "/tester" in client("sts").get_caller_identity()["Arn"]


def test_an_allowed_call_reaches_the_service_and_another_resource_does_not(client: Client) -> None:
    states = client("dynamodb", allow("dynamodb:GetItem", TABLE))
    key = {"cluster": {"S": "x"}}
    assert refused(states.get_item, TableName="claims", Key=key)[0] == "ResourceNotFoundException"
    assert refused(states.get_item, TableName="others", Key=key)[0] == "AccessDeniedException"
    assert refused(states.update_item, TableName="claims", Key=key)[0] == "AccessDeniedException"


def test_a_deny_wins_over_every_allow(client: Client) -> None:
    _, message, _ = refused(client("ec2", allow("ec2:*"), deny("ec2:DescribeVpcs")).describe_vpcs)
    assert message.endswith("with an explicit deny in an identity-based policy")


def test_attached_managed_policies_count_until_they_are_detached(aws: Sandbox) -> None:
    people, role = aws.server.client("iam"), role_with(aws)
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("ec2:DescribeVpcs")]})
    policy = people.create_policy(PolicyName="look", PolicyDocument=document)["Policy"]["Arn"]
    demand = Demand("ec2:DescribeVpcs")
    assert not is_allowed(aws.server, role, "x", demand)
    people.attach_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyArn=policy)
    assert is_allowed(aws.server, role, "x", demand)
    people.detach_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyArn=policy)
    assert not is_allowed(aws.server, role, "x", demand)


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"Null": {"aws:RequestTag/owner": "false"}}, {"aws:RequestTag/owner": "me"}, True),
        ({"Null": {"aws:RequestTag/owner": "false"}}, {}, False),
        ({"ForAnyValue:StringEquals": {"aws:CalledVia": ["a"]}}, {"aws:CalledVia": ("a", "b")}, True),
        ({"ForAnyValue:StringEquals": {"aws:CalledVia": ["a"]}}, {}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ("a", "b")}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, {}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, {}, True),
        ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, {}, True),
    ],
)
def test_conditions_see_what_the_call_and_aws_itself_put_into_the_context(
    aws: Sandbox, condition: Any, context: Any, expected: bool
) -> None:
    role = role_with(aws, allow("ec2:CreateVpc", Condition=condition))
    assert is_allowed(aws.server, role, "x", Demand("ec2:CreateVpc", VPC, context)) is expected


def test_a_bucket_policy_can_refuse_what_the_role_allows(aws: Sandbox) -> None:
    bucket, role = f"b-{uuid.uuid4().hex[:8]}", role_with(aws, allow("s3:*"))
    admin, put = aws.server.client("s3"), Demand("s3:PutObject", f"arn:aws:s3:::{bucket}/key")
    admin.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    assert is_allowed(aws.server, role, "x", put)
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:Put*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    admin.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [statement]}))
    with pytest.raises(AccessDenied, match="with an explicit deny in a resource-based policy"):
        check_role(aws.server, role, "x", put)


def test_a_key_whose_policy_leaves_nothing_to_the_account_is_closed_to_its_roles(aws: Sandbox) -> None:
    kms, role = aws.server.client("kms"), role_with(aws, allow("kms:*"))
    key = kms.create_key()["KeyMetadata"]["Arn"]
    assert is_allowed(aws.server, role, "x", Demand("kms:Decrypt", key))
    other = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "kms:*", "Resource": "*"}
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps({"Statement": [other]}))
    with pytest.raises(AccessDenied, match="no resource-based policy allows the kms:Decrypt action"):
        check_role(aws.server, role, "x", Demand("kms:Decrypt", key))


def test_a_call_of_which_nobody_has_said_what_it_needs_is_refused_loudly(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """AWS has no action of the operation's name: a transaction needs those of its parts."""
    transact = client("dynamodb", allow("dynamodb:*")).transact_get_items
    code, message, _ = refused(transact, TransactItems=[GET])
    assert code == UNKNOWN_CALL
    assert "dynamodb:TransactGetItems" in message
    assert "dynamodb:TransactGetItems" in caplog.text


def test_of_an_administrator_nobody_asks_what_a_call_needs(client: Client) -> None:
    absent = "ResourceNotFoundException"
    assert refused(client("dynamodb", allow("*")).transact_get_items, TransactItems=[GET])[0] == absent
    nearly = client("dynamodb", allow("*"), deny("iam:*"))
    assert refused(nearly.transact_get_items, TransactItems=[GET])[0] == UNKNOWN_CALL


def test_the_audit_has_every_decision(aws: Sandbox) -> None:
    role, seen = role_with(aws, allow("ec2:DescribeVpcs")), len(aws.server.authoriser.audit)
    demands = Demand("ec2:DescribeVpcs"), Demand("ec2:CreateVpc", VPC, {"aws:RequestTag/a": "b"})
    is_allowed(aws.server, role, "x", *demands)
    yes, no = list(aws.server.authoriser.audit)[seen:]
    assert (yes.principal, yes.action, yes.allowed) == (role, "ec2:DescribeVpcs", True)
    assert (no.resource, no.allowed) == (VPC, False)
    assert {"aws:RequestTag/a": "b", "aws:PrincipalAccount": ACCOUNT}.items() <= no.context.items()
    assert aws.server.authoriser.audit.denied(seen) == [no]


def test_a_role_that_lost_the_right_to_write_logs_runs_and_leaves_none(aws: Sandbox) -> None:
    function = aws.function("def handler(event, context):\n    print('said')\n", Role=role_with(aws))
    assert aws.invoke(function) == (None, None)
    groups = [group["logGroupName"] for group in aws.server.client("logs").describe_log_groups()["logGroups"]]
    assert f"/aws/lambda/{function.rsplit(':', 1)[1]}" not in groups
    assert aws.server.authoriser.audit.denied()[-1].action == "logs:CreateLogGroup"


def test_a_machine_that_may_not_invoke_fails_as_the_service_has_it(aws: Sandbox) -> None:
    """Source: awslabs/aws-deployment-framework#460."""
    function = aws.function("def handler(event, context):\n    return 1\n")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function},
        "End": True,
    }
    definition = {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": task}}
    machine = aws.states.create_state_machine(
        name=f"m-{uuid.uuid4().hex[:8]}", definition=json.dumps(definition), roleArn=role_with(aws)
    )["stateMachineArn"]
    ended = aws.finished(aws.start(machine))
    assert ended["error"] == "Lambda.AWSLambdaException"
    assert "not authorized to perform: lambda:InvokeFunction on resource: " + function in ended["cause"]


def test_a_machine_gets_no_log_destination_that_its_role_may_not_set_up(aws: Sandbox) -> None:
    aws.server.client("logs").create_log_group(logGroupName="/states")
    group = f"arn:aws:logs:ap-northeast-1:{ACCOUNT}:log-group:/states:*"
    logging = {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]}
    machine = aws.machine({"A": {"Type": "Succeed"}})
    aws.states.update_state_machine(stateMachineArn=machine, roleArn=role_with(aws))
    code, message, _ = refused(aws.states.update_state_machine, stateMachineArn=machine, loggingConfiguration=logging)
    assert (code, "not authorized to access the Log Destination" in message) == ("AccessDeniedException", True)


def test_an_unknown_principal_has_no_policies(aws: Sandbox) -> None:
    nobody = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    with pytest.raises(AccessDenied):
        aws.server.authoriser.check(Principal(nobody, nobody, ACCOUNT), [Demand("ec2:DescribeVpcs")])


def test_a_machine_that_waits_for_executions_needs_the_rule_that_tells_of_their_end(aws: Sandbox) -> None:
    """Source: nasa/cumulus#2693."""
    states = {"A": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": True}}
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": states})
    rule = f"arn:aws:events:ap-northeast-1:{ACCOUNT}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    lacking = role_with(aws, allow(["events:PutTargets", "events:PutRule"], rule))
    name = f"m-{uuid.uuid4().hex[:8]}"
    code, message, _ = refused(aws.states.create_state_machine, name=name, definition=definition, roleArn=lacking)
    assert (code, message) == ("AccessDeniedException", f"'{lacking}' is not authorized to create managed-rule.")
    whole = role_with(aws, allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], rule))
    made = aws.states.create_state_machine(name=name, definition=definition, roleArn=whole)["stateMachineArn"]
    assert refused(aws.states.update_state_machine, stateMachineArn=made, roleArn=lacking)[1] == message


def test_a_permissions_boundary_limits_what_the_role_has(aws: Sandbox) -> None:
    role = role_with(aws, allow("ec2:*"), allow("eks:*"))
    people = aws.server.client("iam")
    document = {"Version": "2012-10-17", "Statement": [allow("ec2:*"), deny("ec2:DescribeSubnets")]}
    boundary = people.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    people.put_role_permissions_boundary(RoleName=role.rpartition("/")[2], PermissionsBoundary=boundary)
    credentials = aws.server.assume_role(role, "tester")
    ec2 = aws.server.client("ec2", credentials=credentials)
    assert ec2.describe_vpcs()["Vpcs"]
    assert refused(ec2.describe_subnets)[1].endswith(f"with an explicit deny in a permissions boundary: {boundary}")
    _, message, _ = refused(aws.server.client("eks", credentials=credentials).describe_cluster, name="c")
    assert message.endswith("because no permissions boundary allows the eks:DescribeCluster action")


def test_a_session_policy_limits_the_session(aws: Sandbox) -> None:
    role, limit = role_with(aws, allow("ec2:*")), json.dumps({"Version": "2012-10-17", "Statement": [allow("eks:*")]})
    people = aws.server.client("iam")
    trust = {**TRUST, "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    people.update_assume_role_policy(RoleName=role.rpartition("/")[2], PolicyDocument=json.dumps(trust))
    keys = aws.server.client("sts").assume_role(RoleArn=role, RoleSessionName="tester", Policy=limit)["Credentials"]
    credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    _, message, _ = refused(aws.server.client("ec2", credentials=credentials).describe_vpcs)
    assert message.endswith("because no session policy allows the ec2:DescribeVpcs action")


@pytest.fixture
def member(aws: Sandbox) -> Iterator[tuple[OrganizationsBackend, FakeAccount]]:
    """An account in a unit of an organization that another account manages."""
    organizations = organizations_backends["555566667777"]["aws"]
    organizations._reset()
    organizations.create_organization("us-east-1", FeatureSet="ALL")
    assert organizations.org is not None
    unit = organizations.create_organizational_unit(ParentId=organizations.org.root_id, Name="workloads")
    made = organizations.create_account(AccountName="member", Email="m@example.com")["CreateAccountStatus"]
    account = organizations.get_account_by_id(made["AccountId"])
    account.parent_id = unit["OrganizationalUnit"]["Id"]
    yield organizations, account
    organizations_backends.master_accounts.pop(account.id)


@pytest.mark.parametrize(
    ("target", "statements", "said"),
    [
        ("account", [deny("ec2:DescribeVpcs")], "with an explicit deny in a service control policy: arn:aws:organ"),
        ("unit", [deny("ec2:DescribeVpcs")], "with an explicit deny in a service control policy: arn:aws:organ"),
        ("root", [deny("*")], "with an explicit deny in a service control policy: arn:aws:organ"),
        ("root", [allow("*"), deny("eks:*")], ""),
    ],
)
def test_service_control_policies_hold_from_every_level_and_not_in_the_management_account(
    target: str,
    statements: list[dict[str, Any]],
    said: str,
    aws: Sandbox,
    member: tuple[OrganizationsBackend, FakeAccount],
) -> None:
    organizations, account = member
    assert organizations.org is not None
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    policy = organizations.create_policy(Name="limit", Description="", Type="SERVICE_CONTROL_POLICY", Content=document)[
        "Policy"
    ]["PolicySummary"]
    places = {"account": account.id, "unit": account.parent_id, "root": organizations.org.root_id}
    organizations.attach_policy(PolicyId=policy["Id"], TargetId=places[target])
    theirs, manager = (
        Principal(f"arn:aws:iam::{account_id}:root", f"arn:aws:iam::{account_id}:root", account_id)
        for account_id in (account.id, "555566667777")
    )
    demand = Demand("ec2:DescribeVpcs")
    aws.server.authoriser.check(manager, [demand])
    if said:
        with pytest.raises(AccessDenied, match=said):
            aws.server.authoriser.check(theirs, [demand])
    else:
        aws.server.authoriser.check(theirs, [demand])


MADE: dict[str, tuple[str, dict[str, Any], str]] = {
    "ec2": ("create_security_group", {"GroupName": "g", "Description": "g"}, "TagPolicyViolation"),
    "efs": ("create_access_point", {"FileSystemId": "fs-00000000000000000"}, "ValidationException"),
    "eks": (
        "create_cluster",
        {"name": "c", "roleArn": "arn:aws:iam::{account}:role/c", "resourcesVpcConfig": {"subnetIds": ["subnet-1"]}},
        "InvalidParameterException",
    ),
}


def tagged(service: str, tags: dict[str, str]) -> dict[str, Any]:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    match service:
        case "ec2":
            return {"TagSpecifications": [{"ResourceType": "security-group", "Tags": pairs}]} if tags else {}
        case "efs":
            return {"Tags": pairs}
        case _:
            return {"tags": tags}


@pytest.mark.parametrize("service", MADE)
@pytest.mark.parametrize(
    ("tags", "is_refused"),
    [
        ({"cost-center": "4711"}, False),
        ({"cost-center": "4799"}, False),
        ({"cost-center": "0815"}, True),
        ({"Cost-Center": "4711"}, True),
        ({"team": "0815"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_a_tag_policy_refuses_on_what_it_is_enforced_for_other_values_and_other_capitals_and_demands_no_tag(
    service: str, tags: dict[str, str], is_refused: bool, aws: Sandbox, member: tuple[OrganizationsBackend, FakeAccount]
) -> None:
    organizations, account = member
    types = ["ec2:security-group", "eks:ALL_SUPPORTED", "elasticfilesystem:*"]
    of_unit = {"tag_key": {"@@assign": "cost-center"}, "tag_value": {"@@assign": ["4711", "0815"]}}
    attach(organizations, account.parent_id, {"cost-center": {**of_unit, "enforced_for": {"@@assign": types}}})
    attach(organizations, account.id, {"cost-center": {"tag_value": {"@@append": ["47*"], "@@remove": ["0815"]}}})
    call, parameters, code = MADE[service]
    make = getattr(aws.server.client(service, credentials=administrator_of(account.id)), call)
    words = "The tag policy does not allow the specified value for the following tag key: "
    given = json.loads(json.dumps(parameters).replace("{account}", account.id))
    try:
        make(**given, **tagged(service, tags))
        said = ""
    except ClientError as error:
        said = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    assert said.startswith(f"{code}: {words}") == is_refused, said
    assert is_refused or "policy" not in said


def attach(organizations: OrganizationsBackend, target: str, tags: dict[str, Any]) -> None:
    content = json.dumps({"tags": tags})
    made = organizations.create_policy(Name=f"tags of {target}", Description="", Type="TAG_POLICY", Content=content)
    organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=target)
