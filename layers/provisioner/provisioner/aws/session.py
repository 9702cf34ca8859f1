"""One door to AWS in the target account: every client of every resource comes from here.

A role is assumed in the application's own account too, so that there is one path, always exercised, and the functions'
own roles need no rights beyond sts:AssumeRole: the provisioner's to make and change, the inspector's to look and
nothing else, the remover's to take down. In an account that has the file system and not the cluster, the inspector's
alone is assumed.
"""

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, overload

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel

from provisioner.aws.answers import sdk_session
from provisioner.aws.errors import MAY_SETTLE, boundary_error, is_denial
from provisioner.errors import ErrorReason, RetryableError
from provisioner.regions import partition_of
from provisioner.request import Request

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_service_quotas import ServiceQuotasClient
    from mypy_boto3_sts import STSClient

Role = Literal["provisioner", "inspector", "remover"]

DEFAULT_ROLE_PREFIX: Final = "eks-efs-provisioner"
# A function has 60 s: three attempts of a hanging call still leave time to report it.
CLIENT_CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=3,
    read_timeout=15,
    user_agent_extra="eks-efs-provisioner",
)
MOST_SESSIONS: Final = 16
"""Of accounts, regions and roles: a warm function serves a whole fleet one after the other in a bounded memory."""
SPREAD_WITHIN: Final = timedelta(minutes=10)
"""Within which everybody has heard of a role: seconds as a rule, three minutes were seen (aws/aws-cdk#16037)."""
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


class Target:
    """The account and region that a request names, reached as one of the project's roles there."""

    def __init__(
        self,
        session: botocore.session.Session,
        *,
        account_id: str,
        region: str,
        role_prefix: str,
        role_path: str = "/",
        permissions_boundary: str = "",
        role: Role = "provisioner",
        inspect: "Callable[[str], Target] | None" = None,
    ) -> None:
        """`inspect`: by its id, another account as the inspector there."""
        self.botocore_session = session
        self._inspect = inspect
        self._role = role
        self.account_id = account_id
        self.region = region
        self.partition = partition_of(region)
        self._role_prefix = role_prefix
        self._role_path = role_path
        self._permissions_boundary = permissions_boundary
        self._clients: dict[str, Any] = {}

    @classmethod
    def of(cls, request: Request, environ: Mapping[str, str] = os.environ, *, role: Role = "provisioner") -> "Target":
        """The request's target; the assumed session is kept while not too many others have been asked for.

        Raises: RetryableError RoleNotAssumable, or what `boundary_error` makes of another STS error.
        Source: STS API, AssumeRole.
        """
        return _assumed(
            account_id=request.account_id,
            region=request.region,
            role=role,
            role_prefix=environ.get("ROLE_PREFIX", DEFAULT_ROLE_PREFIX),
            role_path=environ.get("ROLE_PATH", "/"),
            permissions_boundary=environ.get("PERMISSIONS_BOUNDARY", ""),
            external_id=environ["EXTERNAL_ID"],
            own_region=environ.get("AWS_REGION", request.region),
            session_name=_session_name(environ),
        )

    def beside(self, account_id: str) -> "Target":
        """Another account in the same region, as the inspector there, who can change nothing.

        Raises: as `of`.
        """
        if self._inspect is None:
            raise LookupError(f"nobody told how {account_id} is reached")
        return self._inspect(account_id)

    @overload
    def client(self, service: Literal["cloudformation"]) -> "CloudFormationClient": ...
    @overload
    def client(self, service: Literal["cloudwatch"]) -> "CloudWatchClient": ...
    @overload
    def client(self, service: Literal["ec2"]) -> "EC2Client": ...
    @overload
    def client(self, service: Literal["efs"]) -> "EFSClient": ...
    @overload
    def client(self, service: Literal["eks"]) -> "EKSClient": ...
    @overload
    def client(self, service: Literal["iam"]) -> "IAMClient": ...
    @overload
    def client(self, service: Literal["kms"]) -> "KMSClient": ...
    @overload
    def client(self, service: Literal["logs"]) -> "CloudWatchLogsClient": ...
    @overload
    def client(self, service: Literal["backup", "resourcegroupstaggingapi"]) -> Any: ...
    @overload
    def client(self, service: Literal["service-quotas"]) -> "ServiceQuotasClient": ...
    @overload
    def client(self, service: Literal["sts"]) -> "STSClient": ...
    def client(self, service: str) -> Any:
        """A boto3 client in the target's account and region; the same one for the same service."""
        if service not in self._clients:
            boto3_session = boto3.session.Session(botocore_session=self.botocore_session, region_name=self.region)
            client = boto3_session.client(service, config=CLIENT_CONFIG)  # type: ignore[call-overload]
            client.meta.events.register("after-call", self._note_whether_a_denial_may_settle)
            self._clients[service] = client
        return self._clients[service]

    def _note_whether_a_denial_may_settle(self, parsed: dict[str, Any], model: OperationModel, **_: Any) -> None:
        if is_denial(parsed):
            parsed[MAY_SETTLE] = model.name == "GetRole" or self._is_young(datetime.now(UTC))

    def _is_young(self, now: datetime) -> bool:
        """Whether IAM may not have spread yet what the role may do; also when not even its age may be looked up.

        A policy that an older role was given is not seen here: IAM keeps no date of that.
        Source: IAM API, GetRole, CreateDate.
        """
        name = self.role_arn(self._role).rpartition("/")[2]
        try:
            role = self.client("iam").get_role(RoleName=name)["Role"]
        except ClientError as error:
            return is_denial(error.response)
        except BotoCoreError:
            return False
        return bool(now - role["CreateDate"] < SPREAD_WITHIN)

    def role_arn(self, purpose: Role | Literal["cluster", "fargate-pods"]) -> str:
        """The ARN of one of the project's roles in the target account.

        Source: EKS user guide, "Amazon EKS Pod execution IAM role": its ARN can have no path.
        """
        path = "/" if purpose == "fargate-pods" else self._role_path
        return _role_arn(self.partition, self.account_id, f"{path}{self._role_prefix}", purpose)

    @property
    def boundary_arn(self) -> str | None:
        """Of the policy that every role of the project is to have as its permissions boundary, if any is demanded."""
        name = self._permissions_boundary
        return f"arn:{self.partition}:iam::{self.account_id}:policy/{name}" if name else None


