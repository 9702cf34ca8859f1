"""Label and field selectors, as list, watch and deletecollection take them.

Source: k8s.io/apimachinery/pkg/labels and pkg/fields; the field labels each kind supports are in its registry strategy.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from local.kubernetes.embedded.errors import bad_request
from local.kubernetes.embedded.resources import Resource

Object = dict[str, Any]
Matches = Callable[[Object], bool]
_FIELDS: dict[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase",),
    "ReplicaSet": ("status.replicas",),
    "Event": (
        *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion")),
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
}
_REQUIREMENT = re.compile(
    r"\s*(?:(?P<not>!)\s*(?P<absent>[\w./-]+)|(?P<key>[\w./-]+)\s*(?:"
    r"(?P<equality>==|=|!=)\s*(?P<value>[\w.-]*)|(?P<membership>in|notin)\s*\((?P<values>[^()]*)\)|"
    r"(?P<order>[<>])\s*(?P<bound>-?\d+))?)\s*(?:,(?=\s*\S)|$)"
)


def selector(resource: Resource, labels: str, fields: str) -> Matches:
    """Whether an object is selected. Raises ApiError 400 for a selector that cannot be read."""
    by_label, by_field = _label_selector(labels), _field_selector(resource, fields)

    def matches(obj: Object) -> bool:
        return by_label(obj["metadata"].get("labels") or {}) and by_field(obj)

    return matches


def _label_selector(text: str) -> Callable[[Mapping[str, str]], bool]:
    requirements: list[re.Match[str]] = []
    position = 0
    while text.strip() and position < len(text):
        match = _REQUIREMENT.match(text, position)
        if not match or match.end() == position:
            raise bad_request(f"unable to parse requirement: {text[position:]}")
        requirements.append(match)
        position = match.end()
    return lambda labels: all(_satisfied(requirement, labels) for requirement in requirements)


def _satisfied(requirement: re.Match[str], labels: Mapping[str, str]) -> bool:
    if requirement["not"]:
        return requirement["absent"] not in labels
    key, actual = requirement["key"], labels.get(requirement["key"])
    if requirement["equality"]:
        return (actual == requirement["value"]) != (requirement["equality"] == "!=")
    if requirement["membership"]:
        values = {value.strip() for value in requirement["values"].split(",")}
        return (actual in values) == (requirement["membership"] == "in")
    if requirement["order"]:
        if actual is None or not re.fullmatch(r"-?\d+", actual):
            return False
        bound = int(requirement["bound"])
        return int(actual) > bound if requirement["order"] == ">" else int(actual) < bound
    return key in labels


def matches_label_selector(wanted: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy a LabelSelector object; an empty one takes everything."""
    if any(labels.get(key) != value for key, value in (wanted.get("matchLabels") or {}).items()):
        return False
    for expression in wanted.get("matchExpressions") or []:
        value, values = labels.get(expression["key"]), expression.get("values") or []
        match expression["operator"]:
            case "In" if value not in values:
                return False
            case "NotIn" if value in values:
                return False
            case "Exists" if value is None:
                return False
            case "DoesNotExist" if value is not None:
                return False
    return True


def shown_selector(wanted: Mapping[str, Any]) -> str:
    """A LabelSelector object as text, as metav1.FormatLabelSelector writes it."""
    terms = [(key, f"{key}={value}") for key, value in (wanted.get("matchLabels") or {}).items()]
    for expression in wanted.get("matchExpressions") or []:
        key, values = expression["key"], ",".join(sorted(expression.get("values") or []))
        shown = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "DoesNotExist": f"!{key}"}
        terms.append((key, shown.get(expression["operator"], key)))
    return ",".join(text for _, text in sorted(terms))


def _field_selector(resource: Resource, text: str) -> Matches:
    supported = ("metadata.name", *(("metadata.namespace",) if resource.namespaced else ()))
    supported += _FIELDS.get(resource.kind, ())
    terms: list[tuple[str, bool, str]] = []
    for term in filter(None, text.split(",")):
        match = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", term)
        if not match:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
        if match[1] not in supported:
            raise bad_request(f"field label not supported: {match[1]}")
        terms.append((match[1], match[2] != "!=", match[3]))
    return lambda obj: all((_field(obj, field) == value) == wanted for field, wanted, value in terms)


def _field(obj: Object, path: str) -> str:
    value: Any = obj
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if path == "source" and isinstance(value, dict):
        value = value.get("component")
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return {"spec.unschedulable": "false", "spec.hostNetwork": "false", "status.replicas": "0"}.get(path, "")
    return str(value)
