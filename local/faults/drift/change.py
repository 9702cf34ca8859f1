"""What a change behind the program's back is, and what it may need to be made and undone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.hooks import Undo
from local.faults.scene import Scene

Make = Callable[[Scene], Undo]
"""Makes the change; the returned function undoes it."""


@dataclass(frozen=True)
class Change:
    """Something that somebody, or AWS, does to a proven cluster. `kind` is what an inspection must make of it: the
    module and the name of a provisioner.difference.DriftKind.

    `resource` and `path` are those of the one difference that it is: with {names} that `names_of` knows, and * for
    what only the change itself decides.
    """

    name: str
    description: str
    kind: str
    resource: str
    path: str
    make: Make
    part: str
    """Changes of one part get in each other's way."""
    settle: Callable[[Scene], object] | None = None
    """Of what a run waits for: AWS, or whoever is at work on it, has finished."""
    is_alone: bool = False
    """It hides other changes, or takes with it what they would be of."""
    of_kubernetes: bool = False
    """Kubernetes itself has a say in it."""
    in_existing_network: bool = False
    """Can only be met by a cluster in somebody else's network."""
    in_peered_network: bool = False
    """Can only be met by a cluster whose file system is in a peered network."""
    of_a_lender: bool = False
    """Can only be met by a cluster whose file system another account lends."""
    behind_private_endpoint: bool = False
    """Can only be met by a cluster with a private endpoint, and functions in a VPC."""
    by_pods: bool = False
    """Only a check with pods meets it."""
    of_fleet: bool = False
    """Only a check of the fleet meets it, in an organization."""
    under_a_boundary: bool = False
    """Can only be met where an organization demands a permissions boundary."""

    @property
    def is_everywhere(self) -> bool:
        """It can be met by a cluster in a network of its own."""
        elsewhere = self.in_existing_network or self.in_peered_network or self.of_a_lender
        return not (elsewhere or self.behind_private_endpoint or self.under_a_boundary or self.of_fleet)


def names_of(scene: Scene) -> dict[str, str]:
    """The names of what belongs to a cluster: asked for before a change, for afterwards they may lead nowhere."""
    vpc_id, name = scene.vpc_id, scene.cluster_name
    subnet = scene.payload["network"]["private_subnets"][0]
    roles = f"arn:aws:iam::{scene.request['account_id']}:role/eks-efs-provisioner"
    return {
        "cluster": name,
        "tag": demanded_tag(scene),
        "stack": f"eks-efs-provisioner-{name}-network",
        "nat_stack": f"eks-efs-provisioner-{name}-nat",
        "vpc": vpc_id,
        "mounts_vpc": scene.mounts_vpc_id,
        "subnet": subnet["subnet_id"],
        "cidr": subnet["cidr"],
        "zone": subnet["availability_zone_id"],
        "group": group_of(scene),
        "lender": scene.lender or "",
        "file_system": scene.file_system_id,
        "access_point": scene.access_point_id,
        "provisioner": f"{roles}-provisioner",
        "inspector": f"{roles}-inspector",
        "pods": f"{roles}-fargate-pods",
        "person": "".join(scene.request["cluster"]["admin_principal_arns"]),
        **{name: scene.storage[name] for name in ("namespace", "storage_class", "persistent_volume", "claim")},
    }


def group_of(scene: Scene) -> str:
    """The mount targets' group: ours, or the lender's."""
    ec2, group_name = scene.mounts_client("ec2"), f"{scene.cluster_name}-efs"
    if scene.lender:
        group_name = f"nfs-{scene.mounts_vpc_id}"
    here = [{"Name": "vpc-id", "Values": [scene.mounts_vpc_id]}, {"Name": "group-name", "Values": [group_name]}]
    (group,) = ec2.describe_security_groups(Filters=here)["SecurityGroups"]
    return str(group["GroupId"])


def demanded_tag(scene: Scene) -> str:
    """One that the request asks for besides the owner's; "" when it asks for none."""
    return next(iter(scene.request["tags"]), "")


def calls(make: Callable[[Scene], object], undo: Callable[[Scene], object]) -> Make:
    """Two functions of the scene: one to make the change, one to undo it."""

    def make_it(scene: Scene) -> Undo:
        make(scene)

        def undo_it() -> None:
            undo(scene)

        return undo_it

    return make_it


def final(make: Callable[[Scene], object]) -> Make:
    """Only a run can bring back what it removes."""
    return calls(make, lambda _scene: None)


def state(target: Callable[[Scene], Any], **values: Any) -> Make:
    """What no call of a person does and AWS may: attributes of what the embedded cloud remembers."""

    def make_it(scene: Scene) -> Undo:
        found = target(scene)
        before = {name: getattr(found, name) for name in values}
        _set(found, values)
        return lambda: _set(found, before)

    return make_it


def becomes(target: Callable[[Scene], Any], **values: Any) -> Callable[[Scene], None]:
    """As `state`, and stays so."""
    return lambda scene: _set(target(scene), values)


def item(holder: Callable[[Scene], dict[str, Any]], **values: Any) -> Make:
    """As `state`, of a dictionary."""

    def make_it(scene: Scene) -> Undo:
        found = holder(scene)
        before = {name: found[name] for name in values}
        found.update(values)
        return lambda: found.update(before)

    return make_it


def gone(holder: Callable[[Scene], dict[str, Any]], key: Callable[[Scene], str]) -> Make:
    """It is no longer there, with all that went before it; undone, it is the same one again."""

    def make_it(scene: Scene) -> Undo:
        found, name = holder(scene), key(scene)
        removed = found.pop(name)
        return lambda: found.update({name: removed})

    return make_it


def _set(target: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(target, name, value)
