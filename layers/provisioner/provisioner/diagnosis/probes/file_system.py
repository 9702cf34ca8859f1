"""The file system itself: mount targets by zone, states, policy, access point, and the handle that names it."""

from collections.abc import Iterable

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding
from provisioner.kubernetes.storage_objects import address_in
from provisioner.resources.mount_policy import decide
from provisioner.volumes import normal


def missing_mount_targets(live: Live, _text: str) -> Finding:
    """Zones of the pods without a mount target."""
    name = _file_system_id(live)
    if not live.file_system.exists(name):
        return Finding.refuted(f"mount targets of {name}", f"{name} does not exist, so it can have none")
    present = live.file_system.mount_targets
    if address := live.file_system.address:
        return Finding.refuted(f"mount targets of {name}", f"pods of all zones mount {address}")
    missing: dict[str, str] = {}
    for subnet in live.network.pod_subnets:
        if subnet.availability_zone_id not in present:
            missing.setdefault(subnet.availability_zone_id, subnet.subnet_id)
    looked_at = f"mount targets of {name} against the zones of the pod subnets"
    listed = _listed(f"{each['MountTargetId']} in {zone_id}" for zone_id, each in present.items()) or "none"
    if not missing:
        return Finding.refuted(looked_at, f"every zone has one: {listed}")
    wanted = _listed(f"{zone_id} ({subnet_id})" for zone_id, subnet_id in missing.items())
    return Finding.proved(
        looked_at, f"none in {wanted}; there are: {listed}", the_file_system=name, the_zones_of_the_pods=wanted
    )


def unready_mount_targets(live: Live, _text: str) -> Finding:
    """Mount targets that are creating, updating or deleting."""
    unready = {
        each["MountTargetId"]: f"{each['LifeCycleState']} in {each.get('AvailabilityZoneId')}"
        for each in live.file_system.mount_targets.values()
        if each["LifeCycleState"] not in ("available", "error")
    }
    looked_at = f"LifeCycleState of the mount targets of {_file_system_id(live)}"
    if not unready:
        return Finding.refuted(looked_at, "none is on its way")
    saw = "; ".join(f"{each} is {state}" for each, state in unready.items())
    return Finding.proved(looked_at, saw, the_mount_targets=_listed(unready))


def failed_mount_targets(live: Live, _text: str) -> Finding:
    """Mount targets in the state error."""
    failed = {
        each["MountTargetId"]: each["SubnetId"]
        for each in live.file_system.mount_targets.values()
        if each["LifeCycleState"] == "error"
    }
    looked_at = f"LifeCycleState of the mount targets of {_file_system_id(live)}"
    if not failed:
        return Finding.refuted(looked_at, "none is in the state error")
    saw = "; ".join(f"{each} in {subnet_id} is in the state error" for each, subnet_id in failed.items())
    return Finding.proved(looked_at, saw, the_mount_targets=_listed(failed))


def state(live: Live, _text: str) -> Finding:
    """The request's own file system."""
    own = live.file_system.own
    if own is None:
        return Finding.refuted("the file system of the request", "there is none")
    looked_at, seen = f"LifeCycleState of {own['FileSystemId']}", own["LifeCycleState"]
    if seen != "error":
        return Finding.refuted(looked_at, f"it is {seen}")
    return Finding.proved(looked_at, "it is in the state error", the_file_system=own["FileSystemId"])


def volume_handle_form(live: Live, _text: str) -> Finding:
    """The live PersistentVolume's volumeHandle."""
    handle = live.file_system.handle
    looked_at = f"volumeHandle of PersistentVolume {live.request.storage.persistent_volume}"
    if handle is None:
        return Finding.refuted(looked_at, "there is no such PersistentVolume")
    if handle.startswith("fs-"):
        return Finding.refuted(looked_at, f"it is {handle}, the bare form")
    return Finding.proved(
        looked_at,
        f"it is {handle}, and Fargate takes only fs-… or fs-…::fsap-…",
        the_PersistentVolume=live.request.storage.persistent_volume,
        the_bare_form=_bare(handle) or "fs-…",
    )


def wrong_file_system(live: Live, _text: str) -> Finding:
    """The PersistentVolume names a file system that is not there, or not the one of this cluster."""
    volume = live.request.storage.persistent_volume
    looked_at = f"the file system that PersistentVolume {volume} names"
    mounted, own = live.file_system.mounted, live.file_system.own
    if not (live.file_system.handle or "").startswith("fs-") or mounted is None:
        return Finding.refuted(looked_at, f"it names none in a form that can be mounted: {live.file_system.handle}")
    ids = {"the_PersistentVolume": volume, "the_file_system": own["FileSystemId"] if own else "the file system"}
    if not live.file_system.exists(mounted.file_system_id):
        return Finding.proved(looked_at, f"{mounted.file_system_id} does not exist", **ids)
    if own is not None and own["FileSystemId"] != mounted.file_system_id:
        return Finding.proved(
            looked_at, f"{mounted.file_system_id} is not {own['FileSystemId']}, the one of this cluster", **ids
        )
    return Finding.refuted(looked_at, f"{mounted.file_system_id} exists and is the one of this cluster")


