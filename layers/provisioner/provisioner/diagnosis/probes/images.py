"""Whether nodes in the pod subnets can reach a registry, and what the registry answered."""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding
from provisioner.kubernetes.client import Manifest
from provisioner.resources.egress import Way, way_of_group

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import VpcEndpointTypeDef

PULL_REASONS: Final = ("Failed", "ErrImagePull", "ImagePullBackOff")
PLATFORM: Final = r"no match for platform in manifest"
REFUSED: Final = r"\b403 Forbidden\b"
NOT_FOUND: Final = (
    rf"(?is)^(?!.*({PLATFORM}|{REFUSED})).*(not found|NotFound|manifest unknown|does not exist|pull access denied|"
    r"name unknown)"
)
RATE_LIMITED: Final = r"(?i)toomanyrequests|too many requests|\b429\b|rate exceeded|rate limit"
_ECR: Final = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/")


def routes(live: Live, _text: str) -> Finding:
    """The whole way of HTTPS out of every pod subnet and back; for a private ECR image its VPC endpoints do too."""
    image = live.request.verification.image
    looked_at = f"ways out of the pod subnets, for the registry of {image}"
    ways = pod_ways(live)
    if _ECR.match(image) and (names := _ecr_endpoints(live)):
        return Finding.refuted(looked_at, f"there are VPC endpoints for ECR: {names}")
    if closed := told(ways, "closed"):
        return Finding.proved(looked_at, closed, what_the_way_lacks=closed)
    if unseen := told(ways, "unknown"):
        return Finding.possible(looked_at, unseen, what_the_way_lacks=unseen)
    return Finding.refuted(looked_at, "every pod subnet has a way out that works")


def pod_ways(live: Live) -> dict[str, Way]:
    """Ways to the internet, by what they lead out of: each pod subnet, and the security group that pods have."""
    ways = {
        f"{each.subnet_id}: ": live.network.egress.way_from(each.subnet_id, each.cidr)
        for each in live.network.pod_subnets
    }
    group_id = live.eks.security_group_id
    group = live.network.security_groups([group_id]).get(group_id) if group_id else None
    return ways | ({"": way_of_group(str(group_id), group.get("IpPermissionsEgress", []))} if group else {})


def told(ways: Mapping[str, Way], kind: str) -> str:
    return "; ".join(f"{where}{way.why}" for where, way in ways.items() if way.is_ == kind)


def not_found(live: Live, text: str) -> Finding:
    """The nodes' own events, in which the registry answered that there is no such image."""
    return _answered(live, text, NOT_FOUND)


def rate_limited(live: Live, text: str) -> Finding:
    """The nodes' own events, in which the registry answered that it was asked too often."""
    return _answered(live, text, RATE_LIMITED)


def platform(live: Live, text: str) -> Finding:
    """The nodes' own events and logs, in which the image is for another platform."""
    image = live.request.verification.image
    if re.search(r"exec format error", text):
        return Finding.proved(
            f"what the pods of the image {image} printed", "its programs are for another platform", the_image=image
        )
    return _answered(live, text, PLATFORM)


def refused(live: Live, text: str) -> Finding:
    """The nodes' own events, in which the registry refuses; and the policies of the VPC endpoints on the way."""
    found = _answered(live, text, REFUSED)
    if found.verdict != "proved":
        return found
    narrow = [
        f"{each['VpcEndpointId']} ({each['ServiceName'].rpartition('.')[2]})"
        for each in live.network.endpoints
        if re.search(r"\.(ecr\.(api|dkr)|s3)$", each.get("ServiceName", "")) and not _is_open(each)
    ]
    way = f"; VPC endpoints with a policy of their own: {', '.join(narrow)}" if narrow else ""
    return Finding.proved(found.looked_at, f"{found.saw}{way}", **found.ids)


def _is_open(endpoint: "VpcEndpointTypeDef") -> bool:
    """Whether the endpoint has the policy that it is made with, which allows everything."""
    statements = json.loads(endpoint.get("PolicyDocument") or "{}").get("Statement", [])
    return not statements or any(
        each.get("Effect") == "Allow" and each.get("Action") == "*" and each.get("Resource") == "*"
        for each in statements
    )


def _answered(live: Live, text: str, pattern: str) -> Finding:
    """The registry cannot be asked from here; that it answered a node is in the node's own event."""
    image = live.request.verification.image
    looked_at = f"warning events of the run about the image {image}"
    said = next((each for each in live.objects.warnings if _is_such_an_answer(each, image, pattern)), None)
    if said is not None:
        name = said["involvedObject"]["name"]
        return Finding.proved(
            looked_at, f"the registry answered the node of {name}: {said['message']}", the_image=image
        )
    if re.search(pattern, text):
        return Finding.possible(looked_at, "no such event remains", the_image=image)
    return Finding.refuted(looked_at, "in none did the registry answer so")


def _is_such_an_answer(event: Manifest, image: str, pattern: str) -> bool:
    message = str(event.get("message", ""))
    # The image's own name may contain the very words.
    return (
        event.get("reason") in PULL_REASONS
        and image in message
        and bool(re.search(pattern, message.replace(image, "")))
    )


def _ecr_endpoints(live: Live) -> str:
    available = [each for each in live.network.endpoints if each.get("State", "").lower() == "available"]
    named = {
        each.get("ServiceName", "").partition(".ecr.")[2] or each.get("ServiceName", "").rpartition(".")[2]
        for each in available
    }
    return "ecr.api, ecr.dkr, s3" if {"api", "dkr", "s3"} <= named else ""