def of_file_system(request: Request, target: Target) -> Target:
    """Where the request's file system, its mount targets and their network are looked at: its lender's, or here."""
    return target if request.lender is None else target.beside(request.lender)


@lru_cache(maxsize=MOST_SESSIONS)
def _assumed(
    *,
    account_id: str,
    region: str,
    role: Role,
    role_prefix: str,
    role_path: str,
    permissions_boundary: str,
    external_id: str,
    own_region: str,
    session_name: str,
) -> Target:
    role_arn = _role_arn(partition_of(region), account_id, f"{role_path}{role_prefix}", role)
    # The own region's endpoint: its tokens are valid in every region, also in one that only the target has enabled.
    own = boto3.session.Session(botocore_session=sdk_session(), region_name=own_region)
    sts = own.client("sts", config=CLIENT_CONFIG)

    def fetch() -> dict[str, str]:
        try:
            answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name, ExternalId=external_id)
        except ClientError as error:
            if error.response["Error"]["Code"] in _DENIED:
                raise RetryableError(
                    ErrorReason.ROLE_NOT_ASSUMABLE,
                    role_arn,
                    remedy="deploy accounts/target.yaml in that account with this application's ExternalId; "
                    "a StackSet may still be rolling it out",
                ) from error
            raise boundary_error(error, f"AssumeRole {role_arn}") from error
        credentials = answer["Credentials"]
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": credentials["Expiration"].isoformat(),
        }

    def inspect(other_account_id: str) -> Target:
        return _assumed(
            account_id=other_account_id,
            region=region,
            role="inspector",
            role_prefix=role_prefix,
            role_path=role_path,
            permissions_boundary=permissions_boundary,
            external_id=external_id,
            own_region=own_region,
            session_name=session_name,
        )

    session = sdk_session()
    provider = _AssumedRole(RefreshableCredentials.create_from_metadata(fetch(), fetch, _AssumedRole.METHOD))
    session.register_component("credential_provider", CredentialResolver([provider]))
    session.set_config_variable("region", region)
    return Target(
        session,
        account_id=account_id,
        region=region,
        role_prefix=role_prefix,
        role_path=role_path,
        permissions_boundary=permissions_boundary,
        role=role,
        inspect=inspect,
    )


class _AssumedRole(CredentialProvider):
    """Hands botocore credentials that renew themselves: a warm function outlives the hour that a role session lasts."""

    METHOD = "sts-assume-role"

    def __init__(self, credentials: RefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> RefreshableCredentials:
        return self._credentials


def _role_arn(partition: str, account_id: str, beginning: str, purpose: str) -> str:
    """`beginning` of the names of roles, with their path."""
    return f"arn:{partition}:iam::{account_id}:role{beginning}-{purpose}"


def _session_name(environ: Mapping[str, str]) -> str:
    """The function's name, so that CloudTrail in the target account tells which state made a call."""
    name = environ.get("AWS_LAMBDA_FUNCTION_NAME", DEFAULT_ROLE_PREFIX)
    return re.sub(r"[^\w+=,.@-]", "-", name)[:64]
