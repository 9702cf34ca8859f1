"""The deployed stack that the command is about, as boto3 finds accounts: profiles, regions, AWS_ENDPOINT_URL."""

import functools
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from eks_efs.endings import WrongInput

DEFAULT_NAME: Final = "eks-efs-provisioner"
_CONFIG: Final = Config(retries={"mode": "standard", "total_max_attempts": 6})
# Also where boto3 would still presign with an older one: the bucket's objects are encrypted with a key of KMS.
_S3_CONFIG: Final = _CONFIG.merge(Config(signature_version="s3v4"))
_FINISHED: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


@dataclass(frozen=True)
class Stack:
    """`profile` and `region` are None for what the environment says."""

    name: str = DEFAULT_NAME
    profile: str | None = None
    region: str | None = None

    @functools.cached_property
    def session(self) -> boto3.Session:
        return boto3.Session(profile_name=self.profile, region_name=self.region)

    def client(self, service: str) -> Any:
        return self._clients(service)

    @functools.cached_property
    def outputs(self) -> dict[str, str]:
        """Raises: WrongInput when there is no such stack, or none that was ever finished."""
        described = self._described
        return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}

    @property
    def parameters(self) -> dict[str, str]:
        return {each["ParameterKey"]: each["ParameterValue"] for each in self._described.get("Parameters", [])}

    @functools.cached_property
    def account_id(self) -> str:
        return str(self._described["StackId"].split(":")[4])

    @functools.cached_property
    def region_name(self) -> str:
        return str(self._described["StackId"].split(":")[3])

    @property
    def options(self) -> str:
        """What has to be repeated on the command line to mean this stack again; begins with a space unless empty."""
        given = (("--stack", self.name), ("--profile", self.profile), ("--region", self.region))
        return "".join(f" {name} {value}" for name, value in given if value and value != DEFAULT_NAME)

    @functools.cached_property
    def _described(self) -> dict[str, Any]:
        """Source: CloudFormation API, DescribeStacks: a stack that is not there is a ValidationError."""
        client = self.client("cloudformation")
        try:
            described: dict[str, Any] = client.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            where = f"in {client.meta.region_name} of this account"
            raise WrongInput(f"there is no stack {self.name} {where}: name another with --stack or --region") from error
        if described["StackStatus"] not in _FINISHED:
            raise WrongInput(f"stack {self.name} is {described['StackStatus']}: finish its deployment first")
        return described

    @functools.cached_property
    def _clients(self) -> Any:
        return functools.cache(
            lambda service: self.session.client(service, config=_S3_CONFIG if service == "s3" else _CONFIG)
        )
