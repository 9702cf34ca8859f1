"""The manifests as they go to the API."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.kubernetes import manifests
from provisioner.kubernetes.dynamic import KINDS
from provisioner.kubernetes.verification_objects import ROLE_LABEL, RUN_LABEL, appender, reader, writers
from tests.unit.kubernetes.samples import a_request

FOLDER = Path(manifests.__file__).parent / "manifests"
RUN = "0123456789ab"


def pods() -> list[dict[str, Any]]:
    request = a_request(verification={"image": "registry.example:5000/busybox:1", "writers": 4})
    return [writers(request, RUN)["spec"]["template"], appender(request, RUN), reader(request, RUN)]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_every_template_is_of_a_kind_that_the_client_knows(path: Path) -> None:
    template = yaml.safe_load(path.read_text())
    group, _, _ = KINDS[template["kind"]]
    assert template["apiVersion"] == (f"{group}/v1" if group else "v1")


def test_values_are_put_into_the_template_and_never_into_its_text() -> None:
    made = manifests.manifest("storage-class", 'a"b: c', reclaimPolicy="{x}")
    assert made["metadata"]["name"] == 'a"b: c'
    assert made["provisioner"] == "efs.csi.aws.com"
    assert manifests.manifest("storage-class", "other") != made


def test_writers_are_replicas_selected_by_run_and_role() -> None:
    deployment = writers(a_request(verification={"writers": 4}), RUN)
    assert deployment["spec"]["replicas"] == 4
    assert deployment["spec"]["selector"]["matchLabels"] == {RUN_LABEL: RUN, ROLE_LABEL: "writer"}
    assert deployment["metadata"]["labels"][RUN_LABEL] == RUN
    assert deployment["spec"]["template"]["spec"]["restartPolicy"] == "Always"


def test_pod_names_made_from_the_writers_name_are_host_names() -> None:
    # A ReplicaSet's hash and a pod's suffix follow.
    assert len(writers(a_request(), RUN)["metadata"]["name"]) + len("-1234567890-12345") <= 63


def test_every_pod_is_one_that_fargate_runs_and_asks_for_no_more_than_it_needs() -> None:
    for pod in pods():
        spec = pod["spec"]
        (container,) = spec["containers"]
        assert not {"hostNetwork", "hostPID", "hostIPC", "nodeName", "nodeSelector"} & spec.keys()
        assert spec["volumes"] == [{"name": "storage", "persistentVolumeClaim": {"claimName": "efs-claim"}}]
        assert spec["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["image"] == "registry.example:5000/busybox:1"
        assert pod["metadata"]["labels"][RUN_LABEL] == RUN


def test_scripts_name_no_dollar_escape_that_kubernetes_would_rewrite() -> None:
    # In args, $$ becomes $ and $(NAME) the variable's value.
    for pod in pods():
        (container,) = pod["spec"]["containers"]
        (script,) = container["args"]
        assert "$$" not in script
        assert not [each["name"] for each in container["env"] if f"$({each['name']})" in script]
