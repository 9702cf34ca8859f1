"""What every resource module must not get wrong: whose a resource is, and states nobody has heard of."""

from collections.abc import Mapping
from typing import Never

from provisioner.difference import Difference, DriftKind, Severity
from provisioner.errors import ErrorReason, TerminalError
from provisioner.request import OWNER_TAG, Request

NOT_OURS = DriftKind(
    resource="{resource}",
    path=f"tags.{OWNER_TAG}",
    severity=Severity.WARNING,
    meaning="Whatever is found without this cluster's owner tag is somebody else's: it is never changed or removed.",
    fix=f"a run refuses to touch it; if {{resource}} is this cluster's, tag it {OWNER_TAG}={{expected}}",
    repairable=False,
)
TAG = DriftKind(
    resource="{resource}",
    path="tags.{tag}",
    severity=Severity.WARNING,
    meaning="A tag that the request asks for, as an organization's tag policy may do, was changed or taken away.",
    fix="a run gives {resource} the tag {tag}={expected} again; tags that nobody asked for stay",
)


def require_ours(request: Request, tags: Mapping[str, str], resource_id: str) -> None:
    """Raises: TerminalError OWNED_BY_ANOTHER for a found resource that lacks this cluster's owner tag."""
    owner = tags.get(OWNER_TAG)
    if owner != request.cluster.name:
        raise TerminalError(
            ErrorReason.OWNED_BY_ANOTHER,
            f"{resource_id} exists and its tag {OWNER_TAG} is {owner!r}",
            remedy=f"choose another cluster name than {request.cluster.name}, or remove {resource_id}",
        )


def wrong_tags(request: Request, tags: Mapping[str, str]) -> dict[str, str]:
    """Those that the request asks for and that a resource of ours has otherwise, or not."""
    return {key: value for key, value in request.owner_tags.items() if tags.get(key) != value}


def unknown_state(resource_id: str, state: Never) -> TerminalError:
    """The error for a state newer than this code; typed `Never` so that mypy proves a match exhaustive."""
    return TerminalError(
        ErrorReason.UNUSABLE,
        f"{resource_id} is in the unknown state {state!r}",
        remedy="look at the resource and teach its module this state",
    )


def ownership(request: Request, tags: Mapping[str, str], resource: str, tag_kind: DriftKind = TAG) -> list[Difference]:
    """One difference for a found resource that lacks this cluster's owner tag, else one for each other wrong tag."""
    owner = tags.get(OWNER_TAG)
    if owner != request.cluster.name:
        return [NOT_OURS.found(expected=request.cluster.name, actual=owner, resource=resource)]
    return tagging(request, tags, resource, tag_kind)


def tagging(request: Request, tags: Mapping[str, str], resource: str, tag_kind: DriftKind = TAG) -> list[Difference]:
    """One difference for each wrong tag, the owner's too: of what is ours whatever its tags are."""
    return [
        tag_kind.found(expected=value, actual=tags.get(key), resource=resource, tag=key)
        for key, value in wrong_tags(request, tags).items()
    ]
