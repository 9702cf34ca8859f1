"""What Fargate's own scheduler said about the run's pods, and CoreDNS's.

That an event of fargate-scheduler is there is the proof: AWS itself decides, and says so nowhere else.
"""

import re

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding
from provisioner.kubernetes.client import Manifest

BLOCKED = r"account is currently blocked"
ZONE = r"Fargate is not supported in the requested availability zone: ?(?P<zone>[\w-]+)"
CAPACITY = r"(?i)Fargate capacity is unavailable"
CONCURRENCY = r"(?i)reached the limit on the number of Fargate pods"


def account_blocked(live: Live, text: str) -> Finding:
    """Events of fargate-scheduler that say that the account is blocked."""
    return _said(live, text, BLOCKED, the_account=live.request.account_id)


def concurrency(live: Live, text: str) -> Finding:
    """Events of fargate-scheduler that say that the account runs as many pods as it may."""
    return _said(live, text, CONCURRENCY, the_account=live.request.account_id, the_region=live.request.region)


def capacity(live: Live, text: str) -> Finding:
    """Events of fargate-scheduler that say that there is no capacity."""
    return _said(live, text, CAPACITY, the_region=live.request.region)


def zone(live: Live, text: str) -> Finding:
    """Events of fargate-scheduler that name a zone, and the pod subnets in it."""
    found = _event(live, ZONE)
    named = re.search(ZONE, str(found["message"]) if found else text)
    if named is None:
        return Finding.refuted(_looked_at(live), "in none did it say so")
    subnets = [each for each in live.network.pod_subnets if each.availability_zone == named["zone"]]
    listed = ", ".join(f"{each.subnet_id} in {each.availability_zone}" for each in subnets)
    return _said(live, text, ZONE, the_subnet_in_that_zone=listed or f"the subnet in {named['zone']}")


def _said(live: Live, text: str, pattern: str, **ids: str) -> Finding:
    found = _event(live, pattern)
    if found is not None:
        name = found["involvedObject"]["name"]
        return Finding.proved(_looked_at(live), f"it answered for {name}: {found['message']}", **ids)
    if re.search(pattern, text):
        return Finding.possible(_looked_at(live), "no such event remains", **ids)
    return Finding.refuted(_looked_at(live), "in none did it say so")


def _event(live: Live, pattern: str) -> Manifest | None:
    events = [*live.objects.warnings, *live.objects.dns_warnings]
    return next((each for each in events if re.search(pattern, str(each.get("message", "")))), None)


def _looked_at(live: Live) -> str:
    return f"events of fargate-scheduler in {live.request.storage.namespace} and kube-system"