def mount_target_address(live: Live, _text: str) -> Finding:
    """An address in the live PersistentVolume against those of the mount targets."""
    name, address = live.request.storage.persistent_volume, address_in(live.objects.volume)
    looked_at = f"volumeAttributes.mounttargetip of PersistentVolume {name}"
    if address is None:
        return Finding.refuted(looked_at, "it is not set: the name of the file system is used")
    real = sorted(each["IpAddress"] for each in live.file_system.mount_targets.values() if "IpAddress" in each)
    if address in real:
        return Finding.refuted(looked_at, f"{address} is a mount target's")
    return Finding.proved(
        looked_at,
        f"it is {address}; the mount targets have {_listed(real) or 'no address'}",
        the_PersistentVolume=name,
        an_address_of_a_mount_target=" or ".join(real) or "an address of a mount target",
    )


def mount_policy(live: Live, _text: str) -> Finding:
    """Whether the policy lets a client without an IAM identity mount, over TLS and through a mount target."""
    return _policy(live, ["ClientMount"])


def write_policy(live: Live, _text: str) -> Finding:
    """Whether the policy lets such a client write, and be root, where it may mount at all."""
    found = _policy(live, ["ClientWrite", "ClientRootAccess"])
    if found.verdict == "proved" and _policy(live, ["ClientMount"]).verdict == "proved":
        return Finding.possible(found.looked_at, f"{found.saw}; but it lets nobody mount, which comes first")
    return found


def _policy(live: Live, actions: list[str]) -> Finding:
    name = _file_system_id(live)
    access_point = live.file_system.access_point
    arn = access_point["AccessPointArn"] if access_point else ""
    if access_point is not None and access_point.get("PosixUser") and "ClientRootAccess" in actions:
        actions = [each for each in actions if each != "ClientRootAccess"]  # everybody is the access point's user
    decisions = {action: decide(live.file_system.policy, action, arn) for action in actions}
    looked_at = f"policy of {name}: {' and '.join(actions)} without an IAM identity, over TLS, through a mount target"
    saw = "; ".join(dict.fromkeys(each.because for each in decisions.values()))
    refused = [action for action, decision in decisions.items() if decision.effect == "denied"]
    lender = live.request.lender
    who = f"account {lender} has to" if lender else "Ensure file system does so in a new run"
    if refused:
        wanted = " and ".join(f"elasticfilesystem:{action}" for action in refused)
        return Finding.proved(looked_at, saw, the_actions=wanted, the_file_system=name, who_does_so=who)
    if any(decision.effect == "undecided" for decision in decisions.values()):
        return Finding.possible(looked_at, saw, the_file_system=name, who_does_so=who)
    return Finding.refuted(looked_at, saw)


def access_point(live: Live, _text: str) -> Finding:
    """Whether the access point that the live PersistentVolume names exists, is available and is of that file system."""
    mounted = live.file_system.mounted
    if mounted is None or not mounted.access_point_id:
        return Finding.refuted("the access point that the PersistentVolume names", "it names none")
    looked_at, found = f"access point {mounted.access_point_id}", live.file_system.access_point
    ids = {"the_access_point": mounted.access_point_id, "the_file_system": mounted.file_system_id}
    if found is None:
        return Finding.proved(looked_at, "it does not exist", **ids)
    if found["FileSystemId"] != mounted.file_system_id:
        return Finding.proved(looked_at, f"it belongs to {found['FileSystemId']}, not {mounted.file_system_id}", **ids)
    if found["LifeCycleState"] != "available":
        return Finding.proved(looked_at, f"it is {found['LifeCycleState']}", **ids)
    return Finding.refuted(looked_at, f"it is available and belongs to {mounted.file_system_id}")


