"""Server-side apply: who owns what, conflicts, and what must hold for any sequence of applies."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.kubernetes.embedded.resources import CONFIG_MAPS
from local.kubernetes.embedded.server_side_apply import Manager, apply, managers_of

DATA = st.dictionaries(st.sampled_from("abcde"), st.sampled_from("123"), max_size=5)
APPLIES = st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), DATA), min_size=1, max_size=8)
EMPTY: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}


def config_map(data: dict[str, str]) -> dict[str, Any]:
    return {**EMPTY, "data": data} if data else EMPTY


def forced(live: dict[str, Any], manager: str, data: dict[str, str]) -> dict[str, Any]:
    entry = Manager(manager, "Apply", "v1", "", "2026-01-01T00:00:00Z", frozenset())
    return apply(CONFIG_MAPS, live, config_map(data), entry, force=True)


@given(APPLIES)
def test_applying_the_same_twice_changes_nothing(applies: list[tuple[str, dict[str, str]]]) -> None:
    live = EMPTY
    for manager, data in applies:
        live = forced(live, manager, data)
        assert forced(live, manager, data) == live


@given(APPLIES)
def test_the_object_holds_exactly_what_each_manager_last_applied(applies: list[tuple[str, dict[str, str]]]) -> None:
    live = EMPTY
    claims: dict[str, dict[str, str]] = {}
    for manager, data in applies:
        live = forced(live, manager, data)
        taken = {other: {k: v for k, v in held.items() if data.get(k, v) == v} for other, held in claims.items()}
        claims = {**taken, manager: data}
    assert live.get("data", {}) == {key: value for held in claims.values() for key, value in held.items()}


@given(APPLIES)
def test_no_manager_is_lost_while_it_owns_a_field(applies: list[tuple[str, dict[str, str]]]) -> None:
    live = EMPTY
    for manager, data in applies:
        live = forced(live, manager, data)
        assert {owner.name for owner in managers_of(live) if owner.fields} == {one.name for one in managers_of(live)}
        assert (manager in {owner.name for owner in managers_of(live)}) == bool(data)
        owned = {path[1][2:] for owner in managers_of(live) for path in owner.fields}
        assert owned == set(live.get("data", {}))


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DATA)
def test_applying_over_http_again_keeps_the_resource_version(api: Any, namespace: str, data: dict[str, str]) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/c"
    first = api.apply(path, config_map(data), "one", force=True)
    assert api.apply(path, config_map(data), "one").body == first.body


def test_another_managers_field_is_a_conflict_that_names_it(api: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/c"
    assert api.apply(path, config_map({"k": "1"}), "one").status == 201
    answer = api.apply(path, config_map({"k": "2"}), "two")
    assert answer.status == 409
    assert answer.body["message"] == 'Apply failed with 1 conflict: conflict with "one": .data.k'
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.k"}
    assert answer.body["details"]["causes"] == [cause]


def test_force_takes_the_field_and_its_former_owner_loses_it(api: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/c"
    api.apply(path, config_map({"k": "1"}), "one")
    taken = api.apply(path, config_map({"k": "2"}), "two", force=True).body
    assert taken["data"] == {"k": "2"}
    assert [entry["manager"] for entry in taken["metadata"]["managedFields"]] == ["two"]


def test_a_field_no_longer_applied_goes_but_not_what_others_own(api: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/c"
    api.apply(path, config_map({"mine": "1", "ours": "1"}), "one")
    api.apply(path, config_map({"ours": "1"}), "two")
    assert api.apply(path, config_map({}), "one").body["data"] == {"ours": "1"}


def test_a_dry_run_shows_the_result_and_stores_nothing(api: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/c"
    assert api.apply(path, config_map({"k": "1"}), "one", query="&dryRun=All").status == 201
    assert api.call("GET", path).status == 404


def test_an_unknown_field_cannot_be_applied(api: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/c"
    answer = api.apply(path, {**config_map({}), "dataz": {"k": "1"}}, "one")
    assert answer.status == 500
    assert ".dataz: field not declared in schema" in answer.body["message"]
