"""A trigger's partial request, completed by the defaults of its organizational unit, of the stack, and of the place."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial, reduce
from ipaddress import IPv4Network, collapse_addresses
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from provisioner import volumes
from provisioner.errors import ErrorReason, RequestError
from provisioner.events import asked_by
from provisioner.fields import OrganizationalUnitId
from provisioner.given import parsed, shown
from provisioner.refusal import Path, Problem, problems_of, refusal
from provisioner.regions import partition_of, supported_regions
from provisioner.request import ExistingNetwork, Request, network_form

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

UnitPath = Callable[[str], tuple[list[str], str]]
"""Unit's id -> the units from the outermost down to it, and why those above are not known, "" when they are."""

STACK_ORIGIN: Final = "the stack's parameters"
_SSM_ORIGIN: Final = "SSM parameter "
_NOT_OF_DEFAULTS: Final = frozenset({"account_id", "organizational_unit_id", "from_defaults"})
_UNIT: Final = TypeAdapter(OrganizationalUnitId)


@dataclass(frozen=True)
class Layer:
    """A partial request, and where it was read from if it was not the trigger itself."""

    values: Mapping[str, Any]
    origin: str | None = None


ReadLayer = Callable[[str], Layer]
"""Name of an SSM parameter -> the partial request in it, empty when it does not exist. Raises: RequestError."""


def reader_of(ssm: "SSMClient") -> ReadLayer:
    """Reads each parameter once."""
    return cache(partial(_read, ssm))


def default_layers(stack_defaults: str, defaults_parameter: str, units: Sequence[str], read: ReadLayer) -> list[Layer]:
    """What accounts in the innermost of `units` get without asking: the stack's, then everybody's, then the units'."""
    return [
        Layer(json.loads(stack_defaults), STACK_ORIGIN),
        read(defaults_parameter),
        *(read(f"{defaults_parameter}/{unit}") for unit in units),
    ]


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """The uppermost, which is the last, wins."""
    values: dict[str, Any] = reduce(lambda below, layer: merge(below, layer.values), layers, {})
    return values


def is_default(origin: str) -> bool:
    """Whether a value of the request that `from_defaults` tells the origin of came from parameters, not from before."""
    return origin == STACK_ORIGIN or origin.startswith(_SSM_ORIGIN)


