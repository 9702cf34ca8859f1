"""CloudFormation makes and removes a stack's resources as whoever asked for the stack.

moto lacks: asking anybody.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, arg-type, misc"

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import moto.cloudformation.parsing as parsing
from moto.utilities.utils import get_partition

from local.aws.patches.permissions import CALLER
from local.aws.permissions import identity
from local.aws.permissions.authoriser import UnknownCall
from local.aws.permissions.demand import ApiCall, Demand
from local.aws.permissions.stacks import creation_demands, deletion_demands

if TYPE_CHECKING:
    from local.aws.server import AwsServer

Asks = Callable[[ApiCall, str, Mapping[str, Any]], Iterator[Demand]]


def install(server: AwsServer) -> None:
    """Before patches/cloudformation.py, so that a denial is an event of the stack."""
    create, delete = parsing.parse_and_create_resource, parsing.ResourceMap._delete_resource

    def check(asks: Asks, operation: str, resource_json: dict[str, Any], account_id: str, region_name: str) -> None:
        caller = CALLER.get()
        if caller is None or identity.may_do_everything(caller.iam_arn):
            return
        call = ApiCall("cloudformation", operation, {}, account_id, region_name, get_partition(region_name))
        try:
            demands = list(asks(call, resource_json["Type"], resource_json.get("Properties", {})))
        except LookupError as error:
            raise UnknownCall(f"local/aws/permissions/stacks.py does not say what {error} needs") from error
        server.authoriser.check(caller, demands, {"aws:RequestedRegion": region_name})

    def created(
        logical_id: str, resource_json: dict[str, Any], resources_map: Any, account_id: str, region_name: str
    ) -> Any:
        condition = resource_json.get("Condition")
        if not condition or resources_map.lazy_condition_map[condition]:
            check(creation_demands, "CreateStack", resource_json, account_id, region_name)
        return create(logical_id, resource_json, resources_map, account_id, region_name)

    def deleted(self: Any, parsed_resource: Any, resource_json: dict[str, Any]) -> None:
        check(deletion_demands, "DeleteStack", resource_json, self._account_id, self._region_name)
        delete(self, parsed_resource, resource_json)

    parsing.parse_and_create_resource = created
    parsing.ResourceMap._delete_resource = deleted
