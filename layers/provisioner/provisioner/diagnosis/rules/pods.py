"""A pod is not placed, or its image does not come; and what keeps us from asking the cluster.

Sources: EKS User Guide, "Troubleshooting", "AWS Fargate considerations"; the issues named in
docs/assumptions.md; containerd's and registries' own words for images.
"""

from typing import Final

from provisioner.diagnosis.model import Rule, seen
from provisioner.diagnosis.probes import control_plane, images, kubernetes
from provisioner.diagnosis.rules.states import INSIDE, RESOLVING, VERIFYING

# What the kubelet says without saying why.
_NO_DETAIL: Final = (
    r"^(Error: )?(ErrImagePull|ImagePullBackOff)$|^Back-off pulling image \"[^\"]*\"$|^(ErrImagePull|ImagePullBackOff)$"
)
_BARE: Final = seen(*images.PULL_REASONS, "BackOff", text=_NO_DETAIL)
_NOT_ADMITTED: Final = r"HTTP 40[13]\b|\bUnauthorized\b|\bForbidden\b"

RULES: Final = (
    Rule(
        id="no-matching-profile",
        states=VERIFYING,
        symptoms=(
            seen(
                "FailedScheduling",
                component="default-scheduler",
                text=r"no nodes available|eks\.amazonaws\.com/compute-type: fargate",
            ),
            seen("HeldByDefaultScheduler"),
        ),
        cause="No Fargate profile took the pods when they were made, so nobody ever schedules them.",
        probe=kubernetes.profile_selectors,
        fix="let a Fargate profile select {the_namespace} and its labels, then delete {the_pods}, which are not "
        "scheduled anew",
    ),
    Rule(
        id="pod-execution-role-unknown",
        states=VERIFYING,
        symptoms=(seen("FailedScheduling", text=r"Pod execution role is not found in auth config"),),
        cause="The cluster does not know the pod execution role, so Fargate starts no pod.",
        probe=kubernetes.pods_role,
        fix="run again: it makes the access entry of {the_pod_execution_role} anew; where there is no such role, "
        "deploy accounts/target.yaml first",
    ),
    Rule(
        id="pod-not-supported",
        states=VERIFYING,
        symptoms=(
            seen(
                "FailedScheduling",
                text=r"Pod not supported on Fargate: .*(fields not supported|invalid SecurityContext|port contains|"
                r"unsupported volume Type)",
            ),
        ),
        cause="A pod asks for what Fargate does not offer.",
        probe=kubernetes.unsupported_pods,
        fix="remove what makes {the_pods} (with the EFS add-on, check that CSIDriver efs.csi.aws.com is still there)",
    ),
    Rule(
        id="claim-not-bound",
        states=INSIDE,
        symptoms=(
            seen("FailedScheduling", text=r"PVC \S+ (not bound|not found)|persistentvolumeclaim \"[^\"]*\" not found"),
            seen("FailedScheduling", text=r"unbound immediate PersistentVolumeClaims|bound to invalid PV"),
            seen("FailedMount", text=r"error processing PVC"),
            seen("WaitingForClaimToBind"),
            seen("Conflict", text=r"PersistentVolume \S+ is bound to the claim"),
            seen("Unusable", text=r"PersistentVolumeClaim \S+ is Lost|PersistentVolume \S+ is Failed"),
            seen("Immutable", text=r"PersistentVolumeClaim \S+: "),
            seen("ProvisioningFailed", "VolumeMismatch", "FailedBinding", "ClaimLost"),
        ),
        cause="Claim and PersistentVolume do not find each other.",
        probe=kubernetes.claim,
        fix="{let_claim_and_PersistentVolume_name_each_other}",
    ),
    Rule(
        id="image-unreachable",
        states=VERIFYING,
        symptoms=(
            seen(
                *images.PULL_REASONS,
                text=images.UNREACHED,
            ),
            _BARE,
        ),
        cause="Nodes in the pods' subnets do not reach the image's registry.",
        probe=images.routes,
        fix="{what_to_do}",
    ),
    Rule(
        id="image-not-found",
        states=VERIFYING,
        symptoms=(seen(*images.PULL_REASONS, text=images.NOT_FOUND), _BARE),
        cause="The registry does not have the image, or not for everybody.",
        probe=images.not_found,
        fix="set verification.image to an image that exists, not {the_image}",
    ),
    Rule(
        id="image-platform",
        states=VERIFYING,
        symptoms=(
            seen(*images.PULL_REASONS, text=images.PLATFORM),
            seen("PodFailed", text=r"exec format error"),
            _BARE,
        ),
        cause="The image is not for linux/amd64, the platform of Fargate on EKS.",
        probe=images.platform,
        fix="set verification.image to an image for linux/amd64 or for several platforms, not {the_image}",
    ),
    Rule(
        id="image-without-shell",
        states=VERIFYING,
        symptoms=(seen("PodFailed", "Failed", "RunContainerError", text=images.NO_PROGRAM),),
        cause="The image has no shell, in which the proof's scripts run.",
        probe=images.programs,
        fix="set verification.image to an image that has /bin/sh and the common tools, as busybox has, not {the_image}",
    ),
    Rule(
        id="image-refused",
        states=VERIFYING,
        symptoms=(seen(*images.PULL_REASONS, text=images.REFUSED), _BARE),
        cause="The registry refuses to give the image to these nodes.",
        probe=images.refused,
        fix="{what_to_allow}; or name a public image",
    ),
    Rule(
        id="image-without-token",
        states=VERIFYING,
        symptoms=(seen(*images.PULL_REASONS, text=images.AS_NOBODY), _BARE),
        cause="Nodes get no token for the private registry, and ask it as nobody.",
        probe=images.without_token,
        fix="{what_to_do}; or name a public image",
    ),
    Rule(
        id="image-rate-limited",
        states=VERIFYING,
        symptoms=(seen(*images.PULL_REASONS, text=images.RATE_LIMITED), _BARE),
        cause="The registry refuses more downloads from this address for now.",
        probe=images.rate_limited,
        fix="mirror {the_image} to a registry of your own and name that one in verification.image",
    ),
    Rule(
        id="access-entry-missing",
        states=INSIDE,
        symptoms=(
            seen("AccessNotYetEffective"),
            seen("AccessNotYetEffective", "VerificationFailed", "Unauthorized", "Forbidden", text=_NOT_ADMITTED),
        ),
        cause="The cluster does not let the provisioner's role in.",
        probe=kubernetes.access_entry,
        fix="create an access entry in {the_cluster} for {the_role_of_the_provisioner} with "
        "AmazonEKSClusterAdminPolicy and cluster scope: run again does so",
    ),
    Rule(
        id="cluster-endpoint-unreachable",
        states=INSIDE,
        symptoms=(seen("ServiceUnavailable", text=r"the cluster's API could not be reached"),),
        cause="The functions do not reach the cluster's API endpoint.",
        probe=control_plane.endpoint_access,
        fix="{what_to_do}",
    ),
    Rule(
        id="addon-degraded",
        states=RESOLVING,
        symptoms=(
            seen("DEGRADED", "InsufficientNumberOfReplicas", "WaitingForFargateProfile"),
            seen("Unusable", text=r"add-on \S+ is DEGRADED"),
        ),
        cause="The add-on coredns has no pods that run.",
        probe=control_plane.addon_degraded,
        fix="{what_its_health_names}",
        may_follow=True,
    ),
    Rule(
        id="addon-failed",
        states=RESOLVING,
        symptoms=(
            seen("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED", component="add-on"),
            seen("Unusable", text=r"add-on \S+ is (CREATE|UPDATE|DELETE)_FAILED"),
        ),
        cause="EKS could not create or change the add-on coredns.",
        probe=control_plane.addon_failed,
        fix="remove the cause ({the_cause}), delete the add-on coredns and run again",
    ),
)
