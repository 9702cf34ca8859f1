"""moto lacks: a conditional write as one step. Of two claims at the same moment both were written.

Source: DynamoDB developer guide, "Read consistency", "Condition expressions": writes of one item are serialised.
"""
# mypy: disable-error-code="method-assign"

from __future__ import annotations

import threading
from functools import wraps
from typing import TYPE_CHECKING, Any

from moto.dynamodb.responses import DynamoHandler

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.aws.server import AwsServer

OF_ITEMS = (
    "put_item",
    "get_item",
    "update_item",
    "delete_item",
    "query",
    "scan",
    "batch_get_item",
    "batch_write_item",
    "transact_get_items",
    "transact_write_items",
)


def install(_server: AwsServer) -> None:
    one_at_a_time = threading.RLock()

    def serialised(answer: Callable[[DynamoHandler], Any]) -> Callable[[DynamoHandler], Any]:
        @wraps(answer)
        def answered(self: DynamoHandler) -> Any:
            with one_at_a_time:
                return answer(self)

        return answered

    for name in OF_ITEMS:
        setattr(DynamoHandler, name, serialised(getattr(DynamoHandler, name)))
