"""One minor version up: the control plane when EKS finds it ready, then the add-on."""

from datetime import timedelta
from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError, UnsettledError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import cluster, cluster_dns
from provisioner.resources.upgrade import Step
from tests.unit.resources.aws_calls import Calls, refuse
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.samples import CLUSTER_ROLE_ARN, NETWORK, NOW, request_for

REQUEST = request_for(cluster={"version": "1.35"})
INSIGHT = {
    "name": "Deprecated APIs removed in Kubernetes v1.34",
    "kubernetesVersion": "1.34",
    "insightStatus": {"status": "ERROR", "reason": "Deprecated API usage detected within last 30 days."},
    "recommendation": "Update manifests.",
    "categorySpecificSummary": {
        "deprecationDetails": [
            {"usage": "/apis/example/v1beta1/things", "clientStats": [{"userAgent": "team/1.0"}]},
            {"usage": "/apis/example/v1beta1/others", "clientStats": []},
        ]
    },
}


def ensure(eks: FakeEks, step: Step, request: Request = REQUEST) -> Observation:
    iam = FakeIam()
    return cluster.ensure(request, NETWORK, eks.client, iam.client, role_arn=CLUSTER_ROLE_ARN, now=NOW, step=step)


@pytest.fixture
def running(eks: FakeEks) -> dict[str, Any]:
    """1.33, with its add-on."""
    ensure(eks, Step(), request_for(cluster={"version": "1.33"}))
    found = eks.clusters["eks-example"]
    found["status"] = "ACTIVE"
    cluster_dns.ensure(REQUEST, eks.client, now=NOW)
    eks.addons["coredns"]["status"] = "ACTIVE"
    return found


def after(eks: FakeEks, running: dict[str, Any], *, version: str) -> None:
    running.update(status="ACTIVE", version=version)
    eks.updates["update-0"]["status"] = "Successful"


def test_without_a_step_nothing_is_upgraded(eks: FakeEks, running: dict[str, Any]) -> None:
    calls = Calls(eks.client)
    observation = ensure(eks, Step())
    assert (observation.ready, observation.facts["next_version"]) == (True, "1.34")
    assert calls.mutating == []


def test_a_step_is_the_control_plane_and_then_the_add_on_and_tells_of_the_next(
    eks: FakeEks, running: dict[str, Any]
) -> None:
    calls = Calls(eks.client)
    observation = ensure(eks, Step("1.34"))
    assert (observation.reason, observation.facts) == (Reason.UPGRADING, {"update_id": "update-0"})
    step = Step("1.34", "update-0")
    observation = ensure(eks, step)
    assert (observation.reason, observation.facts) == (Reason.UPDATING, {"update_id": "update-0"})
    after(eks, running, version="1.34")
    assert ensure(eks, step).reason is Reason.UPGRADING
    assert eks.addons["coredns"]["addonVersion"] == "v1.12.4-eksbuild.34"
    assert ensure(eks, step).reason is Reason.UPGRADING
    eks.addons["coredns"]["status"] = "ACTIVE"
    observation = ensure(eks, step)
    assert (observation.ready, observation.facts["version"], observation.facts["next_version"]) == (
        True,
        "1.34",
        "1.35",
    )
    assert calls.mutating == ["UpdateClusterVersion", "UpdateAddon"]


@pytest.mark.parametrize(("upgraded_later", "left_behind"), [(True, True), (False, False)])
def test_an_add_on_that_an_upgrade_has_left_behind_is_taken_along_by_a_later_run(
    upgraded_later: bool, left_behind: bool, eks: FakeEks, running: dict[str, Any]
) -> None:
    ensure(eks, Step("1.34"))
    after(eks, running, version="1.34")
    later = timedelta(hours=1 if upgraded_later else -1)
    eks.updates["update-0"]["createdAt"] = NOW + later
    for version in ("1.34", "1.35"):
        observation = ensure(eks, Step(), request_for(cluster={"version": version}))
        assert (observation.reason is Reason.UPGRADING) == left_behind
    assert ensure(eks, Step(), request_for()).ready


