"""Two hundred and more ways to get one field of a request wrong, for hypothesis."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FULL = Path(__file__).parents[3] / "events/full.json"
EXISTING = {"vpc_id": "vpc-0123456789abcdef0", "private_subnet_ids": ["subnet-01234567", "subnet-89abcdef"]}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def of_type(*types: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in types


def a_string(value: Any) -> bool:
    return isinstance(value, str)


def a_whole_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


# Which JSON types a field admits; all other values are wrong there, whatever they are.
TYPES: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        [
            "account_id",
            "region",
            "mode",
            "on_failure",
            "cluster.name",
            "cluster.endpoint_access",
            "network.cidr",
            "network.nat",
            "file_system.throughput_mode",
            "storage.namespace",
            "storage.storage_class",
            "storage.persistent_volume",
            "storage.claim",
            "storage.capacity",
            "storage.access_mode",
            "storage.reclaim_policy",
            "storage.access_point.path",
            "storage.access_point.permissions",
            "verification.image",
            "cluster.public_access_cidrs.0",
            "cluster.admin_principal_arns.0",
            "cluster.control_plane_logs.1",
            "tags.team",
        ],
        a_string,
    ),
    **dict.fromkeys(
        ["cluster.version", "cluster.secrets_key_arn", "file_system.kms_key_arn", "file_system.transition_to_ia"],
        of_type(str, type(None)),
    ),
    **dict.fromkeys(
        [
            "network.availability_zones",
            "storage.access_point.uid",
            "storage.access_point.gid",
            "verification.writers",
            "verification.lines_per_writer",
            "verification.timeout_seconds",
        ],
        a_whole_number,
    ),
    "file_system.backup": of_type(bool),
    **dict.fromkeys(
        [
            "cluster.public_access_cidrs",
            "cluster.admin_principal_arns",
            "cluster.control_plane_logs",
            "storage.volumes",
        ],
        of_type(list),
    ),
    **dict.fromkeys(["cluster", "network", "file_system", "storage", "verification", "tags"], of_type(dict)),
    "storage.access_point": of_type(dict, type(None)),
}
# Values of the right type that are wrong all the same.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "account_id": st.text("0123456789", max_size=11) | st.text("0123456789", min_size=13) | st.just("x" * 12),
    "region": st.text(max_size=12) | st.just("us-east-9"),
    "mode": st.text(max_size=8).filter(lambda text: text not in ("apply", "plan")),
    "on_failure": st.just("rollback") | st.text(max_size=3),
    "cluster.name": st.text("a", min_size=101) | st.text("-_. /", min_size=1) | st.sampled_from(["", "sg-web"]),
    "cluster.version": st.text("0123456789.", max_size=3) | st.from_regex(r"\A[2-9]\.[0-9]{2}\Z"),
    "cluster.endpoint_access": st.text(max_size=5),
    "cluster.public_access_cidrs": st.just([]) | st.integers(2, 41).map(lambda count: ["192.0.2.0/24"] * count),
    "cluster.public_access_cidrs.0": st.ip_addresses().map(str) | st.ip_addresses(v=6).map(lambda ip: f"{ip}/128"),
    "cluster.admin_principal_arns.0": st.text(max_size=30) | st.just("arn:aws:iam::111122223333:group/x"),
    "cluster.secrets_key_arn": st.text(max_size=30) | st.just("arn:aws:kms:ap-northeast-1:111122223333:alias/x"),
    "cluster.control_plane_logs.1": st.text(max_size=5),
    "network.cidr": st.text(max_size=12)
    | st.sampled_from([*range(0, 16), *range(25, 33)]).map(lambda length: f"10.0.0.0/{length}")
    | st.integers(11, 126).map(lambda first: f"{first}.0.0.0/16"),
    "network.availability_zones": st.integers(max_value=1) | st.integers(min_value=4),
    "network.nat": st.text(max_size=5),
    "file_system.throughput_mode": st.text(max_size=5),
    "file_system.kms_key_arn": st.just("arn:aws:kms:us-east-1:111122223333:key/1234abcd"),
    "file_system.transition_to_ia": st.integers(2, 6).map(lambda days: f"AFTER_{days}_DAYS"),
    "storage.namespace": st.text("A_.", min_size=1) | st.text("a", min_size=64) | st.just("-a"),
    "storage.storage_class": st.text("A_", min_size=1) | st.text("a", min_size=254),
    "storage.persistent_volume": st.text("A_", min_size=1) | st.just("a."),
    "storage.claim": st.text("A_", min_size=1) | st.just(""),
    "storage.capacity": st.text("KMGTibB-", max_size=4) | st.integers(max_value=0).map(str) | st.just("5GB"),
    "storage.access_mode": st.text(max_size=5) | st.just("ReadOnlyMany"),
    "storage.reclaim_policy": st.text(max_size=5) | st.just("Recycle"),
    "storage.access_point.permissions": st.text("0123456", max_size=5) | st.sampled_from(["0855", "rwx", "07550"]),
    "storage.access_point.uid": st.integers(max_value=-1) | st.integers(min_value=2**32),
    "storage.access_point.gid": st.integers(max_value=-1) | st.integers(min_value=2**32),
    "storage.access_point.path": st.text("abc", max_size=9) | st.text("a", min_size=100).map(lambda name: f"/{name}"),
    "verification.image": st.text("A :", min_size=1) | st.just("") | st.just("busybox:"),
    "verification.writers": st.integers(max_value=0) | st.integers(min_value=21),
    "verification.lines_per_writer": st.integers(max_value=0) | st.integers(min_value=1001),
    "verification.timeout_seconds": st.integers(max_value=59) | st.integers(min_value=3601),
    "tags.team": st.text("a", min_size=257) | st.just("AWS:x") | st.just("a;b"),
}
OBJECTS = ["", "cluster", "network", "file_system", "storage", "storage.access_point", "verification"]
REQUIRED = [f"storage.access_point.{name}" for name in ("uid", "gid", "path")]


def parent_of(request: Any, path: str) -> tuple[Any, Any]:
    """The object or list that holds the field at `path`, and the field's key in it."""
    *before, name = path.split(".")
    for part in before:
        request = request[part]
    return (request, int(name)) if isinstance(request, list) else (request, name)


@st.composite
def bad_requests(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """A good request with one thing wrong, and the path of that thing."""
    request = json.loads(FULL.read_text())
    match draw(st.sampled_from(["type", "value", "value", "unknown field", "required", "network form", "tag key"])):
        case "type":
            path, admits = draw(st.sampled_from(list(TYPES.items())))
            wrong = draw(json_values.filter(lambda value: not admits(value)))
        case "value":
            path, values = draw(st.sampled_from(list(VALUES.items())))
            wrong = draw(values)
        case "unknown field":
            where = draw(st.sampled_from(OBJECTS))
            name = draw(st.from_regex(r"\A[a-z_]{1,12}\Z").map(lambda text: f"x_{text}"))
            path, wrong = f"{where}.{name}".lstrip("."), draw(json_values)
        case "required":
            path = draw(st.sampled_from(REQUIRED))
            parent, key = parent_of(request, path)
            del parent[key]
            return request, path
        case "network form":
            path, wrong = draw(st.sampled_from(["network.cidr", "network.nat"])), "10.0.0.0/16"
            request["network"] = dict(EXISTING)
        case _:
            key = draw(st.sampled_from(["aws:", "AWS:", "eks-efs-provisioner/"])) + draw(st.text("abc", max_size=9))
            request["tags"][key] = "x"
            return request, f"tags.{key}"
    parent, key = parent_of(request, path)
    parent[key] = wrong
    return request, path
