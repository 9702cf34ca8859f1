"""Probes of what admission holds against the run, and of Fargate's own words."""

from typing import Any

import pytest

from provisioner.diagnosis.diagnose import diagnose
from tests.unit.diagnosis.looking import look
from tests.unit.diagnosis.messages import ECR_HOST, FAILURES, OVER_QUOTA, SIGNALS, WEBHOOK_DOWN, failed
from tests.unit.diagnosis.test_diagnose import ranked, verification_failed
from tests.unit.diagnosis.world import World

LEVEL = FAILURES["level"][0].cause
HARD = {"pods": "1"}


def put(world: World, kind: str, name: str, **content: Any) -> None:
    namespace = {} if kind.endswith("Configuration") else {"namespace": "default"}
    world.kubernetes.put({"kind": kind, "metadata": {"name": name, **namespace}, **content})


def webhook(name: str = "validate.policy.example.com", **changes: Any) -> dict[str, Any]:
    service = {"name": "policy", "namespace": "policy"}
    return {"name": name, "clientConfig": {"service": service}, "failurePolicy": "Fail", **changes}


def test_a_quota_that_is_there_is_proved_with_what_it_allows_and_one_that_is_gone_is_possible(world: World) -> None:
    assert look(world, "namespace-quota", OVER_QUOTA)[0].verdict == "possible"
    put(world, "ResourceQuota", "q", spec={"hard": HARD}, status={"hard": HARD, "used": {"pods": "1"}})
    finding, fix = look(world, "namespace-quota", OVER_QUOTA)
    assert (finding.verdict, finding.saw) == ("proved", "pods: 1 of 1 used")
    assert "raise ResourceQuota q of namespace default" in fix


def test_a_limit_range_is_told_with_its_bounds(world: World) -> None:
    text = "minimum memory usage per Container is 1Gi, but request is 256Mi"
    assert look(world, "namespace-limits", text)[0].verdict == "possible"
    put(world, "LimitRange", "l", spec={"limits": [{"type": "Container", "min": {"memory": "1Gi"}}]})
    finding, fix = look(world, "namespace-limits", text)
    assert finding.verdict == "proved"
    assert "l (Container: min {'memory': '1Gi'})" in finding.saw
    assert "LimitRange l of namespace default" in fix


@pytest.mark.parametrize(("label", "verdict"), [("restricted", "proved"), ("baseline", "possible"), (None, "possible")])
def test_a_level_is_proved_by_the_namespaces_label(label: str | None, verdict: str, world: World) -> None:
    labels = {} if label is None else {"pod-security.kubernetes.io/enforce": label}
    world.object("Namespace")["metadata"]["labels"] = labels
    finding, fix = look(world, "pod-security-level", LEVEL)
    assert finding.verdict == verdict
    assert "access point" in fix


def test_a_webhook_whose_service_is_gone_is_proved_and_any_other_silence_is_possible(world: World) -> None:
    assert look(world, "webhook-unreachable", WEBHOOK_DOWN)[0].verdict == "possible"
    put(world, "ValidatingWebhookConfiguration", "policy", webhooks=[webhook()])
    finding, fix = look(world, "webhook-unreachable", WEBHOOK_DOWN)
    assert finding.verdict == "proved"
    assert "its Service policy/policy does not exist" in finding.saw
    assert "validate.policy.example.com of ValidatingWebhookConfiguration policy" in fix
    world.kubernetes.put({"kind": "Service", "metadata": {"name": "policy", "namespace": "policy"}})
    assert look(world, "webhook-unreachable", WEBHOOK_DOWN)[0].verdict == "possible"
    put(world, "ValidatingWebhookConfiguration", "policy", webhooks=[webhook(failurePolicy="Ignore")])
    assert look(world, "webhook-unreachable", WEBHOOK_DOWN)[0].verdict == "refuted"


def test_a_denial_is_proved_by_the_webhook_it_names(world: World) -> None:
    text = FAILURES["webhook's no"][0].cause
    assert look(world, "admission-denied", text)[0].verdict == "possible"
    put(world, "ValidatingWebhookConfiguration", "gatekeeper", webhooks=[webhook("validation.gatekeeper.sh")])
    finding, fix = look(world, "admission-denied", text)
    assert finding.verdict == "proved"
    assert "validation.gatekeeper.sh (ValidatingWebhookConfiguration gatekeeper)" in fix


