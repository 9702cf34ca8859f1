"""Keeps what was called (moto keeps nothing), refuses what the caller may not do, and lets others act at a call.

`server.calls` has every API call in order, as `service:Action`; `server.hooks` runs what was asked for before a call or
after it succeeded, in the calling thread. What is raised before a call is the service's answer to it. EC2's dry runs
change nothing (moto makes a VPC), and what is not there is answered as an operation that nobody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import camelcase_to_underscores
from moto.ec2.exceptions import DryRunClientError

from local.aws.hooks import Call
from local.aws.patches.permissions import Refused, calling, check_call
from local.aws.refusals import Refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer

UNKNOWN = "action has not been implemented"
UNKNOWN_OPERATION = "InvalidAction"


def install(server: AwsServer) -> None:
    """Source of the names: botocore's service name and the operation's name."""
    original = BaseResponse.call_action

    def call_action(self: BaseResponse) -> Any:
        name = f"{self.boto3_service_name}:{self._get_action()}"
        server.calls.append(name)
        try:
            check_call(server, self)
        except Refused as refused:
            _answer_with(self, refused.error)
            _, headers, body = original(self)
            return refused.status, {**headers, "status": refused.status}, body
        with calling(self):
            try:
                return _with_hooks(server, name, self)
            except NotImplementedError as missing:
                if UNKNOWN not in str(missing):
                    raise
                return self.serialized(ActionResult(Refusal(UNKNOWN_OPERATION, f"The embedded cloud has no {name}")))

    def _with_hooks(server: AwsServer, name: str, self: BaseResponse) -> Any:
        dry_run = self.boto3_service_name == "ec2" and self._get_bool_param("DryRun")
        if dry_run:
            _answer_with(self, DryRunClientError())
        if not server.hooks:
            return original(self)
        call = Call(name, self.current_account, self.region, self.path, _said(self), self.access_key)
        try:
            server.hooks.run_before(call)
        except ServiceException as refusal:
            _answer_with(self, refusal)
            return original(self)
        answer = original(self)
        if int(answer[0]) < 300:
            server.hooks.run_after(call)
        return answer

    setattr(BaseResponse, "call_action", call_action)  # noqa: B010


def _answer_with(response: BaseResponse, refusal: ServiceException) -> None:
    """In place of the operation of this one request, so that moto writes it in the service's own form."""

    def refuse() -> Any:
        raise refusal

    setattr(response, camelcase_to_underscores(response._get_action()), refuse)


def _said(response: BaseResponse) -> str:
    """The body; that of a form, which moto has taken apart, put together again."""
    return _text(response.body) or urlencode(response.querystring or {}, doseq=True)


def _text(body: Any) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
