"""Objects in the cluster, what may run there, and who may ask."""

from collections.abc import Mapping
from typing import Any

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding
from provisioner.errors import BoundaryError
from provisioner.kubernetes.client import Manifest
from provisioner.kubernetes.errors import AccessNotYetEffective
from provisioner.kubernetes.storage_objects import CSI_DRIVER
from provisioner.resources.pods_access import ENTRY_TYPE

_ADMINISTRATOR = "AmazonEKSClusterAdminPolicy"
_EFS_ADDON = "aws-efs-csi-driver"


def csi_driver_missing(live: Live, _text: str) -> Finding:
    """Whether there is a CSIDriver efs.csi.aws.com."""
    looked_at = f"CSIDriver {CSI_DRIVER}"
    if live.objects.csi_driver is not None:
        return Finding.refuted(looked_at, "it is there")
    return Finding.proved(looked_at, "it is not there")


def csi_driver_attacher(live: Live, _text: str) -> Finding:
    """The CSIDriver's attachRequired."""
    looked_at, driver = f"attachRequired of CSIDriver {CSI_DRIVER}", live.objects.csi_driver
    if driver is None:
        return Finding.refuted(looked_at, "there is no such CSIDriver")
    if driver["spec"].get("attachRequired", True):
        return Finding.proved(looked_at, "it is true, and Fargate has no attacher")
    return Finding.refuted(looked_at, "it is false")


def profile_selectors(live: Live, text: str) -> Finding:
    """Selectors of the ACTIVE profiles against the storage namespace and the verification's labels."""
    namespace = live.request.storage.namespace
    looked_at = f"selectors of the cluster's ACTIVE Fargate profiles against namespace {namespace} and the pods' labels"
    matching = live.network.selecting(namespace)
    held = live.objects.held_pods
    if matching:
        names = ", ".join(profile["fargateProfileName"] for profile in matching)
        if held:
            return Finding.proved(
                looked_at,
                f"{names} selects them now, and {', '.join(held)} was made before and stays with default-scheduler",
                the_namespace=namespace,
                the_pods=", ".join(held),
            )
        return Finding.refuted(looked_at, f"{names} selects them")
    found = "; ".join(
        f"{profile['fargateProfileName']} is {profile['status']} and selects {_selectors(profile)}"
        for profile in live.eks.profiles
    )
    saw = f"none selects them: {found or 'there is no profile'}"
    if not text:
        return Finding.possible(looked_at, f"{saw}; no pod waits for one", the_namespace=namespace, the_pods="its pods")
    return Finding.proved(looked_at, saw, the_namespace=namespace, the_pods="its pods")


def unsupported_pods(live: Live, text: str) -> Finding:
    """Pods that Fargate can never run: of the run, or in kube-system (a CSI driver's own, say)."""
    looked_at = "pods of the run and in kube-system, and the cluster's add-ons"
    found = {
        pod["metadata"]["name"]: why
        for pod in [*live.objects.pods, *live.objects.system_pods]
        if (why := _unsupported(pod))
    }
    addon = f"; the add-on {_EFS_ADDON} is installed" if _EFS_ADDON in live.eks.addon_names else ""
    if found or (addon and text):
        saw = "; ".join(f"{name}: {why}" for name, why in found.items()) or "no such pod now"
        return Finding.proved(
            looked_at, f"{saw}{addon}", the_pods=", ".join(found) or "the pods", the_add_on=_EFS_ADDON
        )
    if text:
        said = [each for each in live.objects.warnings if "not supported on Fargate" in str(each.get("message", ""))]
        if said:
            name = said[0]["involvedObject"]["name"]
            return Finding.proved(looked_at, f"{name} was refused; it is gone, its event remains", the_pods=name)
    return Finding.refuted(looked_at, "none that Fargate refuses")


def claim(live: Live, text: str) -> Finding:
    """The claim, its volume and their class, as found; one that is not there is a cause only if somebody misses it."""
    storage = live.request.storage
    looked_at = f"claim {storage.namespace}/{storage.claim}, PersistentVolume {storage.persistent_volume}"
    problem = _claim_problem(live)
    if problem is None:
        return Finding.refuted(looked_at, "the claim is Bound to the volume")
    saw, what_to_do = problem
    if not text and (live.objects.volume is None or live.objects.claim is None):
        return Finding.possible(looked_at, saw, let_claim_and_PersistentVolume_name_each_other=what_to_do)
    return Finding.proved(looked_at, saw, let_claim_and_PersistentVolume_name_each_other=what_to_do)


