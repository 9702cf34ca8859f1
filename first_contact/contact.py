"""The account that is asked: every call is named before it is made, and costs nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from first_contact.verdicts import CannotBeAsked

NO_RIGHT = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthorizationError",
        "AuthorizationErrorException",
    }
)
NO_API = frozenset({"InvalidAction", "UnknownOperation", "UnknownOperationException", "NotImplemented", "404", "501"})
FINISHED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
CALMLY = Config(retries={"mode": "standard", "total_max_attempts": 8}, inject_host_prefix=False)
"""IAM's simulator and Access Analyzer take a few calls a second."""


@dataclass(frozen=True)
class Ended:
    """How an execution ended; `output` is empty unless it succeeded; `why` is its error and cause."""

    arn: str
    status: str
    output: dict[str, Any]
    why: str


class Contact:
    """`say` is told every call before it is made: service:Operation, and what for.

    `request` is what the one real provisioning is asked for; None for none. `provisioned` is how that ended.
    """

    def __init__(
        self,
        session: Any,
        stack: str,
        say: Callable[[str, str], None] = lambda _call, _purpose: None,
        *,
        request: Mapping[str, Any] | None = None,
        look_again_seconds: float = 10.0,
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        self.session = session
        self.stack = stack
        self.request = request
        self.look_again_seconds = look_again_seconds
        self.provisioned: Ended | None = None
        self.region: str = session.region_name
        self._say = say
        self._credentials = dict(credentials or {})
        self._clients: dict[tuple[str, str], Any] = {}

    def ask(self, service: str, operation: str, purpose: str, *, region: str = "", **parameters: Any) -> dict[str, Any]:
        """The answer. Raises: CannotBeAsked when there is no right or no such API; ClientError."""
        self._say(f"{service}:{operation}", purpose)
        try:
            answer: dict[str, Any] = getattr(self._client(service, region), xform_name(operation))(**parameters)
        except ClientError as error:
            why = _why_not(error)
            if why:
                raise CannotBeAsked(f"{why} for {service}:{operation}") from error
            raise
        except BotoCoreError as error:
            raise CannotBeAsked(f"{service}:{operation} did not answer: {error}") from error
        return answer

    def every(self, service: str, operation: str, member: str, purpose: str, **parameters: Any) -> list[Any]:
        """The member of all pages. Raises: as `ask`."""
        self._say(f"{service}:{operation}", purpose)
        pages = self._client(service, "").get_paginator(xform_name(operation))
        try:
            return [each for page in pages.paginate(**parameters) for each in page.get(member, [])]
        except ClientError as error:
            why = _why_not(error)
            if why:
                raise CannotBeAsked(f"{why} for {service}:{operation}") from error
            raise
        except BotoCoreError as error:
            raise CannotBeAsked(f"{service}:{operation} did not answer: {error}") from error

    def refusal(self, service: str, operation: str, purpose: str, **parameters: Any) -> tuple[str, str]:
        """Code and message of a call that is to be refused; empty when it is not, denials among them."""
        self._say(f"{service}:{operation}", purpose)
        try:
            getattr(self._client(service, ""), xform_name(operation))(**parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] in NO_API:
                raise CannotBeAsked(f"no API here for {service}:{operation}") from error
            return error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        return "", ""

    def again(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """A call that has been named, as long as it takes."""
        answer: dict[str, Any] = getattr(self._client(service, ""), xform_name(operation))(**parameters)
        return answer

    def as_role(self, credentials: Mapping[str, str]) -> Contact:
        """The same account, as who those temporary credentials are."""
        return Contact(self.session, self.stack, self._say, credentials=credentials)

    @functools.cached_property
    def identity(self) -> dict[str, str]:
        """Account and Arn of who asks. Raises: as `ask`."""
        return self.ask("sts", "GetCallerIdentity", "whose account this is")

    @property
    def account_id(self) -> str:
        return self.identity["Account"]

    @property
    def partition(self) -> str:
        return self.identity["Arn"].split(":")[1]

    @functools.cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters of the deployed stack. Raises: CannotBeAsked."""
        return {each["ParameterKey"]: each["ParameterValue"] for each in self._stack.get("Parameters", [])}

    @functools.cached_property
    def outputs(self) -> dict[str, str]:
        """Of the deployed stack. Raises: CannotBeAsked."""
        return {each["OutputKey"]: each["OutputValue"] for each in self._stack.get("Outputs", [])}

    @functools.cached_property
    def resources(self) -> dict[str, tuple[str, str]]:
        """Logical id -> (type, physical id); of what is in a nested stack, `Stack.Resource`. Raises: CannotBeAsked."""
        return self._resources_of(self._stack["StackName"], "")

    @functools.cached_property
    def _stack(self) -> dict[str, Any]:
        code, stack = "", {}
        try:
            answer = self.ask("cloudformation", "DescribeStacks", "whether the app is deployed", StackName=self.stack)
            stack = answer["Stacks"][0]
        except ClientError as error:
            code = error.response["Error"]["Code"]
        if code or not stack["StackStatus"].endswith(
            ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
        ):
            raise CannotBeAsked(f"not deployed yet: no finished stack {self.stack}")
        return stack

    def _resources_of(self, stack: str, prefix: str) -> dict[str, tuple[str, str]]:
        listed = self.every(
            "cloudformation", "ListStackResources", "StackResourceSummaries", "what the stack made", StackName=stack
        )
        found: dict[str, tuple[str, str]] = {}
        for each in listed:
            name, kind, physical = each["LogicalResourceId"], each["ResourceType"], each.get("PhysicalResourceId", "")
            found[prefix + name] = (kind, physical)
            if kind == "AWS::CloudFormation::Stack":
                found |= self._resources_of(physical, f"{prefix}{name}.")
        return found

    def _client(self, service: str, region: str) -> Any:
        key = (service, region or self.region)
        if key not in self._clients:
            self._clients[key] = self.session.client(
                service,
                region_name=key[1],
                config=CALMLY,
                aws_access_key_id=self._credentials.get("AccessKeyId"),
                aws_secret_access_key=self._credentials.get("SecretAccessKey"),
                aws_session_token=self._credentials.get("SessionToken"),
            )
        return self._clients[key]


def _why_not(error: ClientError) -> str:
    code = error.response["Error"]["Code"]
    if code in NO_RIGHT:
        return "no right"
    return "no API here" if code in NO_API else ""
