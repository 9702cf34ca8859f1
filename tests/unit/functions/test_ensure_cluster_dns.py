from datetime import UTC, datetime, timedelta

import pytest

from provisioner.errors import TerminalError
from tests.unit.functions.conftest import Invoke
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.samples import NETWORK


def test_it_creates_the_addon_and_is_ready_when_it_is_active(invoke: Invoke, eks: FakeEks) -> None:
    invoke("ensure_cluster", network=NETWORK.facts())
    answer = invoke("ensure_cluster_dns")
    assert (answer["ready"], answer["reason"], answer["addon"]) == (False, "Creating", "coredns")
    eks.addons["coredns"]["status"] = "ACTIVE"
    assert invoke("ensure_cluster_dns")["ready"]


def test_it_judges_a_degraded_addon_by_todays_clock(invoke: Invoke, eks: FakeEks) -> None:
    invoke("ensure_cluster", network=NETWORK.facts())
    invoke("ensure_cluster_dns")
    now = datetime.now(UTC)
    eks.addons["coredns"].update(status="DEGRADED", modifiedAt=now)
    assert invoke("ensure_cluster_dns")["reason"] == "WaitingForFargateProfile"
    eks.addons["coredns"]["modifiedAt"] = now - timedelta(hours=1)
    with pytest.raises(TerminalError, match="DEGRADED"):
        invoke("ensure_cluster_dns")
