"""The items of the claims table, all of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def scan(dynamodb: "DynamoDBClient", table: str, *names: str, consistent: bool = False) -> Iterator[dict[str, Any]]:
    """Every item with just these attributes: a record has whole requests in it, and capacity is paid by the item.

    `consistent`: with all that was written before, for twice the price. Source: DynamoDB API, Scan.
    """
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=consistent,
        ProjectionExpression=", ".join(f"#{name}" for name in names),
        ExpressionAttributeNames={f"#{name}": name for name in names},
    )
    for page in pages:
        yield from page["Items"]