def shown_directory(live: Live, _text: str) -> Finding:
    """The directory that the live PersistentVolume shows, against the one that its access point was to have."""
    storage, mounted, found = live.request.storage, live.file_system.mounted, live.file_system.access_point
    looked_at = f"the directory that PersistentVolume {storage.persistent_volume} shows"
    if storage.access_point is None:
        return Finding.refuted(looked_at, "no access point was asked for: it is to show the root")
    if mounted is None or (mounted.access_point_id and found is None):
        return Finding.refuted(looked_at, f"it shows none: {live.file_system.handle}")
    root = str((found.get("RootDirectory") or {}).get("Path", "/")) if found else "/"
    shown = normal(f"{root}/{mounted.path}")
    if shown == normal(storage.access_point.path):
        return Finding.refuted(looked_at, f"it is {shown}, as asked for")
    return Finding.proved(
        looked_at,
        f"it is {shown}, not {storage.access_point.path}: its volumeHandle is {live.file_system.handle}",
        the_PersistentVolume=storage.persistent_volume,
        the_directory=storage.access_point.path,
        the_directory_that_they_saw=shown,
    )


def directory(live: Live, text: str) -> Finding:
    """Directories cannot be listed from here. Without CreationInfo nobody makes one, so the server's answer decides."""
    mounted, found = live.file_system.mounted, live.file_system.access_point
    if mounted is not None and mounted.path not in ("", "/"):
        looked_at, where = f"the path in the volumeHandle {live.file_system.handle}", mounted.path
        saw = f"{where} is not made by mounting"
    elif found is None:
        return Finding.refuted("the directory that is mounted", "it is the root, which is always there")
    else:
        root = found.get("RootDirectory") or {}
        where = str(root.get("Path", "/"))
        looked_at = f"root directory of {found['AccessPointId']}"
        if where == "/" or root.get("CreationInfo"):
            return Finding.refuted(looked_at, f"it is {where}, and EFS makes it where it is missing")
        saw = f"it is {where} without CreationInfo, so EFS does not make it"
    ids = {"the_directory": where, "the_file_system": _file_system_id(live)}
    if "No such file or directory" in text:
        return Finding.proved(looked_at, f"{saw}; the server said: No such file or directory", **ids)
    if "access denied by server" in text and mount_policy(live, text).verdict == "refuted":
        return Finding.proved(looked_at, f"{saw}; the policy allows the mount, and the server denied it", **ids)
    return Finding.possible(looked_at, f"{saw}; whether it exists only a mount can tell", **ids)


def access_point_user(live: Live, _text: str) -> Finding:
    """Who the pods are on the file system, against who may write there; pods of the verification are root."""
    found = live.file_system.access_point
    if found is None:
        users = {_run_as(pod) for pod in live.objects.pods} - {None, 0}
        looked_at = "access point and pods' users"
        if live.request.storage.access_point is not None:
            return Finding.refuted(looked_at, "there is no access point for the pods to be anybody on")
        if not users:
            return Finding.refuted(looked_at, "no access point, and no pod of the run runs as another user than root")
        return Finding.proved(
            looked_at,
            f"pods run as uid {_listed(users)} without an access point, and the root directory belongs to root",
            the_user_of_the_pods=f"uid {_listed(users)}",
        )
    access_point = found["AccessPointId"]
    looked_at = f"user and directory owner of {access_point}"
    user, owner = found.get("PosixUser"), (found.get("RootDirectory") or {}).get("CreationInfo")
    if user is None:
        return Finding.refuted(looked_at, "it sets no user")
    uid, gid = user["Uid"], user["Gid"]
    ids = {"the_user_of_the_pods": f"uid {uid} and gid {gid}"}
    if owner is None:
        saw = f"{access_point} is for {uid}:{gid}; the owner of its directory is not told"
        return Finding.refuted(looked_at, saw) if uid == 0 else Finding.possible(looked_at, saw, **ids)
    mode = int(str(owner["Permissions"]), 8)
    writable = (
        uid in (0, owner["OwnerUid"] if mode & 0o200 else 0)
        or (gid == owner["OwnerGid"] and mode & 0o020)
        or mode & 0o002
    )
    made = f"its directory is made for {owner['OwnerUid']}:{owner['OwnerGid']} with mode {owner['Permissions']}"
    if writable:
        return Finding.refuted(looked_at, f"{access_point} is for {uid}:{gid}, who may write: {made}")
    return Finding.proved(looked_at, f"{access_point} is for {uid}:{gid}, who may not write: {made}", **ids)


def _run_as(pod: dict[str, object]) -> int | None:
    spec = pod.get("spec")
    context = spec.get("securityContext") if isinstance(spec, dict) else None
    user = context.get("runAsUser") if isinstance(context, dict) else None
    return user if isinstance(user, int) else None


def _bare(handle: str) -> str:
    return handle[handle.find("fs-") :] if "fs-" in handle else ""


def _file_system_id(live: Live) -> str:
    mounted = live.file_system.mounted
    return mounted.file_system_id if mounted else "the file system"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(str(each) for each in values))
