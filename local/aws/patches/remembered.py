"""What moto and the SDK look up anew at every call, although it is the same each time.

moto lacks: a memory of its own list of services (a look at 250 folders), of what its classes can do, and of the
operation that it has found for a request (asked for five times); a look at an account's backends without a lock; of the
account that an access key is of, which is looked for in all; a look at one resource's tags that does not go through
those of all; and for a member of an answer, one under its own name first. The SDK takes a user agent's words apart at
every call, and reads the descriptions of services anew in each of its sessions, of which moto makes many.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined"

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
import moto.iam.models as iam
from botocore import hooks, useragent
from moto import backends
from moto.core import responses, serialize
from moto.core.base_backend import BackendDict
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.tags import EC2_PREFIX_TO_RESOURCE
from moto.ec2.utils import get_prefix


def install() -> None:
    """What is done to moto may be undone (originals.py); the SDK remembers for as long as the process lives."""
    _in_the_sdk()
    _in_moto()


@cache
def _in_the_sdk() -> None:
    botocore.session.create_loader = cache(botocore.session.create_loader)
    useragent.sanitize_user_agent_string_component = cache(useragent.sanitize_user_agent_string_component)
    # Every client has a copy of its session's handlers, in a thousand of these.
    hooks.NodeList.__copy__ = _copied


def _in_moto() -> None:
    services = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: services
    response = responses.BaseResponse
    responses.method_names_from_class = cache(responses.method_names_from_class)
    response._get_action_from_method_and_request_uri = _once(response._get_action_from_method_and_request_uri)
    BackendDict.__getitem__ = _without_lock(BackendDict.__getitem__)
    iam.get_account_id_from = _account_of(iam.get_account_id_from)
    TaggedEC2Resource.get_tags = _tags_of
    serialize.AttributePicker.__call__ = _by_its_name(serialize.AttributePicker.__call__)


def _copied(handlers: Any) -> Any:
    return hooks.NodeList(handlers.first[:], handlers.middle[:], handlers.last[:])


def _once(match: Any) -> Any:
    """A request is one operation's, whoever asks."""

    def matched(self: Any, request: Any) -> Any:
        known = self.__dict__.get("_matched")
        if known is None or known[0] is not request:
            operation = match(self, request)
            known = self._matched = request, operation, self.uri_match
        self.uri_match = known[2]
        return known[1]

    return matched


def _without_lock(make: Any) -> Any:
    """Only who makes an account's backends has to be alone."""

    def of_account(self: Any, account_id: str) -> Any:
        known = self.get(account_id)
        return make(self, account_id) if known is None else known

    return of_account


def _account_of(look_for: Any) -> Any:
    found: dict[str, str] = {}

    def account_of(access_key: str) -> str:
        there: Any = iam.iam_backends.get(found.get(access_key, ""), {})
        if not any(access_key in backend.access_keys for backend in list(there.values())):
            found[access_key] = look_for(access_key)
        return found[access_key]

    return account_of


def _tags_of(resource: Any) -> list[dict[str, str]]:
    kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(resource.id), "") if resource.id else ""
    own = resource.ec2_backend.tags.get(resource.id, {}) if resource.id else {}
    return [
        {"resource_id": resource.id, "key": key, "value": value, "resource_type": kind}
        for key, value in list(own.items())
    ]


def _by_its_name(pick: Any) -> Any:
    """Of a scalar in a dictionary its own name is the first to be looked for; lists and structures may have others."""

    def picked(self: Any, context: Any) -> Any:
        given, key = context.obj, context.key
        if type(given) is not dict or key not in given or self.response_transformers:
            return pick(self, context)
        return pick(self, context) if context.shape.type_name in ("list", "structure") else given[key]

    return picked
