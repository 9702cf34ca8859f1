"""CloudFormation makes and removes a stack's resources as whoever asked for the stack.

moto lacks: asking anybody.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, arg-type, misc"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import moto.cloudformation.parsing as parsing
from moto.utilities.utils import get_partition

from local.aws.patches.permissions import CALLER
from local.aws.permissions import stacks
from local.aws.permissions.authoriser import UnknownCall, may_do_everything
from local.aws.permissions.demand import Place
from local.aws.resource_schemas import Handler, resource_schema

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    """Before patches/cloudformation.py, so that a denial is an event of the stack."""
    parse, delete = parsing.parse_resource_and_generate_name, parsing.ResourceMap._delete_resource

    def check(handler: Handler, resource_type: str, properties: dict[str, Any], made: Any, resources_map: Any) -> None:
        caller, region = CALLER.get(), resources_map._region_name
        if caller is None or may_do_everything(caller):
            return
        place = Place(resources_map._account_id, region, get_partition(region))
        try:
            known = {**properties, **_identifiers(made, resource_type, region)}
            demands = list(stacks.demands(place, handler, resource_type, known, _own_tags(resources_map)))
        except LookupError as error:
            raise UnknownCall(str(error)) from error
        server.authoriser.check(caller, demands, {"aws:RequestedRegion": region})

    def parsed(logical_id: str, body: dict[str, Any], resources_map: Any) -> Any:
        """Just before a resource is made or changed, when what its properties refer to is there."""
        found = parse(logical_id, body, resources_map)
        if found:
            properties = found[1].get("Properties", {})
            resources_map.__dict__.setdefault(PROPERTIES, {})[logical_id] = properties
            made = resources_map._parsed_resources.get(logical_id)
            kind = body["Type"]  # moto has no name property of some whose name it makes up all the same
            name_property = parsing.resource_name_property_from_type(kind) or f"{kind.rsplit('::', 1)[1]}Name"
            properties = {name_property: found[2], **properties}
            check("update" if made else "create", kind, properties, made, resources_map)
        return found

    def deleted(self: Any, made: Any, body: dict[str, Any]) -> None:
        properties = self.__dict__.get(PROPERTIES, {}).get(made.logical_resource_id, {})
        check("delete", body["Type"], properties, made, self)
        delete(self, made, body)

    parsing.parse_resource_and_generate_name = parsed
    parsing.ResourceMap._delete_resource = deleted


PROPERTIES = "_resolved_properties"
"""Kept with the stack: to resolve them again when it is deleted would make what they refer to again."""


def _own_tags(resources_map: Any) -> dict[str, str]:
    """The stack's, without those that CloudFormation adds."""
    return {key: value for key, value in (resources_map.tags or {}).items() if not key.startswith("aws:")}


def _identifiers(made: Any, resource_type: str, region: str) -> dict[str, str]:
    names = resource_schema(resource_type, region).identifiers if made else ()
    return {name: _attribute(made, name) for name in names}


def _attribute(made: Any, name: str) -> str:
    """Ref yields it where GetAtt does not."""
    try:
        return str(made.get_cfn_attribute(name))
    except Exception:
        return str(made.physical_resource_id)