def test_a_closed_way_from_the_control_plane_to_its_nodes_is_seen_in_the_cluster_security_group(world: World) -> None:
    text = FAILURES["nodes out of reach"][0].cause
    assert look(world, "nodes-unreachable", text)[0].verdict == "possible"
    group = world.ec2.describe_security_groups(GroupIds=[world.cluster_group_id])["SecurityGroups"][0]
    world.ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    finding, fix = look(world, "nodes-unreachable", text)
    assert finding.verdict == "proved"
    assert f"allow all traffic from {world.cluster_group_id} to itself" in fix


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("fargate-account-blocked", "account blocked"),
        ("fargate-zone-unsupported", "zone without pods"),
        ("fargate-capacity", "no capacity"),
        ("fargate-pods-quota", "too many pods"),
    ],
)
def test_what_fargate_says_is_proved_by_its_event_also_about_coredns(rule: str, message: str, world: World) -> None:
    text = SIGNALS[message][0].text
    assert look(world, rule, text)[0].verdict == "possible"
    world.warn(
        "FailedScheduling",
        text,
        component="fargate-scheduler",
        about="coredns-5d78c9869d-abcde",
        namespace="kube-system",
    )
    causes = diagnose(failed("Ensure cluster DNS", "Unusable: add-on coredns is DEGRADED: x; y"), world.live())
    assert ranked(causes)[0] == (rule, "proved")
    if rule == "fargate-zone-unsupported":
        assert world.subnet_ids[1] in causes[0].fix


def test_a_text_of_fargate_that_no_rule_knows_is_told_once_however_many_pods_say_it(world: World) -> None:
    for pod in ("writer-5d78c9869d-abcde", "writer-5d78c9869d-fghij", "appender"):
        name = f"verification-0123456789ab-{pod}"
        text = f"Unable to launch pod at this time (will retry): default/{name}"
        world.warn("FailedScheduling", text, component="fargate-scheduler", about=name)
    causes = diagnose(verification_failed("Pending"), world.live())
    assert ranked(causes) == [("unknown", "possible")]
    assert causes[0].symptom.startswith("Unable to launch pod at this time (will retry): default/verification-")


def test_what_every_pod_on_fargate_says_is_no_cause(world: World) -> None:
    world.warn("LoggingDisabled", SIGNALS["logging"][0].text, component="fargate-scheduler")
    causes = diagnose(verification_failed(f"FailedMount: {SIGNALS['timed out'][0].text}"), world.live())
    assert not [cause for cause in causes if "LoggingDisabled" in str(cause) or "aws-logging" in str(cause)]


def test_an_image_for_another_platform_exists(world: World) -> None:
    image = world.request.verification.image
    text = SIGNALS["no such platform"][0].text.replace("public.ecr.aws/docker/library/busybox:9.99", image)
    world.warn("Failed", text)
    causes = diagnose(verification_failed(f"Failed: {text}"), world.live())
    assert ranked(causes)[0] == ("image-platform", "proved")
    assert "image-not-found" not in dict(ranked(causes))


def test_a_registry_that_refuses_is_told_with_the_endpoints_whose_policies_may_be_why_and_no_credential(
    world: World,
) -> None:
    image = world.request.verification.image
    url = f"https://{ECR_HOST}/layer?X-Amz-Signature=5ec2e7"
    text = f'Failed to pull image "{image}": unexpected status code {url}: 403 Forbidden'
    world.warn("Failed", text)
    endpoint = world.ec2.create_vpc_endpoint(
        VpcId=world.vpc_id,
        ServiceName="com.amazonaws.ap-northeast-1.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[world.route_table_id],
        PolicyDocument='{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}]}',
    )["VpcEndpoint"]["VpcEndpointId"]
    causes = diagnose(verification_failed(f"Failed: {text}"), world.live())
    assert ranked(causes)[0] == ("image-refused", "proved")
    assert f"the policy of {endpoint} does not allow s3:GetObject on arn:aws:s3:::prod-" in causes[0].probe.saw
    assert causes[0].fix.startswith(f"let it through: the policy of {endpoint} ")
    assert f"https://{ECR_HOST}/layer?…" in causes[0].symptom
    assert "5ec2e7" not in str(causes)


@pytest.mark.parametrize("failure", ["zone without a control plane", "quota of claims", "network"])
def test_a_failure_is_never_left_without_a_cause_by_a_rule_of_another_state(failure: str, world: World) -> None:
    for state in ("Ensure cluster", "Ensure mount targets", "Store evidence", "Publish completion"):
        causes = diagnose(failed(state, FAILURES[failure][0].cause), world.live())
        assert causes, state
        assert any(cause.symptom == FAILURES[failure][0].cause for cause in causes)


def test_a_claim_that_was_refused_is_no_claim_that_somebody_removed(world: World) -> None:
    world.remove("PersistentVolumeClaim")
    failure, _ = FAILURES["quota of claims"]
    assert [rule for rule, verdict in ranked(diagnose(failure, world.live())) if verdict == "proved"] == []
    put(world, "ResourceQuota", "q", spec={"hard": {"persistentvolumeclaims": "0"}})
    assert ranked(diagnose(failure, world.live()))[0] == ("namespace-quota", "proved")


def test_what_a_rule_of_another_state_knows_is_told_beside_what_this_states_rules_prove(
    world: World, efs_backend: Any
) -> None:
    efs_backend.mount_targets_by_id[world.mount_target_ids[0]].life_cycle_state = "error"
    text = FAILURES["quota of claims"][0].cause
    causes = diagnose(failed("Ensure mount targets", text), world.live())
    assert ranked(causes)[:2] == [("mount-target-failed", "proved"), ("unknown", "possible")]
    assert causes[1].symptom == text
