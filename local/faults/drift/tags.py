"""Tags that an organization demands, taken away or given another value behind the program's back."""

from collections.abc import Callable
from typing import Any

from local.faults.drift.change import Change, calls, demanded_tag, gone
from local.faults.drift.cluster import ACCESS, CLUSTER, LOG_GROUP, cluster, log_group, person
from local.faults.drift.fargate import ADDON, PROFILE, addon, profile
from local.faults.drift.file_system import ACCESS_POINT, FILE_SYSTEM, access_point_id
from local.faults.drift.identities import entry_of
from local.faults.drift.network import GROUP, STACK, group_id, stack
from local.faults.scene import Scene

OTHER = "changed-by-hand"


def eks(of: Callable[[Scene], Any], act: str) -> Callable[[Scene], None]:
    """`act`: remove it, change it, or put it back as it was."""

    def do(scene: Scene) -> None:
        client, arn, tag = scene.client("eks"), of(scene).arn, demanded_tag(scene)
        if act == "remove":
            client.untag_resource(resourceArn=arn, tagKeys=[tag])
        else:
            client.tag_resource(resourceArn=arn, tags={tag: OTHER if act == "change" else scene.tags[tag]})

    return do


def efs(of: Callable[[Scene], str], act: str) -> Callable[[Scene], None]:
    def do(scene: Scene) -> None:
        client, tag = scene.client("efs"), demanded_tag(scene)
        if act == "remove":
            client.untag_resource(ResourceId=of(scene), TagKeys=[tag])
        else:
            value = OTHER if act == "change" else scene.tags[tag]
            client.tag_resource(ResourceId=of(scene), Tags=[{"Key": tag, "Value": value}])

    return do


def file_system_id(scene: Scene) -> str:
    return scene.file_system_id


def untag_logs(scene: Scene) -> None:
    scene.client("logs").untag_resource(resourceArn=log_group_arn(scene), tagKeys=[demanded_tag(scene)])


def tag_logs(scene: Scene) -> None:
    tag = demanded_tag(scene)
    scene.client("logs").tag_resource(resourceArn=log_group_arn(scene), tags={tag: scene.tags[tag]})


def log_group_arn(scene: Scene) -> str:
    (group,) = scene.client("logs").describe_log_groups(logGroupNamePrefix=log_group(scene))["logGroups"]
    return str(group["arn"]).removesuffix(":*")


def untag_group(scene: Scene) -> None:
    scene.client("ec2").delete_tags(Resources=[group_id(scene)], Tags=[{"Key": demanded_tag(scene)}])


def tag_group(scene: Scene) -> None:
    tag = demanded_tag(scene)
    scene.client("ec2").create_tags(Resources=[group_id(scene)], Tags=[{"Key": tag, "Value": scene.tags[tag]}])


def _change(name: str, resource: str, make: Callable[[str], Callable[[Scene], None]], act: str, part: str) -> Change:
    done = "lost the tag that the organization demands" if act == "remove" else "got another value of the demanded tag"
    undone = calls(make(act), make("put back"))
    return Change(name, f"something has {done}", "ownership.TAG", resource, "tags.{tag}", undone, part)


CHANGES = (
    _change("cluster-untagged", CLUSTER, lambda act: eks(cluster, act), "remove", "cluster"),
    _change("profile-retagged", PROFILE, lambda act: eks(profile, act), "change", "profile"),
    _change("coredns-untagged", ADDON, lambda act: eks(addon, act), "remove", "add-on"),
    _change("entry-untagged", ACCESS + "{person}", lambda act: eks(entry_of(person), act), "remove", "person"),
    _change("file-system-retagged", FILE_SYSTEM, lambda act: efs(file_system_id, act), "change", "file system"),
    _change("access-point-untagged", ACCESS_POINT, lambda act: efs(access_point_id, act), "remove", "access point"),
    Change(
        "security-group-untagged",
        "the security group has lost the tag that the organization demands",
        "ownership.TAG",
        GROUP,
        "tags.{tag}",
        calls(untag_group, tag_group),
        "security group",
    ),
    Change(
        "logs-untagged",
        "the control plane's log group has lost the tag that the organization demands",
        "ownership.TAG",
        LOG_GROUP,
        "tags.{tag}",
        calls(untag_logs, tag_logs),
        "logs",
    ),
    Change(
        "stack-untagged",
        "the network's stack has lost the tag that the organization demands",
        "network_drift.STACK_TAG",
        STACK,
        "tags.{tag}",
        gone(lambda scene: stack(scene).tags, demanded_tag),
        "stack",
    ),
)
