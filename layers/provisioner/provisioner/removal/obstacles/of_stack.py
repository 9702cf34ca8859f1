"""What keeps CloudFormation from deleting the network's stack."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioner.removal.obstacles.model import Kind, Obstacle

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

TERMINATION_PROTECTION = Kind(
    rule="termination-protection",
    what="CloudFormation protects stack {name} from being deleted",
    holds="the network does not go until that is taken back",
    owner="whoever protects the account's stacks",
    looked_at="DescribeStacks",
    fix="aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name {name}",
    source="CloudFormation user guide, Protect CloudFormation stacks from being deleted",
)
KINDS = (TERMINATION_PROTECTION,)


def look(stack: "StackTypeDef") -> Iterator[Obstacle]:
    if stack.get("EnableTerminationProtection"):
        name = stack["StackName"]
        yield TERMINATION_PROTECTION.found(f"EnableTerminationProtection of {name} is true", name=name)