def test_a_newer_add_on_is_somebodys_choice_and_stays(eks: FakeEks, running: dict[str, Any]) -> None:
    running["version"], eks.addons["coredns"]["addonVersion"] = "1.34", "v1.13.0-eksbuild.1"
    calls = Calls(eks.client)
    assert ensure(eks, Step("1.34")).ready
    assert calls.mutating == []


def test_a_cluster_that_is_not_ready_is_refused_with_what_eks_says(eks: FakeEks, running: dict[str, Any]) -> None:
    eks.insights["1"] = INSIGHT
    calls = Calls(eks.client)
    with pytest.raises(TerminalError) as raised:
        ensure(eks, Step("1.34"))
    assert raised.value.reason is ErrorReason.NOT_UPGRADABLE
    assert raised.value.subject == (
        "cluster eks-example is not ready for 1.34: Deprecated APIs removed in Kubernetes v1.34: Deprecated API usage "
        "detected within last 30 days. (/apis/example/v1beta1/things, asked for by team/1.0) (Update manifests. "
        "EKS looks again within a day, or when told to: aws eks start-insights-refresh --cluster-name eks-example)"
    )
    assert calls.mutating == []


def test_what_stands_in_the_way_of_a_later_version_does_not_stop_this_step(
    eks: FakeEks, running: dict[str, Any]
) -> None:
    eks.insights["1"] = {**INSIGHT, "kubernetesVersion": "1.35"}
    assert ensure(eks, Step("1.34")).reason is Reason.UPGRADING


def test_an_upgrade_that_failed_ends_the_run_with_what_eks_lacked(eks: FakeEks, running: dict[str, Any]) -> None:
    ensure(eks, Step("1.34"))
    running["status"] = "ACTIVE"
    error = {"errorCode": "IpNotAvailable", "errorMessage": "No addresses.", "resourceIds": ["subnet-1"]}
    eks.updates["update-0"].update(status="Failed", errors=[error])
    with pytest.raises(
        TerminalError, match=r"from 1\.33 to 1\.34 is Failed: IpNotAvailable: No addresses. \(subnet-1\)"
    ):
        ensure(eks, Step("1.34", "update-0"))


def test_an_upgrade_that_is_not_told_yet_is_waited_for(eks: FakeEks, running: dict[str, Any]) -> None:
    ensure(eks, Step("1.34"))
    running["status"] = "ACTIVE"
    for status in ("InProgress", "Successful"):
        eks.updates["update-0"]["status"] = status
        observation = ensure(eks, Step("1.34", "update-0"))
        assert (observation.reason, observation.facts) == (Reason.UPGRADING, {"update_id": "update-0"})


def test_somebody_elses_update_is_waited_for(eks: FakeEks, running: dict[str, Any]) -> None:
    refuse(eks.client, "UpdateClusterVersion", "ResourceInUseException")
    assert ensure(eks, Step("1.34")).reason is Reason.UPDATING


def test_pods_of_the_version_before_are_waited_for_for_some_minutes_and_then_told(
    eks: FakeEks, running: dict[str, Any]
) -> None:
    """Those that have just ended pass; a team's own do not."""
    refuse(eks.client, "UpdateClusterVersion", "InvalidRequestException")
    with pytest.raises(UnsettledError) as refused:
        ensure(eks, Step("1.34"))
    assert refused.value.reason is ErrorReason.NOT_UPGRADABLE
    assert refused.value.subject.startswith("UpdateClusterVersion: InvalidRequestException")
    assert refused.value.remedy == "make what still runs an older version than 1.33 anew, then start again"


def test_a_step_that_an_earlier_run_has_taken_is_done(eks: FakeEks, running: dict[str, Any]) -> None:
    running["version"] = "1.34"
    eks.addons["coredns"]["addonVersion"] = "v1.12.4-eksbuild.34"
    calls = Calls(eks.client)
    assert ensure(eks, Step("1.34")).ready
    assert calls.mutating == []
