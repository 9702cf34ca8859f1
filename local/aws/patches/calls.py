"""Keeps what was called: `server.calls` has every API call in order, as `service:Action` (moto keeps nothing)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import BaseResponse

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    """Source of the names: botocore's service name and the operation's name."""
    original = BaseResponse.call_action

    def call_action(self: BaseResponse) -> Any:
        server.calls.append(f"{self.boto3_service_name}:{self._get_action()}")
        return original(self)

    setattr(BaseResponse, "call_action", call_action)  # noqa: B010
