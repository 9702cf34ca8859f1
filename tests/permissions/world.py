"""An organization, a management account that forwards its events, and the app: every role there is, deployed."""

import json
from dataclasses import dataclass
from typing import Any

from local.aws.administrators import administrator_of
from local.aws.service_events import emit
from local.cloud import ROOT, EmbeddedCloud
from local.faults.accounts import roll_out_roles
from tests.end_to_end.runs import Machine
from tools.templates import load_template

MANAGEMENT = "999999999999"
FORWARDING = "forward"


@dataclass(frozen=True)
class World:
    cloud: EmbeddedCloud
    outputs: dict[str, str]
    events: Any
    """The app's account's EventBridge."""
    managements_sqs: Any
    key: str
    person: str
    """A role."""
    user: str

    @classmethod
    def deployed(cls, cloud: EmbeddedCloud) -> "World":
        root = _organization(cloud)
        parameters = {"EnrolledUnits": root, "ManagementAccountId": MANAGEMENT, "LeftOut": "ou-ab12-00000000"}
        outputs = cloud.deploy(parameters=parameters)
        _name_functions_group(cloud)
        administrator = administrator_of(MANAGEMENT)
        cloud.server.client("cloudformation", credentials=administrator).create_stack(
            StackName=FORWARDING,
            TemplateBody=json.dumps(load_template(ROOT / "accounts" / "management.yaml")),
            Parameters=[{"ParameterKey": "HubEventBusArn", "ParameterValue": _bus(cloud)}],
            Capabilities=["CAPABILITY_IAM"],
        )
        key = cloud.client("kms").create_key(Description="of the account")["KeyMetadata"]["Arn"]
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        person = cloud.client("iam").create_role(RoleName="people", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        return cls(
            cloud,
            outputs,
            cloud.client("events"),
            cloud.server.client("sqs", credentials=administrator),
            key,
            person,
            cloud.client("iam").create_user(UserName="one")["User"]["Arn"],
        )

    def machine(self, name: str) -> Machine:
        return Machine(self.cloud, self.outputs, name)

    @property
    def private_image(self) -> str:
        """In the account's own registry."""
        return f"{self.cloud.account_id}.dkr.ecr.{self.cloud.region}.amazonaws.com/mirror/busybox:1.37"

    def new_account(self, name: str) -> str:
        """An enrolled one, with its roles, whose event never came."""
        organizations = self.cloud.client("organizations")
        made = organizations.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
        root = organizations.list_roots()["Roots"][0]["Id"]
        (unit,) = organizations.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"]
        ends = {"SourceParentId": root, "DestinationParentId": unit["Id"]}
        organizations.move_account(AccountId=made["AccountId"], **ends)
        roll_out_roles(self.cloud, made["AccountId"], HubAccountId=self.cloud.account_id)
        return str(made["AccountId"])

    def tell(self, sample: str, account_id: str) -> None:
        """AWS tells that account's bus of a new account, which is the app's own."""
        text = (ROOT / "events" / sample).read_text().replace("111122223333", self.cloud.account_id)
        emit(json.loads(text), account_id, self.cloud.region)

    def forget(self, cluster: str) -> None:
        """That an event asked for it: another one is then the first to tell of the account."""
        key = f"{self.cloud.account_id}#{self.cloud.region}#{cluster}"
        self.cloud.client("dynamodb").delete_item(
            TableName=self.outputs["ClaimsTableName"], Key={"cluster": {"S": key}}
        )

    def messages(self, queue_url: str, *, sqs: Any = None) -> list[dict[str, Any]]:
        """Takes what is in the queue out of it."""
        sqs = sqs or self.cloud.client("sqs")
        options = {"QueueUrl": queue_url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        found: list[dict[str, Any]] = sqs.receive_message(**options).get("Messages", [])
        for message in found:
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return found


def _organization(cloud: EmbeddedCloud) -> str:
    """The id of its root; there is a unit below it."""
    organizations = cloud.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    root = str(organizations.list_roots()["Roots"][0]["Id"])
    organizations.create_organizational_unit(ParentId=root, Name="workloads")
    return root


def _name_functions_group(cloud: EmbeddedCloud) -> None:
    """As if the functions that talk to Kubernetes were in a VPC: whoever lets them in to clusters knows their group."""
    client = cloud.client("lambda")
    pages = client.get_paginator("list_functions").paginate()
    (found,) = [f for page in pages for f in page["Functions"] if "EnsureClusterAccess" in f["FunctionName"]]
    variables = {**found["Environment"]["Variables"], "FUNCTIONS_SECURITY_GROUP_IDS": "sg-0123456789abcdef0"}
    client.update_function_configuration(FunctionName=found["FunctionName"], Environment={"Variables": variables})


def _bus(cloud: EmbeddedCloud) -> str:
    return f"arn:aws:events:{cloud.region}:{cloud.account_id}:event-bus/default"
