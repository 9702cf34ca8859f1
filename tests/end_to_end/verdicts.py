"""Every probe on every fault: what each rule would say of each world, whether or not a message names it.

verdicts.json is the table that was read and found right: fault -> rules that are proved, and those that are possible;
all others are refuted. Some prove what a rule is not looked for after the state that failed: what was never made is
missing. `VERDICTS=write` with a run of test_diagnosis.py writes it anew, to be read again.
"""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from local.aws.eks_endpoint import admits_lambda
from local.aws.eks_state import clusters_of
from local.cloud import EmbeddedCloud
from local.faults.control_plane import ACCOUNT_WITHOUT_ROLES
from provisioner.diagnosis import signals
from provisioner.diagnosis.entry import lives
from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Failure, Rule, Signal
from provisioner.diagnosis.rules import RULES
from provisioner.errors import ErrorReason, RetryableError
from provisioner.kubernetes.client import ClusterApi
from provisioner.kubernetes.errors import connection_error
from provisioner.request import Request

CLUSTER_BRANCH: Final = {"Ensure cluster", "Ensure cluster access", "Ensure Fargate profile"}
STORAGE_BRANCH: Final = {"Ensure security group", "Ensure file system", "Ensure mount targets"}
ABOUT_STORAGE: Final = ("access-point", "file-system", "mount-target", "security-group", "wrong-file", "wrong-mount")
ABOUT_THE_WAY_OUT: Final = ("image-unreachable", "nodes-not-joining")
FILE: Final = Path(__file__).with_name("verdicts.json")
Row = dict[str, list[str]]


class _Target:
    """The account as its administrator sees it: what probes see does not depend on who looks.

    Another account is seen as the provisioner's role sees it, one that lends a file system as the inspector's.
    """

    def __init__(self, cloud: EmbeddedCloud, request: Request, role: str = "provisioner") -> None:
        self._cloud, self._request, self.account_id = cloud, request, request.account_id
        own = request.account_id == cloud.account_id
        self._credentials = None if own else cloud.server.assume_role(self.role_arn(role), "verdicts")

    def beside(self, account_id: str) -> "_Target":
        return _Target(self._cloud, self._request.model_copy(update={"account_id": account_id}), "inspector")

    def client(self, service: str) -> Any:
        return self._cloud.server.client(service, region=self._request.region, credentials=self._credentials)

    def role_arn(self, purpose: str) -> str:
        return f"arn:aws:iam::{self._request.account_id}:role/eks-efs-provisioner-{purpose}"


def row_of(cloud: EmbeddedCloud, asked: Mapping[str, Any]) -> Row:
    """What every rule's probe says of the world that a failed run has left; `asked` is what its diagnosis was asked."""
    request = Request.model_validate(asked["request"])

    def connect() -> Any:
        if request.account_id == ACCOUNT_WITHOUT_ROLES:
            raise RetryableError(ErrorReason.ROLE_NOT_ASSUMABLE, "the role", remedy="none")
        return _Target(cloud, request)

    def open_api(target: Any, name: str) -> ClusterApi:
        cluster = clusters_of(request.account_id, request.region)[name]
        plane = cluster.control_plane
        assert plane is not None
        if not admits_lambda(cluster):  # who looks here is no function
            raise connection_error(TimeoutError("timed out"))
        described = target.client("eks").describe_cluster(name=name)["cluster"]
        authority = base64.b64decode(described["certificateAuthority"]["data"]).decode()
        return ClusterApi(described["endpoint"], authority, lambda: plane.admin_token)

    live, *_ = lives(asked, lambda _request: connect(), open_api)
    failure = Failure.model_validate(asked["failure"])
    said = [*signals.of_failure(failure), *signals.of_live_state(live, failure)]
    verdicts = {rule.id: _verdict(rule, live, said) for rule in RULES}
    return {
        kind: sorted(rule for rule, verdict in verdicts.items() if verdict == kind) for kind in ("proved", "possible")
    }


def _verdict(rule: Rule, live: Live, said: list[Signal]) -> str:
    signal = rule.signal_in(said)
    try:
        return rule.probe(live, signal.text if signal else "").verdict
    except Exception:
        return "possible"  # as in a diagnosis: it could not look


def kept() -> dict[str, Row]:
    table: dict[str, Row] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return table


def is_to_be_written() -> bool:
    return os.environ.get("VERDICTS") == "write"


def keep(name: str, row: Row) -> None:
    table = {**kept(), name: row}
    lines = [f"  {json.dumps(each)}: {json.dumps(table[each])}" for each in sorted(table)]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def settled(row: Row, state: str) -> Row:
    """Without what is about the other branches, which a failure in one of them leaves wherever they were: the way out
    has one of its own.
    """
    # CoreDNS has its replicas by now, or has them not yet, and EKS says so a while later: nobody looks for it after
    # this state.
    if state == "Verify storage":
        return {verdict: [each for each in rules if each != "addon-degraded"] for verdict, rules in row.items()}
    if state not in CLUSTER_BRANCH | STORAGE_BRANCH:
        return row
    of_storage = state in STORAGE_BRANCH
    return {
        verdict: [
            each for each in rules if each.startswith(ABOUT_STORAGE) is of_storage and each not in ABOUT_THE_WAY_OUT
        ]
        for verdict, rules in row.items()
    }
