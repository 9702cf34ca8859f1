from typing import Any

from provisioner.resources import cluster_logs, cluster_logs_removal
from tests.unit.resources.samples import request_for


def test_the_log_group_goes_and_no_other_and_again_is_done(logs: Any) -> None:
    cluster_logs.ensure(request_for(), logs)
    logs.create_log_group(logGroupName="/aws/eks/eks-example/cluster-of-others")
    for _ in range(2):
        assert cluster_logs_removal.remove(request_for(), logs).ready
    left = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
    assert left == ["/aws/eks/eks-example/cluster-of-others"]