def complete_request(
    trigger: Any,
    *,
    own_account_id: str,
    own_region: str,
    stack_defaults: str,
    ssm: "SSMClient",
    defaults_parameter: str,
    path_to: UnitPath,
    located: Mapping[str, Any] | None = None,
    functions_in_vpc: bool = False,
) -> Request:
    """The full request that `trigger` asks for; what it leaves out comes from the defaults.

    Precedence: `located`, which is what is known of an event's account besides, trigger,
    `<defaults_parameter>/<organizational unit id>`, the same of the units above it, the nearest first,
    `defaults_parameter`, `stack_defaults` (JSON of a partial request), own account and region. Only reads: an SSM
    parameter for each, and where the unit is. `from_defaults` of the request says what came from which.
    Raises: RequestError, which lists every wrong field and names where a wrong default came from.
    """
    asked, known = asked_by(trigger), Layer(located or {}, "what is known of the account since an earlier event")
    unit_id = merge(asked, known.values).get("organizational_unit_id")
    units, unknown_above = _units(unit_id, path_to)
    layers = [
        Layer({"account_id": own_account_id, "region": own_region}),
        *default_layers(stack_defaults, defaults_parameter, units, reader_of(ssm)),
        Layer(asked),
        known,
    ]
    values = merged(layers)
    problems = [
        *_default_problems(layers),
        *_field_problems(values),
        *cross_field_problems(values),
        *volumes.problems(values),
        *_place_problems(values, own_region),
    ]
    if not problems:
        given = values.get("from_defaults", {})
        origins = dict(_origins(layers, values))
        if unknown_above:
            origins["organizational_unit_id"] = f"without the defaults of the units above it: {unknown_above}"
        request = Request.model_validate(values | {"from_defaults": given | origins})
        problems = [
            *endpoint_problems(request, functions_in_vpc=functions_in_vpc),
            *network_problems(request),
            *peer_problems(request),
        ]
    if problems:
        raise refusal(problems, lambda path: _origin(layers, path))
    return request


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` wins; objects are merged, lists replaced. Forms that exclude each other are never mixed."""
    merged = dict(below)
    for name, value in above.items():
        under = below.get(name)
        if not isinstance(value, Mapping) or not isinstance(under, Mapping):
            merged[name] = value
        elif name == "network" and value and network_form(value) != network_form(under):
            merged[name] = dict(value)
        elif name == "storage":
            merged[name] = merge(volumes.without_other_form(under, value), value)
        else:
            merged[name] = merge(under, value)
    return merged


def cross_field_problems(values: Mapping[str, Any]) -> list[Problem]:
    """ARNs that are well formed and yet of no use in the request's region.

    Reads the raw values, so that these problems are listed beside those of single fields.
    Source: EFS and EKS user guides, encryption: the key must be in the same region as what it encrypts.
    """
    region = values.get("region")
    if not isinstance(region, str) or region not in supported_regions():
        return []
    partition = partition_of(region)
    problems = []
    for part, name in (("cluster", "secrets_key_arn"), ("file_system", "kms_key_arn")):
        arn = _get(values, part, name)
        if _is_arn(arn) and arn.split(":")[3] != region:
            problems.append(Problem((part, name), shown(arn), f"a key in the request's own region, {region}"))
    principals = _get(values, "cluster", "admin_principal_arns")
    for index, arn in enumerate(principals if isinstance(principals, list) else []):
        if _is_arn(arn) and arn.split(":")[1] != partition:
            path = ("cluster", "admin_principal_arns", index)
            problems.append(Problem(path, shown(arn), f"a principal in the partition of {region}, {partition}"))
    return problems


def peer_problems(request: Request) -> list[Problem]:
    """What would have to be made in another account, which is that account's to make."""
    if request.lender is None:
        return []
    problems = []
    if request.file_system.existing is None:
        allowed = (
            f"the id of a file system that account {request.lender} has, since what is made in another account is that "
            "account's to make, its mount targets too; or a file_system.peer of the cluster's own account"
        )
        problems.append(Problem(("file_system", "existing"), None, allowed))
    for index, one in enumerate(request.of_each_volume):
        if one.storage.access_point is not None:
            of_volume = ("volumes", index) if request.storage.volumes else ()
            given = shown(one.storage.access_point.model_dump())
            allowed = f"null: an access point of a file system of account {request.lender} is that account's to make"
            problems.append(Problem(("storage", *of_volume, "access_point"), given, allowed))
    return problems


def endpoint_problems(request: Request, *, functions_in_vpc: bool) -> list[Problem]:
    """An endpoint that would keep out who has to come in: the functions, and the pods that are to join the cluster.

    In an existing network it is known where pods come from: Check account looks. Source: EKS user guide, "Cluster API
    server endpoint"; Lambda developer guide: outside a VPC functions have addresses of AWS's.
    """
    cluster = request.cluster
    access, cidrs = cluster.endpoint_access, cluster.public_access_cidrs
    is_narrow = access != "private" and not _are_everything(cidrs)
    problems = []
    if not functions_in_vpc and is_narrow:
        allowed = (
            "0.0.0.0/0, since the functions run outside a VPC and come from any address of AWS's; "
            "narrower once the stack has SubnetIds, whose NAT gateway's address is then to be among them"
        )
        problems.append(Problem(("cluster", "public_access_cidrs"), shown(cidrs), allowed))
    if not functions_in_vpc and access == "private":
        allowed = "public_and_private, since the functions run outside a VPC; private once the stack has SubnetIds"
        problems.append(Problem(("cluster", "endpoint_access"), shown(access), allowed))
    if access == "public" and is_narrow and not isinstance(request.network, ExistingNetwork):
        allowed = (
            "public_and_private, since pods come to a public endpoint from the address of a NAT gateway that is not "
            "made yet, so that no public_access_cidrs can name it"
        )
        problems.append(Problem(("cluster", "endpoint_access"), shown(access), allowed))
    return problems


def network_problems(request: Request) -> list[Problem]:
    """Addresses that do not fit the VPC that is to be made. Of an existing one Check account knows them.

    Source: EKS API, KubernetesNetworkConfigRequest; a quarter of the VPC is all that three zones leave each other.
    """
    network, services = request.network, request.cluster.service_ipv4_cidr
    if isinstance(network, ExistingNetwork):
        return []
    vpc, length = IPv4Network(network.cidr), network.private_subnet_prefix_length
    problems = []
    if services and IPv4Network(services).overlaps(vpc):
        allowed = f"a range that does not overlap with network.cidr, {network.cidr}"
        problems.append(Problem(("cluster", "service_ipv4_cidr"), shown(services), allowed))
    if length is not None and length < vpc.prefixlen + 2:
        allowed = f"{vpc.prefixlen + 2} to 27 in a network.cidr of /{vpc.prefixlen}: a quarter of it at most"
        problems.append(Problem(("network", "private_subnet_prefix_length"), shown(length), allowed))
    return problems


def _are_everything(cidrs: Sequence[str]) -> bool:
    return list(collapse_addresses(map(IPv4Network, cidrs))) == [IPv4Network("0.0.0.0/0")]


def _place_problems(values: Mapping[str, Any], own_region: str) -> list[Problem]:
    """A region where clusters can be made, but not by us: no role of another partition can be assumed.

    Source: IAM user guide, "Amazon Resource Names (ARNs)": a partition is a group of regions, an account is in one.
    """
    region, partition = values.get("region"), partition_of(own_region)
    if not isinstance(region, str) or region not in supported_regions() or partition_of(region) == partition:
        return []
    allowed = f"a region of the partition {partition}, where this application runs, such as {own_region}"
    return [Problem(("region",), shown(region), allowed)]


def _default_problems(layers: Sequence[Layer]) -> Iterator[Problem]:
    """Which account it is, and in which unit, is for whoever asks; what came from where is for us to say."""
    for layer in layers:
        given = layer.values if (layer.origin or "").startswith(_SSM_ORIGIN) else {}
        for name in sorted(_NOT_OF_DEFAULTS & given.keys()):
            yield Problem((name,), shown(given[name]), f"in the request of a run only; take it out of {layer.origin}")


def _field_problems(values: Mapping[str, Any]) -> list[Problem]:
    try:
        Request.model_validate(values)
    except ValidationError as error:
        return problems_of(error.errors(include_url=False))
    return []


def _read(ssm: "SSMClient", parameter: str) -> Layer:
    origin = f"{_SSM_ORIGIN}{parameter}"
    try:
        text = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return Layer({}, origin)
    try:
        values, why = parsed(text), "it is no object"
    except ValueError as error:
        values, why = None, str(error)
    if not isinstance(values, Mapping):
        raise RequestError(
            ErrorReason.INVALID_REQUEST,
            f"{origin} is {shown(text)}; allowed: a JSON object, a partial request ({why})",
            remedy="nothing was created; correct the parameter and start again",
        )
    return Layer(values, origin)


def _units(unit_id: Any, path_to: UnitPath) -> tuple[list[str], str]:
    """Nothing is read for what is no id, which would name another parameter; the field's own check refuses it."""
    try:
        return path_to(_UNIT.validate_python(unit_id))
    except ValidationError:
        return [], ""


def _origins(layers: Sequence[Layer], values: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[str, str]]:
    """Each field that has its value from somewhere else than the trigger or the place, and from where."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _origins(layers, value, (*path, name))
        elif origin := _origin(layers, (*path, name)):
            yield ".".join(map(str, (*path, name))), origin


def _origin(layers: Sequence[Layer], path: Path) -> str | None:
    """Where a value came from: the uppermost layer that has it."""
    return next((layer.origin for layer in reversed(layers) if _has(layer.values, path)), None)


def _has(value: Any, path: Path) -> bool:
    for name in path:
        known: Any = value if isinstance(value, Mapping) else range(len(value)) if isinstance(value, list) else ()
        if name not in known:
            return False
        value = value[name]
    return True


def _get(values: Mapping[str, Any], part: str, name: str) -> Any:
    inner = values.get(part)
    return inner.get(name) if isinstance(inner, Mapping) else None


def _is_arn(value: Any) -> bool:
    return isinstance(value, str) and value.count(":") >= 5 and value.startswith("arn:")
