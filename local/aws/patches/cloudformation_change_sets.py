"""Change sets that show what a deployment would make, which is what the conditions say.

moto lacks conditions there: it lists every resource of the template. Source: CloudFormation API, DescribeChangeSet.
"""
# mypy: disable-error-code="method-assign"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import moto.cloudformation.models as models
from moto.cloudformation.parsing import ResourceMap

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    diff = models.ChangeSet.diff

    def wanted(self: Any) -> list[models.Change]:
        stack, resources = self.stack, self.template_dict["Resources"]
        planned = ResourceMap(
            stack.stack_id,
            stack.name,
            self.parameters,
            {},
            account_id=stack.account_id,
            region_name=stack.region_name,
            template=self.template_dict,
            cross_stack_resources=stack.cross_stack_resources,
        )
        planned.load()
        unwanted = {
            name
            for name, resource in resources.items()
            if "Condition" in resource and not planned.lazy_condition_map[resource["Condition"]]
        }
        return [change for change in diff(self) if change.action != "Add" or change.logical_resource_id not in unwanted]

    models.ChangeSet.diff = wanted
