"""The embedded API answers as the real one does: the same requests to both, answers compared field by field.

No controllers run beside either, so that what is compared is the API's own answer. The roles are the exception:
Kubernetes keeps them current by a controller.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.kubernetes.embedded import EmbeddedControlPlanes
from local.kubernetes.embedded.make_openapi import OPENAPI_FILE, published, reduced, rendered
from local.kubernetes.interfaces import ControlPlane, ControlPlanes
from local.kubernetes.real import ROLE_AGGREGATION, RealControlPlanes
from tests.kubernetes.cases import access, admission, apply, objects, reading, scaling, validation
from tests.kubernetes.differential import CASES, Case, Conversation, Exchange, compared, normalised
from tests.kubernetes.eks_tokens import CLUSTER, authenticator, tokens
from tests.kubernetes.manifests import PATHS, manifest

SUBJECTS = (access, admission, apply, objects, reading, scaling, validation)


@pytest.fixture(scope="module")
def pair(assets: Path) -> Iterator[tuple[ControlPlane, ControlPlane]]:
    kinds: tuple[ControlPlanes, ControlPlanes] = (
        EmbeddedControlPlanes(),
        RealControlPlanes(assets, controllers=(ROLE_AGGREGATION,)),
    )
    embedded, real = (kind.start(CLUSTER, authenticator().authenticate) for kind in kinds)
    yield embedded, real
    embedded.stop()
    real.stop()


def held(held_case: Case, control_plane: ControlPlane) -> Conversation:
    conversation = Conversation(control_plane, held_case.slug, tokens(control_plane.admin_token))
    conversation.send("POST", PATHS["Namespace"], manifest("Namespace", held_case.slug, ""))
    held_case.hold(conversation)
    return conversation


def test_every_case_has_a_sentence_and_a_place_of_its_own() -> None:
    assert len({case.sentence for case in CASES}) == len(CASES)
    assert len({case.slug for case in CASES}) == len(CASES)
    assert all(subject.__doc__ for subject in SUBJECTS)


def test_the_comparison_sees_code_reason_causes_and_fields_but_no_uids_times_or_messages() -> None:
    def refusal(field: str, reason: str, message: str) -> Exchange:
        details = {"kind": "Pod", "causes": [{"field": field, "reason": reason, "message": message}]}
        status = {"kind": "Status", "status": "Failure", "reason": reason, "code": 422, "details": details}
        return Exchange("POST /pods", 422, normalised({**status, "message": message}))

    def pod(uid: str, image: str) -> Exchange:
        containers = {"containers": [{"image": image}]}
        return Exchange("GET /pods/p", 200, normalised({"kind": "Pod", "metadata": {"uid": uid}, "spec": containers}))

    assert compared([refusal("spec", "Invalid", "one")], [refusal("spec", "Invalid", "other")]) == []
    assert compared([refusal("spec", "Invalid", "")], [refusal("status", "Invalid", "")]) != []
    assert compared([refusal("spec", "Invalid", "")], [refusal("spec", "Required", "")]) != []
    assert compared([pod("1", "busybox")], [pod("2", "busybox")]) == []
    assert compared([pod("1", "busybox")], [pod("", "busybox")]) != []
    assert compared([pod("1", "busybox")], [pod("1", "alpine")]) == [
        'GET /pods/p: .spec.containers[0].image: embedded "busybox", real "alpine"'
    ]
    assert compared([Exchange("GET /", 200, {})], [Exchange("GET /", 404, {})]) != []


def test_the_shapes_of_our_kinds_are_those_the_real_one_publishes(pair: tuple[ControlPlane, ControlPlane]) -> None:
    assert OPENAPI_FILE.read_text() == rendered(reduced(published(pair[1])))


@pytest.mark.parametrize("held_case", CASES, ids=lambda case: case.sentence)
def test_both_answer_alike(held_case: Case, pair: tuple[ControlPlane, ControlPlane]) -> None:
    with ThreadPoolExecutor(len(pair)) as both:  # watches wait: at both at once
        embedded, real = both.map(lambda control_plane: held(held_case, control_plane).exchanges, pair)
    assert compared(embedded, real) == []
