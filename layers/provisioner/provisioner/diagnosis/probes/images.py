"""Whether nodes in the pod subnets can reach a registry, and what the registry answered."""

import re
from collections.abc import Mapping
from typing import Final

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding
from provisioner.kubernetes.client import Manifest
from provisioner.resources import vpc_endpoints
from provisioner.resources.egress import Way, way_of_group
from provisioner.resources.vpc import PrivateSubnet
from provisioner.resources.vpc_endpoints import Standing

PULL_REASONS: Final = ("Failed", "ErrImagePull", "ImagePullBackOff")
PLATFORM: Final = r"no match for platform in manifest"
REFUSED: Final = r"\b(403 Forbidden|401 Unauthorized)\b"
UNREACHED: Final = r"i/o timeout|dial tcp|no such host|Client\.Timeout|connection refused|context deadline exceeded"
_NO_SUCH_HOST: Final = "no such host"
AS_NOBODY: Final = "no basic auth credentials"
NO_PROGRAM: Final = r"exec: \"[^\"]+\": (stat \S+: no such file or directory|executable file not found)"
_OTHERWISE: Final = rf"{PLATFORM}|{REFUSED}|{AS_NOBODY}|{NO_PROGRAM}"
NOT_FOUND: Final = (
    rf"(?is)^(?!.*({_OTHERWISE})).*(not found|NotFound|manifest unknown|does not exist|pull access denied|"
    r"name unknown)"
)
RATE_LIMITED: Final = r"(?i)toomanyrequests|too many requests|\b429\b|rate exceeded|rate limit"
_GIVE_A_WAY: Final = "give each pod subnet a way to the internet through a NAT gateway, both ways"
_KNOWN: Final = "and known to the resolver that the VPC's pods ask"
_NOT_STOPPED: Final = "and whether a firewall on the way stops the pods"
_BY_POLICY: Final = ("denied", "doubtful")


def routes(live: Live, text: str) -> Finding:
    """The whole way of HTTPS out of every pod subnet and back; to private ECR, the VPC endpoints that stand in it.

    Where all of it is as it should be, what lies behind it is not seen from here.
    """
    image = live.request.verification.image
    looked_at = f"ways out of the pod subnets, for the registry of {image}"
    ways = pod_ways(live)
    if vpc_endpoints.is_private(image):
        ways = _ways_to_ecr(live, ways)
    if closed := told(ways, "closed"):
        return Finding.proved(looked_at, closed, what_to_do=f"{_GIVE_A_WAY}: {closed}")
    if unseen := told(ways, "unknown"):
        return Finding.possible(looked_at, unseen, what_to_do=f"{_GIVE_A_WAY}: {unseen}")
    saw = "every pod subnet has a way to it that works"
    if not re.search(UNREACHED, text):
        return Finding.refuted(looked_at, saw)
    if re.search(_NO_SUCH_HOST, text):
        return Finding.possible(
            looked_at, saw, what_to_do=f"see whether the name of {image}'s registry is right, {_KNOWN}"
        )
    return Finding.possible(looked_at, saw, what_to_do=f"see whether {image}'s registry answers there, {_NOT_STOPPED}")


def _ways_to_ecr(live: Live, ways: Mapping[str, Way]) -> dict[str, Way]:
    """Where an endpoint is on the way nothing else leads there; an endpoint's policy refuses, but does not close."""
    found: dict[str, Way] = {}
    owner = live.network.egress.shared_by
    if not all(live.network.endpoints.is_met_inside(service) for service in vpc_endpoints.PULLING):
        found |= {where: way for where, way in ways.items() if not where}  # the pods' security group
    for subnet in live.network.pod_subnets:
        where = f"{subnet.subnet_id}: "
        for service, standing in _standings(live, subnet).items():
            if standing.is_ == "absent" and owner and ways[where].is_ == "closed":
                why = f"{ways[where].why}; whether VPC endpoints take its place only account {owner} sees"
                found[where] = Way("unknown", f"{why}, which shares the subnet")
            elif standing.is_ == "absent":
                found[where] = ways[where]
            elif standing.is_ == "closed":
                found[f"{subnet.subnet_id}, {service}: "] = Way("closed", standing.why)
    return found


def _standings(live: Live, subnet: PrivateSubnet) -> dict[str, Standing]:
    table_id = live.network.egress.route_table_id_of(subnet.subnet_id)
    return {
        service: live.network.endpoints.standing(service, subnet.cidr, table_id) for service in vpc_endpoints.PULLING
    }


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


def programs(live: Live, text: str) -> Finding:
    """The nodes' own events and pods' states, in which there is no such program in the image."""
    image = live.request.verification.image
    looked_at = f"what nodes said of starting pods of the image {image}"
    events = (str(each.get("message", "")) for each in live.objects.warnings if each.get("reason") == "Failed")
    said = next(filter(None, (re.search(NO_PROGRAM, each) for each in (text, *events))), None)
    if said is None:
        return Finding.refuted(looked_at, "in none was there a program missing")
    return Finding.proved(looked_at, said[0], the_image=image)


def refused(live: Live, text: str) -> Finding:
    """The nodes' own events, in which the registry refuses; and the policies of the VPC endpoints on the way."""
    found = _answered(live, text, REFUSED)
    if found.verdict == "refuted":
        return found
    standings = [each for subnet in live.network.pod_subnets for each in _standings(live, subnet).values()]
    denied, doubtful = (dict.fromkeys(each.why for each in standings if each.is_ == kind) for kind in _BY_POLICY)
    image = live.request.verification.image
    what_to_allow = f"let the repository's policy allow the pod execution role to pull {image}"
    if not vpc_endpoints.is_private(image):
        what_to_allow = f"let {image} be pulled without credentials, which the pods have for no registry but ECR"
    if denied:
        what_to_allow = f"let it through: {'; '.join(denied)}"
    elif doubtful:
        what_to_allow += f", and see whether the pods meet the conditions: {'; '.join(doubtful)}"
    saw = "; ".join([found.saw, *denied, *doubtful])
    return Finding(found.verdict, found.looked_at, saw, {"what_to_allow": what_to_allow})


def without_token(live: Live, text: str) -> Finding:
    """The nodes' own events, in which they ask private ECR as nobody; and the VPC endpoint for ECR's API on the way."""
    found = _answered(live, text, AS_NOBODY)
    if found.verdict == "refuted":
        return found
    found_in = {each.subnet_id: _standings(live, each)["ecr.api"] for each in live.network.pod_subnets}
    refusing = dict.fromkeys(each.why for each in found_in.values() if each.is_ in ("closed", "denied"))
    if refusing:
        what_to_do = f"let pods get a token from ECR's API: {'; '.join(refusing)}"
        return Finding.proved(found.looked_at, "; ".join([found.saw, *refusing]), what_to_do=what_to_do)
    doubtful = dict.fromkeys(each.why for each in found_in.values() if each.is_ == "doubtful")
    what_to_do = (
        f"let the policies of {live.eks.pods_role_arn} allow what AmazonEKSFargatePodExecutionRolePolicy does, which "
        "cannot be read from here"
    )
    return Finding.possible(found.looked_at, "; ".join([found.saw, *doubtful]), what_to_do=what_to_do)


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
