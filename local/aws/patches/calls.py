"""Keeps what was called (moto keeps nothing), refuses what the caller may not do, and lets others act at a call.

`server.calls` has every API call in order, as `service:Action`; `server.hooks` runs what was asked for before a call or
after it succeeded, in the calling thread; `server.rates` lets through as many as AWS does, if somebody wants that.
What is raised before a call is the service's answer to it; who stands on
`server.wire` sees every request first, and makes any answer of it. EC2's dry runs
change nothing (moto makes a VPC), and what is not there is answered as an operation that nobody knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.ec2.exceptions import DryRunClientError
from moto.s3.responses import S3Response

from local.aws import iam
from local.aws.hooks import Call
from local.aws.patches.permissions import Refused, calling, check_call
from local.aws.rates import ThrottledError
from local.aws.refusals import Refusal
from local.wire import FATE, REFUSED, Answer, Exchange

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
        if not server.wire:
            return _allowed(self, name)
        return over_the_wire(server, self, _call(name, self), lambda: _allowed(self, name))

    def _allowed(self: BaseResponse, name: str) -> Any:
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
        try:
            server.rates.check(name, self.current_account, self.region)
        except ThrottledError as throttled:
            _answer_with(self, throttled)
            return original(self)
        if not server.hooks:
            return original(self)
        call = _call(name, self)
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
    _put_s3_on_the_wire(server)


def _put_s3_on_the_wire(server: AwsServer) -> None:
    """S3 answers without the common way in; which action it was is known only while it is answered."""
    parts = {"_bucket_response": "bucket", "_key_response": "object"}

    def wired(kind: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def respond(self: S3Response, request: Any, full_url: str) -> Any:
            if not server.wire:
                return original(self, request, full_url)
            return over_the_wire(
                server, self, _call(f"s3:{request.method} {kind}", self), lambda: original(self, request, full_url)
            )

        return respond

    for name, kind in parts.items():
        setattr(S3Response, name, wired(kind, getattr(S3Response, name)))


def over_the_wire(server: AwsServer, response: BaseResponse, call: Call, perform: Callable[[], Any]) -> Any:
    """moto's answer, after whoever stands in between has had a say."""

    def performed() -> Answer:
        answered = perform()
        status, headers, body = (200, {}, answered) if isinstance(answered, str | bytes) else answered
        return Answer(int(status), dict(headers), body if isinstance(body, bytes) else str(body).encode())

    def refuse(status: int, code: str, message: str) -> Answer:
        _, headers, body = response.serialized(ActionResult(Refusal(code, message)))
        return Answer(status, {**headers, FATE: REFUSED}, body if isinstance(body, bytes) else str(body).encode())

    caller = iam.caller_of(response.access_key, response.current_account, response.partition).arn
    protocol = get_service_model(response.boto3_service_name).protocol
    # Where there is neither query nor body, moto puts the headers in their place; a form, it has taken apart.
    said = _said(response) if protocol in ("query", "ec2") else _text(response.body)
    question = f"{call.name} {call.account_id} {call.region} {response.uri} {said}"
    answer = server.wire.pass_on(Exchange(call, caller, protocol, question, performed, refuse))
    return answer.status, {**answer.headers, "status": answer.status}, answer.body


def _call(name: str, response: BaseResponse) -> Call:
    return Call(name, response.current_account, response.region, response.path, _said(response), response.access_key)


def _answer_with(response: BaseResponse, refusal: ServiceException) -> None:
    """In place of the operation of this one request, so that moto writes it in the service's own form."""

    def refuse() -> Any:
        raise refusal

    setattr(response, camelcase_to_underscores(response._get_action()), refuse)


def _said(response: BaseResponse) -> str:
    """The body; that of a form, which moto has taken apart, put together again."""
    return _text(response.body) or urlencode(response.querystring or {}, doseq=True)


def _text(body: Any) -> str:
    """moto's DynamoDB has read its own by then."""
    if isinstance(body, dict):
        return json.dumps(body)
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
