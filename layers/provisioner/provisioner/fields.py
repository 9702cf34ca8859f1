"""The types of single request fields: what AWS and Kubernetes allow, and how to say so when something else is given."""

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from provisioner.regions import shortcoming, supported_regions

OWNER_TAG: Final = "eks-efs-provisioner/cluster"
KEPT_TAG: Final = "eks-efs-provisioner/kept"
_OWN_TAG_PREFIX: Final = "eks-efs-provisioner/"
_PRIVATE_BLOCKS: Final = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
# EKS lets nobody in from there. Source: EKS API, VpcConfigRequest; IANA, special-purpose addresses.
_UNREACHABLE_BLOCKS: Final = (
    *_PRIVATE_BLOCKS,
    *map(
        ipaddress.IPv4Network,
        ("0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
    ),
)
_QUANTITY: Final = re.compile(
    r"(?P<number>[0-9]+(\.[0-9]*)?|\.[0-9]+)(?P<unit>[KMGTPE]i|[kMGTPE]|[eE][+-]?[0-9]{1,2})?"
)
_UNIT_EXPONENTS: Final = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_LONGEST_IMAGE_NAME: Final = 255
# Letters, digits and spaces of any script, and these.
_TAG_PUNCTUATION: Final = frozenset("_.:/=+-@")
_ROOT_DIRECTORY: Final = re.compile(r"/|(/(?!\.)[^$#<>;`|&?{}^*/\n]+){1,4}")


@dataclass(frozen=True)
class Allowed:
    """Refuses a value with `description` as the only message, whichever check it failed; documents the JSON Schema.

    `why` adds what is wrong with this very value, where there is more to say.
    """

    description: str
    check: Callable[[Any], bool] = lambda _: True
    why: Callable[[Any], str | None] = lambda _: None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._validate, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "description": self.description}

    def _validate(self, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            accepted = handler(value)
        except ValidationError:
            raise self._refusal(value) from None
        if not self.check(accepted):
            raise self._refusal(value)
        return accepted

    def _refusal(self, value: Any) -> PydanticCustomError:
        why = self.why(value)
        allowed = self.description + (f" ({why})" if why else "")
        return PydanticCustomError("not_allowed", "{allowed}", {"allowed": allowed})


def _ipv4_network(value: str) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(value)
    except ValueError:
        return None


def _is_public_cidr(value: str) -> bool:
    network = _ipv4_network(value)
    return "/" in value and network is not None and not any(map(network.subnet_of, _UNREACHABLE_BLOCKS))


def _is_vpc_cidr(value: str) -> bool:
    network = _ipv4_network(value)
    return network is not None and 16 <= network.prefixlen <= 24 and any(map(network.subnet_of, _PRIVATE_BLOCKS))


def _is_service_cidr(value: str) -> bool:
    network = _ipv4_network(value)
    return network is not None and 12 <= network.prefixlen <= 24 and any(map(network.subnet_of, _PRIVATE_BLOCKS))


def _is_capacity(value: str) -> bool:
    match = _QUANTITY.fullmatch(value)
    return match is not None and 1 <= _bytes(Decimal(match["number"]), match["unit"] or "") < 2**63


def _bytes(number: Decimal, unit: str) -> Decimal:
    if unit[:1] in ("e", "E") and len(unit) > 1 and unit != "Ei":
        return number.scaleb(int(unit[1:]))
    return number * Decimal(1024 if unit.endswith("i") else 1000) ** _UNIT_EXPONENTS[unit[:1]]


def _is_tag_text(value: str) -> bool:
    return not value.lower().startswith("aws:") and all(
        character.isalnum() or character == " " or character in _TAG_PUNCTUATION for character in value
    )


def _is_tag_key(value: str) -> bool:
    return _is_tag_text(value) and not value.startswith(_OWN_TAG_PREFIX)


def _is_image_name(value: str) -> bool:
    """Of the longest form, docker.io/library/…. Source: distribution/reference, NameTotalLengthMax."""
    name = value.partition("@")[0]
    path, _, last = name.rpartition("/")
    repository = f"{path}/{last.partition(':')[0]}" if path else last.partition(":")[0]
    first = repository.partition("/")[0]
    if not path:
        repository = f"docker.io/library/{repository}"
    elif "." not in first and ":" not in first:
        repository = f"docker.io/{repository}"
    return len(repository) <= _LONGEST_IMAGE_NAME


def _whole(value: Any) -> Any:
    """JSON knows no integers: 3.0 is 3 (and JSONata may write it so)."""
    return int(value) if isinstance(value, float) and math.isfinite(value) and value.is_integer() else value


def _unique(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("not_unique", "each item once")
    return values


Unique = AfterValidator(_unique)
Whole = BeforeValidator(_whole)
OrganizationalUnitId = Annotated[
    str,
    Field(pattern=r"^ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$"),
    Allowed("an organizational unit id like ou-examplerootid111-exampleouid111, or null"),
]
AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$"), Allowed("an AWS account id: 12 digits, quoted as a string")]
Region = Annotated[
    str,
    Allowed(
        "a region that has EKS on Fargate and EFS, such as ap-northeast-1 or us-east-1",
        lambda value: value in supported_regions(),
        shortcoming,
    ),
]
ClusterName = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]*$", min_length=1, max_length=100),
    # The cluster's security group has a name that begins so. Source: EC2 API, CreateSecurityGroup, GroupName.
    Allowed(
        "1 to 100 letters, digits, '-' and '_', the first a letter or digit, not starting with 'sg-'",
        lambda value: not value.startswith("sg-"),
    ),
]
KubernetesVersion = Annotated[
    str, Field(pattern=r"^1\.[0-9]{2}$"), Allowed("a Kubernetes minor version like '1.33', or null for EKS's default")
]
PublicCidr = Annotated[
    str,
    Allowed(
        "an IPv4 CIDR block without host bits and outside private and reserved ranges, like 203.0.113.0/24",
        _is_public_cidr,
    ),
]
VpcCidr = Annotated[
    str,
    Allowed("a private (RFC 1918) IPv4 CIDR block, /16 to /24, without host bits, like 10.0.0.0/16", _is_vpc_cidr),
]
# Source: EKS API, KubernetesNetworkConfigRequest, serviceIpv4Cidr.
ServiceCidr = Annotated[
    str,
    Allowed(
        "a private (RFC 1918) IPv4 CIDR block, /12 to /24, without host bits and outside the VPC, like 172.20.0.0/16, "
        "or null for EKS's own choice",
        _is_service_cidr,
    ),
]
IpFamily = Annotated[
    Literal["ipv4"],
    Allowed(
        "ipv4",
        why=lambda value: (
            "EKS on Fargate has IPv6, EFS too, and whether Fargate mounts over it is documented nowhere: it cannot be "
            "proven here"
            if value == "ipv6"
            else None
        ),
    ),
]
PrincipalArn = Annotated[
    str,
    Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\x21-\x7e]+$", max_length=2048),
    Allowed("the ARN of an IAM role or user, like arn:aws:iam::111122223333:role/platform-team"),
]
KeyArn = Annotated[
    str,
    Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9A-Za-z-]+$", max_length=2048),
    Allowed("the ARN of a KMS key (not an alias), or null"),
]
ZoneId = Annotated[str, Field(pattern=r"^[a-z0-9]{3,6}-az[1-9]$")]
VpcId = Annotated[
    str, Field(pattern=r"^vpc-([0-9a-f]{8}|[0-9a-f]{17})$"), Allowed("a VPC id like vpc-0123456789abcdef0")
]
SubnetId = Annotated[
    str, Field(pattern=r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$"), Allowed("a subnet id like subnet-0123456789abcdef0")
]
FileSystemId = Annotated[
    str,
    Field(pattern=r"^fs-([0-9a-f]{8}|[0-9a-f]{17})$"),
    Allowed("a file system id like fs-0123456789abcdef0, or null"),
]
NamespaceName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63),
    Allowed("an RFC 1123 label: at most 63 of a-z, 0-9 and '-', a letter or digit at both ends"),
]
ObjectName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", max_length=253),
    Allowed("an RFC 1123 name: at most 253 of a-z, 0-9, '-' and '.', a letter or digit at both ends of each part"),
]
Capacity = Annotated[
    str, Field(max_length=32), Allowed("a Kubernetes quantity of at least one byte, like 5Gi", _is_capacity)
]
PosixId = Annotated[
    int, Field(ge=0, le=2**32 - 1), Whole, Allowed("a whole number, 0 to 4294967295, as POSIX user and group ids are")
]
ZoneChoice = Annotated[
    Annotated[int, Field(ge=2, le=3)] | Annotated[list[ZoneId], Field(min_length=2, max_length=3), Unique],
    Whole,
    Allowed('2 or 3, or the ids of 2 or 3 zones, each once, like ["apne1-az1", "apne1-az4"]'),
]
PrivatePrefix = Annotated[
    int,
    Field(ge=18, le=27),
    Whole,
    Allowed("a whole number, 18 to 27: how many bits of a private subnet's addresses are the same; null: an eighth"),
]
Writers = Annotated[int, Field(ge=1, le=20), Whole, Allowed("a whole number, 1 to 20")]
LinesPerWriter = Annotated[int, Field(ge=1, le=1000), Whole, Allowed("a whole number, 1 to 1000")]
# Those of the registry schema of AWS::Logs::LogGroup, RetentionInDays.
LOG_RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
LogRetentionDays = Annotated[
    int,
    Whole,
    Allowed(
        f"a number of days that CloudWatch Logs knows: {', '.join(map(str, LOG_RETENTION_DAYS))}",
        lambda value: value in LOG_RETENTION_DAYS,
    ),
]
VerificationSeconds = Annotated[int, Field(ge=60, le=3600), Whole, Allowed("a whole number of seconds, 60 to 3600")]
RootDirectory = Annotated[
    str,
    Field(min_length=1, max_length=100),
    Allowed(
        "an absolute path of at most 100 characters and four directories, none starting with '.', "
        "without $ # < > ; ` | & ? { } ^ *",
        lambda value: _ROOT_DIRECTORY.fullmatch(value) is not None,
    ),
]
# Who the access point makes of everybody owns the directory, and the proof writes there.
Permissions = Annotated[
    str,
    Field(pattern=r"^[0-7]?7[0-7]{2}$"),
    Allowed("octal permissions like '0755' or '0700', with 7 for the owner, as whom every pod reads and writes"),
]
_IMAGE_PART: Final = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
Image = Annotated[
    str,
    Field(
        pattern=r"^([0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?(:[0-9]{1,5})?/)?"
        rf"{_IMAGE_PART}(/{_IMAGE_PART})*(:[0-9A-Za-z_][0-9A-Za-z_.-]{{0,127}})?(@sha256:[0-9a-f]{{64}})?$",
        max_length=512,
    ),
    Allowed(
        "a container image reference like public.ecr.aws/docker/library/busybox:1.37, "
        f"its name without tag and digest at most {_LONGEST_IMAGE_NAME} characters",
        _is_image_name,
    ),
]
TagKey = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Allowed(
        "a key of 1 to 128 letters, digits, spaces and _ . : / = + - @, "
        f"starting neither with 'aws:' nor with '{_OWN_TAG_PREFIX}'",
        _is_tag_key,
    ),
]
# CloudFormation takes no empty value, though all others do. Source: CloudFormation API, Tag.
TagValue = Annotated[
    str,
    Field(min_length=1, max_length=256),
    Allowed("1 to 256 letters, digits, spaces and _ . : / = + - @, not starting with 'aws:'", _is_tag_text),
]
