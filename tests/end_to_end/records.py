"""The table of clusters, as tests read and prepare it."""

import json
from collections.abc import Mapping
from typing import Any

from tests.end_to_end.runs import Machine


class Records:
    """Of one deployed stack."""

    def __init__(self, machine: Machine) -> None:
        self._client = machine.cloud.client("dynamodb")
        self._table = machine.outputs["ClaimsTableName"]
        self._home = machine.cloud.account_id, machine.cloud.region

    def get(self, cluster: str, account_id: str | None = None) -> dict[str, Any]:
        answer = self._client.get_item(TableName=self._table, Key={"cluster": {"S": self._key(cluster, account_id)}})
        return {name: next(iter(value.values())) for name, value in answer.get("Item", {}).items()}

    def request(self, cluster: str, account_id: str, region: str) -> dict[str, Any]:
        key = {"cluster": {"S": f"{account_id}#{region}#{cluster}"}}
        item = self._client.get_item(TableName=self._table, Key=key)["Item"]
        asked: dict[str, Any] = json.loads(item["request"]["S"])
        return asked

    def copy(self, cluster: str, name: str, account_id: str | None = None, **changes: str | None) -> None:
        """Another record of a proven cluster; in another account its request names that one."""
        recorded = self.get(cluster, account_id) or self.get(cluster)
        item: dict[str, Any] = {**recorded, "cluster": self._key(name, account_id), **changes}
        request = json.loads(item["request"])
        request["account_id"] = account_id or request["account_id"]
        self._put({**item, "request": json.dumps(request)})

    def remove(self, cluster: str, account_id: str | None = None) -> None:
        self._client.delete_item(TableName=self._table, Key={"cluster": {"S": self._key(cluster, account_id)}})

    def _put(self, item: Mapping[str, Any]) -> None:
        self._client.put_item(
            TableName=self._table, Item={name: {"S": str(value)} for name, value in item.items() if value is not None}
        )

    def _key(self, cluster: str, account_id: str | None) -> str:
        return f"{account_id or self._home[0]}#{self._home[1]}#{cluster}"
