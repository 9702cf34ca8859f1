"""How large a node Fargate takes for a pod."""

from typing import Any

import pytest

from local.kubernetes.fargate_size import vcpus


def pod(*requests: dict[str, str], init: tuple[dict[str, str], ...] = ()) -> dict[str, Any]:
    def containers(of: tuple[dict[str, str], ...]) -> list[dict[str, Any]]:
        return [{"resources": {"requests": each}} for each in of]

    return {"spec": {"containers": containers(requests), "initContainers": containers(init)}}


@pytest.mark.parametrize(
    ("asking", "size"),
    [
        (pod({}), 0.25),
        (pod({"cpu": "250m"}), 0.25),
        (pod({"cpu": "200m"}, {"cpu": "100m"}), 0.5),
        (pod({"cpu": "100m"}, init=({"cpu": "2"},)), 2),
        (pod({"memory": "1792Mi"}), 0.25),
        (pod({"memory": "2Gi"}), 0.5),  # 256 MB more are Kubernetes'
        (pod({"cpu": "1", "memory": "20Gi"}), 4),
        ({"spec": {"containers": [{}]}}, 0.25),
    ],
)
def test_a_pod_gets_the_smallest_combination_that_holds_its_requests(asking: dict[str, Any], size: float) -> None:
    assert vcpus(asking) == size