def _claim_problem(live: Live) -> tuple[str, str] | None:
    storage = live.request.storage
    volume, found = live.objects.volume, live.objects.claim
    name, volume_name = f"{storage.namespace}/{storage.claim}", storage.persistent_volume
    if volume is None:
        return (
            f"PersistentVolume {volume_name} does not exist",
            f"delete claim {name} and run again: both are made anew",
        )
    if found is None:
        return f"claim {name} does not exist", "run again: it is made anew"
    wanted, volume_class = found["spec"].get("volumeName"), volume["spec"].get("storageClassName")
    claim_class, holder = found["spec"].get("storageClassName"), volume["spec"].get("claimRef") or {}
    phase = _phase(found)
    if phase == "Lost":
        return f"claim {name} is Lost: its volume {wanted} was removed", f"delete claim {name} and run again"
    if wanted not in (None, "", volume_name):
        return f"claim {name} names the volume {wanted}", f"delete claim {name} and run again, or ask for {wanted}"
    if volume_class != claim_class:
        return (
            f"claim {name} is of StorageClass {claim_class}, PersistentVolume {volume_name} of {volume_class}",
            f"delete claim {name} and run again: it is made with StorageClass {storage.storage_class}",
        )
    if phase == "Bound" and found["metadata"].get("deletionTimestamp") is None:
        return None
    if found["metadata"].get("deletionTimestamp"):
        return f"claim {name} is being deleted", f"remove the pods that still use claim {name} and run again"
    if holder and (holder.get("namespace"), holder.get("name")) != (storage.namespace, storage.claim):
        held_by = f"{holder.get('namespace')}/{holder.get('name')}"
        return (
            f"PersistentVolume {volume_name} is {_phase(volume)} for claim {held_by}",
            f"delete claim {held_by}, or ask for another persistent_volume than {volume_name}",
        )
    if holder and holder.get("uid") not in (None, found["metadata"].get("uid")):
        return (
            f"PersistentVolume {volume_name} is {_phase(volume)}: it still names an earlier claim {name}",
            f"remove claimRef of PersistentVolume {volume_name} (the data stays) and run again",
        )
    return (
        f"claim {name} is {phase}, PersistentVolume {volume_name} is {_phase(volume)}",
        f"run again, and look at the events of claim {name} if it stays {phase}",
    )


def access_entry(live: Live, text: str) -> Finding:
    """The provisioner's access entry and its policy; and whether the cluster lets it in now."""
    looked_at = f"access entry of {live.eks.principal_arn} and its policies"
    ids = {"the_role_of_the_provisioner": live.eks.principal_arn, "the_cluster": live.request.cluster.name}
    if live.eks.access_entry is None:
        saw = "there is no access entry"
        return Finding.proved(looked_at, saw, **ids) if text else Finding.possible(looked_at, saw, **ids)
    if (standing := live.eks.standing(live.eks.access_entry)) != "known":
        saw = f"the entry means an earlier role of that ARN, which was {standing}"
        return Finding.proved(looked_at, saw, **ids) if text else Finding.possible(looked_at, saw, **ids)
    policies = [
        f"{str(each.get('policyArn')).rpartition('/')[2]} with {each.get('accessScope', {}).get('type')} scope"
        for each in live.eks.access_policies
    ]
    if f"{_ADMINISTRATOR} with cluster scope" not in policies:
        return Finding.proved(looked_at, f"it has {', '.join(policies) or 'no policy'}", **ids)
    try:
        live.connection.api.get("Namespace", live.request.storage.namespace)
    except AccessNotYetEffective as refusal:
        return Finding.possible(looked_at, f"both are right, and the cluster still answers {refusal}", **ids)
    except BoundaryError as error:
        return Finding.possible(looked_at, f"both are right; {error}", **ids)
    return Finding.refuted(looked_at, "both are right, and the cluster lets the role in now")


def pods_role(live: Live, text: str) -> Finding:
    """The access entry through which Fargate's nodes join, and whether its role was made again since."""
    role_arn, entry = live.eks.pods_role_arn, live.eks.pods_access_entry
    looked_at = f"access entry of {role_arn}, and the role"
    if entry is None:
        saw = "there is no access entry"
    elif entry.get("type") != ENTRY_TYPE:
        saw = f"it is of type {entry.get('type')}, not {ENTRY_TYPE}"
    elif (standing := live.eks.standing(entry)) != "known":
        saw = f"the entry means an earlier role of that ARN, which was {standing}"
    else:
        saw = "the entry is there and means this role"
        if not text:
            return Finding.refuted(looked_at, saw)
        return Finding.possible(looked_at, f"{saw}; its rights cannot be seen here", the_pod_execution_role=role_arn)
    told = Finding.proved if text else Finding.possible
    return told(looked_at, saw, the_pod_execution_role=role_arn)


def _unsupported(pod: Manifest) -> str:
    """Source: EKS User Guide, "AWS Fargate considerations"."""
    spec = pod["spec"]
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    found = [field for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    if any(owner.get("kind") == "DaemonSet" for owner in pod["metadata"].get("ownerReferences") or []):
        found.append("of a DaemonSet")
    if any((each.get("securityContext") or {}).get("privileged") for each in containers):
        found.append("privileged")
    if any(port.get("hostPort") for each in containers for port in each.get("ports") or []):
        found.append("hostPort")
    return ", ".join(found)


def _selectors(profile: Mapping[str, Any]) -> str:
    selectors = [
        each["namespace"] + (f" with labels {each['labels']}" if each.get("labels") else "")
        for each in profile.get("selectors", [])
    ]
    return ", ".join(selectors) or "nothing"


def _phase(found: Manifest) -> str:
    return str((found.get("status") or {}).get("phase", "Pending"))
