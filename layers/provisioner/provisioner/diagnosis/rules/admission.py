"""The API server says no, and will go on saying no; or somebody whom it must ask does not answer.

Sources of the messages: k8s.io/apiserver admission plugins resourcequota, limitranger and webhook;
k8s.io/pod-security-admission; apache/airflow#10722, linkerd/linkerd2#9672, aws/amazon-vpc-cni-k8s#2022.
"""

from typing import Final

from provisioner.diagnosis.model import Rule, seen
from provisioner.diagnosis.probes import admission
from provisioner.diagnosis.rules.states import INSIDE

_REFUSED: Final = ("AdmissionRefused", "FailedCreate")
_QUOTA: Final = r"(exceeded|failed) quota: "
_RANGE: Final = r"(minimum|maximum) \S+ usage per |max limit to request ratio per "
_LEVEL: Final = r"violates PodSecurity \""

RULES: Final = (
    Rule(
        id="namespace-quota",
        states=INSIDE,
        symptoms=(seen(*_REFUSED, text=_QUOTA),),
        cause="A ResourceQuota of the storage namespace does not admit what the run has to make.",
        probe=admission.quota,
        fix="raise ResourceQuota {the_quota} of namespace {the_namespace}, or ask for another storage.namespace",
    ),
    Rule(
        id="namespace-limits",
        states=INSIDE,
        symptoms=(seen(*_REFUSED, text=_RANGE),),
        cause="A LimitRange of the storage namespace does not admit what the run has to make.",
        probe=admission.limit_range,
        fix="let LimitRange {the_limit_range} of namespace {the_namespace} admit pods of 250m and 256Mi and the "
        "claim's capacity, or ask for another storage.namespace",
    ),
    Rule(
        id="pod-security-level",
        states=INSIDE,
        symptoms=(seen(*_REFUSED, text=_LEVEL),),
        cause="The storage namespace enforces a Pod Security level that the verification's pods do not meet.",
        probe=admission.pod_security,
        fix="ask for an access point in the request's storage, behind which no pod is root and all of them meet "
        "{the_level}, or for a namespace that enforces less than {the_namespace}",
    ),
    Rule(
        id="admission-denied",
        states=INSIDE,
        symptoms=(
            seen(*_REFUSED, text=r"denied (the )?request"),
            seen("AdmissionRefused", text=rf"(?s)^(?!.*({_QUOTA}|{_RANGE}|{_LEVEL}|denied (the )?request))"),
        ),
        cause="A policy of the cluster does not admit what the run has to make.",
        probe=admission.denial,
        fix="let {the_policy} admit the objects that the refusal names, or ask for a storage.namespace it leaves out",
    ),
    Rule(
        id="webhook-unreachable",
        states=INSIDE,
        symptoms=(seen("ServiceUnavailable", "FailedCreate", text=r"failed calling webhook \""),),
        cause="A webhook that has to be asked about every change does not answer.",
        probe=admission.webhook,
        fix="bring back what answers for {the_webhook}, let it be ignored when it does not (failurePolicy), or remove "
        "it",
    ),
    Rule(
        id="nodes-unreachable",
        states=INSIDE,
        symptoms=(seen("ServiceUnavailable", text=r":10250\b|error dialing backend"),),
        cause="The cluster's API server does not reach the nodes of its pods.",
        probe=admission.way_to_nodes,
        fix="allow all traffic from {the_group} to itself, as EKS made it, and see that no network ACL stands between "
        "the cluster's subnets",
    ),
)
