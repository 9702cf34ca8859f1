"""Makes resource types that moto's CloudFormation does not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import moto.cloudformation.parsing as parsing
from moto.core.common_models import CloudFormationModel

_DEFINED: dict[str, type] = {}


class Resource:
    """A resource of a type defined here. `model` is what its `create` returned, `name` what Ref yields."""

    def __init__(self, name: str, properties: dict[str, Any], account_id: str, region: str) -> None:
        self.name = name
        self.properties = properties
        self.account_id = account_id
        self.region = region
        self.model: Any = None

    @property
    def physical_resource_id(self) -> str:
        return self.name


def define(
    resource_type: str,
    name_property: str | None,
    create: Callable[[Any], Any] | None = None,
    *,
    attributes: Mapping[str, Callable[[Any], Any]] | None = None,
    delete: Callable[[Any], None] | None = None,
) -> None:
    """Teach CloudFormation a type. Without `create` it is accepted and has no behaviour here (a policy, say)."""
    getters = attributes or {}

    def created(cls: Any, name: str, resource: Any, account_id: str, region: str, **_: Any) -> Resource:
        made: Resource = cls(name, resource["Properties"], account_id, region)
        made.model = create(made) if create else None
        return made

    def updated(
        cls: Any,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Resource:
        original_resource.delete(account_id, region_name)
        name = original_resource.name if name_property is None else new_resource_name
        return created(cls, name, cloudformation_json, account_id, region_name)

    def deleted(self: Any, account_id: str, region: str) -> None:
        if delete:
            delete(self)

    if resource_type in _DEFINED:  # a class is registered with moto for good, so a second server finds it there
        return
    _DEFINED[resource_type] = type(
        resource_type.replace("::", ""),
        (Resource, CloudFormationModel),  # moto looks for direct subclasses of its model
        {
            "is_created": lambda _: True,
            "cloudformation_type": staticmethod(lambda: resource_type),
            "cloudformation_name_type": staticmethod(lambda: name_property or ""),
            "create_from_cloudformation_json": classmethod(cast(Any, created)),
            "update_from_cloudformation_json": classmethod(cast(Any, updated)),
            "delete_from_cloudformation_json": staticmethod(lambda *_: None),
            "delete": deleted,
            "has_cfn_attr": staticmethod(lambda name: name in getters),
            "get_cfn_attribute": lambda self, name: getters[name](self),
        },
    )
    for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        cached.cache_clear()
