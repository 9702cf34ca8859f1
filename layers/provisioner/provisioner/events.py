"""Any trigger of the provision machine -> the partial request that it stands for."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from provisioner import fields
from provisioner.errors import RequestError
from provisioner.given import shown
from provisioner.refusal import Path, Problem, refusal
from provisioner.request import Request

_ACCOUNT, _UNIT = TypeAdapter(fields.AccountId), TypeAdapter(fields.OrganizationalUnitId)
_DETAIL_TYPE: Final = "AWS Service Event via CloudTrail"
_STATUS_KEYS: Final[Mapping[tuple[str, str], str]] = {
    ("aws.controltower", "CreateManagedAccount"): "createManagedAccountStatus",
    ("aws.controltower", "UpdateManagedAccount"): "updateManagedAccountStatus",
    ("aws.organizations", "CreateAccountResult"): "createAccountStatus",
}


def asked_by(trigger: Any) -> Mapping[str, Any]:
    """The partial request in a direct request, which is one already, or in an event about a new account.

    Only Control Tower tells the account's organizational unit, whose defaults then apply. An event's own region is
    where the landing zone or Organizations lives, not where the cluster belongs: it is not taken over.
    Raises: RequestError for anything else, naming what was expected.
    Source: AWS Control Tower user guide, "Lifecycle events"; AWS Organizations user guide, "Logging API calls with
    CloudTrail", CreateAccountResult.
    """
    if not isinstance(trigger, Mapping):
        raise _refused((), trigger, f"an object with any of {', '.join(Request.model_fields)}, or an event")
    if not {"source", "detail-type"} <= trigger.keys():
        return trigger
    return _asked_by_event(trigger)


def _asked_by_event(event: Mapping[str, Any]) -> Mapping[str, Any]:
    if event["detail-type"] != _DETAIL_TYPE:
        raise _refused(("detail-type",), event["detail-type"], repr(_DETAIL_TYPE))
    source, event_name = _text(event, ("source",)), _text(event, ("detail", "eventName"))
    status_key = _STATUS_KEYS.get((source, event_name))
    if status_key is None:
        known = " or ".join(f"{name} from {known_source}" for known_source, name in _STATUS_KEYS)
        raise _refused(("detail", "eventName"), f"{event_name} from {source}", known)
    status = ("detail", "serviceEventDetails", status_key)
    state = _text(event, (*status, "state"))
    if state != "SUCCEEDED":
        raise _refused((*status, "state"), state, "'SUCCEEDED': there is no account to provision otherwise")
    if source == "aws.organizations":
        return {"account_id": _id(event, (*status, "accountId"), _ACCOUNT)}
    return {
        "account_id": _id(event, (*status, "account", "accountId"), _ACCOUNT),
        "organizational_unit_id": _id(event, (*status, "organizationalUnit", "organizationalUnitId"), _UNIT),
    }


def _id(event: Mapping[str, Any], path: Path, form: TypeAdapter[str]) -> str:
    """What is asked of Organizations next, and names a parameter: nothing but an id."""
    text = _text(event, path)
    try:
        return form.validate_python(text)
    except ValidationError as error:
        raise _refused(path, text, error.errors()[0]["msg"]) from None


def _text(event: Mapping[str, Any], path: Path) -> str:
    """The string at `path`; names the first part of it that is not as the service documents it."""
    value: Any = event
    for depth, name in enumerate(path, start=1):
        if not isinstance(value, Mapping):
            raise _refused(path[: depth - 1], value, "an object, as the service documents this event")
        if name not in value:
            raise refusal([Problem(path[:depth], None, "what the service documents for this event")])
        value = value[name]
    if not isinstance(value, str):
        raise _refused(path, value, "a string, as the service documents this event")
    return value


def _refused(path: Path, value: Any, allowed: str) -> RequestError:
    return refusal([Problem(path, shown(value), allowed)])
